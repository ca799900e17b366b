"""What the federation knows of each cooperative: daily aggregates, never a customer (R73)."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.db import PlatformBase


class DailyAggregate(PlatformBase):
    """Counts of one cooperative for one day in Paris, built from outbox events."""

    __tablename__ = "daily_aggregate"

    cooperative_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.cooperative.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    calls: Mapped[int] = mapped_column(default=0)
    accepted_rank1: Mapped[int] = mapped_column(default=0)
    accepted_rank2: Mapped[int] = mapped_column(default=0)
    accepted_neighbour: Mapped[int] = mapped_column(default=0)
    accepted_manager: Mapped[int] = mapped_column(default=0)
    fallback: Mapped[int] = mapped_column(default=0)
    redirected: Mapped[int] = mapped_column(default=0)
    abandoned: Mapped[int] = mapped_column(default=0)
    missed: Mapped[int] = mapped_column(default=0)
    interventions_closed: Mapped[int] = mapped_column(default=0)
    delays_kept: Mapped[int] = mapped_column(default=0)
    delays_missed: Mapped[int] = mapped_column(default=0)


class WatchState(PlatformBase):
    """How each cooperative's watch stands, as its events told it: whether its number rings, what its audit found."""

    __tablename__ = "watch_state"

    cooperative_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.cooperative.id"), primary_key=True)
    last_run_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    last_seconds: Mapped[int | None]
    failed_in_a_row: Mapped[int] = mapped_column(default=0)
    last_failure: Mapped[str] = mapped_column(default="")
    findings: Mapped[int] = mapped_column(default=0)
