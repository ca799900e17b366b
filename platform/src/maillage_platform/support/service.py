"""Acts: a cooperative permits the support or not; somebody comes in; the visit ends."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from maillage_kit.db import PlatformSession
from maillage_kit.errors import Invalid, NotFound
from maillage_platform.support import queries
from maillage_platform.support.errors import NotPermitted
from maillage_platform.support.models import SupportConsent, SupportVisit
from maillage_platform.support.rules import wrong_with

log = structlog.get_logger(__name__)


async def set_consent(
    session: PlatformSession, *, cooperative_id: UUID, allowed: bool, by: str, at: datetime
) -> Sequence[SupportVisit]:
    """Say whether the support may come in. Saying no ends what goes on: returns the visits ended by it."""
    consent = await queries.consent_of(session, cooperative_id=cooperative_id, lock=True)
    if consent is None:
        consent = SupportConsent(cooperative_id=cooperative_id)
        session.add(consent)
    consent.allowed, consent.changed_at, consent.changed_by = allowed, at, by
    ended = () if allowed else await queries.live_visits(session, cooperative_id=cooperative_id, at=at)
    for visit in ended:
        visit.ended_at, visit.ended_by = at, by
    await session.flush()
    return ended


async def open_visit(
    session: PlatformSession,
    *,
    cooperative_id: UUID,
    account_id: UUID,
    name: str,
    reason: str,
    minutes: str,
    at: datetime,
) -> SupportVisit:
    """Come into a cooperative that permits it, to read, for a while. One that goes on already ends.

    Raises NotPermitted without the cooperative's standing consent; Invalid without a reason or beyond an hour.
    """
    consent = await queries.consent_of(session, cooperative_id=cooperative_id, lock=True)
    if consent is None or not consent.allowed:
        raise NotPermitted
    fields = wrong_with(reason=reason, minutes=minutes)
    if fields:
        raise Invalid(fields=fields)
    before = await queries.live_visit(session, cooperative_id=cooperative_id, account_id=account_id, at=at)
    if before is not None:
        before.ended_at, before.ended_by = at, name
    visit = SupportVisit(
        cooperative_id=cooperative_id,
        account_id=account_id,
        visitor_name=name,
        reason=reason,
        opened_at=at,
        expires_at=at + timedelta(minutes=int(minutes)),
    )
    session.add(visit)
    await session.flush()
    log.info("support_entered", visit=str(visit.id), cooperative=str(cooperative_id), account=str(account_id))
    return visit


async def end_visit(
    session: PlatformSession, *, cooperative_id: UUID, visit_id: UUID, by: str, at: datetime
) -> SupportVisit:
    """End a visit of this cooperative at once. Raises NotFound when none of that name goes on."""
    live = await queries.live_visits(session, cooperative_id=cooperative_id, at=at)
    visit = next((each for each in live if each.id == visit_id), None)
    if visit is None:
        raise NotFound
    visit.ended_at, visit.ended_by = at, by
    await session.flush()
    log.info("support_left", visit=str(visit.id), by=by)
    return visit
