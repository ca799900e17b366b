"""What a semester is planned from (patterns, wishes, the cooperative's rules) and the solving of it."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.db import TenantBase

POINTS = (
    *("festive", "holiday", "sunday", "saturday", "weeknight", "weekday", "first_rank", "second_rank"),
    *("away", "same_again", "same_holiday", "wish"),
)
"""The columns of `FairnessWeights`."""
MOST_POINTS = 100


class PatternCode(StrEnum):
    """How a sector cuts its weeks (`solver.units`)."""

    WHOLE_WEEKS = "whole_weeks"
    WEEK_AND_WEEKEND = "week_and_weekend"
    DAYS_AND_NIGHTS = "days_and_nights"


class ShiftPattern(TenantBase):
    """A sector's pattern; without a row, whole weeks from Friday 18:00.

    `handover_weekday` (0 is Monday) and `handover_at`: of whole weeks. The weekend of the second begins on Friday at
    `handover_at` and ends on Monday at `day_starts`; days last from `day_starts` to `handover_at` in the third.
    """

    __tablename__ = "shift_pattern"
    __table_args__ = (
        one_of("code", PatternCode),
        sa.CheckConstraint("handover_weekday between 0 and 6", name="weekday"),
        sa.CheckConstraint("code = 'whole_weeks' or day_starts < handover_at", name="day"),
    )

    sector_id: Mapped[UUID] = mapped_column(sa.ForeignKey("sector.id"), primary_key=True)
    code: Mapped[str]
    handover_weekday: Mapped[int] = mapped_column(sa.SmallInteger)
    handover_at: Mapped[time]
    day_starts: Mapped[time]
    holidays_apart: Mapped[bool]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class DutyPreference(TenantBase):
    """What holds for a person all year: rank 2 only while learning, how unwelcome school holidays are (R101)."""

    __tablename__ = "duty_preference"
    __table_args__ = (sa.CheckConstraint("spare_school_holidays between 0 and 3", name="spare_school_holidays"),)

    technician_id: Mapped[UUID] = mapped_column(sa.ForeignKey("technician.id"), primary_key=True)
    backup_only: Mapped[bool]
    spare_school_holidays: Mapped[int] = mapped_column(sa.SmallInteger)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class DutyWish(TenantBase):
    """A person would like, or would rather not, be on call over `[starts_at, ends_at)`; `weight` 1 to 3 (R64)."""

    __tablename__ = "duty_wish"
    __table_args__ = (
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        sa.CheckConstraint("weight between 1 and 3", name="weight"),
        sa.Index(None, "technician_id", "starts_at"),
    )

    id: Mapped[Key]
    technician_id: Mapped[UUID] = mapped_column(sa.ForeignKey("technician.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    wanted: Mapped[bool]
    weight: Mapped[int] = mapped_column(sa.SmallInteger)
    created_at: Mapped[Created]
    recorded_by: Mapped[str]


class RotaPolicy(TenantBase):
    """What the cooperative decided about its rotas: one row, or none as long as nothing was (`solver.instance.Rules`).
    `promised_minutes`: nobody further away by road is on call for a sector (R64)."""

    __tablename__ = "rota_policy"
    __table_args__ = (
        sa.CheckConstraint("id = 1", name="only_one"),
        sa.CheckConstraint("school_zone in ('A', 'B', 'C', '')", name="school_zone_known"),
        sa.CheckConstraint("promised_minutes between 15 and 240", name="promised_minutes"),
        sa.CheckConstraint(
            "max_weeks_running between 0 and 10 and max_units_a_week between 0 and 10 and rest_hours between 0 and 48 "
            "and employee_rest_hours between 11 and 48 and employee_weekly_rest_hours between 35 and 72",
            name="rules",
        ),
    )

    id: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False, default=1)
    school_zone: Mapped[str]
    promised_minutes: Mapped[int]
    max_weeks_running: Mapped[int]
    max_units_a_week: Mapped[int]
    rest_hours: Mapped[int]
    employee_rest_hours: Mapped[int]
    employee_weekly_rest_hours: Mapped[int]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class FairnessWeights(TenantBase):
    """What weighs in a fair rota: one row, or none as long as nothing was decided (`solver.instance.Weights`). Points:
    of a unit outside the fair share by kind and by rank, of a duty away from home, of the same kind two weeks running,
    of a holiday held a year ago, of a wish by degree of importance (R64)."""

    __tablename__ = "fairness_weights"
    __table_args__ = (
        sa.CheckConstraint("id = 1", name="only_one"),
        sa.CheckConstraint(" and ".join(f"{name} between 0 and {MOST_POINTS}" for name in POINTS), name="points"),
    )

    id: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False, default=1)
    festive: Mapped[int] = mapped_column(sa.SmallInteger)
    holiday: Mapped[int] = mapped_column(sa.SmallInteger)
    sunday: Mapped[int] = mapped_column(sa.SmallInteger)
    saturday: Mapped[int] = mapped_column(sa.SmallInteger)
    weeknight: Mapped[int] = mapped_column(sa.SmallInteger)
    weekday: Mapped[int] = mapped_column(sa.SmallInteger)
    first_rank: Mapped[int] = mapped_column(sa.SmallInteger)
    second_rank: Mapped[int] = mapped_column(sa.SmallInteger)
    away: Mapped[int] = mapped_column(sa.SmallInteger)
    same_again: Mapped[int] = mapped_column(sa.SmallInteger)
    same_holiday: Mapped[int] = mapped_column(sa.SmallInteger)
    wish: Mapped[int] = mapped_column(sa.SmallInteger)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class SchoolBreak(TenantBase):
    """School holidays that the office added to the calendar of the zone, both days included (R101)."""

    __tablename__ = "school_break"
    __table_args__ = (
        sa.CheckConstraint("last_day >= first_day", name="period"),
        sa.Index(None, "first_day"),
    )

    id: Mapped[Key]
    label: Mapped[str]
    first_day: Mapped[date]
    last_day: Mapped[date]


class RunKind(StrEnum):
    """`draft`: a whole semester anew. `repair`: the published rota with as few changes as can be."""

    DRAFT = "draft"
    REPAIR = "repair"


class RunState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class SolveRun(TenantBase):
    """One solving of a semester in the background: what was asked, how far it is, what came of it.

    `instance`: the facts it was solved from, so that it can be explained and solved again. `result`: what the process
    answered (`solver.process`), as JSON. `rota_id`: the draft it made. `base_rota_id`: the published rota that a repair
    changes.
    """

    __tablename__ = "solve_run"
    __table_args__ = (
        one_of("kind", RunKind),
        one_of("state", RunState),
        sa.CheckConstraint("seconds between 1 and 3600", name="seconds"),
        sa.Index(None, "semester", "asked_at"),
        sa.Index(None, "rota_id"),
    )

    id: Mapped[Key]
    semester: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(default=RunState.WAITING)
    label: Mapped[str] = mapped_column(default="")
    seconds: Mapped[int]
    seed: Mapped[int]
    most_steps: Mapped[int | None]
    instance: Mapped[bytes]
    base_rota_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("rota.id"))
    replays_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("solve_run.id"))
    rota_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("rota.id"))
    asked_at: Mapped[Created]
    asked_by: Mapped[str]
    started_at: Mapped[datetime | None]
    stop_asked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str | None]
    elapsed: Mapped[float | None]
    steps: Mapped[int] = mapped_column(default=0)
    slots: Mapped[int | None]
    uncovered: Mapped[int | None]
    points: Mapped[int | None]
    bound: Mapped[int | None]
    spread: Mapped[float | None]
    digest: Mapped[str | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    applied_at: Mapped[datetime | None]
    applied_by: Mapped[str | None]
    applied_reason: Mapped[str | None]
