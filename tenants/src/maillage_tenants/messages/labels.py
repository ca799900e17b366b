"""States and ways of messages, as people read them."""

from collections.abc import Mapping

from maillage_kit.look import Look
from maillage_tenants.messages.models import AttemptState, Channel, Failure, MessageState, Urgency

STATES: Mapping[str, Look] = {
    MessageState.QUEUED: ("En cours", "info", "clock"),
    MessageState.HELD: ("En attente", "neutral", "moon"),
    MessageState.SENT: ("Envoyé", "success", "check"),
    MessageState.DELIVERED: ("Remis", "success", "check"),
    MessageState.FAILED: ("Échec", "danger", "warning"),
    MessageState.EXPIRED: ("Plus nécessaire", "neutral", "close"),
}
ATTEMPTS: Mapping[str, Look] = {
    AttemptState.GIVING: ("En cours", "info", "clock"),
    AttemptState.GIVEN: ("Transmis", "success", "check"),
    AttemptState.DELIVERED: ("Remis", "success", "check"),
    AttemptState.FAILED: ("Échec", "danger", "warning"),
    AttemptState.EXPIRED: ("Sans nouvelles", "neutral", "close"),
}
CHANNELS: Mapping[str, str] = {
    Channel.PUSH: "Notification",
    Channel.SMS: "SMS",
    Channel.CALL: "Appel",
    Channel.EMAIL: "Courriel",
}
CARRIERS: Mapping[str, str] = {
    "twilio": "API REST",
    "ovh": "OVHcloud",
    "smpp": "SMPP",
    "webpush": "Service du navigateur",
    "smtp": "Serveur de courriel",
    "development": "Boîte de développement",
}
FAILURES: Mapping[str, str] = {
    Failure.DEAD: "adresse hors service",
    Failure.REFUSED: "refusé par l’opérateur",
    Failure.UNAVAILABLE: "opérateur indisponible",
    Failure.UNDELIVERED: "non remis",
}
URGENCIES: Mapping[str, str] = {
    Urgency.EMERGENCY: "Urgence",
    Urgency.PROMPT: "Sans attendre",
    Urgency.ROUTINE: "Courant",
}
