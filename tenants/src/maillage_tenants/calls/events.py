"""What the rest of the product learns from a call: ids and codes only."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A call is over. `accepted_kind` is the ladder step that took it, None when nobody did; `day` is in Paris."""

    call_id: UUID
    outcome: str
    accepted_kind: str | None
    day: date
