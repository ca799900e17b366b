"""The French words, tones and icons of the watch, for the pages of the office."""

from collections.abc import Mapping

from maillage_kit.look import Look
from maillage_tenants.watch.models import FindingKind, RunOutcome

OUTCOMES: Mapping[str | None, Look] = {
    None: ("En cours", "info", "phone"),
    RunOutcome.SUCCESS: ("Réussi", "success", "check"),
    RunOutcome.FAILED: ("Échec", "danger", "phone-missed"),
}
FINDINGS: Mapping[str, str] = {
    FindingKind.CALL_WITHOUT_END: "Appel sans fin",
    FindingKind.OFFER_OVERDUE: "Proposition dépassée",
    FindingKind.LEG_WITHOUT_EVENT: "Sonnerie sans nouvelle",
    FindingKind.MESSAGE_WAITING: "Message en attente",
    FindingKind.TASK_LATE: "Tâche en retard",
}
