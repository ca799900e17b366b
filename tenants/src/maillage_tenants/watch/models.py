"""What the watch remembers: its settings, its calls, its findings, when it last looked, the forward lists it made."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Key, one_of
from maillage_kit.db import TenantBase


class RunOutcome(StrEnum):
    SUCCESS = "success"
    FAILED = "failed"


class FindingKind(StrEnum):
    CALL_WITHOUT_END = "call_without_end"
    OFFER_OVERDUE = "offer_overdue"
    LEG_WITHOUT_EVENT = "leg_without_event"
    MESSAGE_WAITING = "message_waiting"
    TASK_LATE = "task_late"


class WatchSetting(TenantBase):
    """One row. `keys`: typed by the watch call, one group a menu; empty means a trade and a postcode of ours."""

    __tablename__ = "watch_setting"
    __table_args__ = (sa.CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    enabled: Mapped[bool]
    enabled_at: Mapped[datetime]
    keys: Mapped[str]
    operator_email: Mapped[str]
    changed_by: Mapped[str]


class WatchRun(TenantBase):
    """One watch call, with the instant of each phase. Its id is also the expected call's (`calls.watched`)."""

    __tablename__ = "watch_run"
    __table_args__ = (
        one_of("outcome", RunOutcome),
        sa.CheckConstraint("(outcome is null) = (judged_at is null)", name="judged"),
        sa.Index(None, "planned_at"),
        sa.Index("ix_watch_run_success", "judged_at", postgresql_where=sa.text("outcome = 'success'")),
        sa.Index("ix_watch_run_open", "planned_at", postgresql_where=sa.text("outcome is null")),
    )

    id: Mapped[Key]
    planned_at: Mapped[datetime]
    planned_by: Mapped[str]
    keys: Mapped[str]
    deadline_at: Mapped[datetime]
    placed_at: Mapped[datetime | None]
    provider_reference: Mapped[str | None]
    call_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("call.id", ondelete="SET NULL"))
    arrived_at: Mapped[datetime | None]
    rang_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    judged_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    failure: Mapped[str] = mapped_column(default="")


class WatchFinding(TenantBase):
    """Something that should have ended or moved and has not. Open until `gone_at`; at most one open per subject."""

    __tablename__ = "watch_finding"
    __table_args__ = (
        one_of("kind", FindingKind),
        sa.Index("uq_watch_finding_open", "kind", "subject", unique=True, postgresql_where=sa.text("gone_at is null")),
        sa.Index(None, "found_at"),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    subject: Mapped[str]
    label: Mapped[str]
    link: Mapped[str]
    since: Mapped[datetime]
    found_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]


class WatchAudit(TenantBase):
    """One row: when this cooperative was last looked over, and how many findings were open."""

    __tablename__ = "watch_audit"
    __table_args__ = (sa.CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    audited_at: Mapped[datetime]
    findings: Mapped[int]


class ForwardList(TenantBase):
    """Whom the operator sends calls to when nothing here answers (R104): a week from `starts_at`, kept thirty days."""

    __tablename__ = "forward_list"
    __table_args__ = (
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        sa.Index("uq_forward_list_daily", "day", unique=True, postgresql_where=sa.text("daily")),
        sa.Index(None, "made_at"),
    )

    id: Mapped[Key]
    day: Mapped[date]
    daily: Mapped[bool]
    made_at: Mapped[datetime]
    made_by: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    content: Mapped[dict[str, Any]]
