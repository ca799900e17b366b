"""Giving a review, answering it."""

from datetime import datetime
from uuid import UUID

from maillage_kit import outside
from maillage_kit.clock import paris
from maillage_kit.db import TenantSession, insert_once
from maillage_tenants import audit, interventions
from maillage_tenants.interventions import State
from maillage_tenants.reviews import queries
from maillage_tenants.reviews.errors import AlreadyAnswered, AlreadyReviewed, NotFinished
from maillage_tenants.reviews.events import ReviewGiven
from maillage_tenants.reviews.models import Review


async def give_review(
    session: TenantSession, *, case_id: UUID, rating: int, comment: str, at: datetime, by: str
) -> UUID:
    """Keep the customer's review of a closed case, once and for good; tell it in the story of the case and outside.

    `rating` and `comment` as `rules.read_review` gives them. Raises NotFinished before the case is closed,
    AlreadyReviewed when there is one, CaseNotFound.
    """
    row = await interventions.locked_case(session, case_id=case_id)
    if State(row.state) is not State.CLOSED or row.closed_at is None:
        raise NotFinished
    review_id = await insert_once(
        session,
        Review,
        unique=(Review.intervention_id,),
        intervention_id=case_id,
        rating=rating,
        comment=comment,
        experienced_on=paris(row.closed_at).date(),
        given_at=at,
    )
    if review_id is None:
        raise AlreadyReviewed
    await interventions.add_event(
        session, case_id=case_id, kind="review", text=f"Avis du client : {rating} sur 5", actor=by, at=at
    )
    event = ReviewGiven(review_id, case_id, row.customer_id, row.number, rating)
    await outside.publish(session, event, occurred_at=at)
    return review_id


async def answer_review(session: TenantSession, *, case_id: UUID, answer: str, at: datetime, by: str) -> None:
    """Write the cooperative's answer beside the review, once; in the audit log. Raises ReviewNotFound,
    AlreadyAnswered."""
    row = await queries.locked_review(session, case_id=case_id)
    if row.answered_at is not None:
        raise AlreadyAnswered
    row.answer, row.answered_at, row.answered_by = answer, at, by
    await audit.record(
        session,
        actor=by,
        action="reviews.answer",
        subject_type="review",
        subject_id=row.id,
        detail={"intervention_id": row.intervention_id},
    )
    await session.flush()
