"""What the federation knows of each cooperative: daily aggregates, never a customer (R73)."""

from datetime import date
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
