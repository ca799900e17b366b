"""Plumbing on the phone: what is redirected, how urgent the rest is, what is read out (R84 to R87)."""

import pytest

from maillage_hooks.types import Priority
from maillage_plumbing.catalogue import TYPES
from maillage_plumbing.triage import PlumbingTriage

triage = PlumbingTriage()
SAFE = {"danger": "none", "vulnerable": "no"}
LEAK = {**SAFE, "problem": "leak", "pipe_owner": "private", "wet_electricity": "no", "neighbour_hit": "no"}


def test_the_catalogue_has_the_codes_of_r84() -> None:
    assert {kind.code for kind in TYPES} == {
        "FUITE_ACTIVE",
        "FUITE_ENCASTREE",
        "DDE_VOISIN",
        "WC_BOUCHE",
        "WC_FUITE",
        "DEGORGEMENT_EVIER",
        "DEGORGEMENT_DOUCHE",
        "REFOULEMENT_EU",
        "ECS_PANNE",
        "ECS_FUITE_GS",
        "CHAUFFAGE_PANNE",
        "CHAUDIERE_DEFAUT",
        "RADIATEUR_FUITE",
        "GEL",
        "COUPURE_EAU_PARTIELLE",
        "COMPTEUR",
        "AVANT_COMPTEUR",
        "ODEUR_GAZ",
    }


@pytest.mark.parametrize("answers", [{"danger": "gas_smell"}, {"problem": "gas_smell"}])
def test_a_gas_smell_is_redirected_and_nobody_is_sent(answers: dict[str, str]) -> None:
    """Section L, test 12; R86, R87. Whichever question the caller says it in."""
    result = triage.assess(answers)
    assert result.type_code == "ODEUR_GAZ"
    assert result.priority is Priority.P0
    assert result.redirect is not None
    assert result.redirect.blocks_dispatch
    assert result.redirect.phone_numbers == ("0 800 47 33 33", "18", "112")
    assert result.missing == ()


def test_the_words_for_a_gas_smell_are_those_of_r86() -> None:
    [script] = triage.assess({"danger": "gas_smell"}).safety
    assert script.lines == (
        "Pas de flamme, pas d’étincelle. Ne touchez à aucun interrupteur.",
        "N’utilisez pas le téléphone à l’intérieur.",
        "Ouvrez les fenêtres.",
        "Fermez le robinet du gaz.",
        "Sortez avec tout le monde et prévenez les voisins, sans sonner.",
        "Une fois dehors, appelez Urgence sécurité gaz : 0 800 47 33 33, gratuit, jour et nuit.",
        "Ou bien le 18, ou le 112.",
        "Citerne de propane : le numéro d’urgence du fournisseur est sur sa facture.",
    )


@pytest.mark.parametrize(
    ("danger", "first_number"),
    [
        ("carbon_monoxide", "15"),
        ("fire", "18"),
        ("electrocution", "15"),
        ("structure", "18"),
        ("person_in_danger", "18"),
        ("burglar_present", "17"),
    ],
)
def test_a_danger_goes_to_the_emergency_services(danger: str, first_number: str) -> None:
    result = triage.assess({**LEAK, "flow": "burst", "danger": danger})
    assert result.priority is Priority.P0
    assert result.redirect is not None
    assert result.redirect.blocks_dispatch
    assert result.redirect.phone_numbers[0] == first_number
    assert "112" in result.redirect.phone_numbers


@pytest.mark.parametrize(
    "answers",
    [{"problem": "meter_leak"}, {"problem": "before_meter"}, {"problem": "leak", "pipe_owner": "before_meter"}],
)
def test_a_leak_before_the_meter_goes_to_the_water_distributor(answers: dict[str, str]) -> None:
    """R87: not an emergency service, and yet nobody is sent."""
    result = triage.assess({**SAFE, **answers})
    assert result.type_code in {"COMPTEUR", "AVANT_COMPTEUR"}
    assert result.redirect is not None
    assert result.redirect.code == "before_meter"
    assert result.redirect.blocks_dispatch
    assert result.priority is not Priority.P0


def test_a_shared_column_waits_for_the_syndic_and_goes_ahead_with_its_agreement() -> None:
    shared = {**LEAK, "pipe_owner": "shared", "flow": "burst", "shut_off": "no"}
    refused = triage.assess({**shared, "syndic_agreed": "no"})
    assert refused.redirect is not None
    assert refused.redirect.code == "shared_pipe"
    assert refused.redirect.blocks_dispatch
    agreed = triage.assess({**shared, "syndic_agreed": "yes"})
    assert agreed.redirect is None
    assert agreed.priority is Priority.P1


def test_an_appliance_under_another_contract_informs_and_still_dispatches() -> None:
    result = triage.assess({**SAFE, "problem": "boiler_fault", "freezing_outside": "yes", "other_contract": "yes"})
    assert result.redirect is not None
    assert result.redirect.code == "other_maintainer"
    assert not result.redirect.blocks_dispatch
    assert result.priority is Priority.P2


@pytest.mark.parametrize(
    ("answers", "priority"),
    [
        ({"flow": "burst", "shut_off": "no"}, Priority.P1),
        ({"flow": "stream", "shut_off": "no"}, Priority.P1),
        ({"flow": "stream"}, Priority.P1),
        ({"flow": "burst", "shut_off": "yes"}, Priority.P2),
        ({"flow": "drip", "shut_off": "no"}, Priority.P2),
        ({"flow": "drip", "shut_off": "yes"}, Priority.P3),
        ({"flow": "drip", "shut_off": "yes", "neighbour_hit": "yes"}, Priority.P2),
        ({"flow": "drip", "shut_off": "yes", "wet_electricity": "yes"}, Priority.P1),
        ({}, Priority.P1),
    ],
)
def test_the_priority_of_a_leak_follows_the_water(answers: dict[str, str], priority: Priority) -> None:
    assert triage.assess({**LEAK, **answers}).priority is priority


@pytest.mark.parametrize(
    ("answers", "priority"),
    [
        ({"problem": "wc_blocked", "only_wc": "yes"}, Priority.P2),
        ({"problem": "wc_blocked", "only_wc": "no"}, Priority.P3),
        ({"problem": "no_heating", "freezing_outside": "yes", "vulnerable": "yes"}, Priority.P1),
        ({"problem": "no_heating", "freezing_outside": "yes"}, Priority.P2),
        ({"problem": "no_heating", "freezing_outside": "no"}, Priority.P3),
        ({"problem": "no_hot_water"}, Priority.P3),
        ({"problem": "no_hot_water", "vulnerable": "yes"}, Priority.P2),
        ({"problem": "sewage"}, Priority.P2),
        ({"problem": "frozen_pipe", "flow": "none"}, Priority.P2),
        ({"problem": "other", "flow": "none"}, Priority.P3),
    ],
)
def test_the_grid_of_r85(answers: dict[str, str], priority: Priority) -> None:
    assert triage.assess({**SAFE, **answers}).priority is priority


def test_words_about_water_and_frost_are_read_where_they_help() -> None:
    def codes(**answers: str) -> list[str]:
        return [script.code for script in triage.assess({**SAFE, **answers}).safety]

    assert codes(problem="leak") == ["water"]
    assert codes(problem="leak", wet_electricity="yes") == ["wet_electricity", "water"]
    assert codes(problem="frozen_pipe") == ["freezing"]
    assert codes(problem="sink_blocked") == []


def test_no_flame_on_a_frozen_pipe() -> None:
    [script] = triage.assess({**SAFE, "problem": "frozen_pipe"}).safety
    assert "N’approchez jamais de flamme d’un tuyau gelé." in script.lines


def test_an_unfinished_call_says_what_is_still_to_ask() -> None:
    assert triage.assess({}).missing == ("danger", "problem", "vulnerable")
    assert triage.assess({**SAFE, "problem": "wc_blocked"}).missing == ("only_wc",)


def test_answers_left_from_another_branch_change_nothing() -> None:
    stale = {**SAFE, "problem": "sink_blocked", "flow": "burst", "pipe_owner": "shared", "other_contract": "yes"}
    result = triage.assess(stale)
    assert (result.type_code, result.priority, result.redirect) == ("DEGORGEMENT_EVIER", Priority.P3, None)
