"""Questions to the rota. `on_call` is asked on every phone call: one indexed query, flat over years of history."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from maillage_hooks import TradeRegistry
from maillage_kit.db import TenantSession, UtcDateTime, core
from maillage_kit.direct import DirectStatement
from maillage_kit.semester import Semester
from maillage_tenants import territory
from maillage_tenants.members.models import Member, Technician
from maillage_tenants.rota.errors import UnknownDuty, UnknownRota
from maillage_tenants.rota.models import Duty, OnCallPost, Rota, RotaState
from maillage_tenants.rota.models_life import Absence, AbsenceState
from maillage_tenants.rota.rules import Period, Post
from maillage_tenants.territory.models import Sector


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
    asked = {"sectors": list(sector_ids), "trade": trade, "at": at}
    rows = await (
        _ON_CALL.all(session, asked)
        if known_at is None
        else _ON_CALL_AS_KNOWN.all(session, {**asked, "known_at": known_at})
    )
    place = {sector_id: index for index, sector_id in reversed(list(enumerate(sector_ids)))}
    return tuple(sorted((OnCall(*row) for row in rows), key=lambda found: (place[found.sector_id], found.rank)))


def on_call_statement(*, as_known: bool) -> sa.Select[UUID, int, UUID, UUID, UUID, str, str, str, datetime, datetime]:
    """For each post, the latest duty that began at or before `:at`, kept if it has not ended.

    Two duties of a post that are visible together never overlap (the database refuses it), so the latest to begin is
    the only one that can hold `:at`: each post costs one step down `ix_duty_on_call` (`ix_duty_history` in the past).
    """
    duties, posts, technicians, members = core(Duty), core(OnCallPost), core(Technician), core(Member)
    at = sa.bindparam("at", type_=UtcDateTime())
    known_at = sa.bindparam("known_at", type_=UtcDateTime())
    visible = (
        [duties.c.recorded_at <= known_at, sa.or_(duties.c.superseded_at.is_(None), duties.c.superseded_at > known_at)]
        if as_known
        else [duties.c.superseded_at.is_(None)]
    )
    latest = (
        sa.select(duties.c.id, duties.c.member_id, duties.c.technician_id, duties.c.starts_at, duties.c.ends_at)
        .where(duties.c.post_id == posts.c.id, duties.c.live, *visible, duties.c.starts_at <= at)
        .order_by(duties.c.starts_at.desc())
        .limit(1)
        .correlate(posts)
        .lateral("latest")
    )
    return (
        sa.select(
            posts.c.sector_id,
            posts.c.rank,
            latest.c.id,
            latest.c.member_id,
            latest.c.technician_id,
            technicians.c.first_name + " " + technicians.c.last_name,
            members.c.name,
            technicians.c.phone,
            latest.c.starts_at,
            latest.c.ends_at,
        )
        .select_from(posts)
        .join(latest, sa.true())
        .join(technicians, technicians.c.id == latest.c.technician_id)
        .join(members, members.c.id == latest.c.member_id)
        .where(
            posts.c.sector_id == sa.any_(sa.bindparam("sectors", type_=sa.ARRAY(sa.Uuid))),
            posts.c.trade == sa.bindparam("trade", type_=sa.Text),
            latest.c.ends_at > at,
        )
    )


_ON_CALL = DirectStatement(on_call_statement(as_known=False))
_ON_CALL_AS_KNOWN = DirectStatement(on_call_statement(as_known=True))


# --- rotas and posts --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DutyRow:
    """A duty with the names that a person reads. `current`: not superseded."""

    id: UUID
    rota_id: UUID
    post_id: int
    member_id: UUID
    technician_id: UUID
    name: str
    member_name: str
    phone: str
    starts_at: datetime
    ends_at: datetime
    live: bool
    recorded_at: datetime
    recorded_by: str
    reason: str
    superseded_at: datetime | None
    superseded_by: str | None

    @property
    def period(self) -> Period:
        return Period(self.starts_at, self.ends_at)


@dataclass(frozen=True, slots=True)
class OwnDuty:
    """A duty as the person on call sees it."""

    id: UUID
    sector_name: str
    trade: str
    rank: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class AbsenceRow:
    id: UUID
    technician_id: UUID
    name: str
    member_name: str
    starts_at: datetime
    ends_at: datetime
    hard: bool
    reason: str


async def get_rota(session: TenantSession, *, rota_id: UUID, lock: bool = False) -> Rota:
    """Raises UnknownRota. `lock`: until the end of the transaction, so that two changes never cross."""
    found = await session.get(Rota, rota_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise UnknownRota
    return found


async def rota_of(session: TenantSession, *, semester: Semester) -> Rota | None:
    """The rota to show for a semester: the published or frozen one, else the draft."""
    found: Rota | None = await session.scalar(
        sa.select(Rota)
        .where(Rota.semester == semester.code, Rota.state != RotaState.ABANDONED)
        .order_by((Rota.state == RotaState.DRAFT).asc(), Rota.created_at.desc())
        .limit(1)
    )
    return found


async def posts(
    session: TenantSession, *, semester: Semester, trades: TradeRegistry, trade: str | None = None
) -> tuple[Post, ...]:
    """The posts of a semester: both ranks of every sector of every enabled trade, with their French names."""
    found: list[Post] = []
    for code in trades.codes if trade is None else (trade,):
        sectors = {sector.id: sector for sector in await territory.sectors(session, trade=code, semester=semester)}
        rows = await session.execute(
            sa.select(OnCallPost.id, OnCallPost.sector_id, OnCallPost.rank).where(
                OnCallPost.trade == code, OnCallPost.sector_id.in_(sectors)
            )
        )
        place = {sector_id: index for index, sector_id in enumerate(sectors)}
        for row in sorted(rows, key=lambda row: (place[row.sector_id], row.rank)):
            name = f"Secteur {sectors[row.sector_id].name}, {trades.label(code).lower()}, rang {row.rank}"
            found.append(Post(row.id, row.sector_id, code, row.rank, name))
    return tuple(found)


async def duties(
    session: TenantSession, *, rota_id: UUID, post_ids: Sequence[int] | None = None
) -> tuple[DutyRow, ...]:
    """The duties of a rota that are not superseded, by post then time."""
    asked = _DUTY.where(Duty.rota_id == rota_id, Duty.superseded_at.is_(None))
    if post_ids is not None:
        asked = asked.where(Duty.post_id.in_(post_ids))
    return _duty_rows(await session.execute(asked.order_by(Duty.post_id, Duty.starts_at)))


async def duty(session: TenantSession, *, duty_id: UUID) -> DutyRow:
    """Raises UnknownDuty."""
    row = (await session.execute(_DUTY.where(Duty.id == duty_id))).one_or_none()
    if row is None:
        raise UnknownDuty
    return _duty_rows([row])[0]


async def history(session: TenantSession, *, post_id: int, over: Period) -> tuple[DutyRow, ...]:
    """Everything that was ever published for a post over a period, superseded or not, in the order it was recorded."""
    rows = await session.execute(
        _DUTY.where(
            Duty.post_id == post_id, Duty.live, Duty.starts_at < over.ends_at, Duty.ends_at > over.starts_at
        ).order_by(Duty.recorded_at, Duty.starts_at)
    )
    return _duty_rows(rows)


async def duties_of(
    session: TenantSession, *, technician_id: UUID, since: datetime, limit: int = 60
) -> tuple[OwnDuty, ...]:
    """The published duties of one person that end after `since`, the next first."""
    rows = await session.execute(
        sa.select(Duty.id, Sector.name, OnCallPost.trade, OnCallPost.rank, Duty.starts_at, Duty.ends_at)
        .join(OnCallPost, OnCallPost.id == Duty.post_id)
        .join(Sector, Sector.id == OnCallPost.sector_id)
        .where(Duty.technician_id == technician_id, Duty.live, Duty.superseded_at.is_(None), Duty.ends_at > since)
        .order_by(Duty.starts_at, Duty.id)
        .limit(limit)
    )
    return tuple(OwnDuty(*row) for row in rows)


async def place_of_post(session: TenantSession, *, post_id: int) -> str:
    """`Secteur Évreux, rang 1`."""
    row = (
        await session.execute(
            sa.select(Sector.name, OnCallPost.rank)
            .join(Sector, Sector.id == OnCallPost.sector_id)
            .where(OnCallPost.id == post_id)
        )
    ).one()
    return f"Secteur {row.name}, rang {row.rank}"


async def held_elsewhere(
    session: TenantSession,
    *,
    technician_id: UUID,
    rota: Rota,
    over: Period,
    besides: frozenset[UUID] = frozenset(),
) -> bool:
    """Is this person on call anywhere over the period, in the same rota or in a published one, `besides` apart?"""
    found = await session.scalar(
        sa.select(Duty.id)
        .where(
            Duty.technician_id == technician_id,
            Duty.superseded_at.is_(None),
            sa.or_(Duty.rota_id == rota.id, Duty.live),
            Duty.starts_at < over.ends_at,
            Duty.ends_at > over.starts_at,
            Duty.id.not_in(besides),
        )
        .limit(1)
    )
    return found is not None


async def busy(session: TenantSession, *, over: Period) -> frozenset[UUID]:
    """Who holds a published duty on a part of the period."""
    return frozenset(
        await session.scalars(
            sa.select(Duty.technician_id).where(
                Duty.live,
                Duty.superseded_at.is_(None),
                Duty.starts_at < over.ends_at,
                Duty.ends_at > over.starts_at,
            )
        )
    )


async def on_call_just_before(session: TenantSession, *, instant: datetime) -> frozenset[UUID]:
    """Who holds a published duty that ends at `instant` or runs over it: they should not begin with the next week."""
    return frozenset(
        await session.scalars(
            sa.select(Duty.technician_id).where(
                Duty.live,
                Duty.superseded_at.is_(None),
                Duty.starts_at < instant,
                Duty.ends_at >= instant,
            )
        )
    )


async def absences(
    session: TenantSession, *, over: Period, technician_id: UUID | None = None
) -> tuple[AbsenceRow, ...]:
    """Approved absences and wishes that touch a period, the earliest first."""
    asked = (
        sa.select(
            Absence.id,
            Absence.technician_id,
            Technician.first_name + " " + Technician.last_name,
            Member.name,
            Absence.starts_at,
            Absence.ends_at,
            Absence.hard,
            Absence.reason,
        )
        .join(Technician, Technician.id == Absence.technician_id)
        .join(Member, Member.id == Technician.member_id)
        .where(
            Absence.state == AbsenceState.APPROVED,
            Absence.starts_at < over.ends_at,
            Absence.ends_at > over.starts_at,
        )
        .order_by(Absence.starts_at, Absence.id)
    )
    if technician_id is not None:
        asked = asked.where(Absence.technician_id == technician_id)
    return tuple(AbsenceRow(*row) for row in await session.execute(asked))


def _duty_rows(rows: Iterable[Any]) -> tuple[DutyRow, ...]:
    return tuple(DutyRow(*row) for row in rows)


_DUTY = (
    sa.select(
        Duty.id,
        Duty.rota_id,
        Duty.post_id,
        Duty.member_id,
        Duty.technician_id,
        Technician.first_name + " " + Technician.last_name,
        Member.name,
        Technician.phone,
        Duty.starts_at,
        Duty.ends_at,
        Duty.live,
        Duty.recorded_at,
        Duty.recorded_by,
        Duty.reason,
        Duty.superseded_at,
        Duty.superseded_by,
    )
    .join(Technician, Technician.id == Duty.technician_id)
    .join(Member, Member.id == Duty.member_id)
)
