"""Questions of calendar feeds: whose secret it is, and every duty that it has ever shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_kit.errors import NotFound
from maillage_kit.pages import Page, PageRequest, cut_page, read_id, read_instant
from maillage_tenants.members.models import Technician
from maillage_tenants.rota.models import Duty, OnCallPost
from maillage_tenants.rota.models_swaps import CalendarFeed
from maillage_tenants.territory.models import Sector


@dataclass(frozen=True, slots=True)
class FeedLine:
    """A feed in force. `name`: the person or the sector."""

    id: UUID
    of_person: bool
    name: str
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class ShownDuty:
    """A published duty, superseded or not."""

    post_id: int
    sector_name: str
    trade: str
    rank: int
    technician_id: UUID
    name: str
    starts_at: datetime
    ends_at: datetime
    recorded_at: datetime
    superseded_at: datetime | None


async def feed_of_token(session: TenantSession, *, token_hash: str) -> CalendarFeed:
    """Raises NotFound for an unknown or revoked secret, or a person who is no longer active."""
    found: CalendarFeed | None = await session.scalar(
        sa.select(CalendarFeed)
        .outerjoin(Technician, Technician.id == CalendarFeed.technician_id)
        .where(
            CalendarFeed.token_hash == token_hash,
            CalendarFeed.revoked_at.is_(None),
            sa.or_(CalendarFeed.technician_id.is_(None), Technician.active),
        )
    )
    if found is None:
        raise NotFound("Cet agenda n’existe pas ou plus.")
    return found


async def feed_in_force(
    session: TenantSession, *, technician_id: UUID | None = None, sector_id: UUID | None = None
) -> CalendarFeed | None:
    whose = (
        CalendarFeed.technician_id == technician_id
        if technician_id is not None
        else CalendarFeed.sector_id == sector_id
    )
    found: CalendarFeed | None = await session.scalar(
        sa.select(CalendarFeed).where(whose, CalendarFeed.revoked_at.is_(None)).with_for_update()
    )
    return found


async def feeds_page(session: TenantSession, *, page: PageRequest) -> Page[FeedLine]:
    """The feeds in force, the latest first."""
    wanted = (
        sa.select(
            CalendarFeed.id,
            CalendarFeed.technician_id.is_not(None),
            sa.func.coalesce(Technician.first_name + " " + Technician.last_name, Sector.name),
            CalendarFeed.created_at,
            CalendarFeed.created_by,
        )
        .outerjoin(Technician, Technician.id == CalendarFeed.technician_id)
        .outerjoin(Sector, Sector.id == CalendarFeed.sector_id)
        .where(CalendarFeed.revoked_at.is_(None))
    )
    if (last := page.position(read_instant, read_id)) is not None:
        wanted = wanted.where(sa.tuple_(CalendarFeed.created_at, CalendarFeed.id) < last)
    rows = await session.execute(
        wanted.order_by(CalendarFeed.created_at.desc(), CalendarFeed.id.desc()).limit(page.limit + 1)
    )
    return cut_page([FeedLine(*row) for row in rows], page, lambda row: (row.created_at, row.id))


async def shown_duties(
    session: TenantSession, *, since: datetime, technician_id: UUID | None = None, sector_id: UUID | None = None
) -> Sequence[ShownDuty]:
    """Every duty ever published of a person or a sector that ends after `since`, in the order it was recorded."""
    whose = Duty.technician_id == technician_id if technician_id is not None else OnCallPost.sector_id == sector_id
    wanted: Any = (
        sa.select(
            Duty.post_id,
            Sector.name,
            OnCallPost.trade,
            OnCallPost.rank,
            Duty.technician_id,
            Technician.first_name + " " + Technician.last_name,
            Duty.starts_at,
            Duty.ends_at,
            Duty.recorded_at,
            Duty.superseded_at,
        )
        .join(OnCallPost, OnCallPost.id == Duty.post_id)
        .join(Sector, Sector.id == OnCallPost.sector_id)
        .join(Technician, Technician.id == Duty.technician_id)
        .where(whose, Duty.live, Duty.ends_at > since)
        .order_by(Duty.recorded_at, Duty.starts_at, Duty.id)
        .limit(5000)
    )
    return [ShownDuty(*row) for row in await session.execute(wanted)]
