"""The cases of a partner's organisation, and its dwellings."""

from typing import Any
from uuid import UUID

from litestar import get
from litestar.response import Response, Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.context import Actor
from maillage_kit.db import TenantSession
from maillage_kit.pages import MAX_LIMIT, PageRequest
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, own_customer, page, page_request, requires
from maillage_tenants import customers, interventions, invoices, quotes
from maillage_tenants.casefile.access import kept_file
from maillage_tenants.customers import labels as customer_labels
from maillage_tenants.interventions.partner_queries import Filters
from maillage_tenants.interventions.partner_words import Status
from maillage_tenants.partnerdesk.access import own_reach
from maillage_tenants.partnerdesk.words import STATUSES, line_of

_OPEN, _ALL = "open", "all"
_OF_ONE_CASE = PageRequest(limit=MAX_LIMIT)


@get("/partner", guards=[requires(Permission.PARTNER_OWN)])
async def cases(request: AnyRequest, session: TenantSession, actor: Actor, trades: TradeRegistry) -> Template:
    """The organisation's cases, the open ones at first, the last requested first; and what waits for a decision."""
    reach = own_reach(actor)
    asked, wanted = request.query_params.get("status", _OPEN), request.query_params.get("q", "").strip()[:80]
    status = Status(asked) if asked in set(Status) else None
    now = clock.now()
    return page(
        request,
        "partnerdesk/cases.html",
        organisation=await customers.customer_name(session, customer_id=own_customer(actor)),
        shown=await interventions.partner_queries.cases_page(
            session,
            reach=reach,
            filters=Filters(status=status, only_open=status is None and asked != _ALL, text=wanted),
            page=page_request(request),
            at=now,
        ),
        to_decide=await quotes.partner_queries.quotes_to_decide(session, reach=reach, at=now),
        status=asked,
        q=wanted,
        choices=[(_OPEN, "En cours"), (_ALL, "Toutes"), *((code, words[0]) for code, words in STATUSES.items())],
        **_words(trades),
    )


@get("/partner/cases/{case_id:uuid}", guards=[requires(Permission.PARTNER_OWN)])
async def case(
    request: AnyRequest, session: TenantSession, actor: Actor, trades: TradeRegistry, case_id: UUID
) -> Template:
    """One case: where it stands, the delays promised and kept, its story, its quotes, notes and photos."""
    reach = own_reach(actor)
    row = await interventions.partner_queries.case_within(session, case_id=case_id, reach=reach)
    (found,) = await interventions.partner_queries.followed(session, [row], at=clock.now())
    return page(
        request,
        "partnerdesk/case.html",
        found=found,
        case=row,
        story=await interventions.partner_queries.story_page(
            session, case_id=case_id, page=page_request(request, limit=50)
        ),
        line_of=line_of,
        quotes=(
            await quotes.partner_queries.quotes_page(session, reach=reach, page=_OF_ONE_CASE, case_id=case_id)
        ).items,
        invoices=(
            await invoices.partner_queries.invoices_page(session, reach=reach, page=_OF_ONE_CASE, case_id=case_id)
        ).items,
        attachments=await interventions.attachments(session, case_id=case_id),
        attachment_labels=interventions.ATTACHMENT_LABELS,
        **_words(trades),
    )


@get("/partner/cases/{case_id:uuid}/attachments/{attachment_id:uuid}", guards=[requires(Permission.PARTNER_OWN)])
async def attachment(session: TenantSession, actor: Actor, case_id: UUID, attachment_id: UUID) -> Response[bytes]:
    """A photo or a document of one of the organisation's cases."""
    await interventions.partner_queries.case_within(session, case_id=case_id, reach=own_reach(actor))
    return await kept_file(session, case_id=case_id, attachment_id=attachment_id)


@get("/partner/dwellings", guards=[requires(Permission.PARTNER_OWN)])
async def dwellings(request: AnyRequest, session: TenantSession, actor: Actor) -> Template:
    """The organisation's dwellings, found by reference, name, address or occupant."""
    wanted = request.query_params.get("q", "").strip()[:80]
    return page(
        request,
        "partnerdesk/dwellings.html",
        shown=await customers.sites_page(
            session, customer_id=own_customer(actor), page=page_request(request), text=wanted
        ),
        q=wanted,
    )


@get("/partner/dwellings/{site_id:uuid}", guards=[requires(Permission.PARTNER_OWN)])
async def dwelling(
    request: AnyRequest, session: TenantSession, actor: Actor, trades: TradeRegistry, site_id: UUID
) -> Template:
    """One dwelling and all its cases. Its access codes are the artisans' (R72): they are not here."""
    reach = own_reach(actor)
    site = await customers.site_within(session, site_id=site_id, reach=reach)
    return page(
        request,
        "partnerdesk/dwelling.html",
        site=site,
        shown=await interventions.partner_queries.cases_page(
            session, reach=reach, filters=Filters(site_id=site_id), page=page_request(request), at=clock.now()
        ),
        labels=customer_labels,
        **_words(trades),
    )


def _words(trades: TradeRegistry) -> dict[str, Any]:
    return {
        "statuses": STATUSES,
        "trade_labels": {plugin.trade.code: plugin.trade.label for plugin in trades},
        "type_labels": {kind.code: kind.label for plugin in trades for kind in plugin.types},
    }


ROUTES = (cases, case, attachment, dwellings, dwelling)
