"""What the rest of the product learns from a review: ids and the mark, never the words."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ReviewGiven:
    """A customer gave a review; `rating` from 1 to 5."""

    review_id: UUID
    intervention_id: UUID
    customer_id: UUID | None
    number: str
    rating: int
