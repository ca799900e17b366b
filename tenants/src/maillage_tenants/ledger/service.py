"""Acts on the ledger: crediting a case to the member who did it, once per document."""

from uuid import UUID

from maillage_kit.db import TenantSession
from maillage_kit.ids import new_id
from maillage_tenants import interventions, invoices
from maillage_tenants.invoices import InvoiceNotFound, InvoiceView
from maillage_tenants.ledger import queries
from maillage_tenants.ledger.errors import NothingToCredit
from maillage_tenants.ledger.models import LedgerEntry


async def cancel_note(session: TenantSession, *, invoice_id: UUID, reason: str, by: str) -> InvoiceView:
    """Issue the credit note of a note and, when the member was credited with it, the opposite entry (R40, R56).

    Raises what `invoices.issue_credit_note` raises.
    """
    credit = await invoices.issue_credit_note(session, invoice_id=invoice_id, reason=reason, by=by)
    if await queries.entry_of(session, invoice_id=invoice_id) is not None:
        await credit_case(session, case_id=credit.case_id, invoice_id=credit.id)
    return credit


async def credit_case(session: TenantSession, *, case_id: UUID, invoice_id: UUID) -> UUID:
    """Credit a note, excluding VAT, to the member who performed, in the account of the trade (R56).

    A credit note gives the opposite entry, to the member named on what it cancels. Again for the same document: nothing
    changes. Raises InvoiceNotFound for another case's document, NothingToCredit without member or trade.
    """
    existing = await queries.entry_of(session, invoice_id=invoice_id)
    if existing is not None:
        return existing.id
    case = await interventions.locked_case(session, case_id=case_id)
    invoice = await invoices.invoice_view(session, invoice_id=invoice_id)
    if invoice.case_id != case_id:
        raise InvoiceNotFound
    member = invoice.parties.get("member_id")
    if case.trade is None or not member:
        raise NothingToCredit
    entry = LedgerEntry(
        id=new_id(),
        member_id=UUID(member),
        trade=case.trade,
        intervention_id=case_id,
        invoice_id=invoice_id,
        amount=invoice.totals.net,
        occurred_at=invoice.issued_at,
    )
    session.add(entry)
    await session.flush()
    return entry.id
