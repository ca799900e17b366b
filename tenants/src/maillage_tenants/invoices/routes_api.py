"""Notes, invoices and credit notes, for machines."""

from uuid import UUID

from maillage_kit.api_access import ApiCaller, Scope
from maillage_kit.db import TenantSession
from maillage_kit.rest import File, Listing, Reach, listed, page_of, read
from maillage_kit.rest.answering import Listed
from maillage_kit.web import AnyRequest
from maillage_tenants.invoices import partner_queries
from maillage_tenants.invoices.schemas import InvoiceOut, InvoiceQuery
from maillage_tenants.invoices.service.issuing import invoice_pdf

TAG = "Notes et factures"


@read(
    "/invoices",
    scope=Scope.INVOICES_READ,
    tag=TAG,
    fr="Les notes, factures et avoirs de vos clients, le dernier d’abord.",
    en="The notes, invoices and credit notes of your customers, the last first.",
    answer=Listing[InvoiceOut],
    query=InvoiceQuery,
)
async def list_invoices(
    request: AnyRequest, session: TenantSession, caller: ApiCaller, reach: Reach, asked: InvoiceQuery
) -> Listed[InvoiceOut]:
    page = await partner_queries.invoices_page(
        session,
        reach=reach,
        page=page_of(request, caller, asked),
        kind=asked.kind,
        case_id=asked.case_id,
        since=asked.since,
        until=asked.until,
    )
    return listed(request, caller, asked, page, InvoiceOut.of)


@read(
    "/invoices/{invoice_id:uuid}",
    scope=Scope.INVOICES_READ,
    tag=TAG,
    fr="Une pièce, ses lignes, ses règlements.",
    en="One document, its lines, its payments.",
    answer=InvoiceOut,
)
async def get_invoice(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    reach: Reach,
    invoice_id: UUID,
) -> InvoiceOut:
    return InvoiceOut.of(await partner_queries.invoice_within(session, invoice_id=invoice_id, reach=reach))


@read(
    "/invoices/{invoice_id:uuid}/document",
    scope=Scope.INVOICES_READ,
    tag=TAG,
    fr="La pièce en PDF, telle qu’elle a été émise.",
    en="The document as PDF, as it was issued.",
    media_type="application/pdf",
)
async def get_invoice_document(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    reach: Reach,
    invoice_id: UUID,
) -> File:
    view = await partner_queries.invoice_within(session, invoice_id=invoice_id, reach=reach)
    file = await invoice_pdf(session, case_id=view.case_id, invoice_id=invoice_id)
    return File(file.content, file.filename, "application/pdf")


API_ROUTES = (list_invoices, get_invoice, get_invoice_document)
