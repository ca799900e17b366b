"""Alarms: what a person of the office must look at."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Key, one_of
from maillage_kit.db import TenantBase


class Severity(StrEnum):
    CRITICAL = "critical"
    WARNING = "warning"


class Alarm(TenantBase):
    """Raised once per `dedupe_key` while open; acknowledged by a person; resolved by one or when its cause ends."""

    __tablename__ = "alarm"
    __table_args__ = (
        one_of("severity", Severity),
        sa.Index("uq_alarm_open", "dedupe_key", unique=True, postgresql_where=sa.text("resolved_at is null")),
        sa.Index(None, "raised_at"),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    severity: Mapped[str]
    title: Mapped[str]
    detail: Mapped[str] = mapped_column(default="")
    link: Mapped[str] = mapped_column(default="")
    dedupe_key: Mapped[str]
    subject_id: Mapped[UUID | None]
    raised_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None]
