"""The customer's copy of what is issued, on a durable medium, before any payment (R7, R39)."""

from uuid import UUID

from maillage_kit import outside
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.settings import Settings
from maillage_tenants import interventions
from maillage_tenants.invoices import queries
from maillage_tenants.invoices.models import InvoiceKind

COPY = "invoices.send_copy"
_YOURS = {InvoiceKind.NOTE: "Votre note", InvoiceKind.INVOICE: "Votre facture", InvoiceKind.CREDIT_NOTE: "Votre avoir"}


async def ask_for_copy(session: TenantSession, *, invoice_id: UUID) -> None:
    """Have the copy sent once this transaction commits."""
    await outside.defer(session, COPY, {"invoice_id": invoice_id})


async def send_customer_copy(
    session: TenantSession, *, cooperative: CooperativeContext, settings: Settings, invoice_id: UUID
) -> None:
    """Tell the customer where the PDF is, once. Raises InvoiceNotFound."""
    issued = await queries.invoice_view(session, invoice_id=invoice_id)
    named = f"{_YOURS[issued.kind]} {issued.number}"
    await interventions.tell_customer(
        session,
        cooperative=cooperative,
        settings=settings,
        case_id=issued.case_id,
        subject=named,
        text=f"{named}, {issued.totals.gross} TTC, est à lire ici :",
        purpose=f"{issued.kind}_copy",
        dedupe_key=f"invoice-copy:{issued.id}",
    )
