"""A business: the list with the state of the papers, its page, the form that enters and corrects it."""

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
from maillage_kit.web import AnyRequest, base_path, every, page, page_request, requires, see_other, text
from maillage_tenants import messages, territory
from maillage_tenants.members import queries, service
from maillage_tenants.members.models import Category, DocumentKind, VatStatus
from maillage_tenants.members.routes_web.forms import Form, dates_of, told
from maillage_tenants.members.rules import CATEGORY_LABELS, DOCUMENT_LABELS, DocumentState, document_state, papers

PAPER_BADGES = {
    DocumentState.VALID: ("success", "check"),
    DocumentState.EXPIRING: ("warning", "clock"),
    DocumentState.EXPIRED: ("danger", "warning"),
    DocumentState.FUTURE: ("neutral", "clock"),
}
DOCUMENT_STATES = {
    DocumentState.VALID: "En cours",
    DocumentState.EXPIRING: "Expire bientôt",
    DocumentState.EXPIRED: "Expiré",
    DocumentState.FUTURE: "À venir",
}
MEMBER_FIELDS = (
    *("name", "legal_form", "siret", "category", "vat_status", "email", "phone"),
    *("address", "postcode", "city", "joined_on", "left_on"),
)
VAT_LABELS = {VatStatus.STANDARD: "TVA facturée", VatStatus.FRANCHISE: "Franchise en base (TVA non applicable)"}


@get("/members", guards=[requires(Permission.MEMBERS_READ)])
async def members_list(request: AnyRequest, session: TenantSession, trades: TradeRegistry) -> Template:
    """Members by name, with trades and the state of their papers."""
    today = paris(clock.now()).date()
    wanted = request.query_params.get("q", "").strip()
    trade = request.query_params.get("trade", "")
    former = request.query_params.get("former") == "1"
    found = await queries.list_members(
        session,
        page=page_request(request),
        text=wanted,
        trade=trade if trade in trades else None,
        with_former=former,
        on=today,
    )
    held = await queries.validities(session, member_ids=[member.id for member in found.items])
    return page(
        request,
        "members/list.html",
        members=found,
        papers={
            member.id: papers(member.category, member.trades, held.get(member.id, ()), today) for member in found.items
        },
        badges=PAPER_BADGES,
        category_labels=CATEGORY_LABELS,
        trades=trades,
        trade_options=[(code, trades.label(code)) for code in trades.codes],
        q=wanted,
        trade=trade,
        former=former,
    )


@get("/members/new", guards=[requires(Permission.MEMBERS_WRITE)])
async def new_member(request: AnyRequest, session: TenantSession, trades: TradeRegistry) -> Template:
    """The form that enters a business."""
    blank = {"joined_on": paris(clock.now()).date().isoformat(), "legal_form": "Entreprise individuelle"}
    return await _member_form(request, session, trades, values=blank)


@post("/members", status_code=303, guards=[requires(Permission.MEMBERS_WRITE)])
async def create_member(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry
) -> Redirect | Template:
    """Enter a business."""
    form = await request.form()
    try:
        new = _read_member(form, trades)
        async with session.begin_nested():
            member = await service.register_member(session, new=new)
    except AppError as wrong:
        return await _member_form(request, session, trades, values=form, wrong=wrong)
    return see_other(f"{base_path(cooperative)}/members/{member.id}", flash=f"{member.name} est inscrit.")


@get("/members/{member_id:uuid}", guards=[requires(Permission.MEMBERS_READ)])
async def one_member(request: AnyRequest, session: TenantSession, trades: TradeRegistry, member_id: UUID) -> Template:
    """A business: papers with their end, people, engagement."""
    today = paris(clock.now()).date()
    member = await queries.get_member(session, member_id=member_id)
    practised = await queries.trades_of(session, member_id=member_id)
    homes = set(await queries.home_sectors_of(session, member_id=member_id))
    held = (await queries.validities(session, member_ids=[member_id])).get(member_id, ())
    people = await queries.technicians_of(session, member_id=member_id)
    return page(
        request,
        "members/member.html",
        member=member,
        trade_labels=[trades.label(code) for code in practised],
        sectors=[sector.name for sector in await territory.all_sectors(session) if sector.id in homes],
        category_label=CATEGORY_LABELS[Category(member.category)],
        vat_label=VAT_LABELS[VatStatus(member.vat_status)],
        papers=papers(member.category, practised, held, today),
        badges=PAPER_BADGES,
        documents=[
            {
                "kind": DOCUMENT_LABELS[DocumentKind(row.kind)],
                "trade": trades.label(row.trade) if row.trade else "",
                "row": row,
                "state": (state := document_state(row.valid_from, row.valid_to, today)),
                "state_label": DOCUMENT_STATES[state],
            }
            for row in await queries.documents_of(session, member_id=member_id)
        ],
        technicians=people,
        dead=await messages.dead_addresses(
            session, addresses=[found for p in people for found in (p.phone, p.email) if found] + [member.email]
        ),
        devices=await messages.devices_of(session, technician_ids=[person.id for person in people]),
        engagements=await queries.engagements_of(session, member_id=member_id),
        today=today,
    )


@get("/members/{member_id:uuid}/edit", guards=[requires(Permission.MEMBERS_WRITE)])
async def edit_member(request: AnyRequest, session: TenantSession, trades: TradeRegistry, member_id: UUID) -> Template:
    """The form that corrects a business."""
    member = await queries.get_member(session, member_id=member_id)
    values = {name: "" if getattr(member, name) is None else str(getattr(member, name)) for name in MEMBER_FIELDS}
    return await _member_form(
        request,
        session,
        trades,
        member_id=member_id,
        values=values,
        chosen_trades=await queries.trades_of(session, member_id=member_id),
        chosen_sectors=await queries.home_sectors_of(session, member_id=member_id),
    )


@post("/members/{member_id:uuid}", status_code=303, guards=[requires(Permission.MEMBERS_WRITE)])
async def change_member(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    member_id: UUID,
) -> Redirect | Template:
    """Correct a business."""
    await queries.get_member(session, member_id=member_id)
    form = await request.form()
    try:
        new = _read_member(form, trades)
        async with session.begin_nested():
            await service.change_member(session, member_id=member_id, new=new)
    except AppError as wrong:
        return await _member_form(request, session, trades, member_id=member_id, values=form, wrong=wrong)
    return see_other(f"{base_path(cooperative)}/members/{member_id}", flash="Fiche corrigée.")


async def _member_form(
    request: AnyRequest,
    session: TenantSession,
    trades: TradeRegistry,
    *,
    values: Form,
    member_id: UUID | None = None,
    wrong: AppError | None = None,
    chosen_trades: tuple[str, ...] = (),
    chosen_sectors: tuple[UUID, ...] = (),
) -> Template:
    if wrong is not None:
        chosen_trades = tuple(every(values, "trades"))
    sectors = [(str(sector.id), f"{sector.code} · {sector.name}") for sector in await territory.all_sectors(session)]
    return page(
        request,
        "members/form.html",
        status_code=422 if wrong else 200,
        member_id=member_id,
        values=values,
        errors=told(wrong) if wrong else {},
        categories=[(category.value, CATEGORY_LABELS[category]) for category in Category],
        vat_options=[(status.value, VAT_LABELS[status]) for status in VatStatus],
        trade_options=[(code, trades.label(code)) for code in trades.codes],
        chosen_trades=list(chosen_trades),
        sector_options=sectors,
        chosen_sectors=every(values, "sectors") if wrong else [str(sector) for sector in chosen_sectors],
    )


def _read_member(form: Form, trades: TradeRegistry) -> service.NewMember:
    dates = dates_of(form, "joined_on")
    left = text(form, "left_on")
    try:
        sector_ids = tuple(UUID(value) for value in every(form, "sectors"))
    except ValueError as wrong:
        raise Invalid(fields={"sectors": "Secteur inconnu."}) from wrong
    return service.NewMember(
        name=text(form, "name"),
        legal_form=text(form, "legal_form"),
        siret=text(form, "siret"),
        category=text(form, "category"),
        vat_status=text(form, "vat_status"),
        email=text(form, "email"),
        phone=text(form, "phone"),
        address=text(form, "address"),
        postcode=text(form, "postcode"),
        city=text(form, "city"),
        joined_on=dates["joined_on"],
        left_on=dates_of(form, "left_on")["left_on"] if left else None,
        trades=tuple(code for code in every(form, "trades") if code in trades),
        sector_ids=sector_ids,
    )
