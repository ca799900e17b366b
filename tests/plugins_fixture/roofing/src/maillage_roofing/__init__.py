"""The roofing trade (Couverture) in one file: the example of docs/hooks.md."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from maillage_hooks import hookimpl, questions
from maillage_hooks.documents import insurance_record
from maillage_hooks.report import COMMON
from maillage_hooks.safety import DANGER, danger_redirect
from maillage_hooks.specs import Pricing, ReportRules, SlaRules
from maillage_hooks.tables import DeclaredReport, PriceBook, StandardSla
from maillage_hooks.types import (
    CatalogueItem,
    Choice,
    InterventionType,
    LineKind,
    NextStep,
    Priority,
    Question,
    Trade,
    TriageResult,
)
from maillage_kit.money import Money

TYPES = (
    InterventionType(
        "BACHAGE",
        "Bâchage d’urgence",
        Priority.P1,
        120,
        ("bâche", "liteaux", "harnais"),
        COMMON,
        NextStep.SEPARATE_QUOTE,
    ),
    InterventionType("INFILTRATION", "Infiltration par le toit", Priority.P2, 90, ("harnais",), COMMON),
)
QUESTIONS = (
    DANGER,
    Question(
        code="problem",
        handler_text="Le toit est-il ouvert, ou l’eau s’infiltre-t-elle ?",
        public_text="Que se passe-t-il ?",
        choices=(Choice("open", "Le toit est ouvert"), Choice("seeping", "L’eau s’infiltre")),
    ),
)
CATALOGUE = (
    CatalogueItem("COU_DEPLACEMENT", "Déplacement", LineKind.TRAVEL, "forfait", Money.euros("60")),
    CatalogueItem("COU_MAIN_OEUVRE", "Main-d’œuvre couvreur", LineKind.LABOUR, "h", Money.euros("58")),
    CatalogueItem("COU_BACHE", "Bâche posée", LineKind.PART, "m²", Money.euros("14")),
)


class RoofingTriage:
    questions = QUESTIONS

    def assess(self, answers: Mapping[str, str]) -> TriageResult:
        type_code = "INFILTRATION" if answers.get("problem") == "seeping" else "BACHAGE"
        if danger := danger_redirect(answers):
            return TriageResult(type_code, Priority.P0, danger, (danger.script,))
        priority = Priority.P2 if type_code == "INFILTRATION" else Priority.P1
        return TriageResult(type_code, priority, missing=questions.missing(QUESTIONS, answers))


def works(type_code: str, _answers: Mapping[str, str]) -> Mapping[str, Decimal]:
    return {"COU_MAIN_OEUVRE": Decimal(1), "COU_BACHE": Decimal(20)} if type_code == "BACHAGE" else {}


@hookimpl
def maillage_trade() -> Trade:
    return Trade(code="roofing", label="Couverture", icon="house", keypad_digit=4, spoken="la toiture", api_version=1)


@hookimpl
def maillage_intervention_types() -> Sequence[InterventionType]:
    return TYPES


@hookimpl
def maillage_triage() -> RoofingTriage:
    return RoofingTriage()


@hookimpl
def maillage_sla_rules() -> SlaRules:
    return StandardSla(TYPES)


@hookimpl
def maillage_pricing() -> Pricing:
    return PriceBook(
        types=TYPES, catalogue=CATALOGUE, travel="COU_DEPLACEMENT", labour="COU_MAIN_OEUVRE", works=works, necessary={}
    )


@hookimpl
def maillage_report() -> ReportRules:
    return DeclaredReport(version=1, types=TYPES, documents=(insurance_record(kind.code for kind in TYPES),))
