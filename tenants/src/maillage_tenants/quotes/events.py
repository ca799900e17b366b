"""What the rest of the product learns from a quote: ids and codes only."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class QuoteSent:
    """A quote was handed to the customer. It can be decided until `valid_until`."""

    quote_id: UUID
    intervention_id: UUID
    customer_id: UUID | None
    number: str
    kind: str
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class QuoteDecided:
    """The customer decided (`signed`, `refused`), or a new quote took its place (`replaced`)."""

    quote_id: UUID
    intervention_id: UUID
    customer_id: UUID | None
    number: str
    kind: str
    decision: str
