"""Every select on reviews."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_kit.pages import Page, PageRequest, cut_page, read_id, read_instant
from maillage_kit.rest import Reach
from maillage_tenants.interventions.models import Intervention
from maillage_tenants.reviews.errors import ReviewNotFound
from maillage_tenants.reviews.models import Review


@dataclass(frozen=True, slots=True)
class ReviewedCase:
    """A review, with what names its case."""

    review: Review
    number: str
    customer_id: UUID | None


async def review_of(session: TenantSession, *, case_id: UUID) -> Review | None:
    """The review of a case; None while there is none."""
    return await session.scalar(sa.select(Review).where(Review.intervention_id == case_id))


async def locked_review(session: TenantSession, *, case_id: UUID) -> Review:
    """The same, locked until commit. Raises ReviewNotFound."""
    statement = sa.select(Review).where(Review.intervention_id == case_id).with_for_update()
    found = await session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise ReviewNotFound
    return found


async def review_within(session: TenantSession, *, review_id: UUID, reach: Reach) -> ReviewedCase:
    """Raises ReviewNotFound, also for one out of reach."""
    row = (await session.execute(_visible(reach).where(Review.id == review_id))).one_or_none()
    if row is None:
        raise ReviewNotFound
    return ReviewedCase(*row)


async def reviews_page(
    session: TenantSession,
    *,
    page: PageRequest,
    reach: Reach | None = None,
    unanswered: bool = False,
    case_id: UUID | None = None,
    rating: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page[ReviewedCase]:
    """What was said over `[since, until)`, the last first, one page; `reach` None: of every customer."""
    wanted = _visible(reach).order_by(Review.given_at.desc(), Review.id.desc()).limit(page.limit + 1)
    if unanswered:
        wanted = wanted.where(Review.answered_at.is_(None))
    if case_id is not None:
        wanted = wanted.where(Review.intervention_id == case_id)
    if rating is not None:
        wanted = wanted.where(Review.rating == rating)
    if since is not None:
        wanted = wanted.where(Review.given_at >= since)
    if until is not None:
        wanted = wanted.where(Review.given_at < until)
    if (last := page.position(read_instant, read_id)) is not None:
        wanted = wanted.where(sa.tuple_(Review.given_at, Review.id) < last)
    rows: Sequence[ReviewedCase] = [ReviewedCase(*row) for row in await session.execute(wanted)]
    return cut_page(rows, page, lambda row: (row.review.given_at.isoformat(), row.review.id))


def _visible(reach: Reach | None) -> sa.Select[Review, str, UUID | None]:
    every = sa.select(Review, Intervention.number, Intervention.customer_id).join(
        Intervention, Intervention.id == Review.intervention_id
    )
    return every if reach is None else every.where(reach.where(Intervention.customer_id))
