"""What two people agree on a published rota: an exchange, a duty given away, a change that the office asks for."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.db import TenantBase


class SwapKind(StrEnum):
    """`exchange`: two duties, both accept; `gift`: the first who may takes it; `request`: the office asks somebody."""

    GIFT = "gift"
    EXCHANGE = "exchange"
    REQUEST = "request"


class SwapState(StrEnum):
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CANCELLED = "cancelled"


class Swap(TenantBase):
    """`duty_id`, or its part `[starts_at, ends_at)`, is to go from one person to another.

    `to_technician_id`: who is asked; nobody in particular for a gift until it is taken. `wanted_duty_id`: what comes
    back in an exchange. The rota changes only when it is accepted; one open proposal per duty.
    """

    __tablename__ = "swap"
    __table_args__ = (
        one_of("kind", SwapKind),
        one_of("state", SwapState),
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        sa.CheckConstraint("(kind = 'exchange') = (wanted_duty_id is not null)", name="exchanged"),
        sa.CheckConstraint("kind = 'gift' or to_technician_id is not null", name="asked"),
        sa.Index("uq_swap_open", "duty_id", unique=True, postgresql_where=sa.text("state = 'proposed'")),
        sa.Index("ix_swap_to", "to_technician_id", postgresql_where=sa.text("state = 'proposed'")),
        sa.Index(None, "created_at", "id"),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(default=SwapState.PROPOSED)
    duty_id: Mapped[UUID] = mapped_column(sa.ForeignKey("duty.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    from_technician_id: Mapped[UUID] = mapped_column(sa.ForeignKey("technician.id"))
    to_technician_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("technician.id"))
    wanted_duty_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("duty.id"))
    reason: Mapped[str] = mapped_column(default="")
    created_at: Mapped[Created]
    created_by: Mapped[str]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]


class CalendarFeed(TenantBase):
    """A secret address that gives the duties of one person, or of one sector, to a calendar; its hash is kept."""

    __tablename__ = "calendar_feed"
    __table_args__ = (
        sa.CheckConstraint("technician_id is null or sector_id is null", name="owner"),
        sa.Index(
            "uq_calendar_feed_person", "technician_id", unique=True, postgresql_where=sa.text("revoked_at is null")
        ),
        sa.Index("uq_calendar_feed_sector", "sector_id", unique=True, postgresql_where=sa.text("revoked_at is null")),
        sa.Index(None, "created_at", "id"),
    )

    id: Mapped[Key]
    token_hash: Mapped[str] = mapped_column(unique=True)
    technician_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("technician.id"))
    sector_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("sector.id"))
    created_at: Mapped[Created]
    created_by: Mapped[str]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]
