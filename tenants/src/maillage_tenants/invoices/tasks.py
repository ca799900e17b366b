"""Background tasks of invoices."""

from uuid import UUID

from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.settings import Settings
from maillage_tenants.invoices.service.copies import send_customer_copy


async def send_copy(
    session: TenantSession, cooperative: CooperativeContext, settings: Settings, invoice_id: str
) -> None:
    """`invoices.send_copy`: the customer receives the note, the invoice or the credit note."""
    await send_customer_copy(session, cooperative=cooperative, settings=settings, invoice_id=UUID(invoice_id))
