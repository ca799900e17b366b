"""A test sent on purpose, and what was given up sent once more."""

from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Conflict
from maillage_kit.witness import Witness
from maillage_platform.webhooks.catalogue import TEST_TYPE, body_of
from maillage_platform.webhooks.models import WebhookDelivery, WebhookEndpoint
from maillage_platform.webhooks.rules import DeliveryState
from maillage_platform.webhooks.service.endpoints import record_act
from maillage_platform.webhooks.service.recording import keep


async def send_test(session: PlatformSession, *, endpoint: WebhookEndpoint) -> None:
    """A test event, sent within seconds the way the real ones are. Raises Conflict when the address is paused."""
    if endpoint.paused_at is not None:
        raise Conflict("Cette adresse est en pause : reprenez-la d’abord.")
    now = clock.now()
    told = {"endpoint_id": str(endpoint.id)}
    await keep(
        session,
        [
            {
                "endpoint_id": endpoint.id,
                "type": TEST_TYPE,
                "body": body_of(TEST_TYPE, told, occurred_at=now),
                "occurred_at": now,
                "next_at": now,
            }
        ],
    )


async def replay(
    session: PlatformSession,
    *,
    witness: Witness,
    cooperative: CooperativeContext,
    endpoint: WebhookEndpoint,
    delivery_id: UUID | None,
    by: str,
) -> int:
    """Send again what was given up, under its own `webhook-id`, for three more days: one delivery, or all of the
    address. Later events of its case that wait do so behind it. Returns how many."""
    now = clock.now()
    statement = (
        sa.update(WebhookDelivery)
        .where(WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.state == DeliveryState.DEAD)
        .values(state=DeliveryState.WAITING, attempts=0, next_at=now, tried_from=None, settled_at=None)
        .returning(WebhookDelivery.id)
    )
    if delivery_id is not None:
        statement = statement.where(WebhookDelivery.id == delivery_id)
    again = (await session.scalars(statement)).all()
    if again:
        await record_act(witness, cooperative, endpoint, by=by, action="webhooks.replay", deliveries=len(again))
    return len(again)
