"""Glazing on the phone: what is open to the street comes first, words about broken glass (R84 to R87)."""

import pytest

from maillage_glazing.catalogue import TYPES
from maillage_glazing.triage import GlazingTriage
from maillage_hooks.types import NextStep, Priority

triage = GlazingTriage()
WINDOW = {"danger": "none", "problem": "double", "injury": "none", "cause": "accident", "falling": "no"}


def test_the_catalogue_has_the_codes_of_r84() -> None:
    assert {kind.code for kind in TYPES} == {
        "BRIS_VITRE_SIMPLE",
        "BRIS_DOUBLE_VITRAGE",
        "VITRINE_COMMERCE",
        "PORTE_VITREE",
        "VELUX",
        "MISE_EN_SECURITE_PROVISOIRE",
        "SURVITRAGE",
        "FENETRE_NE_FERME_PLUS",
        "EFFRACTION",
    }


def test_making_safe_is_followed_by_a_quote_of_its_own() -> None:
    """The two steps of R84."""
    steps = {kind.code: kind.next_step for kind in TYPES}
    assert steps["MISE_EN_SECURITE_PROVISOIRE"] is NextStep.SEPARATE_QUOTE
    assert steps["EFFRACTION"] is NextStep.SEPARATE_QUOTE


@pytest.mark.parametrize("answers", [{"danger": "person_in_danger"}, {"injury": "serious"}])
def test_a_serious_wound_comes_before_the_glass(answers: dict[str, str]) -> None:
    result = triage.assess({**WINDOW, **answers})
    assert result.priority is Priority.P0
    assert result.redirect is not None
    assert {"15", "18", "112"} == set(result.redirect.phone_numbers)


def test_a_burglar_still_there_is_for_the_police() -> None:
    redirect = triage.assess({**WINDOW, "danger": "burglar_present"}).redirect
    assert redirect is not None
    assert redirect.phone_numbers[0] == "17"


def test_a_gas_smell_is_redirected_here_too() -> None:
    result = triage.assess({"danger": "gas_smell"})
    assert result.redirect is not None
    assert result.redirect.blocks_dispatch


@pytest.mark.parametrize(
    ("answers", "priority"),
    [
        ({"opening": "street"}, Priority.P1),
        ({"opening": "closed", "falling": "yes"}, Priority.P1),
        ({"opening": "weather"}, Priority.P2),
        ({"opening": "closed"}, Priority.P3),
        ({"opening": "closed", "vulnerable": "yes"}, Priority.P2),
        ({"problem": "shop_window", "opening": "closed"}, Priority.P2),
        ({"problem": "shop_window"}, Priority.P1),
        ({"problem": "wont_close", "opening": "street"}, Priority.P1),
        ({"problem": "improvement", "opening": "street"}, Priority.P3),
    ],
)
def test_the_grid_of_r85(answers: dict[str, str], priority: Priority) -> None:
    assert triage.assess({**WINDOW, **answers}).priority is priority


def test_a_window_broken_by_a_burglar_is_a_break_in() -> None:
    result = triage.assess({**WINDOW, "cause": "break_in", "opening": "street"})
    assert result.type_code == "EFFRACTION"
    assert [script.code for script in result.safety] == ["broken_glass", "after_break_in"]


def test_words_about_broken_glass_are_those_of_r86() -> None:
    [script] = triage.assess(WINDOW).safety
    assert script.lines == (
        "Restez à distance, éloignez les enfants et les animaux.",
        "Mettez des chaussures et des gants épais avant d’approcher.",
        "N’enlevez pas de verre en hauteur.",
        "Prenez des photos pour votre assureur.",
    )
