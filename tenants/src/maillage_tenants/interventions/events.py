"""What the rest of the product learns from a case: ids and codes only."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class InterventionOpened:
    """A case is opened. What nobody knows yet is None."""

    intervention_id: UUID
    customer_id: UUID | None
    number: str
    source: str
    trade: str | None


@dataclass(frozen=True, slots=True)
class InterventionStateChanged:
    """A case went from the state `before` to `state`."""

    intervention_id: UUID
    customer_id: UUID | None
    number: str
    before: str
    state: str


@dataclass(frozen=True, slots=True)
class CaseClosed:
    """A case is closed. `day` is the day in Paris; the two delays are None when nothing was promised."""

    intervention_id: UUID
    trade: str
    arrival_kept: bool | None
    accept_kept: bool | None
    day: date
    customer_id: UUID | None = None
