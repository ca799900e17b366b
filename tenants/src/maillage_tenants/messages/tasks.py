"""Background tasks of messages."""

from uuid import UUID

from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.settings import Settings
from maillage_tenants.messages.carriers import Carriers
from maillage_tenants.messages.delivery import deliver_message


async def deliver(
    session: TenantSession, cooperative: CooperativeContext, settings: Settings, message_id: str, attempt: int = 1
) -> None:
    """`messages.deliver`: one attempt to give a message to its carrier."""
    await deliver_message(
        session,
        message_id=UUID(message_id),
        attempt=attempt,
        carriers=Carriers.from_settings(settings),
        cooperative=cooperative,
        in_production=settings.in_production,
    )
