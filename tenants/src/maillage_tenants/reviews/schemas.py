"""Reviews as machines read them."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from maillage_kit.rest import PageQuery
from maillage_kit.rest.shapes import AskedInstant, Instant, Shown, said
from maillage_tenants.reviews.queries import ReviewedCase

Rating = Annotated[int, said("De 1 à 5, 5 : très satisfait.", "From 1 to 5, 5: very satisfied.", 4, ge=1, le=5)]


class ReviewQuery(PageQuery):
    """Les filtres s’ajoutent. / Filters add up."""

    case_id: UUID | None = None
    rating: Rating | None = None
    since: AskedInstant | None = None
    until: AskedInstant | None = None


class ReviewOut(Shown):
    """L’avis d’un client, tel qu’il l’a écrit, et la réponse de la coopérative. / What a customer wrote, as it was
    written, and the cooperative's answer."""

    id: UUID
    intervention_id: UUID
    intervention_number: str
    customer_id: UUID | None
    rating: Rating
    comment: Annotated[str, said("Vide s’il n’a rien écrit.", "Empty when nothing was written.", "Rapide et aimable.")]
    experienced_on: Annotated[
        date, said("Jour de clôture de l’intervention, à Paris.", "Day the case was closed, in Paris.", "2027-03-01")
    ]
    given_at: Instant
    answer: Annotated[str | None, said("Nul sans réponse.", "Null without answer.", "Merci de votre confiance.")]
    answered_at: Instant | None

    @classmethod
    def of(cls, found: ReviewedCase) -> Self:
        row = found.review
        return cls(
            id=row.id,
            intervention_id=row.intervention_id,
            intervention_number=found.number,
            customer_id=found.customer_id,
            rating=row.rating,
            comment=row.comment,
            experienced_on=row.experienced_on,
            given_at=row.given_at,
            answer=row.answer,
            answered_at=row.answered_at,
        )
