"""Text messages and e-mails that a cooperative sends, written in the transaction that caused them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.db import TenantBase


class Channel(StrEnum):
    SMS = "sms"
    EMAIL = "email"


class MessageState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class Message(TenantBase):
    """One message to one recipient. `dedupe_key` makes writing it twice harmless."""

    __tablename__ = "message"
    __table_args__ = (one_of("channel", Channel), one_of("state", MessageState), sa.Index(None, "intervention_id"))

    id: Mapped[Key]
    channel: Mapped[str]
    recipient: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    body: Mapped[str]
    purpose: Mapped[str]
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    call_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("call.id"))
    intervention_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("intervention.id"))
    state: Mapped[str] = mapped_column(default=MessageState.QUEUED)
    created_at: Mapped[Created]
    sent_at: Mapped[datetime | None]
    provider_reference: Mapped[str | None]
    error: Mapped[str | None]
