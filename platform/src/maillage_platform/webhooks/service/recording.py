"""From the outbox to deliveries: one for each address that asked for the event and may know of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.db import PlatformSession, core
from maillage_kit.ids import new_id
from maillage_kit.rest import Reach
from maillage_platform.outbox import StoredEvent
from maillage_platform.webhooks import queries
from maillage_platform.webhooks.catalogue import BY_SOURCE, body_of, data_of
from maillage_platform.webhooks.models import WebhookDelivery, WebhookEndpoint
from maillage_platform.webhooks.rules import DeliveryState

CONSUMER = "webhooks"
ReachOf = Callable[[UUID, str], Awaitable[Reach]]


@dataclass(frozen=True, slots=True)
class Recorder:
    """`reach_of(cooperative_id, client_id)`: whose things an application may see, asked for its own addresses only."""

    reach_of: ReachOf

    async def record(self, session: PlatformSession, event: StoredEvent) -> None:
        """Keep one delivery per address; events outside the catalogue are nobody's business. The cursor of the outbox
        moves in the same transaction, so an event is kept once."""
        known = BY_SOURCE.get(event.type)
        if known is None:
            return
        endpoints = await queries.listening(session, cooperative_id=event.cooperative_id, name=known.name)
        told = [endpoint for endpoint in endpoints if await self._may_know(endpoint, event)]
        if not told:
            return
        now, case_id = clock.now(), event.payload.get("intervention_id")
        kept = {
            "case_id": UUID(case_id) if case_id else None,
            "type": known.name,
            "body": body_of(known.name, data_of(known, event.payload), occurred_at=event.occurred_at),
            "occurred_at": event.occurred_at,
            "next_at": now,
        }
        await keep(session, [{"endpoint_id": endpoint.id, **kept} for endpoint in told])

    async def _may_know(self, endpoint: WebhookEndpoint, event: StoredEvent) -> bool:
        if endpoint.client_id is None:
            return True
        customer_id = event.payload.get("customer_id")
        reach = await self.reach_of(event.cooperative_id, endpoint.client_id)
        return reach.allows(UUID(customer_id) if customer_id else None)


async def keep(session: PlatformSession, deliveries: list[dict[str, Any]]) -> None:
    """Write deliveries at once, so that their positions follow the order of the calls."""
    now = clock.now()
    fixed = {"state": DeliveryState.WAITING, "attempts": 0, "created_at": now}
    await session.execute(
        sa.insert(core(WebhookDelivery)).values([{"id": new_id(), **fixed, **each} for each in deliveries])
    )
