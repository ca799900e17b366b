"""One review for each case, and what the cooperative answered."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Key
from maillage_kit.db import TenantBase


class Review(TenantBase):
    """`experienced_on`: the day in Paris when the intervention was closed, told beside the day of the review (art.
    D111-17). A trigger keeps what was said, and the answer once there is one."""

    __tablename__ = "review"
    __table_args__ = (
        sa.CheckConstraint("rating between 1 and 5", name="rating_in_range"),
        sa.CheckConstraint(
            "(answered_at is null) = (answer is null) and (answered_at is null) = (answered_by is null)",
            name="answered_whole",
        ),
        sa.Index(None, "given_at", "id"),
    )

    id: Mapped[Key]
    intervention_id: Mapped[UUID] = mapped_column(sa.ForeignKey("intervention.id"), unique=True)
    rating: Mapped[int]
    comment: Mapped[str]
    experienced_on: Mapped[date]
    given_at: Mapped[datetime]
    answer: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None]
