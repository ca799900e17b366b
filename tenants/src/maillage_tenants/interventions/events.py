"""What the rest of the product learns from a case: ids and codes only."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CaseClosed:
    """A case is closed. `day` is the day in Paris; the two delays are None when nothing was promised."""

    intervention_id: UUID
    trade: str
    arrival_kept: bool | None
    accept_kept: bool | None
    day: date
