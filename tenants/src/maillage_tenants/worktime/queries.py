"""Employees and their hours on call, for the monthly statements."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_kit.money import Money
from maillage_kit.pages import Page, PageRequest, cut_page, read_id, read_text
from maillage_tenants.members.models import Member, Technician
from maillage_tenants.rota import Period
from maillage_tenants.rota.models import Duty
from maillage_tenants.worktime.models import OnCallTerms


@dataclass(frozen=True, slots=True)
class EmployeeLine:
    """`minutes` on call in the period; `hourly` and `rest_minutes_a_day` None while nothing was agreed."""

    id: UUID
    member_id: UUID
    name: str
    sort_name: str
    member_name: str
    minutes: int
    hourly: Money | None
    rest_minutes_a_day: int | None


async def held_by(
    session: TenantSession, *, technician_ids: Collection[UUID], over: Period
) -> Mapping[UUID, list[Period]]:
    """The published duties of some people that touch a period, whole."""
    rows = await session.execute(
        sa.select(Duty.technician_id, Duty.starts_at, Duty.ends_at).where(
            Duty.technician_id.in_(technician_ids),
            Duty.live,
            Duty.superseded_at.is_(None),
            Duty.starts_at < over.ends_at,
            Duty.ends_at > over.starts_at,
        )
    )
    found: dict[UUID, list[Period]] = {technician_id: [] for technician_id in technician_ids}
    for technician_id, starts_at, ends_at in rows:
        found[technician_id].append(Period(starts_at, ends_at))
    return found


async def employees_page(session: TenantSession, *, page: PageRequest, over: Period) -> Page[EmployeeLine]:
    """Active employees by name, one page, with what they held in a period."""
    inside = sa.func.least(Duty.ends_at, over.ends_at) - sa.func.greatest(Duty.starts_at, over.starts_at)
    minutes = (
        sa.select(sa.func.coalesce(sa.func.sum(sa.extract("epoch", inside)) / 60, 0))
        .where(
            Duty.technician_id == Technician.id,
            Duty.live,
            Duty.superseded_at.is_(None),
            Duty.starts_at < over.ends_at,
            Duty.ends_at > over.starts_at,
        )
        .correlate(Technician)
        .scalar_subquery()
    )
    sort_name = Technician.last_name + " " + Technician.first_name
    wanted = (
        sa.select(
            Technician.id,
            Technician.member_id,
            Technician.first_name + " " + Technician.last_name,
            sort_name,
            Member.name,
            sa.cast(minutes, sa.Integer),
            OnCallTerms.hourly,
            OnCallTerms.rest_minutes_a_day,
        )
        .join(Member, Member.id == Technician.member_id)
        .outerjoin(OnCallTerms, OnCallTerms.member_id == Technician.member_id)
        .where(Technician.employed, Technician.active)
    )
    if (last := page.position(read_text, read_id)) is not None:
        wanted = wanted.where(sa.tuple_(sort_name, Technician.id) > last)
    rows = await session.execute(wanted.order_by(sort_name, Technician.id).limit(page.limit + 1))
    return cut_page([EmployeeLine(*row) for row in rows], page, lambda row: (row.sort_name, row.id))
