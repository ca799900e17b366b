"""Background tasks of messages."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock, outside
from maillage_kit.context import CooperativeContext
from maillage_kit.db import Database, TenantSession
from maillage_kit.settings import Settings
from maillage_tenants.messages import delivery, queries, receipts, rules
from maillage_tenants.messages.carriers import Carriers, ovh_sender
from maillage_tenants.messages.carriers.ovh import NAME as OVH
from maillage_tenants.messages.models import AttemptState, Channel, Message, MessageAttempt, MessageState
from maillage_tenants.messages.service import DELIVER

_FORGOTTEN_AFTER = timedelta(minutes=30)


async def deliver(
    database: Database, cooperative: CooperativeContext, settings: Settings, carriers: Carriers, message_id: str
) -> None:
    """`messages.deliver`: whatever is due now for one message."""
    await delivery.deliver(
        database, cooperative=cooperative, settings=settings, carriers=carriers, message_id=UUID(message_id)
    )


async def look_for_forgotten(session: TenantSession) -> None:
    """Messages that should have left long ago are looked at again, attempts without news for two days are closed."""
    at = clock.now()
    late = await session.scalars(
        sa.select(Message.id)
        .where(
            sa.or_(
                sa.and_(Message.state == MessageState.QUEUED, Message.created_at < at - _FORGOTTEN_AFTER),
                sa.and_(Message.state == MessageState.HELD, Message.held_until < at - timedelta(minutes=1)),
            )
        )
        .limit(100)
    )
    for message_id in late:
        await outside.defer(session, DELIVER, {"message_id": message_id}, unique=f"message:{message_id}")
    await session.execute(
        sa.update(MessageAttempt)
        .where(
            MessageAttempt.state == AttemptState.GIVEN,
            MessageAttempt.channel.in_((Channel.SMS, Channel.CALL)),
            MessageAttempt.given_at < at - rules.NEWS_WITHIN,
        )
        .values(state=AttemptState.EXPIRED, ended_at=at)
    )


async def look_for_receipts(database: Database, cooperative: CooperativeContext, settings: Settings) -> None:
    """Without an address that OVHcloud can call back, it is asked what became of its texts."""
    sender = ovh_sender(settings)
    if sender is None or settings.ovh.callback_secret is not None:
        return
    async with database.tenant(cooperative.tenant) as session:
        waiting = await queries.waiting_for_news(session, carrier=OVH, since=clock.now() - rules.NEWS_WITHIN)
    for attempt_id, reference in waiting:
        receipt = await sender.receipt_of(reference)
        if receipt is not None:
            async with database.tenant(cooperative.tenant) as session:
                await receipts.note_receipt(session, attempt_id=attempt_id, receipt=receipt)
