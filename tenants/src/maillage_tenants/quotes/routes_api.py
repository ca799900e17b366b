"""Quotes, for machines: read, approved or refused by who pays."""

from uuid import UUID

from maillage_kit.api_access import ApiCaller, Scope
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.rest import File, Listing, Reach, act, by, listed, page_of, read
from maillage_kit.rest.answering import Listed
from maillage_kit.web import AnyRequest
from maillage_tenants import partners
from maillage_tenants.quotes import partner_queries
from maillage_tenants.quotes.schemas import Approval, QuoteOut, QuoteQuery, Refusal
from maillage_tenants.quotes.service.reading import quote_pdf
from maillage_tenants.quotes.service.signing import refuse_quote, sign_for_partner

TAG = "Devis"


async def _quote(session: TenantSession, reach: Reach, quote_id: UUID) -> QuoteOut:
    view = await partner_queries.quote_within(session, quote_id=quote_id, reach=reach)
    return QuoteOut.of(view, await partners.order_of(session, case_id=view.case_id))


@read(
    "/quotes",
    scope=Scope.QUOTES_APPROVE,
    tag=TAG,
    fr="Les devis remis pour vos clients, le dernier d’abord ; `state=sent` : ceux qui attendent votre décision.",
    en="The quotes handed over for your customers, the last first; `state=sent`: those that wait for your decision.",
    answer=Listing[QuoteOut],
    query=QuoteQuery,
)
async def list_quotes(
    request: AnyRequest, session: TenantSession, caller: ApiCaller, reach: Reach, asked: QuoteQuery
) -> Listed[QuoteOut]:
    page = await partner_queries.quotes_page(
        session,
        reach=reach,
        page=page_of(request, caller, asked),
        state=asked.state,
        case_id=asked.case_id,
    )
    orders = await partners.orders_of(session, case_ids=[view.case_id for view in page.items])
    return listed(request, caller, asked, page, lambda view: QuoteOut.of(view, orders.get(view.case_id)))


@read(
    "/quotes/{quote_id:uuid}",
    scope=Scope.QUOTES_APPROVE,
    tag=TAG,
    fr="Un devis.",
    en="One quote.",
    answer=QuoteOut,
)
async def get_quote(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    reach: Reach,
    quote_id: UUID,
) -> QuoteOut:
    return await _quote(session, reach, quote_id)


@read(
    "/quotes/{quote_id:uuid}/document",
    scope=Scope.DOCUMENTS_READ,
    tag=TAG,
    fr="Le devis en PDF, signé quand il l’est.",
    en="The quote as PDF, signed once it is.",
    media_type="application/pdf",
)
async def get_quote_document(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    reach: Reach,
    quote_id: UUID,
) -> File:
    view = await partner_queries.quote_within(session, quote_id=quote_id, reach=reach)
    file = await quote_pdf(session, case_id=view.case_id, quote_id=quote_id)
    return File(file.content, file.filename, "application/pdf")


@act(
    "/quotes/{quote_id:uuid}/approve",
    scope=Scope.QUOTES_APPROVE,
    tag=TAG,
    fr="Approuver : le devis est signé pour qui paie, les travaux peuvent commencer (R4).",
    en="Approve: the quote is signed for who pays, work may begin (R4).",
    answer=QuoteOut,
    body=Approval,
    example={"document_sha256": "9f" * 32, "signed_by": "Claire Martin", "vat_certified": True},
)
async def approve_quote(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    cooperative: CooperativeContext,
    caller: ApiCaller,
    reach: Reach,
    sent: Approval,
    quote_id: UUID,
) -> QuoteOut:
    await partner_queries.quote_within(session, quote_id=quote_id, reach=reach)
    await sign_for_partner(
        session,
        cooperative=cooperative,
        quote_id=quote_id,
        document_sha256=sent.document_sha256,
        signed_by=sent.signed_by,
        vat_certified=sent.vat_certified,
        software=caller.client_name,
        proof={"client_id": caller.client_id, "token_id": caller.token_id, "user_id": str(caller.user_id or "")},
        by=by(caller),
    )
    return await _quote(session, reach, quote_id)


@act(
    "/quotes/{quote_id:uuid}/refuse",
    scope=Scope.QUOTES_APPROVE,
    tag=TAG,
    fr="Refuser.",
    en="Refuse.",
    answer=QuoteOut,
    body=Refusal,
    example={"reason": "Hors budget."},
)
async def refuse(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    caller: ApiCaller,
    reach: Reach,
    sent: Refusal,
    quote_id: UUID,
) -> QuoteOut:
    await partner_queries.quote_within(session, quote_id=quote_id, reach=reach)
    await refuse_quote(session, quote_id=quote_id, by=by(caller), reason=sent.reason)
    return await _quote(session, reach, quote_id)


API_ROUTES = (list_quotes, get_quote, get_quote_document, approve_quote, refuse)
