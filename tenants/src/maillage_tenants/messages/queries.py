"""Reading messages."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_tenants.messages.models import Channel, Message, MessageState


@dataclass(frozen=True, slots=True)
class MessageRow:
    id: UUID
    channel: Channel
    recipient: str
    subject: str
    body: str
    purpose: str
    state: MessageState
    created_at: datetime
    sent_at: datetime | None
    provider_reference: str | None
    error: str | None
    intervention_id: UUID | None


async def recent_messages(
    session: TenantSession, *, intervention_id: UUID | None = None, recipient: str | None = None, limit: int = 50
) -> tuple[MessageRow, ...]:
    """The last messages, newest first: of the cooperative, of one intervention or to one recipient."""
    wanted = sa.select(Message).order_by(Message.id.desc()).limit(limit)
    if intervention_id is not None:
        wanted = wanted.where(Message.intervention_id == intervention_id)
    if recipient is not None:
        wanted = wanted.where(Message.recipient == recipient)
    return tuple(
        MessageRow(
            id=message.id,
            channel=Channel(message.channel),
            recipient=message.recipient,
            subject=message.subject,
            body=message.body,
            purpose=message.purpose,
            state=MessageState(message.state),
            created_at=message.created_at,
            sent_at=message.sent_at,
            provider_reference=message.provider_reference,
            error=message.error,
            intervention_id=message.intervention_id,
        )
        for message in await session.scalars(wanted)
    )
