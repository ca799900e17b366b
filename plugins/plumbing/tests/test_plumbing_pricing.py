"""Plumbing quotes: lines, time counted, scope (R15), ground for VAT (R31), boilers (R30)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from maillage_hooks.types import (
    EmergencyGround,
    LineDraft,
    LineKind,
    PricingRequest,
    TariffView,
    TimeBand,
    UrgencyScope,
)
from maillage_kit.money import Money
from maillage_plumbing.pricing import CATALOGUE, PRICING

TARIFF = TariffView({item.code: item.default_price for item in CATALOGUE}, {TimeBand.NIGHT: 5000})


def lines(
    type_code: str,
    answers: Mapping[str, str] | None = None,
    *,
    minutes: int | None = None,
    parts: Mapping[str, Decimal] | None = None,
) -> dict[str, LineDraft]:
    request = PricingRequest(
        type_code, answers or {}, TARIFF, datetime(2026, 11, 22, 2, tzinfo=UTC), minutes, parts or {}
    )
    return {line.item_code: line for line in PRICING.lines(request)}


def test_a_leak_is_travel_and_labour_of_the_usual_time() -> None:
    quote = lines("FUITE_ACTIVE")
    assert [(line.kind, line.quantity) for line in quote.values()] == [
        (LineKind.TRAVEL, Decimal(1)),
        (LineKind.LABOUR, Decimal(1)),
    ]
    assert all(line.surcharged for line in quote.values())


@pytest.mark.parametrize(
    ("minutes", "hours"), [(5, "1"), (60, "1"), (61, "1.25"), (75, "1.25"), (76, "1.5"), (150, "2.5")]
)
def test_the_first_hour_is_indivisible_then_each_quarter_begun_counts(minutes: int, hours: str) -> None:
    """R2, way of counting time."""
    assert lines("FUITE_ACTIVE", minutes=minutes)["PLO_MAIN_OEUVRE"].quantity == Decimal(hours)


def test_a_leak_has_its_ground_and_a_blocked_sink_has_none() -> None:
    """R31: « plomberie en cas de fuite »."""
    assert {line.emergency_ground for line in lines("FUITE_ACTIVE").values()} == {EmergencyGround.WATER_LEAK}
    assert {line.emergency_ground for line in lines("DEGORGEMENT_EVIER").values()} == {None}
    assert {line.emergency_ground for line in lines("CHAUDIERE_DEFAUT").values()} == {None}


@pytest.mark.parametrize(("flow", "ground"), [("stream", EmergencyGround.WATER_LEAK), ("none", None)])
def test_a_frozen_pipe_is_a_leak_when_it_runs(flow: str, ground: EmergencyGround | None) -> None:
    assert {line.emergency_ground for line in lines("GEL", {"flow": flow}).values()} == {ground}


def test_travel_alone_has_no_ground() -> None:
    """Section L, test 3: same house, customer absent; R32."""
    [travel] = lines("FUITE_ACTIVE", minutes=0).values()
    assert travel.kind is LineKind.TRAVEL
    assert travel.emergency_ground is None


def test_what_ends_the_leak_is_necessary_and_a_new_mixer_is_complementary() -> None:
    """R15."""
    quote = lines("FUITE_ACTIVE", parts={"PLO_FLEXIBLE": Decimal(2), "PLO_MITIGEUR": Decimal(1)})
    assert quote["PLO_FLEXIBLE"].scope is UrgencyScope.STRICTLY_NECESSARY
    assert quote["PLO_FLEXIBLE"].emergency_ground is EmergencyGround.WATER_LEAK
    assert not quote["PLO_FLEXIBLE"].surcharged
    assert quote["PLO_MITIGEUR"].scope is UrgencyScope.COMPLEMENTARY
    assert quote["PLO_MITIGEUR"].emergency_ground is None


def test_a_gas_boiler_is_complementary_and_flagged() -> None:
    """Section L, test 4; R30."""
    boiler = lines("CHAUDIERE_DEFAUT", parts={"PLO_CHAUDIERE_GAZ": Decimal(1)})["PLO_CHAUDIERE_GAZ"]
    assert boiler.fossil_boiler
    assert boiler.scope is UrgencyScope.COMPLEMENTARY
    assert boiler.emergency_ground is None


def test_the_default_prices_stay_in_the_range_of_r89() -> None:
    leak = Money.sum(line.unit_price.times(line.quantity) for line in lines("FUITE_ACTIVE").values())
    assert Money.euros(110) <= leak + leak.percent(1000) <= Money.euros(160)
    at_night = leak + leak.percent(5000)
    assert Money.euros(180) <= at_night + at_night.percent(1000) <= Money.euros(210)


@pytest.mark.parametrize("type_code", ["ODEUR_GAZ", "COMPTEUR", "AVANT_COMPTEUR"])
def test_what_is_redirected_has_no_price(type_code: str) -> None:
    assert lines(type_code) == {}


def test_an_item_outside_the_tariff_is_refused_by_name() -> None:
    with pytest.raises(LookupError, match="PLO_OR_MASSIF"):
        lines("FUITE_ACTIVE", parts={"PLO_OR_MASSIF": Decimal(1)})
