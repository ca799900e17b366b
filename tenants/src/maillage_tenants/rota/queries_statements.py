"""Employees and their hours on call, for the monthly statements."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.clock import paris_instant
from maillage_kit.db import TenantSession
from maillage_kit.money import Money
from maillage_kit.pages import Page, PageRequest, cut_page, read_id, read_text
from maillage_tenants.members.models import Member, Technician
from maillage_tenants.rota.models import Duty
from maillage_tenants.rota.models_swaps import OnCallTerms


@dataclass(frozen=True, slots=True)
class EmployeeLine:
    """`minutes` on call in the month, until now; `hourly` and `rest_minutes_a_day` None while nothing was agreed."""

    id: UUID
    member_id: UUID
    name: str
    sort_name: str
    member_name: str
    minutes: int
    hourly: Money | None
    rest_minutes_a_day: int | None


async def employees_page(session: TenantSession, *, page: PageRequest, month: date) -> Page[EmployeeLine]:
    """Active employees by name, one page, with what they held in that month of Paris."""
    starts_at = paris_instant(month)
    ends_at = min(paris_instant((month + timedelta(days=32)).replace(day=1)), clock.now())
    inside = sa.func.least(Duty.ends_at, ends_at) - sa.func.greatest(Duty.starts_at, starts_at)
    minutes = (
        sa.select(sa.func.coalesce(sa.func.sum(sa.extract("epoch", inside)) / 60, 0))
        .where(
            Duty.technician_id == Technician.id,
            Duty.live,
            Duty.superseded_at.is_(None),
            Duty.starts_at < ends_at,
            Duty.ends_at > starts_at,
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
