"""Reading consents and visits."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import PlatformSession
from maillage_platform.support.models import SupportConsent, SupportVisit


async def consent_of(session: PlatformSession, *, cooperative_id: UUID, lock: bool = False) -> SupportConsent | None:
    """What the cooperative said last; None when it never said anything. `lock`: until the end of the transaction."""
    statement = sa.select(SupportConsent).where(SupportConsent.cooperative_id == cooperative_id)
    return (await session.scalars(statement.with_for_update() if lock else statement)).one_or_none()


async def live_visit(
    session: PlatformSession, *, cooperative_id: UUID, account_id: UUID, at: datetime
) -> SupportVisit | None:
    """The visit of that person in that cooperative that goes on at `at`."""
    found = await session.scalars(
        _live(at)
        .where(SupportVisit.cooperative_id == cooperative_id, SupportVisit.account_id == account_id)
        .order_by(SupportVisit.id.desc())
        .limit(1)
    )
    return found.one_or_none()


async def live_visits(session: PlatformSession, *, cooperative_id: UUID, at: datetime) -> Sequence[SupportVisit]:
    """Who is inside that cooperative at `at`."""
    found = await session.scalars(
        _live(at).where(SupportVisit.cooperative_id == cooperative_id).order_by(SupportVisit.id)
    )
    return found.all()


async def visits(
    session: PlatformSession, *, cooperative_id: UUID, before: UUID | None, limit: int
) -> Sequence[SupportVisit]:
    """The visits of a cooperative, newest first, before that one; at most `limit`."""
    statement = (
        sa.select(SupportVisit)
        .where(SupportVisit.cooperative_id == cooperative_id)
        .order_by(SupportVisit.id.desc())
        .limit(limit)
    )
    if before:
        statement = statement.where(SupportVisit.id < before)
    return (await session.scalars(statement)).all()


def _live(at: datetime) -> sa.Select[SupportVisit]:
    return sa.select(SupportVisit).where(
        SupportVisit.opened_at <= at, SupportVisit.expires_at > at, SupportVisit.ended_at.is_(None)
    )
