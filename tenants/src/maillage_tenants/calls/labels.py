"""The French words, tones and icons of calls, for the pages of the office."""

from collections.abc import Mapping

from maillage_kit.look import Look
from maillage_tenants.calls.models import CallbackOutcome, CallOutcome, CallState, LegState
from maillage_tenants.calls.signals import Ending
from maillage_tenants.dispatch import StepKind

STATES: Mapping[str, Look] = {
    CallState.MENU: ("Au menu", "info", "phone"),
    CallState.RINGING: ("Sonne", "warning", "phone"),
    CallState.CONNECTED: ("En ligne", "success", "phone"),
}
OUTCOMES: Mapping[str, Look] = {
    CallOutcome.ACCEPTED: ("Pris", "success", "check"),
    CallOutcome.FALLBACK: ("Pris au repli", "info", "phone"),
    CallOutcome.REDIRECTED: ("Secours", "danger", "warning"),
    CallOutcome.ABANDONED: ("Abandonné", "warning", "phone-missed"),
    CallOutcome.MISSED: ("Manqué", "danger", "phone-missed"),
}
LEGS: Mapping[str, Look] = {
    LegState.RINGING: ("Sonne", "warning", "phone"),
    LegState.ANSWERED: ("A décroché", "info", "phone"),
    LegState.ACCEPTED: ("A accepté", "success", "check"),
    LegState.NO_ANSWER: ("Pas de réponse", "neutral", "phone-missed"),
    LegState.BUSY: ("Occupé", "neutral", "close"),
    LegState.REFUSED: ("A refusé", "neutral", "close"),
    LegState.UNREACHABLE: ("Injoignable", "danger", "warning"),
    LegState.NOT_ACCEPTED: ("Sans accepter", "neutral", "phone-missed"),
    LegState.CANCELLED: ("Interrompu", "neutral", "close"),
    LegState.UNTOLD: ("Fin non connue", "neutral", "info"),
}
SKIPPED: Look = ("Non appelé", "neutral", "pause")
NOT_REACHED: Look = ("Pas eu besoin", "neutral", "clock")
STEPS: Mapping[str, str] = {
    StepKind.RANK1: "Rang 1",
    StepKind.RANK2: "Rang 2",
    StepKind.NEIGHBOUR: "Secteur voisin",
    StepKind.MANAGER: "Responsable",
    StepKind.FALLBACK: "Repli",
}
CALLBACK_OUTCOMES: Mapping[CallbackOutcome, str] = {
    CallbackOutcome.REACHED_CASE_OPENED: "joint, intervention en cours",
    CallbackOutcome.REACHED_NO_NEED: "joint, plus besoin de nous",
    CallbackOutcome.UNREACHABLE_MESSAGE_LEFT: "pas joint, message laissé",
    CallbackOutcome.WRONG_NUMBER: "mauvais numéro",
    CallbackOutcome.DUPLICATE: "déjà traité par un autre appel",
}


def call_look(state: str, outcome: str | None) -> Look:
    """What to show of a call: how it ended, or where it stands."""
    return OUTCOMES.get(outcome or "") or STATES.get(state) or ("Terminé", "neutral", "check")


LEG_NEWS: Mapping[str, str] = {
    "initiated": "composition du numéro",
    "queued": "composition du numéro",
    "ringing": "sonne",
    "in-progress": "a décroché",
    "completed": "ligne terminée",
    "busy": "occupé",
    "no-answer": "pas de réponse",
    "failed": "numéro injoignable",
    "canceled": "appel interrompu",
}
ENDINGS: Mapping[str, str] = {
    Ending.COMPLETED: "completed",
    Ending.NO_ANSWER: "no-answer",
    Ending.BUSY: "busy",
    Ending.FAILED: "failed",
    Ending.CANCELLED: "canceled",
}
"""How an attempt ended, by the names of `LEG_NEWS`."""
QUESTIONS: Mapping[str, str] = {
    "start": "Premier menu",
    "site": "Choix du lieu",
    "postcode": "Code postal",
    "commune": "Choix de la commune",
}
