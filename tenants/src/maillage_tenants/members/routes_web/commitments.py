"""What a business proves and owes: insurances and qualifications (R8, R61), engagement (R53)."""

from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import paris
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import AppError, Invalid
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, base_path, page, requires, see_other, text
from maillage_tenants.members import queries, service
from maillage_tenants.members.models import DocumentKind
from maillage_tenants.members.routes_web.forms import Form, dates_of, numbers_of, told
from maillage_tenants.members.rules import DOCUMENT_LABELS


@get("/members/{member_id:uuid}/documents/new", guards=[requires(Permission.MEMBERS_WRITE)])
async def new_document(request: AnyRequest, session: TenantSession, trades: TradeRegistry, member_id: UUID) -> Template:
    """The form that keeps a proof."""
    return await _document_form(request, session, trades, member_id, values={})


@post("/members/{member_id:uuid}/documents", status_code=303, guards=[requires(Permission.MEMBERS_WRITE)])
async def create_document(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    member_id: UUID,
) -> Redirect | Template:
    """Keep a proof of insurance or qualification."""
    form = await request.form()
    try:
        dates = dates_of(form, "valid_from", "valid_to")
        await service.add_document(
            session,
            member_id=member_id,
            new=service.NewDocument(
                kind=text(form, "kind"),
                trade=text(form, "trade") if text(form, "trade") in trades else None,
                reference=text(form, "reference"),
                issuer=text(form, "issuer"),
                issuer_contact=text(form, "issuer_contact"),
                coverage=text(form, "coverage"),
                valid_from=dates["valid_from"],
                valid_to=dates["valid_to"],
            ),
        )
    except Invalid as wrong:
        return await _document_form(request, session, trades, member_id, values=form, wrong=wrong)
    return see_other(f"{base_path(cooperative)}/members/{member_id}", flash="Document enregistré.")


@get("/members/{member_id:uuid}/engagements/new", guards=[requires(Permission.MEMBERS_WRITE)])
async def new_engagement(request: AnyRequest, session: TenantSession, member_id: UUID) -> Template:
    """The form that records an engagement."""
    today = paris(clock.now()).date().isoformat()
    return page(
        request,
        "members/engagement.html",
        member=await queries.get_member(session, member_id=member_id),
        values={"signed_on": today, "valid_from": today, "customers_to_bring": "0"},
        errors={},
    )


@post("/members/{member_id:uuid}/engagements", status_code=303, guards=[requires(Permission.MEMBERS_WRITE)])
async def create_engagement(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, member_id: UUID
) -> Redirect | Template:
    """Record what the member owes (R53)."""
    form = await request.form()
    member = await queries.get_member(session, member_id=member_id)
    try:
        dates = dates_of(form, "signed_on", "valid_from")
        numbers = numbers_of(form, "units_per_semester", "customers_to_bring")
        await service.sign_engagement(
            session,
            member_id=member_id,
            units_per_semester=numbers["units_per_semester"],
            customers_to_bring=numbers["customers_to_bring"],
            signed_on=dates["signed_on"],
            valid_from=dates["valid_from"],
        )
    except Invalid as wrong:
        return page(request, "members/engagement.html", status_code=422, member=member, values=form, errors=told(wrong))
    return see_other(f"{base_path(cooperative)}/members/{member_id}", flash="Engagement enregistré.")


async def _document_form(
    request: AnyRequest,
    session: TenantSession,
    trades: TradeRegistry,
    member_id: UUID,
    *,
    values: Form,
    wrong: AppError | None = None,
) -> Template:
    return page(
        request,
        "members/document.html",
        status_code=422 if wrong else 200,
        member=await queries.get_member(session, member_id=member_id),
        values=values,
        errors=told(wrong) if wrong else {},
        kinds=[(kind.value, DOCUMENT_LABELS[kind]) for kind in DocumentKind],
        trade_options=[(code, trades.label(code)) for code in trades.codes],
    )
