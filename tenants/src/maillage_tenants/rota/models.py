"""Semester rotas, on-call posts and duties. A duty is never edited: it is superseded, so the past stays provable."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.db import TenantBase


class RotaState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    FROZEN = "frozen"
    ABANDONED = "abandoned"


class Rota(TenantBase):
    """All duties of a semester; published by a recorded decision (R57), then frozen."""

    __tablename__ = "rota"
    __table_args__ = (
        one_of("state", RotaState),
        sa.Index(
            "uq_rota_semester_live",
            "semester",
            unique=True,
            postgresql_where=sa.text("state in ('published','frozen')"),
        ),
    )

    id: Mapped[Key]
    semester: Mapped[str]
    state: Mapped[str] = mapped_column(default=RotaState.DRAFT)
    created_at: Mapped[Created]
    published_at: Mapped[datetime | None]
    published_by: Mapped[str | None]
    decision: Mapped[str | None]
    frozen_at: Mapped[datetime | None]
    frozen_by: Mapped[str | None]


class OnCallPost(TenantBase):
    """A place to fill: one sector, one trade, one rank (1 or 2)."""

    __tablename__ = "on_call_post"
    __table_args__ = (
        sa.UniqueConstraint("sector_id", "trade", "rank"),
        sa.CheckConstraint("rank in (1, 2)", name="rank_known"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    sector_id: Mapped[UUID] = mapped_column(sa.ForeignKey("sector.id"))
    trade: Mapped[str]
    rank: Mapped[int] = mapped_column(sa.SmallInteger)


class Duty(TenantBase):
    """One technician on call for one post over `[starts_at, ends_at)`.

    `live` is true once its rota is published. What was true at T as known at K is: live, period contains T, recorded at
    or before K, not yet superseded at K. Two live duties of a post never overlap: the database refuses it.
    """

    __tablename__ = "duty"
    __table_args__ = (
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        sa.Index("ix_duty_on_call", "post_id", "starts_at", postgresql_where=sa.text("live and superseded_at is null")),
        sa.Index("ix_duty_history", "post_id", "starts_at", "recorded_at", postgresql_where=sa.text("live")),
        sa.Index(None, "technician_id", "starts_at"),
        sa.Index(None, "rota_id", "post_id", "starts_at"),
        ExcludeConstraint(
            (sa.text("int8range(post_id, post_id, '[]')"), "&&"),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            where=sa.text("live and superseded_at is null"),
            using="gist",
            name="ex_duty_no_overlap",
        ),
    )

    id: Mapped[Key]
    rota_id: Mapped[UUID] = mapped_column(sa.ForeignKey("rota.id"))
    post_id: Mapped[int] = mapped_column(sa.ForeignKey("on_call_post.id"))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    technician_id: Mapped[UUID] = mapped_column(sa.ForeignKey("technician.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    live: Mapped[bool] = mapped_column(default=False)
    recorded_at: Mapped[Created]
    recorded_by: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    superseded_at: Mapped[datetime | None]
    superseded_by: Mapped[str | None]
