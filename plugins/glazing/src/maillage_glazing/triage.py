"""Glazing triage: the questions of R85, the priority grid, the redirects of R87.

Order of the decisions: danger (P0), then the type, then the priority: what is open to the street is closed first.
"""

from collections.abc import Mapping, Sequence

from maillage_glazing.catalogue import TYPES
from maillage_hooks import questions
from maillage_hooks.safety import (
    AFTER_BREAK_IN,
    BROKEN_GLASS,
    DANGER,
    PERSON_IN_DANGER,
    VULNERABLE,
    danger_redirect,
)
from maillage_hooks.types import (
    Choice,
    Priority,
    Question,
    QuestionKind,
    Redirect,
    SafetyScript,
    TriageResult,
)

Answers = Mapping[str, str]

TYPE_OF_PROBLEM = {
    "single": "BRIS_VITRE_SIMPLE",
    "double": "BRIS_DOUBLE_VITRAGE",
    "shop_window": "VITRINE_COMMERCE",
    "glass_door": "PORTE_VITREE",
    "roof_window": "VELUX",
    "unknown_pane": "MISE_EN_SECURITE_PROVISOIRE",
    "improvement": "SURVITRAGE",
    "wont_close": "FENETRE_NE_FERME_PLUS",
    "break_in": "EFFRACTION",
}
WHEN_UNKNOWN = "MISE_EN_SECURITE_PROVISOIRE"

_BROKEN = frozenset(
    {"single", "double", "shop_window", "glass_door", "roof_window", "unknown_pane", "break_in", "other"}
)
_BROKEN_TYPES = frozenset(TYPE_OF_PROBLEM.get(problem, WHEN_UNKNOWN) for problem in _BROKEN)
_OPENINGS = _BROKEN | {"wont_close"}
_DEFAULTS = {kind.code: kind.default_priority for kind in TYPES}

QUESTIONS = (
    DANGER,
    Question(
        code="problem",
        handler_text="Qu’est-ce qui est cassé : vitre simple, double vitrage, vitrine, porte, fenêtre de toit ?",
        public_text="Qu’est-ce qui est cassé ?",
        choices=(
            Choice("single", "Vitre simple"),
            Choice("double", "Double vitrage"),
            Choice("shop_window", "Vitrine de commerce"),
            Choice("glass_door", "Porte vitrée"),
            Choice("roof_window", "Fenêtre de toit"),
            Choice("unknown_pane", "Vitre cassée, je ne sais pas laquelle"),
            Choice("break_in", "Vitre cassée par effraction"),
            Choice("wont_close", "Fenêtre qui ne ferme plus"),
            Choice("improvement", "Survitrage ou amélioration, rien n’est cassé"),
            Choice("other", "Autre problème de vitrerie"),
        ),
    ),
    Question(
        code="injury",
        handler_text="Quelqu’un est-il blessé ?",
        public_text="Quelqu’un est-il blessé ?",
        choices=(
            Choice("none", "Personne"),
            Choice("light", "Petite coupure"),
            Choice("serious", "Coupure profonde, ou du verre dans la plaie ou dans l’œil"),
        ),
        only_if=("problem", _BROKEN),
    ),
    Question(
        code="cause",
        handler_text="Comment est-ce arrivé ?",
        public_text="Comment est-ce arrivé ?",
        choices=(
            Choice("accident", "Accident, choc"),
            Choice("storm", "Tempête, grêle"),
            Choice("vandalism", "Vandalisme"),
            Choice("break_in", "Effraction"),
            Choice("wear", "Vieillissement, fissure ancienne"),
            Choice("unknown", "Je ne sais pas"),
        ),
        only_if=("problem", _OPENINGS - {"break_in"}),
    ),
    Question(
        code="opening",
        handler_text="Peut-on entrer par là, ou la pluie entre-t-elle ?",
        public_text="Que laisse passer l’ouverture ?",
        choices=(
            Choice("street", "On peut entrer de la rue, d’un jardin ou d’un palier"),
            Choice("weather", "La pluie ou le froid entrent, mais personne ne peut passer"),
            Choice("closed", "Rien : le verre tient, ou l’ouverture est protégée"),
        ),
        only_if=("problem", _OPENINGS),
    ),
    Question(
        code="falling",
        handler_text="Du verre risque-t-il de tomber là où des gens passent ?",
        public_text="Du verre risque-t-il de tomber là où des gens passent ?",
        kind=QuestionKind.YES_NO,
        only_if=("problem", _BROKEN),
    ),
    Question(
        code="size",
        handler_text="Quelle taille environ ?",
        public_text="Quelle taille environ ?",
        choices=(
            Choice("small", "Petite : moins d’un demi-mètre carré"),
            Choice("medium", "Moyenne : une fenêtre ordinaire"),
            Choice("large", "Grande : une baie, une vitrine"),
        ),
        only_if=("problem", _BROKEN | {"improvement"}),
    ),
    Question(
        code="height",
        handler_text="À quelle hauteur ?",
        public_text="À quelle hauteur ?",
        choices=(
            Choice("ground", "Rez-de-chaussée"),
            Choice("floor", "Étage, accessible de l’intérieur"),
            Choice("high", "En hauteur, accessible de l’extérieur seulement"),
        ),
        only_if=("problem", _OPENINGS),
    ),
    Question(
        code="complaint",
        handler_text="Numéro de plainte, s’il y en a un ?",
        public_text="Numéro de plainte, si vous l’avez",
        kind=QuestionKind.TEXT,
        only_if=("problem", _OPENINGS),
        required=False,
    ),
    VULNERABLE,
)

GLASS_FALLING = SafetyScript(
    code="glass_falling",
    title="Du verre peut tomber",
    lines=(
        "Faites passer les gens au large et restez à distance.",
        "Barrez le passage avec ce que vous avez : chaises, poubelles.",
        "Si des gens sont exposés et que vous ne pouvez pas barrer : appelez le 18.",
    ),
)


class GlazingTriage:
    """Pure and total: a few dictionary look-ups, on the path of a phone call."""

    @property
    def questions(self) -> Sequence[Question]:
        return QUESTIONS

    def assess(self, answers: Answers) -> TriageResult:
        type_code = _type(answers)
        danger = danger_redirect(answers) or _serious_injury(answers)
        if danger is not None:
            return TriageResult(type_code, Priority.P0, danger, (danger.script,))
        return TriageResult(
            type_code=type_code,
            priority=_priority(type_code, answers),
            safety=_words(type_code, answers),
            missing=questions.missing(QUESTIONS, answers),
        )


def _serious_injury(answers: Answers) -> Redirect | None:
    return PERSON_IN_DANGER if answers.get("injury") == "serious" else None


def _type(answers: Answers) -> str:
    """A broken pane whose cause is a break-in is an EFFRACTION, except a shop window, which keeps its tool kit."""
    problem = answers.get("problem", "")
    broken_in = problem in _BROKEN - {"shop_window"} and answers.get("cause") == "break_in"
    return "EFFRACTION" if broken_in else TYPE_OF_PROBLEM.get(problem, WHEN_UNKNOWN)


def _priority(type_code: str, answers: Answers) -> Priority:
    """The grid of R85. P0 is decided before. A shop window once secured is P2, never P3."""
    if type_code == "SURVITRAGE":
        return Priority.P3
    opening = answers.get("opening")
    if opening == "street" or (type_code in _BROKEN_TYPES and answers.get("falling") == "yes"):
        return Priority.P1
    if opening == "weather" or (opening == "closed" and type_code in {"VITRINE_COMMERCE", "EFFRACTION"}):
        return Priority.P2
    if opening == "closed":
        return Priority.P2 if answers.get("vulnerable") == "yes" else Priority.P3
    return _DEFAULTS[type_code]


def _words(type_code: str, answers: Answers) -> tuple[SafetyScript, ...]:
    scripts = []
    if type_code in _BROKEN_TYPES:
        if answers.get("falling") == "yes":
            scripts.append(GLASS_FALLING)
        scripts.append(BROKEN_GLASS)
    if type_code == "EFFRACTION" or answers.get("cause") == "break_in":
        scripts.append(AFTER_BREAK_IN)
    return tuple(scripts)
