"""Reading the outbox: in order, at least once, each consumer at its own pace."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit.db import Database, PlatformSession
from maillage_platform.outbox.models import OutboxCursor, OutboxEvent

BATCH = 200


@dataclass(frozen=True, slots=True)
class StoredEvent:
    id: int
    cooperative_id: UUID
    type: str
    payload: dict[str, Any]
    occurred_at: datetime


Consumer = Callable[[PlatformSession, StoredEvent], Awaitable[None]]


async def consume(database: Database, *, consumer: str, handle: Consumer) -> int:
    """Hand every new event to `handle`, batch by batch; the cursor moves in the same transaction as the effects.

    Events of transactions still in flight, and any that started after them, wait for the next round, so none is
    skipped. Two processes at once: the second waits for the first's batch. Returns how many were handled.
    """
    total = 0
    while True:
        async with database.platform() as session:
            handled = await _batch(session, consumer, handle)
        total += handled
        if handled < BATCH:
            return total


async def _batch(session: PlatformSession, consumer: str, handle: Consumer) -> int:
    await session.execute(
        insert(OutboxCursor).values(consumer=consumer, transaction_id=0, event_id=0).on_conflict_do_nothing()
    )
    cursor = (
        await session.scalars(sa.select(OutboxCursor).where(OutboxCursor.consumer == consumer).with_for_update())
    ).one()
    events = (
        await session.scalars(
            sa.select(OutboxEvent)
            .where(
                sa.tuple_(OutboxEvent.transaction_id, OutboxEvent.id)
                > sa.tuple_(sa.literal(cursor.transaction_id), sa.literal(cursor.event_id)),
                OutboxEvent.transaction_id
                < sa.cast(sa.cast(sa.func.pg_snapshot_xmin(sa.func.pg_current_snapshot()), sa.Text), sa.BigInteger),
            )
            .order_by(OutboxEvent.transaction_id, OutboxEvent.id)
            .limit(BATCH)
        )
    ).all()
    for event in events:
        await handle(session, StoredEvent(event.id, event.cooperative_id, event.type, event.payload, event.occurred_at))
        cursor.transaction_id, cursor.event_id = event.transaction_id, event.id
    return len(events)
