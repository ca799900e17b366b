"""Which cooperatives let the federation's support in, and who came, why, until when."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key
from maillage_kit.db import PlatformBase


class SupportConsent(PlatformBase):
    """A cooperative's standing word; without a row, nobody comes in."""

    __tablename__ = "support_consent"

    cooperative_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.cooperative.id"), primary_key=True)
    allowed: Mapped[bool]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class SupportVisit(PlatformBase):
    """Somebody of the support inside one cooperative, from `opened_at` to the first of `expires_at` and `ended_at`."""

    __tablename__ = "support_visit"
    __table_args__ = (
        sa.CheckConstraint(
            "expires_at > opened_at and expires_at <= opened_at + interval '60 minutes'", name="an_hour_at_most"
        ),
        sa.Index(None, "cooperative_id", "id"),
        sa.Index(None, "account_id", "id"),
        {"schema": "platform"},
    )

    id: Mapped[Key]
    cooperative_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.cooperative.id"))
    account_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.account.id"))
    visitor_name: Mapped[str]
    reason: Mapped[str]
    opened_at: Mapped[Created]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
