"""Glazing quotes: making safe tonight, the pane later (R15), and the ground that both keep (R31)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from maillage_glazing.pricing import CATALOGUE, PRICING
from maillage_hooks.types import EmergencyGround, LineDraft, PricingRequest, TariffView, UrgencyScope
from maillage_kit.money import Money

TARIFF = TariffView({item.code: item.default_price for item in CATALOGUE}, {})


def lines(
    type_code: str, answers: Mapping[str, str] | None = None, parts: Mapping[str, Decimal] | None = None
) -> dict[str, LineDraft]:
    request = PricingRequest(type_code, answers or {}, TARIFF, datetime(2026, 11, 22, 2, tzinfo=UTC), None, parts or {})
    return {line.item_code: line for line in PRICING.lines(request)}


def test_making_safe_costs_what_r89_reports() -> None:
    total = Money.sum(line.unit_price.times(line.quantity) for line in lines("BRIS_DOUBLE_VITRAGE").values())
    assert Money.euros(100) <= total + total.percent(1000) <= Money.euros(300)


@pytest.mark.parametrize(("size", "area"), [("small", "0.5"), ("medium", "1.5"), ("large", "3"), ("?", "1.5")])
def test_the_panel_follows_the_size_told(size: str, area: str) -> None:
    assert lines("PORTE_VITREE", {"size": size})["VIT_PANNEAU"].quantity == Decimal(area)


def test_what_was_fitted_replaces_what_was_guessed() -> None:
    quote = lines("PORTE_VITREE", {"size": "large"}, {"VIT_PANNEAU": Decimal(0), "VIT_FILM": Decimal("2.4")})
    assert "VIT_PANNEAU" not in quote
    assert quote["VIT_FILM"].quantity == Decimal("2.4")


def test_work_from_outside_is_priced_when_told() -> None:
    assert "VIT_TRAVAIL_HAUTEUR" in lines("VELUX", {"height": "high"})
    assert "VIT_TRAVAIL_HAUTEUR" not in lines("VELUX", {"height": "floor"})


def test_the_pane_made_to_measure_is_complementary_and_keeps_the_ground() -> None:
    """R15 opens the right of withdrawal; R31 still taxes the replacement after an accident at 10 %."""
    pane = lines("BRIS_DOUBLE_VITRAGE", {"cause": "accident"}, {"VIT_DOUBLE_VITRAGE": Decimal("1.2")})[
        "VIT_DOUBLE_VITRAGE"
    ]
    assert pane.scope is UrgencyScope.COMPLEMENTARY
    assert pane.emergency_ground is EmergencyGround.BROKEN_OPENING
    assert not pane.surcharged


@pytest.mark.parametrize(
    ("type_code", "answers", "ground"),
    [
        ("EFFRACTION", {}, EmergencyGround.BROKEN_OPENING),
        ("BRIS_VITRE_SIMPLE", {"cause": "storm"}, EmergencyGround.BROKEN_OPENING),
        ("BRIS_VITRE_SIMPLE", {"cause": "wear"}, None),
        ("SURVITRAGE", {}, None),
        ("FENETRE_NE_FERME_PLUS", {}, None),
    ],
)
def test_the_ground_is_an_accident_or_a_break_in(
    type_code: str, answers: dict[str, str], ground: EmergencyGround | None
) -> None:
    assert {line.emergency_ground for line in lines(type_code, answers).values()} == {ground}


def test_an_improvement_is_never_an_emergency() -> None:
    assert {line.scope for line in lines("SURVITRAGE").values()} == {UrgencyScope.COMPLEMENTARY}
