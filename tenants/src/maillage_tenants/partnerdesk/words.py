"""The French words of a partner's pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from maillage_tenants import interventions
from maillage_tenants.interventions.models import InterventionEvent
from maillage_tenants.interventions.partner_words import Status

STATUSES: Mapping[str, tuple[str, str, str]] = {
    Status.REQUESTED: ("Artisan recherché", "warning", "phone"),
    Status.ACKNOWLEDGED: ("Prise en charge", "info", "check"),
    Status.PLANNED: ("En route ou sur place", "info", "truck"),
    Status.REPLANNED: ("Nouveau passage à prévoir", "warning", "pause"),
    Status.OCCUPANT_ABSENT: ("Occupant absent", "warning", "pause"),
    Status.DONE: ("Terminée", "success", "check"),
    Status.PARTIAL_REPAIR: ("Réparée en partie", "warning", "wrench"),
    Status.CANCELED: ("Annulée", "neutral", "close"),
}
"""Each status of the landlords' vocabulary: (words, tone, pictogram)."""

_LOOKS: Mapping[str, tuple[str, str]] = {
    "acknowledged": ("check", "info"),
    "departed": ("truck", "info"),
    "arrived": ("map-pin", "info"),
    "danger": ("warning", "danger"),
    "made_safe": ("shield", "success"),
    "held": ("pause", "warning"),
    "resumed": ("wrench", "info"),
    "quote_sent": ("pen", "warning"),
    "quote_signed": ("check", "success"),
    "quote_refused": ("close", "neutral"),
    "document_added": ("camera", "neutral"),
    "partial_repair": ("wrench", "warning"),
    "finished": ("check", "success"),
    "closed": ("file", "neutral"),
    "canceled": ("close", "neutral"),
    "redirected": ("warning", "danger"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a case's story, as the timeline reads it."""

    at: datetime
    title: str
    icon: str
    tone: str


def line_of(event: InterventionEvent) -> Line:
    """An event that partners may read (`PARTNER_KINDS`). Of a pause, the reason of the closed list (R20) and not what
    was noted beside it; nobody's name but in what was written for the customer."""
    icon, tone = _LOOKS.get(interventions.partner_words.PARTNER_KINDS[event.kind], ("clock", "neutral"))
    title = event.text
    if event.kind == "held" and "reason" in event.detail:
        title = f"Mise en attente : {interventions.HOLD_LABELS[interventions.HoldReason(event.detail['reason'])]}"
    return Line(event.at, title, icon, tone)
