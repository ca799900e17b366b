"""Locksmith triage: the questions of R85, the priority grid, the redirects of R87 and the identity rule of R92.

Order of the decisions: danger (P0), then the right to open, then the type, then the priority.
"""

from collections.abc import Mapping, Sequence

from maillage_hooks import questions
from maillage_hooks.safety import AFTER_BREAK_IN, DANGER, FIRE, PERSON_IN_DANGER, POLICE, VULNERABLE, danger_redirect
from maillage_hooks.types import (
    Choice,
    Priority,
    Question,
    QuestionKind,
    Redirect,
    SafetyScript,
    TriageResult,
)
from maillage_locksmith.catalogue import TYPES

Answers = Mapping[str, str]

TYPE_OF_PROBLEM = {
    "slammed": "PORTE_CLAQUEE",
    "locked": "PORTE_VERROUILLEE",
    "lost_keys": "PERTE_CLES",
    "stolen_keys": "VOL_CLES",
    "broken_key": "CLE_CASSEE",
    "cylinder": "CYLINDRE_HS",
    "multipoint": "SERRURE_MULTIPOINTS_HS",
    "break_in": "EFFRACTION_MISE_EN_SECURITE",
    "wont_close": "PORTE_NE_FERME_PLUS",
    "shutter": "RIDEAU_METALLIQUE",
    "garage_door": "PORTE_GARAGE",
}
WHEN_UNKNOWN = "PORTE_CLAQUEE"

_OPENING = frozenset({"slammed", "locked", "lost_keys", "stolen_keys", "broken_key", "cylinder", "multipoint"})
_CLOSING = frozenset({"break_in", "wont_close", "shutter", "garage_door", "cylinder", "multipoint"})
_MAYBE_BREAK_IN = frozenset({"wont_close", "shutter", "garage_door", "cylinder", "multipoint"})
_OPENING_TYPES = frozenset(TYPE_OF_PROBLEM[problem] for problem in _OPENING)
_DEFAULTS = {kind.code: kind.default_priority for kind in TYPES}

QUESTIONS = (
    DANGER,
    Question(
        code="problem",
        handler_text="Que se passe-t-il : porte claquée, fermée à clé, clés perdues, effraction ?",
        public_text="Quel est votre problème ?",
        choices=(
            Choice("slammed", "Porte claquée, clés à l’intérieur"),
            Choice("locked", "Porte fermée à clé"),
            Choice("lost_keys", "Clés perdues"),
            Choice("stolen_keys", "Clés volées"),
            Choice("broken_key", "Clé cassée dans la serrure"),
            Choice("cylinder", "Cylindre bloqué : la clé ne tourne plus"),
            Choice("multipoint", "Serrure à plusieurs points hors service"),
            Choice("break_in", "Effraction : porte ou serrure forcée"),
            Choice("wont_close", "Porte qui ne ferme plus"),
            Choice("shutter", "Rideau métallique bloqué"),
            Choice("garage_door", "Porte de garage bloquée"),
            Choice("other", "Autre problème de serrurerie"),
        ),
    ),
    Question(
        code="requester",
        handler_text="Qui demande : l’occupant, le bailleur, un commissaire de justice, quelqu’un d’autre ?",
        public_text="Vous êtes…",
        choices=(
            Choice("occupant", "L’occupant des lieux"),
            Choice("landlord", "Le propriétaire, l’agence ou le bailleur"),
            Choice("bailiff", "Un commissaire de justice"),
            Choice("other", "Un proche, un voisin, un gardien"),
        ),
    ),
    Question(
        code="occupant_agrees",
        handler_text="L’occupant est-il d’accord pour l’ouverture ?",
        public_text="L’occupant est-il d’accord pour l’ouverture ?",
        kind=QuestionKind.YES_NO,
        only_if=("requester", frozenset({"landlord", "other"})),
    ),
    Question(
        code="identity",
        handler_text="Pouvez-vous montrer une pièce d’identité et un justificatif de domicile, avant ou après ?",
        public_text="Pourrez-vous montrer une pièce d’identité et un justificatif de domicile ?",
        choices=(
            Choice("before", "Oui, avant l’ouverture"),
            Choice("after", "Oui, ils sont à l’intérieur"),
            Choice("witness", "Non, mais un voisin ou le propriétaire peut confirmer"),
            Choice("no", "Non"),
        ),
        only_if=("problem", _OPENING),
    ),
    Question(
        code="inside",
        handler_text="Y a-t-il quelqu’un à l’intérieur ? Quelque chose sur le feu ?",
        public_text="Y a-t-il quelqu’un, ou quelque chose sur le feu, à l’intérieur ?",
        choices=(
            Choice("nobody", "Personne"),
            Choice("adult", "Un adulte qui va bien"),
            Choice("child", "Un enfant ou une personne dépendante, qui répond et qui va bien"),
            Choice("no_answer", "Quelqu’un qui ne répond pas ou qui va mal"),
            Choice("stove_on", "Un plat ou un appareil sur le feu"),
        ),
        only_if=("problem", _OPENING),
    ),
    Question(
        code="locked_out",
        handler_text="Êtes-vous bloqué dehors, ou enfermé ?",
        public_text="Êtes-vous bloqué dehors, ou enfermé ?",
        kind=QuestionKind.YES_NO,
        only_if=("problem", _OPENING),
    ),
    Question(
        code="lock",
        handler_text="La serrure : un point, plusieurs points, porte blindée ?",
        public_text="Quelle serrure ?",
        choices=(
            Choice("single", "Un point"),
            Choice("multipoint", "Plusieurs points"),
            Choice("armoured", "Porte blindée"),
            Choice("unknown", "Je ne sais pas"),
        ),
        only_if=("problem", _OPENING - {"multipoint"}),
    ),
    Question(
        code="papers_with_keys",
        handler_text="Les clés ont-elles disparu avec des papiers qui portent l’adresse ?",
        public_text="Les clés ont-elles disparu avec des papiers qui portent votre adresse ?",
        kind=QuestionKind.YES_NO,
        only_if=("problem", frozenset({"lost_keys", "stolen_keys"})),
    ),
    Question(
        code="closes",
        handler_text="Le local peut-il encore être fermé ?",
        public_text="Le local peut-il encore être fermé ?",
        kind=QuestionKind.YES_NO,
        only_if=("problem", _CLOSING),
    ),
    Question(
        code="after_break_in",
        handler_text="Est-ce la suite d’une effraction ?",
        public_text="Est-ce la suite d’une effraction ?",
        kind=QuestionKind.YES_NO,
        only_if=("problem", _MAYBE_BREAK_IN),
    ),
    Question(
        code="complaint",
        handler_text="Numéro de plainte, s’il y en a un ?",
        public_text="Numéro de plainte, si vous l’avez",
        kind=QuestionKind.TEXT,
        only_if=("problem", _CLOSING | {"stolen_keys"}),
        required=False,
    ),
    VULNERABLE,
)

OCCUPANT_REFUSES = Redirect(
    code="occupant_refuses",
    label="Ouverture sans l’accord de l’occupant : commissaire de justice",
    phone_numbers=(),
    script=SafetyScript(
        code="occupant_refuses",
        title="Ouverture sans l’accord de l’occupant",
        lines=(
            "Nous n’ouvrons pas un logement occupé sans l’accord de l’occupant, même pour son propriétaire.",
            "Il faut un commissaire de justice, présent sur place avec son titre.",
            "Si vous craignez pour quelqu’un à l’intérieur : appelez le 18.",
        ),
    ),
)
COURT_OFFICER = Redirect(
    code="court_officer",
    label="Ouverture demandée par un commissaire de justice : sur rendez-vous",
    phone_numbers=(),
    script=SafetyScript(
        code="court_officer",
        title="Ouverture avec un commissaire de justice",
        lines=(
            "L’ouverture se fait sur rendez-vous, un jour ouvrable.",
            "Le commissaire de justice est présent, avec son titre.",
            "Ce n’est pas un dépannage d’urgence.",
        ),
    ),
    blocks_dispatch=False,
)
IDENTITY_UNKNOWN = Redirect(
    code="identity_unknown",
    label="Identité impossible à vérifier : pas d’ouverture",
    phone_numbers=(POLICE,),
    script=SafetyScript(
        code="identity_unknown",
        title="Identité impossible à vérifier",
        lines=(
            "Nous n’ouvrons pas sans vérifier que vous habitez ici.",
            "Cherchez un voisin, le gardien ou le propriétaire qui puisse le confirmer, puis rappelez-nous.",
            "En cas de doute, la police ou la gendarmerie peut vous aider : le 17.",
        ),
    ),
)
SOMEBODY_INSIDE = SafetyScript(
    code="somebody_inside",
    title="Quelqu’un est à l’intérieur",
    lines=(
        "Restez devant la porte et parlez-lui.",
        "Demandez-lui de rester loin de la cuisine et des fenêtres.",
        "S’il ne répond plus ou va mal : appelez le 18 tout de suite.",
    ),
)


class LocksmithTriage:
    """Pure and total: a few dictionary look-ups, on the path of a phone call."""

    @property
    def questions(self) -> Sequence[Question]:
        return QUESTIONS

    def assess(self, answers: Answers) -> TriageResult:
        type_code = TYPE_OF_PROBLEM.get(answers.get("problem", ""), WHEN_UNKNOWN)
        danger = danger_redirect(answers) or _danger_inside(answers)
        if danger is not None:
            return TriageResult(type_code, Priority.P0, danger, (danger.script,))
        redirect = _right_to_open(type_code, answers)
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


def _danger_inside(answers: Answers) -> Redirect | None:
    """Firemen open the door when somebody does not answer or something burns behind it (R87)."""
    return {"no_answer": PERSON_IN_DANGER, "stove_on": FIRE}.get(answers.get("inside", ""))


def _right_to_open(type_code: str, answers: Answers) -> Redirect | None:
    """R87, R92. Making safe needs no such right: the place is open already."""
    if type_code not in _OPENING_TYPES:
        return None
    requester = answers.get("requester")
    if requester == "bailiff":
        return COURT_OFFICER
    if requester in {"landlord", "other"} and answers.get("occupant_agrees") == "no":
        return OCCUPANT_REFUSES
    return IDENTITY_UNKNOWN if answers.get("identity") == "no" else None


def _priority(type_code: str, answers: Answers) -> Priority:
    """The grid of R85. P0 is decided before."""
    if type_code in _OPENING_TYPES and answers.get("requester") == "bailiff":
        return Priority.P3
    if answers.get("closes") == "no" and answers.get("problem") in _CLOSING - {"garage_door"}:
        return Priority.P1
    if type_code in _OPENING_TYPES and answers.get("inside") == "child":
        return Priority.P1
    if type_code == "VOL_CLES" and answers.get("papers_with_keys") == "yes":
        return Priority.P1
    if type_code == "EFFRACTION_MISE_EN_SECURITE" and answers.get("closes") == "yes":
        return Priority.P2
    if type_code == "PORTE_GARAGE" and answers.get("closes") == "no":
        return Priority.P2
    if type_code == "PORTE_NE_FERME_PLUS" and answers.get("closes") == "yes":
        return Priority.P3
    if type_code in _OPENING_TYPES - {"VOL_CLES"} and answers.get("locked_out") == "no":
        return Priority.P2 if answers.get("vulnerable") == "yes" else Priority.P3
    return _DEFAULTS[type_code]


def _words(type_code: str, answers: Answers) -> tuple[SafetyScript, ...]:
    scripts = []
    broken_in = answers.get("problem") in _MAYBE_BREAK_IN and answers.get("after_break_in") == "yes"
    if type_code == "EFFRACTION_MISE_EN_SECURITE" or broken_in:
        scripts.append(AFTER_BREAK_IN)
    if type_code in _OPENING_TYPES and answers.get("inside") == "child":
        scripts.append(SOMEBODY_INSIDE)
    return tuple(scripts)
