"""The quotes that a partner's organisation decides on, and what it was billed."""

from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Response, Template

from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, base_path, page, page_request, requires, see_other, text
from maillage_tenants import interventions, invoices, partners, quotes
from maillage_tenants.casefile.access import attempt, pdf, words_of
from maillage_tenants.partnerdesk.access import acting_as, own_reach
from maillage_tenants.quotes import QuoteState


@get("/partner/quotes", guards=[requires(Permission.PARTNER_OWN)])
async def quotes_given(request: AnyRequest, session: TenantSession, actor: Actor) -> Template:
    """The quotes handed over for the organisation, the last first; at first those that wait for its decision."""
    asked = request.query_params.get("state", QuoteState.SENT.value)
    return page(
        request,
        "partnerdesk/quotes.html",
        shown=await quotes.partner_queries.quotes_page(
            session,
            reach=own_reach(actor),
            page=page_request(request),
            state=QuoteState.SENT if asked == QuoteState.SENT else None,
        ),
        waiting=asked == QuoteState.SENT,
    )


@get("/partner/quotes/{quote_id:uuid}", guards=[requires(Permission.PARTNER_OWN)])
async def quote(request: AnyRequest, session: TenantSession, actor: Actor, quote_id: UUID) -> Template:
    """One quote, and the decision while it waits for one."""
    view = await quotes.partner_queries.quote_within(session, quote_id=quote_id, reach=own_reach(actor))
    return await _quote_page(request, session, actor, view)


@get("/partner/quotes/{quote_id:uuid}/pdf", guards=[requires(Permission.PARTNER_OWN)])
async def quote_document(session: TenantSession, actor: Actor, quote_id: UUID) -> Response[bytes]:
    """The quote as PDF, signed once it is."""
    view = await quotes.partner_queries.quote_within(session, quote_id=quote_id, reach=own_reach(actor))
    file = await quotes.quote_pdf(session, case_id=view.case_id, quote_id=quote_id)
    return pdf(file.content, file.filename)


@post("/partner/quotes/{quote_id:uuid}/approve", guards=[requires(Permission.PARTNER_OWN)], status_code=303)
async def approve(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, quote_id: UUID
) -> Redirect | Template:
    """Agree to the very document that was shown: it is signed in this person's name for who pays (R4)."""
    view = await quotes.partner_queries.quote_within(session, quote_id=quote_id, reach=own_reach(actor))
    form = await request.form()
    refusal = await attempt(
        session,
        quotes.sign_for_partner(
            session,
            cooperative=cooperative,
            quote_id=quote_id,
            document_sha256=text(form, "document"),
            signed_by=actor.display_name,
            vat_certified=bool(text(form, "vat_certified")),
            proof={"account_id": str(actor.account_id)},
            by=await acting_as(session, actor),
        ),
    )
    if isinstance(refusal, Invalid):
        return await _quote_page(request, session, actor, view, errors=dict(refusal.fields))
    back = _address(cooperative, quote_id)
    if refusal is not None:
        return see_other(back, flash=words_of(refusal), tone="danger")
    return see_other(back, flash=f"{view.label} {view.number} approuvé : les travaux peuvent commencer.")


@post("/partner/quotes/{quote_id:uuid}/refuse", guards=[requires(Permission.PARTNER_OWN)], status_code=303)
async def refuse(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, quote_id: UUID
) -> Redirect:
    """Say no, and why if one likes."""
    view = await quotes.partner_queries.quote_within(session, quote_id=quote_id, reach=own_reach(actor))
    reason = text(await request.form(), "reason")[:300]
    refusal = await attempt(
        session, quotes.refuse_quote(session, quote_id=quote_id, by=await acting_as(session, actor), reason=reason)
    )
    back = _address(cooperative, quote_id)
    if refusal is not None:
        return see_other(back, flash=words_of(refusal), tone="danger")
    return see_other(back, flash=f"{view.label} {view.number} refusé. L’artisan et la coopérative le savent.")


@get("/partner/invoices", guards=[requires(Permission.PARTNER_OWN)])
async def invoices_issued(request: AnyRequest, session: TenantSession, actor: Actor) -> Template:
    """The notes, invoices and credit notes of the organisation's cases, the last first."""
    return page(
        request,
        "partnerdesk/invoices.html",
        shown=await invoices.partner_queries.invoices_page(session, reach=own_reach(actor), page=page_request(request)),
    )


@get("/partner/invoices/{invoice_id:uuid}/pdf", guards=[requires(Permission.PARTNER_OWN)])
async def invoice_document(session: TenantSession, actor: Actor, invoice_id: UUID) -> Response[bytes]:
    """One of them as PDF, as it was issued."""
    view = await invoices.partner_queries.invoice_within(session, invoice_id=invoice_id, reach=own_reach(actor))
    file = await invoices.invoice_pdf(session, case_id=view.case_id, invoice_id=invoice_id)
    return pdf(file.content, file.filename)


async def _quote_page(
    request: AnyRequest,
    session: TenantSession,
    actor: Actor,
    view: quotes.QuoteView,
    errors: dict[str, str] | None = None,
) -> Template:
    order = await partners.order_of(session, case_id=view.case_id)
    limit = order.spending_limit if order else None
    return page(
        request,
        "partnerdesk/quote.html",
        status_code=422 if errors else 200,
        quote=view,
        case=await interventions.case(session, case_id=view.case_id),
        signer=await acting_as(session, actor),
        waits=view.state is QuoteState.SENT and view.valid_until is not None and clock.now() < view.valid_until,
        limit=limit,
        over_limit=limit is not None and view.gross.cents > limit.cents,
        errors=errors or {},
    )


def _address(cooperative: CooperativeContext, quote_id: UUID) -> str:
    return f"{base_path(cooperative)}/partner/quotes/{quote_id}"


ROUTES = (
    quotes_given,
    quote,
    quote_document,
    approve,
    refuse,
    invoices_issued,
    invoice_document,
)
