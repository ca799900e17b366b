"""Questions to the rota. `on_call` is asked on every phone call: one indexed query, flat over years of history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_tenants.members.models import Member, Technician
from maillage_tenants.rota.models import Duty, OnCallPost


@dataclass(frozen=True, slots=True)
class OnCall:
    """Who is on call for one sector and rank at an instant, with the duty that says so."""

    sector_id: UUID
    rank: int
    duty_id: UUID
    member_id: UUID
    technician_id: UUID
    name: str
    member_name: str
    phone: str
    starts_at: datetime
    ends_at: datetime


async def on_call(
    session: TenantSession,
    *,
    sector_ids: Sequence[UUID],
    trade: str,
    at: datetime,
    known_at: datetime | None = None,
) -> tuple[OnCall, ...]:
    """Who is on call for a trade in these sectors at `at`: in the order of `sector_ids`, then by rank.

    Periods are half-open: at the instant of a handover the new person answers. With `known_at`, what the published
    rotas said at that instant, whatever was changed afterwards (rule 3: who was on call stays provable). A post that
    nobody holds is absent from the answer.
    """
    if not sector_ids:
        return ()
    rows = await session.execute(on_call_statement(sector_ids=sector_ids, trade=trade, at=at, known_at=known_at))
    place = {sector_id: index for index, sector_id in reversed(list(enumerate(sector_ids)))}
    return tuple(sorted((OnCall(*row) for row in rows), key=lambda found: (place[found.sector_id], found.rank)))


def on_call_statement(
    *, sector_ids: Sequence[UUID], trade: str, at: datetime, known_at: datetime | None = None
) -> sa.Select[UUID, int, UUID, UUID, UUID, str, str, str, datetime, datetime]:
    """For each post, the latest duty that began at or before `at`, kept if it has not ended.

    Two duties of a post that are visible together never overlap (the database refuses it), so the latest to begin is
    the only one that can hold `at`: each post costs one step down `ix_duty_on_call` (`ix_duty_history` in the past).
    """
    visible = (
        [Duty.superseded_at.is_(None)]
        if known_at is None
        else [Duty.recorded_at <= known_at, sa.or_(Duty.superseded_at.is_(None), Duty.superseded_at > known_at)]
    )
    latest = (
        sa.select(Duty.id, Duty.member_id, Duty.technician_id, Duty.starts_at, Duty.ends_at)
        .where(Duty.post_id == OnCallPost.id, Duty.live, *visible, Duty.starts_at <= at)
        .order_by(Duty.starts_at.desc())
        .limit(1)
        .correlate(OnCallPost)
        .lateral("latest")
    )
    return (
        sa.select(
            OnCallPost.sector_id,
            OnCallPost.rank,
            latest.c.id,
            latest.c.member_id,
            latest.c.technician_id,
            Technician.first_name + " " + Technician.last_name,
            Member.name,
            Technician.phone,
            latest.c.starts_at,
            latest.c.ends_at,
        )
        .select_from(OnCallPost)
        .join(latest, sa.true())
        .join(Technician, Technician.id == latest.c.technician_id)
        .join(Member, Member.id == latest.c.member_id)
        .where(OnCallPost.sector_id.in_(sector_ids), OnCallPost.trade == trade, latest.c.ends_at > at)
    )
