"""The conformance suite bites: each broken promise is reported, in words that say what to mend."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

import maillage_plumbing
from maillage_hooks import TradePlugin, TradeRegistry
from maillage_hooks.conformance import check_trade
from maillage_hooks.documents import french_date, french_instant, printed
from maillage_hooks.questions import asked, missing
from maillage_hooks.safety import DANGER
from maillage_hooks.types import (
    Choice,
    DocumentSpec,
    EmergencyGround,
    FieldKind,
    LineDraft,
    PricingRequest,
    Priority,
    Question,
    ReportField,
    SlaRequest,
    SlaTargets,
    TriageResult,
)
from maillage_kit.clock import paris_instant

PLUGIN = TradeRegistry.from_modules({"plumbing": maillage_plumbing}).get("plumbing")


def reported(words: str, **changes: Any) -> bool:
    return any(words in problem for problem in check_trade(replace(PLUGIN, **changes)))


class Triage:
    """Plumbing's triage, spoilt by subclasses."""

    questions = PLUGIN.triage.questions

    def assess(self, answers: Mapping[str, str]) -> TriageResult:
        return self.spoil(PLUGIN.triage.assess(answers), answers)

    def spoil(self, result: TriageResult, answers: Mapping[str, str]) -> TriageResult:
        return result


def test_a_triage_that_raises_on_some_answers_is_reported() -> None:
    class Partial(Triage):
        def spoil(self, result: TriageResult, answers: Mapping[str, str]) -> TriageResult:
            return replace(result, safety=result.safety if answers["vulnerable"] else ())

    assert reported("KeyError", triage=Partial())


def test_a_danger_that_still_sends_somebody_is_reported() -> None:
    class Reckless(Triage):
        def spoil(self, result: TriageResult, answers: Mapping[str, str]) -> TriageResult:
            return replace(result, priority=Priority.P1, redirect=None, safety=())

    assert reported("danger « gas_smell » : P0 et redirection attendues", triage=Reckless())


def test_a_triage_that_forgets_the_danger_question_is_reported() -> None:
    class Late(Triage):
        questions = tuple(reversed(PLUGIN.triage.questions))

    assert reported("la première question doit être celle du danger", triage=Late())


def test_a_type_that_no_answer_reaches_is_reported() -> None:
    class Stuck(Triage):
        def spoil(self, result: TriageResult, answers: Mapping[str, str]) -> TriageResult:
            return replace(result, type_code="FUITE_ACTIVE")

    assert reported("type GEL : aucune réponse n’y conduit", triage=Stuck())


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ({"unit_price": PLUGIN.pricing.catalogue[0].default_price}, "le prix n’est pas celui du barème"),
        ({"item_code": "AILLEURS"}, "absente du catalogue"),
        ({"quantity": 1.5}, "quantité décimale positive attendue"),
        ({"emergency_ground": EmergencyGround.WATER_LEAK}, "un déplacement seul n’a pas de motif d’urgence"),
    ],
)
def test_a_wrong_line_is_reported(spoilt: dict[str, Any], words: str) -> None:
    class Pricing:
        catalogue = PLUGIN.pricing.catalogue

        def lines(self, request: PricingRequest) -> Iterable[LineDraft]:
            return [replace(line, **spoilt) for line in PLUGIN.pricing.lines(request)]

    assert reported(words, pricing=Pricing())


def test_a_plan_that_is_not_kept_is_reported() -> None:
    class Slow:
        def targets(self, request: SlaRequest) -> SlaTargets:
            return SlaTargets(15, 600)

    assert reported("la formule promet une arrivée en 45 minutes", sla=Slow())
    assert reported("un P0 ne promet aucun délai", sla=Slow())


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (DocumentSpec("x", "Titre", "#let broken = (", frozenset({"GEL"})), "ne s’imprime pas pour GEL"),
        (DocumentSpec("x", "Titre", "texte", frozenset({"AILLEURS"})), "types d’intervention inconnus"),
        (DocumentSpec("x", "Titre", "texte", frozenset({"GEL"}), ("nulle_part",)), "champs absents du rapport de GEL"),
        (DocumentSpec("x", "", "texte", frozenset({"GEL"})), "texte vide"),
    ],
)
def test_a_wrong_document_is_reported(document: DocumentSpec, words: str) -> None:
    assert reported(words, report=replace(maillage_plumbing.report.REPORT, documents=(document,)))


@pytest.mark.parametrize(
    "spoken", ["", "La plomberie.", "plomberie_urgence", "tout ce qui touche à l’eau dans la maison"]
)
def test_words_that_cannot_be_spoken_are_reported(spoken: str) -> None:
    assert reported("mots dits au téléphone", trade=replace(PLUGIN.trade, spoken=spoken))


def test_a_float_is_reported() -> None:
    field = ReportField("size", "Taille", choices=(Choice("a", "A"),), unit=1.5)  # type: ignore[arg-type]
    kind = replace(PLUGIN.types[0], report_fields=(field,))
    assert reported("virgule flottante", types=(kind, *PLUGIN.types[1:]))


def test_a_check_that_crashes_is_a_problem_and_not_a_crash() -> None:
    broken: TradePlugin = replace(PLUGIN, sla=None)  # type: ignore[arg-type]
    assert any(problem.startswith("sla : AttributeError") for problem in check_trade(broken))


# ------------------------------------------------------------------------------------- the helpers that trades share

ROOT = Question("root", "?", "?", choices=(Choice("a", "A"), Choice("b", "B")))
CHILD = Question("child", "?", "?", choices=(Choice("x", "X"),), only_if=("root", frozenset({"a"})))
GRANDCHILD = Question("grandchild", "?", "?", choices=(Choice("y", "Y"),), only_if=("child", frozenset({"x"})))


@pytest.mark.parametrize(
    ("answers", "codes"),
    [
        ({}, ["root"]),
        ({"root": "a"}, ["root", "child"]),
        ({"root": "a", "child": "x"}, ["root", "child", "grandchild"]),
        ({"root": "b", "child": "x"}, ["root"]),
    ],
)
def test_a_question_is_asked_when_the_one_above_is(answers: dict[str, str], codes: list[str]) -> None:
    assert [question.code for question in asked((ROOT, CHILD, GRANDCHILD), answers)] == codes


def test_an_unknown_answer_is_still_missing() -> None:
    assert missing((ROOT, CHILD), {"root": "c"}) == ("root",)
    assert missing((DANGER,), {"danger": "none"}) == ()


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (FieldKind.BOOLEAN, True, "oui"),
        (FieldKind.BOOLEAN, False, "non"),
        (FieldKind.CHOICE, "a", "Cuivre"),
        (FieldKind.DATE, "2027-05-01", "1er mai 2027"),
        (FieldKind.NUMBER, Decimal("12.5"), "12,5 m³"),
        (FieldKind.NUMBER, 0, "0 m³"),
        (FieldKind.TEXT, "sous l’évier", "sous l’évier"),
        (FieldKind.TEXT, None, ""),
    ],
)
def test_a_report_value_is_printed_in_french(kind: FieldKind, value: object, text: str) -> None:
    assert printed(ReportField("f", "F", kind, choices=(Choice("a", "Cuivre"),), unit="m³"), value) == text


def test_dates_are_printed_on_the_clock_in_paris() -> None:
    assert french_instant(paris_instant(date(2026, 8, 1))) == "1er août 2026 à 0 h 00"
    assert french_instant(None) == ""
    assert french_date(date(2026, 11, 22)) == "22 novembre 2026"
