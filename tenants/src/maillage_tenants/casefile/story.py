"""The story of a case as one timeline: events, the call's legs, messages; and the words that explain them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from maillage_kit.phone import show_phone
from maillage_tenants.casefile.queries import CallStory, MessageOfCase
from maillage_tenants.interventions.models import InterventionEvent

STEP_LABELS = {
    "rank1": "Rang 1",
    "rank2": "Rang 2",
    "neighbour": "Secteur voisin",
    "manager": "Responsable",
    "fallback": "Repli",
}
LEG_LABELS = {
    "ringing": ("sonne", "warning"),
    "answered": ("décroché", "info"),
    "accepted": ("accepté", "success"),
    "no_answer": ("pas de réponse", "neutral"),
    "busy": ("occupé", "neutral"),
    "refused": ("refusé", "neutral"),
    "unreachable": ("injoignable", "warning"),
    "not_accepted": ("décroché sans accepter", "neutral"),
    "cancelled": ("arrêté", "neutral"),
}
CALL_OUTCOMES = {
    "accepted": "pris par un artisan",
    "fallback": "pris par la coopérative",
    "redirected": "réorienté",
    "abandoned": "raccroché par l’appelant",
    "missed": "manqué",
}
SOURCE_LABELS = {"phone": "Téléphone", "desk": "Permanence", "web": "Site web", "api": "Partenaire"}
METHOD_LABELS = {
    "card": "Carte bancaire",
    "cheque": "Chèque",
    "cash": "Espèces",
    "transfer": "Virement",
    "account": "Au compte",
}
MESSAGE_LABELS = {
    "offer": "Proposition envoyée",
    "offer_withdrawn": "Proposition retirée",
    "offer_exhausted": "Responsable prévenu",
    "case_accepted": "Client prévenu",
    "case_cancelled": "Annulation envoyée",
    "case_tracking": "Lien de suivi envoyé",
    "danger_proof": "Client prévenu des travaux avant signature",
    "signing_code": "Code de signature envoyé",
    "quote_copy": "Devis envoyé au client",
    "signed_quote_copy": "Exemplaire signé envoyé au client",
    "note_copy": "Note envoyée au client",
    "invoice_copy": "Facture envoyée au client",
    "credit_note_copy": "Avoir envoyé au client",
}
MESSAGE_STATES = {
    "queued": " (en cours)",
    "held": " (en attente)",
    "delivered": " (remis)",
    "failed": " : échec",
    "expired": " (plus nécessaire)",
}
_LOOKS = {
    "sms_received": ("mail", "info"),
    "opened": ("plus", "neutral"),
    "qualified": ("check", "info"),
    "requalified": ("pen", "info"),
    "dispatching": ("users", "neutral"),
    "offered": ("phone", "warning"),
    "skipped": ("close", "neutral"),
    "declined": ("close", "neutral"),
    "expired": ("clock", "neutral"),
    "exhausted": ("warning", "danger"),
    "accepted": ("check", "success"),
    "released": ("warning", "danger"),
    "departed": ("truck", "info"),
    "arrived": ("map-pin", "info"),
    "made_safe": ("shield", "success"),
    "finished": ("wrench", "success"),
    "partial": ("wrench", "warning"),
    "held": ("pause", "warning"),
    "resumed": ("check", "info"),
    "redirected": ("warning", "danger"),
    "cancelled": ("close", "neutral"),
    "closed": ("file", "success"),
    "review": ("star", "info"),
    "danger_immediat": ("warning", "danger"),
    "attachment": ("camera", "neutral"),
    "report": ("pen", "neutral"),
    "follow_up": ("calendar", "info"),
    "lead": ("star", "info"),
    "no_tariff": ("euro", "warning"),
    "price_accepted": ("euro", "success"),
    "quote_sent": ("pen", "info"),
    "quote_signed": ("check", "success"),
    "quote_refused": ("close", "warning"),
    "note_issued": ("file", "info"),
    "invoice_issued": ("file", "info"),
    "credit_note_issued": ("file", "warning"),
    "by_hand": ("file", "warning"),
    "payment": ("euro", "success"),
}


_EXPLAINED = frozenset({"offered", "skipped", "lead", "danger_immediat"})
"""Events whose `detail` holds a reason in words."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline, as the design macro reads it."""

    at: datetime
    title: str
    icon: str
    tone: str
    detail: str = ""
    actor: str = ""


def timeline(
    events: Iterable[InterventionEvent], call: CallStory | None, messages: Iterable[MessageOfCase]
) -> tuple[Line, ...]:
    """Everything that happened, oldest first; within one instant, in the order it was written."""
    lines = [
        Line(
            event.at,
            event.text,
            *_LOOKS.get(event.kind, ("info", "neutral")),
            detail=str(event.detail.get("reason", "")) if event.kind in _EXPLAINED else "",
            actor=event.actor,
        )
        for event in events
    ]
    if call is not None:
        lines.append(Line(call.started_at, "Appel reçu au numéro unique", "phone", "info", call.routing_note))
        for step in call.ladder:
            if step.started_at is not None:
                words, tone = LEG_LABELS.get(step.state or "", (step.state or "", "neutral"))
                lines.append(Line(step.started_at, f"{step.display_name} : {words}", "phone", tone, step.reason))
        if call.ended_at is not None:
            outcome = CALL_OUTCOMES.get(call.outcome or "", "terminé")
            lines.append(Line(call.ended_at, f"Fin de l’appel : {outcome}", "phone", "neutral"))
    for message in messages:
        failed = message.state == "failed"
        words = MESSAGE_LABELS.get(message.purpose, "Message envoyé")
        way = (
            f"SMS au {show_phone(message.recipient)}" if message.channel == "sms" else f"Courriel à {message.recipient}"
        )
        lines.append(
            Line(
                message.created_at,
                f"{words}{MESSAGE_STATES.get(message.state, '')}",
                "mail",
                "danger" if failed else "success" if message.state == "delivered" else "neutral",
                f"{way}. {message.error}" if failed and message.error else way,
            )
        )
    return tuple(sorted(lines, key=lambda line: line.at))
