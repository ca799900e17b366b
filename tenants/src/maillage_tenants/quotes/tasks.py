"""Background tasks of quotes."""

from uuid import UUID

from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.settings import Settings
from maillage_tenants.quotes.service.copies import send_customer_copy


async def send_copy(
    session: TenantSession, cooperative: CooperativeContext, settings: Settings, quote_id: str, signed: bool
) -> None:
    """`quotes.send_copy`: the customer receives the quote, or the quote just signed."""
    await send_customer_copy(
        session, cooperative=cooperative, settings=settings, quote_id=UUID(quote_id), signed=signed
    )
