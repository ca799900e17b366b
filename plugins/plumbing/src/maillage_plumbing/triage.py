"""Plumbing triage: the questions of R85, the priority grid, the redirects of R87.

Order of the decisions: danger (P0), then who is responsible for the pipe, then the type, then the priority. An
unanswered question counts as the worse answer for water that runs, so that an incomplete call is not left for the
next day.
"""

from collections.abc import Mapping, Sequence

from maillage_hooks import questions
from maillage_hooks.safety import (
    DANGER,
    FREEZING,
    GAS_SMELL,
    VULNERABLE,
    WATER,
    WET_ELECTRICITY,
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
from maillage_plumbing.catalogue import TYPES

Answers = Mapping[str, str]

TYPE_OF_PROBLEM = {
    "leak": "FUITE_ACTIVE",
    "hidden_leak": "FUITE_ENCASTREE",
    "neighbour_damage": "DDE_VOISIN",
    "wc_blocked": "WC_BOUCHE",
    "wc_leak": "WC_FUITE",
    "sink_blocked": "DEGORGEMENT_EVIER",
    "shower_blocked": "DEGORGEMENT_DOUCHE",
    "sewage": "REFOULEMENT_EU",
    "no_hot_water": "ECS_PANNE",
    "water_heater_leak": "ECS_FUITE_GS",
    "no_heating": "CHAUFFAGE_PANNE",
    "boiler_fault": "CHAUDIERE_DEFAUT",
    "radiator_leak": "RADIATEUR_FUITE",
    "frozen_pipe": "GEL",
    "partial_outage": "COUPURE_EAU_PARTIELLE",
    "meter_leak": "COMPTEUR",
    "before_meter": "AVANT_COMPTEUR",
    "gas_smell": "ODEUR_GAZ",
}
WHEN_UNKNOWN = "FUITE_ACTIVE"

_RUNNING_WATER = frozenset(
    {"leak", "hidden_leak", "neighbour_damage", "wc_leak", "water_heater_leak", "radiator_leak", "frozen_pipe", "other"}
)
_WATER_TYPES = frozenset(TYPE_OF_PROBLEM.get(problem, WHEN_UNKNOWN) for problem in _RUNNING_WATER)
_WHOSE_PIPE = frozenset({"leak", "hidden_leak", "neighbour_damage"})
_HEATING = frozenset({"no_heating", "boiler_fault"})
_SERVICED = _HEATING | {"no_hot_water", "water_heater_leak"}
_WC_TYPES = frozenset({"WC_BOUCHE", "WC_FUITE"})
_HEATING_TYPES = frozenset({"CHAUFFAGE_PANNE", "CHAUDIERE_DEFAUT"})
_DEFAULTS = {kind.code: kind.default_priority for kind in TYPES}

QUESTIONS = (
    DANGER,
    Question(
        code="problem",
        handler_text="Que se passe-t-il ?",
        public_text="Quel est votre problème ?",
        choices=(
            Choice("leak", "Fuite visible : tuyau, raccord, flexible"),
            Choice("hidden_leak", "Fuite dans un mur ou un sol"),
            Choice("neighbour_damage", "L’eau vient d’un voisin, ou va chez lui"),
            Choice("wc_blocked", "WC bouché"),
            Choice("wc_leak", "WC qui fuit ou qui coule sans arrêt"),
            Choice("sink_blocked", "Évier bouché"),
            Choice("shower_blocked", "Douche, baignoire ou lavabo bouché"),
            Choice("sewage", "Les eaux usées remontent"),
            Choice("no_hot_water", "Plus d’eau chaude"),
            Choice("water_heater_leak", "Chauffe-eau qui fuit"),
            Choice("no_heating", "Plus de chauffage"),
            Choice("boiler_fault", "Chaudière en défaut"),
            Choice("radiator_leak", "Radiateur qui fuit"),
            Choice("frozen_pipe", "Tuyau gelé"),
            Choice("partial_outage", "Plus d’eau à certains robinets"),
            Choice("meter_leak", "Le compteur d’eau fuit"),
            Choice("before_meter", "Fuite avant le compteur, côté rue"),
            Choice("gas_smell", "Odeur de gaz"),
            Choice("other", "Autre problème de plomberie"),
        ),
    ),
    Question(
        code="flow",
        handler_text="L’eau goutte, coule ou jaillit ?",
        public_text="Comment l’eau sort-elle ?",
        choices=(
            Choice("drip", "Elle goutte"),
            Choice("stream", "Elle coule"),
            Choice("burst", "Elle jaillit"),
            Choice("none", "Elle ne coule pas"),
        ),
        only_if=("problem", _RUNNING_WATER),
    ),
    Question(
        code="shut_off",
        handler_text="Le robinet d’arrêt est-il fermé, et l’eau s’est-elle arrêtée ?",
        public_text="Avez-vous pu couper l’eau ?",
        kind=QuestionKind.YES_NO,
        only_if=("problem", _RUNNING_WATER),
    ),
    Question(
        code="pipe_owner",
        handler_text="Où est la fuite : après le compteur, avant le compteur, dans une colonne commune ?",
        public_text="Où se trouve la fuite ?",
        choices=(
            Choice("private", "Chez moi, après le compteur"),
            Choice("before_meter", "Avant le compteur, côté rue"),
            Choice("shared", "Dans une colonne ou une partie commune"),
            Choice("unknown", "Je ne sais pas"),
        ),
        only_if=("problem", _WHOSE_PIPE),
    ),
    Question(
        code="syndic_agreed",
        handler_text="Le syndic ou le bailleur a-t-il donné son accord pour intervenir dans les parties communes ?",
        public_text="Le syndic ou le bailleur a-t-il donné son accord ?",
        kind=QuestionKind.YES_NO,
        only_if=("pipe_owner", frozenset({"shared"})),
    ),
    Question(
        code="wet_electricity",
        handler_text="L’eau touche-t-elle le tableau électrique, une prise ou un appareil ?",
        public_text="L’eau touche-t-elle le tableau électrique, une prise ou un appareil ?",
        kind=QuestionKind.YES_NO,
        only_if=("problem", _RUNNING_WATER | {"sewage"}),
    ),
    Question(
        code="neighbour_hit",
        handler_text="L’eau descend-elle chez un voisin ?",
        public_text="L’eau descend-elle chez un voisin ?",
        kind=QuestionKind.YES_NO,
        only_if=("problem", _RUNNING_WATER - {"neighbour_damage"}),
    ),
    Question(
        code="only_wc",
        handler_text="Est-ce le seul WC du logement ?",
        public_text="Est-ce le seul WC du logement ?",
        kind=QuestionKind.YES_NO,
        only_if=("problem", frozenset({"wc_blocked", "wc_leak"})),
    ),
    Question(
        code="freezing_outside",
        handler_text="Gèle-t-il dehors ?",
        public_text="Gèle-t-il dehors ?",
        kind=QuestionKind.YES_NO,
        only_if=("problem", _HEATING),
    ),
    Question(
        code="other_contract",
        handler_text="L’appareil est-il sous garantie, ou sous contrat d’entretien avec une autre entreprise ?",
        public_text="L’appareil est-il sous garantie ou sous contrat d’entretien ailleurs ?",
        kind=QuestionKind.YES_NO,
        only_if=("problem", _SERVICED),
    ),
    Question(
        code="boiler",
        handler_text="Marque de l’appareil, énergie, code défaut affiché ?",
        public_text="Marque de l’appareil et code défaut affiché",
        kind=QuestionKind.TEXT,
        only_if=("problem", _SERVICED),
        required=False,
    ),
    Question(
        code="since",
        handler_text="Depuis quand ?",
        public_text="Depuis quand ?",
        kind=QuestionKind.TEXT,
        required=False,
    ),
    VULNERABLE,
)

BEFORE_METER = Redirect(
    code="before_meter",
    label="Fuite avant compteur : service des eaux",
    phone_numbers=(),
    script=SafetyScript(
        code="before_meter",
        title="Fuite avant le compteur",
        lines=(
            "Avant le compteur, le tuyau appartient au service des eaux : lui seul peut intervenir.",
            "Son numéro d’urgence est sur votre facture d’eau. L’intervention est gratuite.",
            "Ne touchez pas au compteur. Éloignez ce qui craint l’eau.",
            "Si l’eau approche de l’électricité, ou inonde la rue : appelez le 18.",
        ),
    ),
)
SHARED_PIPE = Redirect(
    code="shared_pipe",
    label="Colonne ou partie commune : syndic",
    phone_numbers=(),
    script=SafetyScript(
        code="shared_pipe",
        title="Fuite dans une partie commune",
        lines=(
            "Le tuyau appartient à l’immeuble : le syndic ou le bailleur doit donner son accord.",
            "Appelez-le, ou son numéro d’astreinte, affiché dans l’entrée. Rappelez-nous dès qu’il accepte.",
            "Si un robinet d’arrêt d’immeuble est accessible, fermez-le et prévenez les voisins.",
            "Si l’eau approche de l’électricité : appelez le 18.",
        ),
    ),
)
OTHER_MAINTAINER = Redirect(
    code="other_maintainer",
    label="Appareil sous contrat ou sous garantie ailleurs",
    phone_numbers=(),
    script=SafetyScript(
        code="other_maintainer",
        title="Appareil suivi par une autre entreprise",
        lines=(
            "Votre contrat ou votre garantie couvre peut-être cette panne : appelez d’abord cette entreprise.",
            "Si nous venons, notre intervention vous est facturée.",
            "La garantie peut s’arrêter si nous ouvrons l’appareil.",
            "Voulez-vous quand même que nous venions ?",
        ),
    ),
    blocks_dispatch=False,
)


class PlumbingTriage:
    """Pure and total: a few dictionary look-ups, on the path of a phone call."""

    @property
    def questions(self) -> Sequence[Question]:
        return QUESTIONS

    def assess(self, answers: Answers) -> TriageResult:
        problem = answers.get("problem", "")
        type_code = TYPE_OF_PROBLEM.get(problem, WHEN_UNKNOWN)
        danger = GAS_SMELL if problem == "gas_smell" else danger_redirect(answers)
        if danger is not None:
            type_code = "ODEUR_GAZ" if danger is GAS_SMELL else type_code
            return TriageResult(type_code, Priority.P0, danger, (danger.script,))
        redirect = _other_responsible(problem, answers)
        if redirect is BEFORE_METER and type_code != "COMPTEUR":
            type_code = "AVANT_COMPTEUR"
        safety = _words(type_code, answers)
        if redirect is not None:
            safety = (redirect.script, *safety)
        blocked = redirect is not None and redirect.blocks_dispatch
        return TriageResult(
            type_code=type_code,
            priority=_priority(type_code, answers),
            redirect=redirect,
            safety=safety,
            missing=() if blocked else questions.missing(QUESTIONS, answers),
        )


def _other_responsible(problem: str, answers: Answers) -> Redirect | None:
    owner = answers.get("pipe_owner") if problem in _WHOSE_PIPE else None
    if problem in {"meter_leak", "before_meter"} or owner == "before_meter":
        return BEFORE_METER
    if owner == "shared" and answers.get("syndic_agreed") != "yes":
        return SHARED_PIPE
    if problem in _SERVICED and answers.get("other_contract") == "yes":
        return OTHER_MAINTAINER
    return None


def _priority(type_code: str, answers: Answers) -> Priority:
    """The grid of R85. P0 is decided before."""
    vulnerable = answers.get("vulnerable") == "yes"
    if type_code in _WATER_TYPES | {"REFOULEMENT_EU"} and answers.get("wet_electricity") == "yes":
        return Priority.P1
    if type_code in _WATER_TYPES and "flow" in answers:
        return _running_water(type_code, answers)
    if type_code in _WC_TYPES and answers.get("only_wc") == "no":
        return Priority.P3
    if type_code in _HEATING_TYPES and "freezing_outside" in answers:
        cold = answers["freezing_outside"] == "yes"
        return Priority.P1 if cold and vulnerable else Priority.P2 if cold or vulnerable else Priority.P3
    if type_code in {"ECS_PANNE", "COUPURE_EAU_PARTIELLE"} and vulnerable:
        return Priority.P2
    return _DEFAULTS[type_code]


def _running_water(type_code: str, answers: Answers) -> Priority:
    stopped = answers.get("shut_off") == "yes" or answers["flow"] == "none"
    reaches_neighbour = answers.get("neighbour_hit") == "yes" or type_code == "DDE_VOISIN"
    if not stopped and answers["flow"] in {"stream", "burst"}:
        return Priority.P1
    if stopped and answers["flow"] in {"drip", "none"} and not reaches_neighbour:
        only_wc = type_code == "WC_FUITE" and answers.get("only_wc") == "yes"
        return Priority.P2 if only_wc or type_code == "GEL" else Priority.P3
    return Priority.P2


def _words(type_code: str, answers: Answers) -> tuple[SafetyScript, ...]:
    scripts = []
    if answers.get("wet_electricity") == "yes":
        scripts.append(WET_ELECTRICITY)
    if type_code == "GEL":
        scripts.append(FREEZING)
    elif type_code in _WATER_TYPES:
        scripts.append(WATER)
    return tuple(scripts)
