"""What addresses can be told: each type with its version, the event of the outbox that it comes from, its fields.

A field added keeps the version; one that changes its meaning or goes makes a new type beside the old one. Only the
fields named here leave, whatever else the event carries. docs/howto/webhooks.md says the same; a test compares.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

TEST_TYPE = "webhook.test.v1"


@dataclass(frozen=True, slots=True)
class EventType:
    """`source`: the type in the outbox, `<domain>.<ClassName>`. `fields`: what its `data` holds."""

    name: str
    source: str
    label: str
    fields: tuple[str, ...]


_CASE = ("intervention_id", "customer_id")
_QUOTE = ("quote_id", *_CASE, "number", "kind")

CATALOGUE = (
    EventType(
        "intervention.opened.v1",
        "interventions.InterventionOpened",
        "Intervention ouverte",
        (*_CASE, "number", "source", "trade"),
    ),
    EventType(
        "intervention.state_changed.v1",
        "interventions.InterventionStateChanged",
        "Intervention : état changé",
        (*_CASE, "number", "before", "state"),
    ),
    EventType(
        "intervention.closed.v1",
        "interventions.CaseClosed",
        "Intervention close",
        (*_CASE, "trade", "arrival_kept", "accept_kept", "day"),
    ),
    EventType("quote.sent.v1", "quotes.QuoteSent", "Devis remis", (*_QUOTE, "valid_until")),
    EventType("quote.decided.v1", "quotes.QuoteDecided", "Devis accepté ou refusé", (*_QUOTE, "decision")),
    EventType(
        "note.issued.v1",
        "invoices.NoteIssued",
        "Note, facture ou avoir émis",
        ("invoice_id", *_CASE, "number", "kind", "credit_of"),
    ),
    EventType("review.given.v1", "reviews.ReviewGiven", "Avis donné", ("review_id", *_CASE, "number", "rating")),
)
BY_SOURCE = {each.source: each for each in CATALOGUE}
LABELS = {each.name: each.label for each in CATALOGUE} | {TEST_TYPE: "Essai"}


def body_of(name: str, data: Mapping[str, Any], *, occurred_at: datetime) -> str:
    """The payload as it is signed and sent: `type`, `timestamp` (RFC 3339, UTC), `data`."""
    at = occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"type": name, "timestamp": at, "data": dict(data)}, ensure_ascii=False, separators=(",", ":"))


def data_of(event: EventType, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that leave, in the order of the catalogue; one that the event does not carry is null."""
    return {name: payload.get(name) for name in event.fields}
