"""The VAT engine case by case: rate and reason of each line (R30-R34), and what must be certified (R33)."""

import pytest

from maillage_hooks.types import EmergencyGround, LineKind
from maillage_kit.money import Money
from maillage_tenants.customers import PremisesUse
from maillage_tenants.quotes.vat import (
    WORDING,
    Premises,
    TaxedItem,
    VatDecision,
    VatReason,
    certification_text,
    decide,
    needs_certification,
)

RECENT = Premises(PremisesUse.DWELLING, over_two_years=False, certified=False)
OLD = Premises(PremisesUse.DWELLING, over_two_years=True, certified=True)
OLD_UNCERTIFIED = Premises(PremisesUse.DWELLING, over_two_years=True, certified=False)
SHOP = Premises(PremisesUse.BUSINESS, over_two_years=True, certified=True)
MIXED = Premises(PremisesUse.MIXED, over_two_years=True, certified=True)
AGE_UNKNOWN = Premises(PremisesUse.DWELLING, over_two_years=None, certified=True)
UNKNOWN = Premises(None, over_two_years=True, certified=True)
LEAK, KEYS = EmergencyGround.WATER_LEAK, EmergencyGround.LOST_KEYS


def item(
    kind: LineKind = LineKind.LABOUR, ground: EmergencyGround | None = None, *, net: int = 100, boiler: bool = False
) -> TaxedItem:
    return TaxedItem(kind, Money.euros(net), ground, boiler)


@pytest.mark.parametrize(
    ("premises", "taxed", "rate", "reason"),
    [
        pytest.param(RECENT, item(ground=LEAK), 1000, VatReason.EMERGENCY_WATER_LEAK, id="leak, one-year-old house"),
        pytest.param(RECENT, item(LineKind.LUMP_SUM), 2000, VatReason.DWELLING_RECENT, id="slammed door, one year old"),
        pytest.param(OLD, item(LineKind.LUMP_SUM), 1000, VatReason.DWELLING_OVER_TWO_YEARS, id="slammed door, old"),
        pytest.param(RECENT, item(ground=KEYS), 1000, VatReason.EMERGENCY_LOST_KEYS, id="lost keys, recent house"),
        pytest.param(SHOP, item(ground=EmergencyGround.BREAK_IN), 2000, VatReason.NOT_A_DWELLING, id="shop window"),
        pytest.param(OLD, item(LineKind.PART, boiler=True), 2000, VatReason.FOSSIL_BOILER, id="gas boiler"),
        pytest.param(
            OLD, item(LineKind.PART, LEAK, boiler=True), 2000, VatReason.FOSSIL_BOILER, id="gas boiler after a leak"
        ),
        pytest.param(RECENT, item(LineKind.TRAVEL), 2000, VatReason.TRAVEL_ALONE, id="customer absent: travel only"),
        pytest.param(OLD, item(LineKind.TRAVEL), 2000, VatReason.TRAVEL_ALONE, id="travel only, old and certified"),
        pytest.param(OLD, item(LineKind.DIAGNOSIS), 2000, VatReason.TRAVEL_ALONE, id="diagnosis only"),
        pytest.param(SHOP, item(LineKind.TRAVEL), 2000, VatReason.NOT_A_DWELLING, id="travel only to a shop"),
        pytest.param(OLD_UNCERTIFIED, item(), 2000, VatReason.DWELLING_NOT_CERTIFIED, id="old, not certified"),
        pytest.param(
            OLD_UNCERTIFIED, item(ground=LEAK), 1000, VatReason.EMERGENCY_WATER_LEAK, id="leak: no certificate"
        ),
        pytest.param(AGE_UNKNOWN, item(), 2000, VatReason.DWELLING_AGE_UNKNOWN, id="age not declared"),
        pytest.param(AGE_UNKNOWN, item(ground=LEAK), 1000, VatReason.EMERGENCY_WATER_LEAK, id="leak, age not declared"),
        pytest.param(MIXED, item(), 2000, VatReason.MIXED_USE, id="mixed use"),
        pytest.param(UNKNOWN, item(ground=LEAK), 2000, VatReason.PREMISES_UNKNOWN, id="use not declared"),
    ],
)
def test_rate_and_reason_of_one_line(premises: Premises, taxed: TaxedItem, rate: int, reason: VatReason) -> None:
    assert decide(premises, [taxed]) == [VatDecision(rate, reason)]


def test_travel_follows_the_works_it_is_part_of() -> None:
    decided = decide(RECENT, [item(LineKind.TRAVEL), item(ground=LEAK)])
    assert [line.basis_points for line in decided] == [1000, 1000]
    assert decided[0].reason is VatReason.EMERGENCY_WATER_LEAK


def test_between_two_rates_travel_follows_the_main_works() -> None:
    lines = [item(LineKind.TRAVEL), item(LineKind.PART, net=95), item(LineKind.PART, net=3400, boiler=True)]
    assert [line.basis_points for line in decide(OLD, lines)] == [2000, 1000, 2000]


def test_only_the_age_of_the_dwelling_needs_a_certification() -> None:
    assert needs_certification([line.reason for line in decide(OLD, [item()])])
    assert not needs_certification([line.reason for line in decide(OLD, [item(ground=LEAK)])])
    assert not needs_certification([line.reason for line in decide(SHOP, [item()])])


def test_every_ground_and_reason_has_its_words() -> None:
    assert set(WORDING) == set(VatReason)
    for ground in EmergencyGround:
        assert decide(RECENT, [item(ground=ground)])[0].basis_points == 1000


def test_the_certification_names_who_and_where() -> None:
    text = certification_text("Jeanne Lefèvre", "3 rue Sadi-Carnot, 27500 Pont-Audemer")
    assert "Jeanne Lefèvre" in text
    assert "27500 Pont-Audemer" in text
    assert "plus de deux ans" in text
