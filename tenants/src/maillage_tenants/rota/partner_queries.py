"""The select behind who is on call, as the API tells it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_kit.pages import Page, PageRequest, cut_page, read_number
from maillage_tenants.members.models import Member, Technician
from maillage_tenants.rota.models import Duty, OnCallPost
from maillage_tenants.territory.models import Sector


@dataclass(frozen=True, slots=True)
class OnCallNow:
    """A post held at an instant, with its names."""

    post_id: int
    trade: str
    sector: str
    rank: int
    duty_id: UUID
    person: str
    business: str
    starts_at: datetime
    ends_at: datetime


async def on_call_page(
    session: TenantSession,
    *,
    trades: Sequence[str],
    sector_ids: Sequence[UUID] | None,
    at: datetime,
    page: PageRequest,
) -> Page[OnCallNow]:
    """The posts held at `at`, by post, one page; `sector_ids`: those only."""
    wanted = (
        sa.select(
            OnCallPost.id,
            OnCallPost.trade,
            Sector.name,
            OnCallPost.rank,
            Duty.id,
            Technician.first_name + " " + Technician.last_name,
            Member.name,
            Duty.starts_at,
            Duty.ends_at,
        )
        .join(Duty, Duty.post_id == OnCallPost.id)
        .join(Sector, Sector.id == OnCallPost.sector_id)
        .join(Technician, Technician.id == Duty.technician_id)
        .join(Member, Member.id == Duty.member_id)
        .where(
            OnCallPost.trade.in_(trades),
            Duty.live,
            Duty.superseded_at.is_(None),
            Duty.starts_at <= at,
            Duty.ends_at > at,
        )
        .order_by(OnCallPost.id)
        .limit(page.limit + 1)
    )
    if sector_ids is not None:
        wanted = wanted.where(OnCallPost.sector_id.in_(sector_ids))
    if (last := page.position(read_number)) is not None:
        wanted = wanted.where(OnCallPost.id > last[0])
    rows = [OnCallNow(*row) for row in await session.execute(wanted)]
    return cut_page(rows, page, lambda row: (row.post_id,))
