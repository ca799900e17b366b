"""What a price grid must hold and what is announced from it: R2's six items, the single highest surcharge (R89)."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from maillage_hooks.types import LineKind, TariffView, TimeBand
from maillage_kit.money import Money
from maillage_tenants.tariffs import PricedItem, TariffVersion, announcement, announcement_text
from maillage_tenants.tariffs.errors import TariffIncomplete
from maillage_tenants.tariffs.rules import check_grid, percent_text

TRAVEL = PricedItem("T", "Déplacement", LineKind.TRAVEL, "forfait", Money.euros("55"))
LABOUR = PricedItem("L", "Main-d’œuvre", LineKind.LABOUR, "h", Money.euros("64"))
OPENING = PricedItem("O", "Ouverture", LineKind.LUMP_SUM, "forfait", Money.euros("70"))
PART = PricedItem("P", "Joint", LineKind.PART, "pièce", Money.euros("6"))
SURCHARGES = {TimeBand.NIGHT: 5000, TimeBand.SUNDAY: 5000, TimeBand.HOLIDAY: 10_000}


def grid(quote_price: str = "0") -> TariffVersion:
    items = (TRAVEL, LABOUR, OPENING, PART)
    return TariffVersion(
        id=UUID(int=1),
        trade="plumbing",
        version=3,
        valid_from=datetime(2027, 1, 1, tzinfo=UTC),
        valid_to=None,
        view=TariffView(prices={item.code: item.unit_price for item in items}, surcharges=SURCHARGES),
        items=items,
        time_counting="Première heure indivisible, puis par quart d’heure.",
        quote_price=Money.euros(quote_price),
        conditions="Aucune autre.",
    )


def test_the_six_items_of_r2_are_announced_with_vat() -> None:
    said = announcement(grid(), bands=frozenset({TimeBand.DAY}))
    assert [(item["gross_reduced"], item["gross_normal"]) for item in said["labour"]] == [(7040, 7680)]
    assert said["time_counting"].startswith("Première heure")
    assert [item["code"] for item in said["lump_sums"]] == ["O"]
    assert [(item["gross_reduced"], item["gross_normal"]) for item in said["travel"]] == [(6050, 6600)]
    assert said["quote"] == {"gross": 0, "text": "Devis gratuit"}
    assert said["conditions"] == "Aucune autre."
    assert said["tariff"]["version"] == 3


def test_on_a_holiday_night_the_highest_surcharge_applies_alone() -> None:
    said = announcement(grid(), bands=frozenset({TimeBand.NIGHT, TimeBand.HOLIDAY, TimeBand.SUNDAY}))
    assert said["band"] == {"code": "holiday", "label": "jour férié", "basis_points": 10_000}
    assert said["labour"][0]["gross_normal"] == 15_360  # 64 € + 100 % + 20 %


def test_the_spoken_text_says_the_surcharge_and_whether_the_quote_is_free() -> None:
    text = announcement_text(announcement(grid("30"), bands=frozenset({TimeBand.NIGHT})))
    assert "majoration de 50\u00a0% comprise (nuit, de 20 h à 7 h)" in text
    assert "Déplacement : 90,75\u00a0€ ou 99,00\u00a0€ par forfait" in text
    assert "Devis payant : 30,00\u00a0€ TTC" in text
    assert "quart d’heure" in text
    assert "Forfaits : Ouverture 115,50\u00a0€ ou 126,00\u00a0€" in text


@pytest.mark.parametrize(
    ("items", "surcharges", "time_counting", "conditions", "field"),
    [
        ((TRAVEL,), {}, "x", "x", "items"),
        ((LABOUR,), {}, "x", "x", "items"),
        ((LABOUR, TRAVEL, TRAVEL), {}, "x", "x", "items"),
        ((LABOUR, PricedItem("T", "Déplacement", LineKind.TRAVEL, "forfait", Money.zero())), {}, "x", "x", "price_T"),
        ((LABOUR, TRAVEL, PricedItem("P", "Joint", LineKind.PART, "u", Money(-1))), {}, "x", "x", "price_P"),
        ((LABOUR, TRAVEL), {TimeBand.NIGHT: 20_001}, "x", "x", "surcharge_night"),
        ((LABOUR, TRAVEL), {TimeBand.DAY: 100}, "x", "x", "surcharge_day"),
        ((LABOUR, TRAVEL), {}, " ", "x", "time_counting"),
        ((LABOUR, TRAVEL), {}, "x", "", "conditions"),
    ],
)
def test_a_grid_that_cannot_announce_r2_is_refused(items, surcharges, time_counting, conditions, field) -> None:
    with pytest.raises(TariffIncomplete) as refused:
        check_grid(items, surcharges, time_counting=time_counting, quote_price=Money.zero(), conditions=conditions)
    assert field in refused.value.fields


def test_percentages_are_written_the_french_way() -> None:
    assert [percent_text(points) for points in (0, 550, 1000, 5000)] == [
        "0\u00a0%",
        "5,5\u00a0%",
        "10\u00a0%",
        "50\u00a0%",
    ]


@pytest.mark.parametrize(
    ("typed", "cents"), [("128,50", 12_850), (" 1\u202f234.5 € ", 123_450), ("-3", -300), ("0", 0)]
)
def test_an_amount_is_read_as_people_type_it(typed: str, cents: int) -> None:
    assert Money.typed(typed) == Money(cents)


@pytest.mark.parametrize("typed", ["", "douze", "1,234", "1e3", "--1", "1.2.3", "NaN", "9999999999"])
def test_what_is_not_an_amount_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        Money.typed(typed)
