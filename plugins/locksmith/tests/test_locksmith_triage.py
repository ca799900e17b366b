"""Locksmith on the phone: who may have a door opened, what comes first, what is read out (R84 to R87, R92, R93)."""

import pytest

from maillage_hooks.types import Priority, Redirect
from maillage_locksmith.catalogue import TYPES
from maillage_locksmith.triage import LocksmithTriage

triage = LocksmithTriage()
SAFE = {"danger": "none", "requester": "occupant", "identity": "after", "inside": "nobody", "vulnerable": "no"}
OUTSIDE = {**SAFE, "problem": "slammed", "locked_out": "yes", "lock": "single"}


def redirect(**answers: str) -> Redirect:
    found = triage.assess({**OUTSIDE, **answers}).redirect
    assert found is not None
    return found


def test_the_catalogue_has_the_codes_of_r84() -> None:
    assert {kind.code for kind in TYPES} == {
        "PORTE_CLAQUEE",
        "PORTE_VERROUILLEE",
        "PERTE_CLES",
        "VOL_CLES",
        "CLE_CASSEE",
        "CYLINDRE_HS",
        "SERRURE_MULTIPOINTS_HS",
        "EFFRACTION_MISE_EN_SECURITE",
        "PORTE_NE_FERME_PLUS",
        "RIDEAU_METALLIQUE",
        "PORTE_GARAGE",
    }


def test_a_burglar_still_inside_is_for_the_police() -> None:
    """R87."""
    result = triage.assess({**OUTSIDE, "danger": "burglar_present"})
    assert result.priority is Priority.P0
    assert result.redirect is not None
    assert result.redirect.blocks_dispatch
    assert result.redirect.phone_numbers == ("17", "112")


@pytest.mark.parametrize("answers", [{"danger": "person_in_danger"}, {"inside": "no_answer"}])
def test_somebody_in_danger_behind_the_door_is_for_the_firemen(answers: dict[str, str]) -> None:
    """R87. The same whether it was told first or at the question about who is inside."""
    result = triage.assess({**OUTSIDE, **answers})
    assert result.priority is Priority.P0
    assert result.redirect is not None
    assert result.redirect.phone_numbers[0] == "18"


def test_a_pan_on_the_stove_behind_a_slammed_door_is_a_fire() -> None:
    result = triage.assess({**OUTSIDE, "inside": "stove_on"})
    assert result.priority is Priority.P0
    assert result.redirect is not None
    assert result.redirect.code == "fire"


def test_a_gas_smell_is_redirected_here_too() -> None:
    assert redirect(danger="gas_smell").phone_numbers == ("0 800 47 33 33", "18", "112")


def test_a_landlord_does_not_enter_against_the_occupant() -> None:
    """R87, R92: only with a court officer."""
    refused = redirect(requester="landlord", occupant_agrees="no")
    assert refused.code == "occupant_refuses"
    assert refused.blocks_dispatch
    assert triage.assess({**OUTSIDE, "requester": "landlord", "occupant_agrees": "yes"}).redirect is None


def test_a_bailiff_gets_an_appointment_on_a_working_day() -> None:
    result = triage.assess({**OUTSIDE, "requester": "bailiff"})
    assert result.redirect is not None
    assert not result.redirect.blocks_dispatch
    assert result.priority is Priority.P3


def test_no_opening_without_any_identity() -> None:
    """R92. Papers inside are enough: they are checked after the opening."""
    assert redirect(identity="no").code == "identity_unknown"
    assert redirect(identity="no").blocks_dispatch
    assert triage.assess(OUTSIDE).redirect is None


def test_making_safe_asks_for_no_right_to_open() -> None:
    assert triage.assess({**SAFE, "problem": "break_in", "identity": "no", "closes": "no"}).redirect is None


@pytest.mark.parametrize(
    ("answers", "type_code", "priority"),
    [
        ({}, "PORTE_CLAQUEE", Priority.P2),
        ({"inside": "child"}, "PORTE_CLAQUEE", Priority.P1),
        ({"problem": "locked"}, "PORTE_VERROUILLEE", Priority.P2),
        ({"problem": "stolen_keys", "papers_with_keys": "yes"}, "VOL_CLES", Priority.P1),
        ({"problem": "stolen_keys", "papers_with_keys": "no"}, "VOL_CLES", Priority.P2),
        ({"problem": "broken_key", "locked_out": "no"}, "CLE_CASSEE", Priority.P3),
        ({"problem": "cylinder", "locked_out": "no", "vulnerable": "yes"}, "CYLINDRE_HS", Priority.P2),
        ({"problem": "break_in", "closes": "no"}, "EFFRACTION_MISE_EN_SECURITE", Priority.P1),
        ({"problem": "break_in"}, "EFFRACTION_MISE_EN_SECURITE", Priority.P1),
        ({"problem": "break_in", "closes": "yes"}, "EFFRACTION_MISE_EN_SECURITE", Priority.P2),
        ({"problem": "wont_close", "closes": "no"}, "PORTE_NE_FERME_PLUS", Priority.P1),
        ({"problem": "shutter", "closes": "no"}, "RIDEAU_METALLIQUE", Priority.P1),
        ({"problem": "garage_door", "closes": "no"}, "PORTE_GARAGE", Priority.P2),
    ],
)
def test_the_grid_of_r85(answers: dict[str, str], type_code: str, priority: Priority) -> None:
    result = triage.assess({**OUTSIDE, **answers})
    assert (result.type_code, result.priority) == (type_code, priority)


def test_after_a_break_in_the_caller_keeps_the_traces() -> None:
    """R93."""
    [script] = triage.assess({**SAFE, "problem": "break_in", "closes": "no"}).safety
    assert script.code == "after_break_in"
    assert "Ne touchez à rien : gardez les traces." in script.lines
