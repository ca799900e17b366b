"""How businesses compensate on-call time."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.db import TenantBase
from maillage_kit.money import Money


class OnCallTerms(TenantBase):
    """How a business compensates its employees for being on call (R63: L3121-9): an amount per hour, or minutes of
    rest per day of 24 hours. The business decides; the cooperative writes it on the monthly statement."""

    __tablename__ = "on_call_terms"
    __table_args__ = (sa.CheckConstraint("hourly >= 0 and rest_minutes_a_day >= 0", name="positive"),)

    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), primary_key=True)
    hourly: Mapped[Money]
    rest_minutes_a_day: Mapped[int]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
