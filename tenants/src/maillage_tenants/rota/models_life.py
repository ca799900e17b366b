"""What happens in the life of a rota: absences."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.db import TenantBase


class AbsenceState(StrEnum):
    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"


class Absence(TenantBase):
    """A technician cannot (hard) or would rather not (soft) be on call over `[starts_at, ends_at)`.

    Asked by the person, approved or refused by the office. What the office records itself is approved at once.
    """

    __tablename__ = "absence"
    __table_args__ = (
        one_of("state", AbsenceState),
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        sa.Index(None, "technician_id", "starts_at"),
    )

    id: Mapped[Key]
    technician_id: Mapped[UUID] = mapped_column(sa.ForeignKey("technician.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    hard: Mapped[bool] = mapped_column(default=True)
    state: Mapped[str] = mapped_column(default=AbsenceState.ASKED)
    reason: Mapped[str] = mapped_column(default="")
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    created_at: Mapped[Created]
