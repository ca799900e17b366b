"""Private calendar feeds: a secret address per person or sector, shown once, revocable; what it gives."""

from collections import defaultdict
from datetime import timedelta
from uuid import UUID

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.crypto import new_token, token_hash
from maillage_kit.db import TenantSession
from maillage_kit.errors import NotFound
from maillage_kit.ical import CalendarEvent, write_calendar
from maillage_tenants import audit, members, territory
from maillage_tenants.rota import queries_feeds
from maillage_tenants.rota.models_swaps import CalendarFeed
from maillage_tenants.rota.queries_feeds import ShownDuty

KEPT = timedelta(days=31)
"""How long a duty that is over, or was cancelled, stays in the feed: calendars look now and then."""


async def make_feed(
    session: TenantSession, *, by: str, technician_id: UUID | None = None, sector_id: UUID | None = None
) -> str:
    """A new secret for a person or a sector, shown this once; the one before stops at once.

    Raises UnknownTechnician, and NotFound for an unknown sector.
    """
    if technician_id is not None:
        await members.get_technician(session, technician_id=technician_id)
    elif sector_id not in {sector.id for sector in await territory.all_sectors(session)}:
        raise NotFound("Ce secteur n’existe pas.")
    before = await queries_feeds.feed_in_force(session, technician_id=technician_id, sector_id=sector_id)
    if before is not None:
        await _revoke(session, before, by=by)
    token = new_token()
    feed = CalendarFeed(token_hash=token_hash(token), technician_id=technician_id, sector_id=sector_id, created_by=by)
    session.add(feed)
    await session.flush()
    await _record(session, feed, "rota.feed_made", by=by)
    return token


async def revoke_feed(session: TenantSession, *, feed_id: UUID, by: str, technician_id: UUID | None = None) -> None:
    """The address answers no more. With `technician_id`, only one's own. Raises NotFound."""
    feed = await session.get(CalendarFeed, feed_id, with_for_update=True, populate_existing=True)
    if feed is None or feed.revoked_at is not None or technician_id not in (None, feed.technician_id):
        raise NotFound("Cet agenda n’existe pas ou plus.")
    await _revoke(session, feed, by=by)


async def read_feed(
    session: TenantSession, *, token: str, cooperative: CooperativeContext, trades: TradeRegistry
) -> bytes:
    """The calendar behind a secret (RFC 5545). Raises NotFound.

    An event is a post from an instant on, and for a person's feed that person: it keeps its UID whatever happens to
    it, its SEQUENCE grows with each change, and one that fell away stays, cancelled.
    """
    feed = await queries_feeds.feed_of_token(session, token_hash=token_hash(token))
    rows = await queries_feeds.shown_duties(
        session, since=clock.now() - KEPT, technician_id=feed.technician_id, sector_id=feed.sector_id
    )
    own = feed.technician_id is not None
    stories: dict[tuple[object, ...], list[ShownDuty]] = defaultdict(list)
    for row in rows:
        stories[row.post_id, row.starts_at].append(row)
    events = [_event(story, cooperative=cooperative, trades=trades, own=own) for story in stories.values()]
    name = f"Astreintes {cooperative.name}" if own or not rows else f"Astreintes {rows[0].sector_name}"
    return write_calendar(name=name, events=sorted(events, key=lambda event: (event.starts_at, event.uid)))


def _event(
    story: list[ShownDuty], *, cooperative: CooperativeContext, trades: TradeRegistry, own: bool
) -> CalendarEvent:
    """`story`: what was recorded of one event, the first first."""
    current = [row for row in story if row.superseded_at is None]
    shown = (current or story)[-1]
    label = trades.label(shown.trade) if shown.trade in trades else shown.trade
    whose = f"-{shown.technician_id.hex}" if own else ""
    changes = [moment for row in story for moment in (row.recorded_at, row.superseded_at) if moment is not None]
    called = "appelé en premier" if shown.rank == 1 else "appelé en second"
    return CalendarEvent(
        uid=f"{shown.post_id}-{shown.starts_at:%Y%m%dT%H%M%SZ}{whose}@{cooperative.slug}.maillage",
        sequence=len(changes) - 1,
        changed_at=max(changes),
        starts_at=shown.starts_at,
        ends_at=shown.ends_at,
        summary=f"Astreinte {shown.sector_name}, {label.lower()}"
        if own
        else f"{shown.name}, {label.lower()}, {called}",
        description=f"Rang {shown.rank}, {called}.",
        location=shown.sector_name,
        cancelled=not current,
    )


async def _revoke(session: TenantSession, feed: CalendarFeed, *, by: str) -> None:
    feed.revoked_at, feed.revoked_by = clock.now(), by
    await session.flush()
    await _record(session, feed, "rota.feed_revoked", by=by)


async def _record(session: TenantSession, feed: CalendarFeed, action: str, *, by: str) -> None:
    await audit.record(
        session,
        actor=by,
        action=action,
        subject_type="calendar_feed",
        subject_id=feed.id,
        detail={"technician": str(feed.technician_id or ""), "sector": str(feed.sector_id or "")},
    )
