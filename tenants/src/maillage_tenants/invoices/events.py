"""What the rest of the product learns from a note: ids and codes only."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class NoteIssued:
    """A note, an invoice or a credit note was issued (`kind`). `credit_of`: the document that a credit note cancels."""

    invoice_id: UUID
    intervention_id: UUID
    customer_id: UUID | None
    number: str
    kind: str
    credit_of: UUID | None
