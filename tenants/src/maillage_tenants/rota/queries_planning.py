"""Questions about what a semester is planned from, and about the solving of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import defer

from maillage_kit.db import TenantSession
from maillage_kit.pages import Page, PageRequest, cut_page, read_id
from maillage_kit.semester import Semester
from maillage_tenants.members.models import Member, Technician
from maillage_tenants.rota.errors import UnknownRun
from maillage_tenants.rota.models import Duty, OnCallPost, Rota, RotaState
from maillage_tenants.rota.models_life import Absence, AbsenceState
from maillage_tenants.rota.models_planning import (
    POINTS,
    DutyPreference,
    DutyWish,
    FairnessWeights,
    RotaPolicy,
    RunState,
    SchoolBreak,
    ShiftPattern,
    SolveRun,
)
from maillage_tenants.rota.patterns import USUAL, pattern
from maillage_tenants.rota.rules import HANDOVER_TIME, HANDOVER_WEEKDAY, Period
from maillage_tenants.rota.solver.instance import Rules, Weights
from maillage_tenants.rota.solver.units import DAY_STARTS, Kind, Pattern

PROMISED_MINUTES = 60
"""As long as the cooperative decided nothing else. Our figure."""


@dataclass(frozen=True, slots=True)
class PatternRow:
    """What was chosen for a sector; `chosen` False: nothing was, these are the usual hours."""

    code: str = USUAL.code
    handover_weekday: int = HANDOVER_WEEKDAY
    handover_at: time = HANDOVER_TIME
    day_starts: time = DAY_STARTS
    holidays_apart: bool = False
    chosen: bool = False

    @property
    def pattern(self) -> Pattern:
        return pattern(
            self.code,
            handover_weekday=self.handover_weekday,
            handover_at=self.handover_at,
            day_starts=self.day_starts,
            holidays_apart=self.holidays_apart,
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """The cooperative's decisions about its rotas, or ours as long as it took none (`decided` False). `school_zone`
    None: that of the département (`school_calendar.zone_of`)."""

    rules: Rules = field(default_factory=Rules)
    promised_minutes: int = PROMISED_MINUTES
    school_zone: str | None = None
    decided: bool = False


@dataclass(frozen=True, slots=True)
class Weighed:
    """What weighs in a fair rota, as the cooperative decided, or as we propose (`decided` False): the points by the
    names of `models_planning.POINTS`."""

    points: Mapping[str, int]
    decided: bool = False

    @property
    def weights(self) -> Weights:
        return Weights.decided(
            band={kind: self.points[kind.value] for kind in Kind},
            first=self.points["first_rank"],
            backup=self.points["second_rank"],
            **{name: self.points[name] for name in ("away", "same_again", "same_holiday", "wish")},
        )


@dataclass(frozen=True, slots=True)
class WishRow:
    id: UUID
    technician_id: UUID
    name: str
    member_name: str
    starts_at: datetime
    ends_at: datetime
    wanted: bool
    weight: int


@dataclass(frozen=True, slots=True)
class Away:
    """An absence that a draft must reckon with. `asked`: nobody has answered yet."""

    technician_id: UUID
    starts_at: datetime
    ends_at: datetime
    hard: bool
    asked: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """A published duty, by where and by whom."""

    rota_id: UUID
    duty_id: UUID
    post_id: int
    sector_id: UUID
    trade: str
    rank: int
    technician_id: UUID
    member_id: UUID
    period: Period


_OURS = Weights()
PROPOSED = Weighed(
    {
        **{kind.value: points for kind, points in _OURS.band.items()},
        "first_rank": _OURS.band_first,
        "second_rank": _OURS.band_backup,
        **{name: getattr(_OURS, name) for name in ("away", "same_again", "same_holiday", "wish")},
    }
)


# --- what is planned from ---------------------------------------------------


async def patterns(session: TenantSession) -> dict[UUID, PatternRow]:
    """By sector, where one was chosen."""
    rows = await session.execute(
        sa.select(
            ShiftPattern.sector_id,
            ShiftPattern.code,
            ShiftPattern.handover_weekday,
            ShiftPattern.handover_at,
            ShiftPattern.day_starts,
            ShiftPattern.holidays_apart,
        )
    )
    return {
        row.sector_id: PatternRow(
            code=row.code,
            handover_weekday=row.handover_weekday,
            handover_at=row.handover_at,
            day_starts=row.day_starts,
            holidays_apart=row.holidays_apart,
            chosen=True,
        )
        for row in rows
    }


async def policy(session: TenantSession) -> Policy:
    row = await session.get(RotaPolicy, 1)
    if row is None:
        return Policy()
    rules = Rules(
        max_weeks_running=row.max_weeks_running,
        max_units_a_week=row.max_units_a_week,
        rest_hours=row.rest_hours,
        employee_rest_hours=row.employee_rest_hours,
        employee_weekly_rest_hours=row.employee_weekly_rest_hours,
    )
    return Policy(rules, row.promised_minutes, row.school_zone, decided=True)


async def weighed(session: TenantSession) -> Weighed:
    row = await session.get(FairnessWeights, 1)
    return Weighed({name: getattr(row, name) for name in POINTS}, decided=True) if row is not None else PROPOSED


async def school_breaks(session: TenantSession) -> tuple[SchoolBreak, ...]:
    """School holidays that the office added, in order."""
    return tuple(await session.scalars(sa.select(SchoolBreak).order_by(SchoolBreak.first_day, SchoolBreak.id)))


async def away(session: TenantSession, *, over: Period) -> tuple[Away, ...]:
    """Absences that touch a period, those without an answer too: a draft made before the answer should outlive it."""
    rows = await session.execute(
        sa.select(
            Absence.technician_id,
            Absence.starts_at,
            Absence.ends_at,
            Absence.hard,
            Absence.state == AbsenceState.ASKED,
            Absence.reason,
        )
        .where(
            Absence.state != AbsenceState.REFUSED, Absence.starts_at < over.ends_at, Absence.ends_at > over.starts_at
        )
        .order_by(Absence.starts_at, Absence.id)
    )
    return tuple(Away(*row) for row in rows)


async def preferences(
    session: TenantSession, *, technician_ids: Sequence[UUID] | None = None
) -> dict[UUID, DutyPreference]:
    asked = sa.select(DutyPreference)
    if technician_ids is not None:
        asked = asked.where(DutyPreference.technician_id.in_(technician_ids))
    return {row.technician_id: row for row in await session.scalars(asked)}


async def wishes(session: TenantSession, *, over: Period, technician_id: UUID | None = None) -> tuple[WishRow, ...]:
    """Wishes that touch a period, the earliest first."""
    asked = _WISH.where(DutyWish.starts_at < over.ends_at, DutyWish.ends_at > over.starts_at)
    if technician_id is not None:
        asked = asked.where(DutyWish.technician_id == technician_id)
    rows = await session.execute(asked.order_by(DutyWish.starts_at, DutyWish.id))
    return tuple(WishRow(*row) for row in rows)


async def held(session: TenantSession, *, rota_id: UUID) -> tuple[Held, ...]:
    """The duties of a rota that are not superseded, by post then time, whatever became of their sector."""
    rows = await session.execute(
        _HELD.where(Duty.rota_id == rota_id, Duty.superseded_at.is_(None)).order_by(Duty.post_id, Duty.starts_at)
    )
    return tuple(_held(row) for row in rows)


async def held_between(session: TenantSession, *, over: Period) -> tuple[Held, ...]:
    """Published duties that touch a period, by post then time."""
    rows = await session.execute(
        _HELD.where(
            Duty.live, Duty.superseded_at.is_(None), Duty.starts_at < over.ends_at, Duty.ends_at > over.starts_at
        ).order_by(Duty.post_id, Duty.starts_at)
    )
    return tuple(_held(row) for row in rows)


async def duties_at(session: TenantSession, *, rota_id: UUID, post_ids: Sequence[int]) -> tuple[Duty, ...]:
    """The rows of the duties of a rota at some posts that are not superseded, to supersede them."""
    return tuple(
        await session.scalars(
            sa.select(Duty)
            .where(Duty.rota_id == rota_id, Duty.superseded_at.is_(None), Duty.post_id.in_(post_ids))
            .order_by(Duty.post_id, Duty.starts_at)
        )
    )


async def changed_since(session: TenantSession, *, rota_id: UUID, instant: datetime) -> bool:
    """Was a duty of the rota recorded or superseded after that instant?"""
    found = await session.scalar(
        sa.select(Duty.id)
        .where(Duty.rota_id == rota_id, sa.or_(Duty.recorded_at > instant, Duty.superseded_at > instant))
        .limit(1)
    )
    return found is not None


# --- drafts and runs --------------------------------------------------------


async def published(session: TenantSession, *, semester: Semester) -> Rota | None:
    found: Rota | None = await session.scalar(
        sa.select(Rota).where(Rota.semester == semester.code, Rota.state.in_((RotaState.PUBLISHED, RotaState.FROZEN)))
    )
    return found


async def rotas_of(session: TenantSession, *, semester: Semester) -> tuple[Rota, ...]:
    """The published rota of a semester, then its drafts, the latest first."""
    return tuple(
        await session.scalars(
            sa.select(Rota)
            .where(Rota.semester == semester.code, Rota.state != RotaState.ABANDONED)
            .order_by((Rota.state == RotaState.DRAFT).asc(), Rota.created_at.desc(), Rota.id)
        )
    )


async def published_semesters(session: TenantSession, *, before: Semester, most: int) -> tuple[Rota, ...]:
    """The published rotas of the semesters before one, the latest first."""
    return tuple(
        await session.scalars(
            sa.select(Rota)
            .where(Rota.semester < before.code, Rota.state.in_((RotaState.PUBLISHED, RotaState.FROZEN)))
            .order_by(Rota.semester.desc())
            .limit(most)
        )
    )


async def get_run(session: TenantSession, *, run_id: UUID, lock: bool = False) -> SolveRun:
    """Raises UnknownRun. `lock`: until the end of the transaction."""
    found = await session.get(SolveRun, run_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise UnknownRun
    return found


async def at_work(session: TenantSession) -> int:
    """How many runs wait or go on."""
    return (
        await session.execute(
            sa.select(sa.func.count()).where(SolveRun.state.in_((RunState.WAITING, RunState.RUNNING)))
        )
    ).scalar_one()


async def stop_asked(session: TenantSession, *, run_id: UUID) -> bool:
    found = await session.scalar(sa.select(SolveRun.stop_asked_at).where(SolveRun.id == run_id))
    return found is not None


async def run_names(session: TenantSession, *, semester: Semester) -> dict[UUID, str]:
    """By draft: what the run that made it was called, or its seed. One made by hand or by import has none."""
    rows = await session.execute(
        sa.select(SolveRun.rota_id, SolveRun.label, SolveRun.seed).where(
            SolveRun.semester == semester.code, SolveRun.rota_id.is_not(None)
        )
    )
    return {row.rota_id: row.label or f"graine {row.seed}" for row in rows}


async def runs(session: TenantSession, *, semester: Semester, page: PageRequest) -> Page[SolveRun]:
    """Runs of a semester, the latest first, one page; without what they were solved from and their details."""
    asked = (
        sa.select(SolveRun)
        .options(defer(SolveRun.instance), defer(SolveRun.result))
        .where(SolveRun.semester == semester.code)
    )
    if (last := page.position(read_id)) is not None:
        asked = asked.where(SolveRun.id < last[0])
    rows = tuple(await session.scalars(asked.order_by(SolveRun.id.desc()).limit(page.limit + 1)))
    return cut_page(rows, page, lambda run: (run.id,))


def _held(row: Any) -> Held:
    return Held(
        rota_id=row.rota_id,
        duty_id=row.id,
        post_id=row.post_id,
        sector_id=row.sector_id,
        trade=row.trade,
        rank=row.rank,
        technician_id=row.technician_id,
        member_id=row.member_id,
        period=Period(row.starts_at, row.ends_at),
    )


_HELD = sa.select(
    Duty.rota_id,
    Duty.id,
    Duty.post_id,
    OnCallPost.sector_id,
    OnCallPost.trade,
    OnCallPost.rank,
    Duty.technician_id,
    Duty.member_id,
    Duty.starts_at,
    Duty.ends_at,
).join(OnCallPost, OnCallPost.id == Duty.post_id)
_WISH = (
    sa.select(
        DutyWish.id,
        DutyWish.technician_id,
        Technician.first_name + " " + Technician.last_name,
        Member.name,
        DutyWish.starts_at,
        DutyWish.ends_at,
        DutyWish.wanted,
        DutyWish.weight,
    )
    .join(Technician, Technician.id == DutyWish.technician_id)
    .join(Member, Member.id == Technician.member_id)
)
