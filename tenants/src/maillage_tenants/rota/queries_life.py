"""Questions of those who live with a published rota: absences, swaps, what comes next."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_kit.pages import Page, PageRequest, cut_page, read_id, read_instant
from maillage_tenants.members.models import Member, Technician
from maillage_tenants.rota.errors import UnknownAbsence, UnknownDuty
from maillage_tenants.rota.models import Duty, OnCallPost, Rota
from maillage_tenants.rota.models_life import Absence, AbsenceState
from maillage_tenants.rota.queries import OwnDuty
from maillage_tenants.rota.rules import Period
from maillage_tenants.territory.models import Sector

AROUND = timedelta(days=28)
"""What is held just before and after a semester decides about rest and weeks running."""

# --- absences -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AbsenceLine:
    """An absence as it is shown. `duties`: published duties of that person that it meets."""

    id: UUID
    technician_id: UUID
    name: str
    member_name: str
    starts_at: datetime
    ends_at: datetime
    hard: bool
    state: str
    reason: str
    answer: str
    decided_by: str | None
    decided_at: datetime | None
    duties: int

    @property
    def period(self) -> Period:
        return Period(self.starts_at, self.ends_at)


_MET = (
    sa.select(sa.func.count())
    .where(
        Duty.technician_id == Absence.technician_id,
        Duty.live,
        Duty.superseded_at.is_(None),
        Duty.starts_at < Absence.ends_at,
        Duty.ends_at > Absence.starts_at,
    )
    .correlate(Absence)
    .scalar_subquery()
)
_ABSENCE: Any = (
    sa.select(
        Absence.id,
        Absence.technician_id,
        Technician.first_name + " " + Technician.last_name,
        Member.name,
        Absence.starts_at,
        Absence.ends_at,
        Absence.hard,
        Absence.state,
        Absence.reason,
        Absence.answer,
        Absence.decided_by,
        Absence.decided_at,
        _MET,
    )
    .join(Technician, Technician.id == Absence.technician_id)
    .join(Member, Member.id == Technician.member_id)
)


async def absence(session: TenantSession, *, absence_id: UUID) -> AbsenceLine:
    """Raises UnknownAbsence."""
    row = (await session.execute(_ABSENCE.where(Absence.id == absence_id))).one_or_none()
    if row is None:
        raise UnknownAbsence
    return AbsenceLine(*row)


async def absences_page(
    session: TenantSession,
    *,
    page: PageRequest,
    since: datetime,
    states: Collection[AbsenceState],
    technician_id: UUID | None = None,
) -> Page[AbsenceLine]:
    """Absences in these states that end after `since`, the earliest first, one page."""
    wanted = _ABSENCE.where(Absence.state.in_(states), Absence.ends_at > since)
    if technician_id is not None:
        wanted = wanted.where(Absence.technician_id == technician_id)
    if (last := page.position(read_instant, read_id)) is not None:
        wanted = wanted.where(sa.tuple_(Absence.starts_at, Absence.id) > last)
    rows = await session.execute(wanted.order_by(Absence.starts_at, Absence.id).limit(page.limit + 1))
    return cut_page([AbsenceLine(*row) for row in rows], page, lambda row: (row.starts_at, row.id))


async def absences_asked(session: TenantSession) -> int:
    """How many wait for an answer."""
    return int(await session.scalar(sa.select(sa.func.count()).where(Absence.state == AbsenceState.ASKED)) or 0)


async def same_absence(session: TenantSession, *, technician_id: UUID, period: Period, hard: bool) -> Absence | None:
    """One that already says the same: asked or approved, the same kind, around the whole period."""
    found: Absence | None = await session.scalar(
        sa.select(Absence)
        .where(
            Absence.technician_id == technician_id,
            Absence.hard.is_(hard),
            Absence.state != AbsenceState.REFUSED,
            Absence.starts_at <= period.starts_at,
            Absence.ends_at >= period.ends_at,
        )
        .limit(1)
    )
    return found


# --- duties of one person -------------------------------------------------------


async def duties_within(
    session: TenantSession, *, technician_id: UUID, over: Period, limit: int = 60
) -> tuple[OwnDuty, ...]:
    """The published duties of one person that touch a period, the first first."""
    rows = await session.execute(
        sa.select(Duty.id, Sector.name, OnCallPost.trade, OnCallPost.rank, Duty.starts_at, Duty.ends_at)
        .join(OnCallPost, OnCallPost.id == Duty.post_id)
        .join(Sector, Sector.id == OnCallPost.sector_id)
        .where(
            Duty.technician_id == technician_id,
            Duty.live,
            Duty.superseded_at.is_(None),
            Duty.starts_at < over.ends_at,
            Duty.ends_at > over.starts_at,
        )
        .order_by(Duty.starts_at, Duty.id)
        .limit(limit)
    )
    return tuple(OwnDuty(*row) for row in rows)


# --- posts and who holds them -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """A post with the name of its sector."""

    post_id: int
    sector_id: UUID
    sector_name: str
    trade: str
    rank: int

    def __str__(self) -> str:
        return f"secteur {self.sector_name}, rang {self.rank}"


@dataclass(frozen=True, slots=True)
class HeldDuty:
    """A duty of somebody, with its rank."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    rank: int

    @property
    def period(self) -> Period:
        return Period(self.starts_at, self.ends_at)


@dataclass(frozen=True, slots=True)
class OpenDuty:
    """A published duty that somebody might take over or ask for."""

    id: UUID
    rota_id: UUID
    post_id: int
    technician_id: UUID
    name: str
    sector_id: UUID
    sector_name: str
    trade: str
    rank: int
    starts_at: datetime
    ends_at: datetime

    @property
    def period(self) -> Period:
        return Period(self.starts_at, self.ends_at)

    @property
    def place(self) -> Place:
        return Place(self.post_id, self.sector_id, self.sector_name, self.trade, self.rank)


async def place(session: TenantSession, *, post_id: int) -> Place:
    """Raises UnknownDuty."""
    row = (
        await session.execute(
            sa.select(OnCallPost.id, OnCallPost.sector_id, Sector.name, OnCallPost.trade, OnCallPost.rank)
            .join(Sector, Sector.id == OnCallPost.sector_id)
            .where(OnCallPost.id == post_id)
        )
    ).one_or_none()
    if row is None:
        raise UnknownDuty
    return Place(*row)


async def held_by(
    session: TenantSession, *, rota: Rota, over: Period, technician_ids: Collection[UUID] | None = None
) -> dict[UUID, list[HeldDuty]]:
    """What people hold in a semester and around it, in this rota or a published one, by person then time."""
    wanted = (
        sa.select(Duty.technician_id, Duty.id, Duty.starts_at, Duty.ends_at, OnCallPost.rank)
        .join(OnCallPost, OnCallPost.id == Duty.post_id)
        .where(
            Duty.superseded_at.is_(None),
            sa.or_(Duty.rota_id == rota.id, Duty.live),
            Duty.starts_at < over.ends_at + AROUND,
            Duty.ends_at > over.starts_at - AROUND,
        )
        .order_by(Duty.starts_at)
    )
    if technician_ids is not None:
        wanted = wanted.where(Duty.technician_id.in_(technician_ids))
    found: dict[UUID, list[HeldDuty]] = {}
    for row in await session.execute(wanted):
        found.setdefault(row[0], []).append(HeldDuty(*row[1:]))
    return found


async def open_duties(
    session: TenantSession, *, over: Period, trades: Collection[str], besides: UUID, limit: int = 200
) -> tuple[OpenDuty, ...]:
    """Published duties of other people in these trades that touch a period, the first first."""
    rows = await session.execute(
        sa.select(
            Duty.id,
            Duty.rota_id,
            Duty.post_id,
            Duty.technician_id,
            Technician.first_name + " " + Technician.last_name,
            OnCallPost.sector_id,
            Sector.name,
            OnCallPost.trade,
            OnCallPost.rank,
            Duty.starts_at,
            Duty.ends_at,
        )
        .join(OnCallPost, OnCallPost.id == Duty.post_id)
        .join(Sector, Sector.id == OnCallPost.sector_id)
        .join(Technician, Technician.id == Duty.technician_id)
        .where(
            Duty.live,
            Duty.superseded_at.is_(None),
            Duty.technician_id != besides,
            OnCallPost.trade.in_(trades),
            Duty.starts_at < over.ends_at,
            Duty.ends_at > over.starts_at,
        )
        .order_by(Duty.starts_at, Sector.name, OnCallPost.rank, Duty.id)
        .limit(limit)
    )
    return tuple(OpenDuty(*row) for row in rows)
