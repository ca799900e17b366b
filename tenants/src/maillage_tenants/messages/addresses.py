"""What is known of an address: dead, alive again, refused by its owner; the push subscriptions of a technician."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.phone import show_phone
from maillage_tenants import alarms
from maillage_tenants.messages.models import Channel, MessageAddress, MessageAttempt, PushSubscription

_WHAT = {Channel.SMS: "SMS", Channel.CALL: "Appel", Channel.EMAIL: "Courriel"}


def dead_key(channel: str, address: str) -> str:
    """The alarm of a dead address: one per address until it works again."""
    return f"messages.dead:{channel}:{address}"


async def bury(session: TenantSession, attempt: MessageAttempt, *, reason: str, at: datetime) -> None:
    """An address that exists no more: noted, and the desk told once, until it works again."""
    channel = Channel(attempt.channel)
    if channel is Channel.PUSH:
        await session.execute(
            sa.update(PushSubscription)
            .where(PushSubscription.id == attempt.subscription_id, PushSubscription.dropped_at.is_(None))
            .values(dropped_at=at, reason=reason)
        )
        title = "Un téléphone d’artisan n’accepte plus nos notifications"
        detail = f"{attempt.address}. L’artisan les remet sur sa page « Être prévenu » ; les SMS continuent."
    else:
        values = {"dead_since": at, "reason": reason}
        await session.execute(
            insert(MessageAddress)
            .values(channel=channel, address=attempt.address, **values)
            .on_conflict_do_update(
                index_elements=[MessageAddress.channel, MessageAddress.address],
                set_={"dead_since": sa.func.coalesce(MessageAddress.dead_since, at), "reason": reason},
            )
        )
        shown = attempt.address if channel is Channel.EMAIL else show_phone(attempt.address)
        title = f"{_WHAT[channel]} non envoyé à {shown}"
        detail = f"Adresse hors service : {reason}. Demandez la nouvelle."
    await alarms.raise_alarm(
        session,
        kind="messages.dead",
        severity=alarms.Severity.WARNING,
        title=title,
        detail=detail,
        link=f"/messages/{attempt.message_id}",
        dedupe_key=dead_key(channel, _name(attempt)),
        subject_id=attempt.message_id,
    )


async def revive(session: TenantSession, attempt: MessageAttempt) -> None:
    """It works: whatever was noted against it is over."""
    await session.execute(
        sa.update(MessageAddress)
        .where(
            MessageAddress.channel == attempt.channel,
            MessageAddress.address == attempt.address,
            MessageAddress.dead_since.is_not(None),
        )
        .values(dead_since=None, reason=None)
    )
    await alarms.resolve_alarm(session, dedupe_key=dead_key(attempt.channel, _name(attempt)), by="messages")


async def note_stop(session: TenantSession, *, phone: str, at: datetime) -> None:
    """STOP: nothing but messages about what the person asked for goes there any more (R23)."""
    await session.execute(
        insert(MessageAddress)
        .values(channel=Channel.SMS, address=phone, stopped_at=at)
        .on_conflict_do_update(
            index_elements=[MessageAddress.channel, MessageAddress.address],
            set_={"stopped_at": sa.func.coalesce(MessageAddress.stopped_at, at)},
        )
    )


async def is_stopped(session: TenantSession, *, phone: str) -> bool:
    found = await session.get(MessageAddress, (Channel.SMS, phone))
    return found is not None and found.stopped_at is not None


async def subscribe(
    session: TenantSession, *, technician_id: UUID, endpoint: str, key: str, secret: str, device: str
) -> None:
    """Keep a browser's subscription; the one it replaces and the alarms of this technician's lost ones are over.

    A browser used by somebody else now tells that person only.
    """
    lost = await session.scalars(
        sa.select(PushSubscription.id).where(
            PushSubscription.technician_id == technician_id, PushSubscription.dropped_at.is_not(None)
        )
    )
    for subscription_id in lost:
        await alarms.resolve_alarm(session, dedupe_key=dead_key(Channel.PUSH, str(subscription_id)), by="messages")
    values = {"technician_id": technician_id, "key": key, "secret": secret, "device": device}
    await session.execute(
        insert(PushSubscription)
        .values(endpoint=endpoint, created_at=clock.now(), **values)
        .on_conflict_do_update(
            index_elements=[PushSubscription.endpoint], set_={**values, "dropped_at": None, "reason": None}
        )
    )


async def unsubscribe(session: TenantSession, *, technician_id: UUID, subscription_id: UUID | None = None) -> int:
    """The technician takes notifications back, from one browser or from all. How many were live."""
    which = [PushSubscription.technician_id == technician_id, PushSubscription.dropped_at.is_(None)]
    if subscription_id is not None:
        which.append(PushSubscription.id == subscription_id)
    dropped = await session.execute(
        sa.update(PushSubscription)
        .where(*which)
        .values(dropped_at=clock.now(), reason="retirées par l’artisan")
        .returning(PushSubscription.id)
    )
    return len(dropped.scalars().all())


def _name(attempt: MessageAttempt) -> str:
    return str(attempt.subscription_id) if attempt.channel == Channel.PUSH else attempt.address
