"""Reading messages, their attempts, and what people want."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_kit.errors import NotFound
from maillage_kit.pages import Page, PageRequest, cut_page, read_id
from maillage_tenants.messages import rules
from maillage_tenants.messages.models import (
    AttemptState,
    Channel,
    Message,
    MessageAddress,
    MessageAttempt,
    MessagePolicy,
    MessageReply,
    MessageState,
    NotificationPreference,
    PushSubscription,
    Urgency,
)
from maillage_tenants.messages.rules import Policy, Wishes


@dataclass(frozen=True, slots=True)
class MessageRow:
    id: UUID
    channel: Channel
    recipient: str
    subject: str
    body: str
    purpose: str
    urgency: Urgency
    state: MessageState
    created_at: datetime
    held_until: datetime | None
    held_reason: str | None
    sent_at: datetime | None
    delivered_at: datetime | None
    settled_at: datetime | None
    provider_reference: str | None
    error: str | None
    intervention_id: UUID | None


def _row(message: Message) -> MessageRow:
    return MessageRow(
        id=message.id,
        channel=Channel(message.channel),
        recipient=message.recipient,
        subject=message.subject,
        body=message.body,
        purpose=message.purpose,
        urgency=Urgency(message.urgency),
        state=MessageState(message.state),
        created_at=message.created_at,
        held_until=message.held_until,
        held_reason=message.held_reason,
        sent_at=message.sent_at,
        delivered_at=message.delivered_at,
        settled_at=message.settled_at,
        provider_reference=message.provider_reference,
        error=message.error,
        intervention_id=message.intervention_id,
    )


async def recent_messages(
    session: TenantSession, *, intervention_id: UUID | None = None, recipient: str | None = None, limit: int = 50
) -> tuple[MessageRow, ...]:
    """The last messages, newest first: of the cooperative, of one intervention or to one recipient."""
    wanted = sa.select(Message).order_by(Message.id.desc()).limit(limit)
    if intervention_id is not None:
        wanted = wanted.where(Message.intervention_id == intervention_id)
    if recipient is not None:
        wanted = wanted.where(Message.recipient == recipient)
    return tuple(_row(message) for message in await session.scalars(wanted))


class Show(StrEnum):
    """The filters of the office's list."""

    ALL = "all"
    HELD = "held"
    FAILED = "failed"
    RECEIVED = "received"


async def message_log(session: TenantSession, *, page: PageRequest, show: Show) -> Page[MessageRow]:
    """Messages, the newest first; those held back, or those that failed. Raises Invalid for a bad page."""
    wanted = sa.select(Message)
    if show is Show.HELD:
        wanted = wanted.where(Message.state.in_((MessageState.HELD, MessageState.QUEUED)))
    elif show is Show.FAILED:
        wanted = wanted.where(Message.state == MessageState.FAILED)
    if (last := page.position(read_id)) is not None:
        wanted = wanted.where(Message.id < last[0])
    rows = await session.scalars(wanted.order_by(Message.id.desc()).limit(page.limit + 1))
    return cut_page([_row(row) for row in rows], page, lambda row: (row.id,))


async def reply_log(session: TenantSession, *, page: PageRequest) -> Page[MessageReply]:
    """Text messages received, the newest first. Raises Invalid for a bad page."""
    wanted = sa.select(MessageReply)
    if (last := page.position(read_id)) is not None:
        wanted = wanted.where(MessageReply.id < last[0])
    rows = (await session.scalars(wanted.order_by(MessageReply.id.desc()).limit(page.limit + 1))).all()
    return cut_page(rows, page, lambda row: (row.id,))


async def one_message(session: TenantSession, *, message_id: UUID) -> tuple[MessageRow, Sequence[MessageAttempt]]:
    """A message and its attempts in order. Raises NotFound."""
    message = await session.get(Message, message_id)
    if message is None:
        raise NotFound
    attempts = await attempts_of(session, message_id=message_id)
    return _row(message), sorted(attempts, key=lambda attempt: (attempt.started_at, attempt.step))


async def attempts_of(session: TenantSession, *, message_id: UUID) -> Sequence[MessageAttempt]:
    found = await session.scalars(
        sa.select(MessageAttempt).where(MessageAttempt.message_id == message_id).order_by(MessageAttempt.id)
    )
    return found.all()


async def locked_attempt(session: TenantSession, *, attempt_id: UUID) -> tuple[Message, MessageAttempt]:
    """An attempt and its message, both locked, the message first as everywhere. Raises NotFound."""
    message = await session.scalar(
        sa.select(Message)
        .where(
            Message.id == sa.select(MessageAttempt.message_id).where(MessageAttempt.id == attempt_id).scalar_subquery()
        )
        .with_for_update()
    )
    attempt = await session.get(MessageAttempt, attempt_id, with_for_update=True, populate_existing=True)
    if message is None or attempt is None:
        raise NotFound
    return message, attempt


async def attempt_by_reference(session: TenantSession, *, carrier: str, references: Sequence[str]) -> UUID | None:
    """The newest attempt that a carrier knows by one of these references."""
    return await session.scalar(
        sa.select(MessageAttempt.id)
        .where(MessageAttempt.provider_reference.in_(references), MessageAttempt.carrier == carrier)
        .order_by(MessageAttempt.id.desc())
        .limit(1)
    )


async def live_subscriptions(session: TenantSession, *, technician_id: UUID) -> Sequence[PushSubscription]:
    found = await session.scalars(
        sa.select(PushSubscription)
        .where(PushSubscription.technician_id == technician_id, PushSubscription.dropped_at.is_(None))
        .order_by(PushSubscription.id)
    )
    return found.all()


async def wishes(session: TenantSession, *, technician_id: UUID | None) -> Wishes:
    """How a technician wants to be told; the usual way for everybody else."""
    row = await session.get(NotificationPreference, technician_id) if technician_id else None
    if row is None:
        return Wishes()
    return Wishes(rules.order_from(row.channels), timedelta(seconds=row.sms_after_seconds), row.voice_call)


async def policy(session: TenantSession) -> Policy:
    """The cooperative's quiet hours and limit."""
    row = await session.get(MessagePolicy, 1)
    if row is None:
        return Policy()
    return Policy(row.quiet_from, row.quiet_to, row.quiet_sundays, row.quiet_holidays, row.routine_per_hour)


async def room_for_routine(session: TenantSession, *, recipient: str, at: datetime, policy: Policy) -> datetime | None:
    """When this recipient may get one more routine message, None for now."""
    hour = timedelta(hours=1)
    found = await session.scalars(
        sa.select(Message.sent_at)
        .where(Message.recipient == recipient, Message.urgency == Urgency.ROUTINE, Message.sent_at > at - hour)
        .order_by(Message.sent_at.desc())
        .limit(policy.routine_per_hour)
    )
    recent = [sent for sent in found if sent is not None]
    return recent[-1] + hour if len(recent) >= policy.routine_per_hour else None


async def dead_addresses(session: TenantSession, *, addresses: Sequence[str]) -> dict[str, str]:
    """Those of these numbers and e-mail addresses that no longer work, with the reason."""
    found = await session.execute(
        sa.select(MessageAddress.address, MessageAddress.reason).where(
            MessageAddress.address.in_(addresses), MessageAddress.dead_since.is_not(None)
        )
    )
    return {address: reason or "" for address, reason in found}


async def devices_of(session: TenantSession, *, technician_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many browsers of each of these technicians show our notifications."""
    found = await session.execute(
        sa.select(PushSubscription.technician_id, sa.func.count())
        .where(PushSubscription.technician_id.in_(technician_ids), PushSubscription.dropped_at.is_(None))
        .group_by(PushSubscription.technician_id)
    )
    return {row[0]: row[1] for row in found}


async def last_case_told(session: TenantSession, *, phone: str, since: datetime) -> tuple[datetime, UUID | None] | None:
    """When this number last got a message of ours since then, and about which case."""
    row = (
        await session.execute(
            sa.select(Message.created_at, Message.intervention_id)
            .where(Message.recipient == phone, Message.created_at >= since)
            .order_by(Message.id.desc())
            .limit(1)
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1])


async def knows_reply(session: TenantSession, *, carrier: str, reference: str) -> bool:
    found = await session.scalar(
        sa.select(MessageReply.id).where(MessageReply.carrier == carrier, MessageReply.provider_reference == reference)
    )
    return found is not None


async def waiting_for_news(session: TenantSession, *, carrier: str, since: datetime) -> Sequence[tuple[UUID, str]]:
    """Attempts given to a carrier since then, of which it has said nothing yet: id and its reference."""
    found = await session.execute(
        sa.select(MessageAttempt.id, MessageAttempt.provider_reference)
        .where(
            MessageAttempt.carrier == carrier,
            MessageAttempt.state == AttemptState.GIVEN,
            MessageAttempt.given_at >= since,
            MessageAttempt.provider_reference.is_not(None),
        )
        .order_by(MessageAttempt.given_at.desc())
        .limit(20)
    )
    return [(attempt_id, str(reference)) for attempt_id, reference in found]
