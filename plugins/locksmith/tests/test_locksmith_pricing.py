"""Locksmith quotes: the price follows the lock, the ground follows R31, a slammed door changes no cylinder (R15)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from maillage_hooks.types import EmergencyGround, LineDraft, PricingRequest, TariffView, UrgencyScope
from maillage_kit.money import Money
from maillage_locksmith.pricing import CATALOGUE, PRICING

TARIFF = TariffView({item.code: item.default_price for item in CATALOGUE}, {})


def lines(
    type_code: str, answers: Mapping[str, str] | None = None, parts: Mapping[str, Decimal] | None = None
) -> dict[str, LineDraft]:
    request = PricingRequest(type_code, answers or {}, TARIFF, datetime(2026, 11, 22, 2, tzinfo=UTC), None, parts or {})
    return {line.item_code: line for line in PRICING.lines(request)}


@pytest.mark.parametrize(
    ("lock", "low", "high"),
    [("single", 80, 150), ("unknown", 80, 150), ("multipoint", 150, 250), ("armoured", 200, 400)],
)
def test_an_opening_costs_what_r89_reports(lock: str, low: int, high: int) -> None:
    total = Money.sum(line.unit_price.times(line.quantity) for line in lines("PORTE_CLAQUEE", {"lock": lock}).values())
    assert Money.euros(low) <= total + total.percent(2000) <= Money.euros(high)


@pytest.mark.parametrize(
    ("type_code", "answers", "ground"),
    [
        ("PERTE_CLES", {}, EmergencyGround.LOST_KEYS),
        ("VOL_CLES", {}, EmergencyGround.LOST_KEYS),
        ("EFFRACTION_MISE_EN_SECURITE", {}, EmergencyGround.BREAK_IN),
        ("PORTE_NE_FERME_PLUS", {"after_break_in": "yes"}, EmergencyGround.BREAK_IN),
        ("PORTE_NE_FERME_PLUS", {"after_break_in": "no"}, None),
        ("PORTE_CLAQUEE", {}, None),
        ("PERTE_CLES", {"requester": "bailiff"}, None),
    ],
)
def test_the_ground_is_literally_that_of_r31(
    type_code: str, answers: dict[str, str], ground: EmergencyGround | None
) -> None:
    assert {line.emergency_ground for line in lines(type_code, answers).values()} == {ground}


def test_a_new_cylinder_is_needed_after_a_theft_and_not_behind_a_slammed_door() -> None:
    cylinder = {"SER_CYLINDRE_STANDARD": Decimal(1)}
    assert lines("VOL_CLES", parts=cylinder)["SER_CYLINDRE_STANDARD"].scope is UrgencyScope.STRICTLY_NECESSARY
    assert lines("PORTE_CLAQUEE", parts=cylinder)["SER_CYLINDRE_STANDARD"].scope is UrgencyScope.COMPLEMENTARY


def test_an_armoured_door_is_never_an_emergency() -> None:
    door = lines("EFFRACTION_MISE_EN_SECURITE", parts={"SER_PORTE_BLINDEE": Decimal(1)})["SER_PORTE_BLINDEE"]
    assert door.scope is UrgencyScope.COMPLEMENTARY
    assert not door.surcharged


def test_lost_keys_with_the_door_open_need_a_cylinder_and_no_opening() -> None:
    assert list(lines("PERTE_CLES", {"locked_out": "no"})) == ["SER_DEPLACEMENT", "SER_POSE_CYLINDRE"]
