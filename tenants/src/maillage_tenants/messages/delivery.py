"""Giving a written message to its carrier, again after a while when it could not be reached; and saying so when it
failed. Nothing pretends: only development and tests, where no carrier is set, count a message as sent without one."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock, outside
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.phone import show_phone
from maillage_tenants import alarms
from maillage_tenants.messages.carriers import CarrierRefused, Carriers, CarrierUnavailable, Mail
from maillage_tenants.messages.models import Channel, Message, MessageState
from maillage_tenants.messages.service import DELIVER

RETRY_AFTER = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=5), timedelta(minutes=15))
"""How long before each attempt after the first. Short: an urgent message that is late is of no use, its alarm is."""

ONE_TIME = frozenset({"signing_code"})
"""Purposes whose text holds a secret of a few minutes: once it has left, or can no longer leave, it is not kept."""
FORGOTTEN = "Code à usage unique : le texte n’est pas conservé."
DEVELOPMENT = "development"
_MAX_ERROR = 300


async def deliver_message(
    session: TenantSession,
    *,
    message_id: UUID,
    attempt: int,
    carriers: Carriers,
    cooperative: CooperativeContext,
    in_production: bool,
) -> None:
    """One attempt. Sent: the carrier's reference is kept. Unreachable: another attempt is asked for, up to five.

    Refused, or the last attempt missed: the message is failed, with the reason, and the office has an alarm. The text
    of a one-time code is forgotten as soon as it is sent or failed. A message already sent or failed, unknown, or being
    delivered by another worker is left alone, so running twice is harmless.
    """
    message = await session.scalar(
        sa.select(Message)
        .where(Message.id == message_id, Message.state == MessageState.QUEUED)
        .with_for_update(skip_locked=True)
    )
    if message is None:
        return
    carrier_key = f"messages.no_carrier:{message.channel}"
    try:
        reference = await _give(message, carriers, cooperative)
    except CarrierRefused as exc:
        await _fail(session, message, str(exc))
        return
    except CarrierUnavailable as exc:
        message.error = str(exc)[:_MAX_ERROR]
        if attempt > len(RETRY_AFTER):
            await _fail(session, message, str(exc))
            return
        await outside.defer(
            session,
            DELIVER,
            {"message_id": message.id, "attempt": attempt + 1},
            run_at=clock.now() + RETRY_AFTER[attempt - 1],
        )
        return
    if reference is None and in_production:
        await _fail(session, message, "aucun opérateur n’est configuré", alarm=False)
        what = "SMS" if message.channel == Channel.SMS else "courriels"
        await alarms.raise_alarm(
            session,
            kind="messages.no_carrier",
            severity=alarms.Severity.CRITICAL,
            title=f"Les {what} ne partent pas",
            detail=f"Aucun opérateur n’est configuré pour les {what}. Prévenez la fédération.",
            dedupe_key=carrier_key,
        )
        return
    if reference is not None:
        await alarms.resolve_alarm(session, dedupe_key=carrier_key, by="messages")
    message.state = MessageState.SENT
    message.sent_at = clock.now()
    message.provider_reference = reference or DEVELOPMENT
    message.error = None
    if reference is not None:  # in the development mailbox, where nothing leaves, the code is read
        _forget(message)
    await session.flush()


def _forget(message: Message) -> None:
    if message.purpose in ONE_TIME:
        message.body = FORGOTTEN


async def _give(message: Message, carriers: Carriers, cooperative: CooperativeContext) -> str | None:
    """The carrier's reference, or None when no carrier is set."""
    if message.channel == Channel.SMS:
        return await carriers.sms.send(to=message.recipient, body=message.body) if carriers.sms else None
    if carriers.mail is None:
        return None
    return await carriers.mail.send(
        Mail(
            to=message.recipient,
            subject=message.subject,
            body=message.body,
            message_id=str(message.id),
            sender_name=cooperative.name,
            reply_to=cooperative.email,
        )
    )


async def _fail(session: TenantSession, message: Message, reason: str, *, alarm: bool = True) -> None:
    message.state = MessageState.FAILED
    message.error = reason[:_MAX_ERROR]
    _forget(message)
    await session.flush()
    if not alarm:
        return
    sms = message.channel == Channel.SMS
    recipient = show_phone(message.recipient) if sms else message.recipient
    await alarms.raise_alarm(
        session,
        kind="messages.failed",
        severity=alarms.Severity.WARNING,
        title=f"{'SMS' if sms else 'Courriel'} non envoyé à {recipient}",
        detail=message.error,
        link=f"/cases/{message.intervention_id}" if message.intervention_id else "",
        dedupe_key=f"messages.failed:{message.id}",
        subject_id=message.id,
    )
