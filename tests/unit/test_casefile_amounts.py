"""What people type on the case page."""

from decimal import Decimal

import pytest

from maillage_kit.money import Money
from maillage_tenants.casefile.routes_actions import amount_of, quantities_of


@pytest.mark.parametrize(
    ("typed", "cents"),
    [("128,50", 12850), ("1 280 €", 128000), ("0,05", 5), ("1\u202f280,5", 128050), ("12.30", 1230)],
)
def test_amounts(typed: str, cents: int) -> None:
    assert amount_of(typed) == Money(cents)


@pytest.mark.parametrize("typed", ["", "0", "-5", "12,345", "abc", "1e5", "99999999"])
def test_what_is_not_an_amount(typed: str) -> None:
    assert amount_of(typed) is None


def test_quantities_and_the_item_added() -> None:
    form = {"qty_travel": "1", "qty_labour": "1,25", "qty_part": "", "add_code": "valve", "add_quantity": "2", "x": "9"}
    assert quantities_of(form) == {"travel": Decimal(1), "labour": Decimal("1.25"), "valve": Decimal(2)}
    for wrong in ("-1", "1000", "abc", "NaN", "Infinity"):
        assert quantities_of({"qty_labour": wrong}) is None
