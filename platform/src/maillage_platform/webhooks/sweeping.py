"""Every hour: deliveries that nobody needs any more are erased."""

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.db import Database
from maillage_platform.webhooks.models import WebhookDelivery, WebhookEndpoint
from maillage_platform.webhooks.rules import DEAD_KEPT, DELIVERED_KEPT, DeliveryState


async def forget_old(database: Database) -> None:
    """What was delivered stays thirty days, what was given up ninety; a former secret is erased with its time (R68)."""
    now = clock.now()
    async with database.platform() as session:
        for state, kept in ((DeliveryState.DELIVERED, DELIVERED_KEPT), (DeliveryState.DEAD, DEAD_KEPT)):
            await session.execute(
                sa.delete(WebhookDelivery).where(
                    WebhookDelivery.state == state, WebhookDelivery.settled_at < now - kept
                )
            )
        await session.execute(
            sa.update(WebhookEndpoint)
            .where(WebhookEndpoint.former_secret_until <= now)
            .values(former_secret=None, former_secret_until=None)
        )
