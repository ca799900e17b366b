"""The outbox: events that left a cooperative's transaction, and how far each consumer has read."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.db import PlatformBase


class OutboxEvent(PlatformBase):
    """One event. `transaction_id` lets a reader stay behind transactions still in flight, so that none is skipped."""

    __tablename__ = "outbox_event"
    __table_args__ = (sa.Index(None, "transaction_id", "id"), {"schema": "platform"})

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    transaction_id: Mapped[int] = mapped_column(sa.BigInteger)
    cooperative_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.cooperative.id"))
    type: Mapped[str]
    payload: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class OutboxCursor(PlatformBase):
    """The last event a consumer has handled, moved in the same transaction as its effects."""

    __tablename__ = "outbox_cursor"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    transaction_id: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    event_id: Mapped[int] = mapped_column(sa.BigInteger, default=0)
