"""Pages of the members: the list with the state of their papers, one member, the forms that add and correct."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import paris
from maillage_kit.context import CooperativeContext, Role
from maillage_kit.db import TenantSession
from maillage_kit.errors import AppError, Invalid
from maillage_kit.web import AnyRequest, base_path, page, page_request, requires, see_other, text
from maillage_tenants import territory
from maillage_tenants.members import queries, service
from maillage_tenants.members.errors import UnknownTechnician
from maillage_tenants.members.models import Category, DocumentKind, Technician, VatStatus
from maillage_tenants.members.rules import (
    CATEGORY_LABELS,
    DOCUMENT_LABELS,
    DocumentState,
    document_state,
    papers,
)

OFFICE = [requires(Role.OFFICE)]
Form = Mapping[str, Any]
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


@get("/members", guards=OFFICE)
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


@get("/members/new", guards=OFFICE)
async def new_member(request: AnyRequest, session: TenantSession, trades: TradeRegistry) -> Template:
    """The form that enters a business."""
    blank = {"joined_on": paris(clock.now()).date().isoformat(), "legal_form": "Entreprise individuelle"}
    return await _member_form(request, session, trades, values=blank)


@post("/members", status_code=303, guards=OFFICE)
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


@get("/members/{member_id:uuid}", guards=OFFICE)
async def one_member(request: AnyRequest, session: TenantSession, trades: TradeRegistry, member_id: UUID) -> Template:
    """A business: papers with their end, people, engagement."""
    today = paris(clock.now()).date()
    member = await queries.get_member(session, member_id=member_id)
    practised = await queries.trades_of(session, member_id=member_id)
    homes = set(await queries.home_sectors_of(session, member_id=member_id))
    held = (await queries.validities(session, member_ids=[member_id])).get(member_id, ())
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
        technicians=await queries.technicians_of(session, member_id=member_id),
        engagements=await queries.engagements_of(session, member_id=member_id),
        today=today,
    )


@get("/members/{member_id:uuid}/edit", guards=OFFICE)
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


@post("/members/{member_id:uuid}", status_code=303, guards=OFFICE)
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


@get("/members/{member_id:uuid}/technicians/new", guards=OFFICE)
async def new_technician(request: AnyRequest, session: TenantSession, member_id: UUID) -> Template:
    """The form that enters a person."""
    member = await queries.get_member(session, member_id=member_id)
    return page(request, "members/technician.html", member=member, technician=None, values={"active": "1"}, errors={})


@post("/members/{member_id:uuid}/technicians", status_code=303, guards=OFFICE)
async def create_technician(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, member_id: UUID
) -> Redirect | Template:
    """Enter a person of the business."""
    form = await request.form()
    member = await queries.get_member(session, member_id=member_id)
    try:
        person = await service.add_technician(session, member_id=member_id, new=_read_technician(form))
    except Invalid as wrong:
        return page(
            request,
            "members/technician.html",
            status_code=422,
            member=member,
            technician=None,
            values=form,
            errors=_told(wrong),
        )
    return see_other(
        f"{base_path(cooperative)}/members/{member_id}", flash=f"{person.first_name} {person.last_name} est inscrit."
    )


@get("/members/{member_id:uuid}/technicians/{technician_id:uuid}", guards=OFFICE)
async def edit_technician(
    request: AnyRequest, session: TenantSession, member_id: UUID, technician_id: UUID
) -> Template:
    """The form that corrects a person."""
    member = await queries.get_member(session, member_id=member_id)
    person = await _person_of(session, member_id, technician_id)
    values = {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "phone": person.phone,
        "email": person.email or "",
        "employed": "1" if person.employed else "",
        "active": "1" if person.active else "",
    }
    return page(request, "members/technician.html", member=member, technician=person, values=values, errors={})


@post("/members/{member_id:uuid}/technicians/{technician_id:uuid}", status_code=303, guards=OFFICE)
async def change_technician(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, member_id: UUID, technician_id: UUID
) -> Redirect | Template:
    """Correct a person."""
    form = await request.form()
    member = await queries.get_member(session, member_id=member_id)
    person = await _person_of(session, member_id, technician_id)
    try:
        await service.change_technician(session, technician_id=technician_id, new=_read_technician(form))
    except Invalid as wrong:
        return page(
            request,
            "members/technician.html",
            status_code=422,
            member=member,
            technician=person,
            values=form,
            errors=_told(wrong),
        )
    return see_other(f"{base_path(cooperative)}/members/{member_id}", flash="Fiche corrigée.")


@get("/members/{member_id:uuid}/documents/new", guards=OFFICE)
async def new_document(request: AnyRequest, session: TenantSession, trades: TradeRegistry, member_id: UUID) -> Template:
    """The form that keeps a proof."""
    return await _document_form(request, session, trades, member_id, values={})


@post("/members/{member_id:uuid}/documents", status_code=303, guards=OFFICE)
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
        dates = _dates(form, "valid_from", "valid_to")
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


@get("/members/{member_id:uuid}/engagements/new", guards=OFFICE)
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


@post("/members/{member_id:uuid}/engagements", status_code=303, guards=OFFICE)
async def create_engagement(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, member_id: UUID
) -> Redirect | Template:
    """Record what the member owes (R53)."""
    form = await request.form()
    member = await queries.get_member(session, member_id=member_id)
    try:
        dates = _dates(form, "signed_on", "valid_from")
        numbers = _numbers(form, "units_per_semester", "customers_to_bring")
        await service.sign_engagement(
            session,
            member_id=member_id,
            units_per_semester=numbers["units_per_semester"],
            customers_to_bring=numbers["customers_to_bring"],
            signed_on=dates["signed_on"],
            valid_from=dates["valid_from"],
        )
    except Invalid as wrong:
        return page(
            request, "members/engagement.html", status_code=422, member=member, values=form, errors=_told(wrong)
        )
    return see_other(f"{base_path(cooperative)}/members/{member_id}", flash="Engagement enregistré.")


# --- reading forms ----------------------------------------------------------


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
        chosen_trades = tuple(_every(values, "trades"))
    sectors = [(str(sector.id), f"{sector.code} · {sector.name}") for sector in await territory.all_sectors(session)]
    return page(
        request,
        "members/form.html",
        status_code=422 if wrong else 200,
        member_id=member_id,
        values=values,
        errors=_told(wrong) if wrong else {},
        categories=[(category.value, CATEGORY_LABELS[category]) for category in Category],
        vat_options=[(status.value, VAT_LABELS[status]) for status in VatStatus],
        trade_options=[(code, trades.label(code)) for code in trades.codes],
        chosen_trades=list(chosen_trades),
        sector_options=sectors,
        chosen_sectors=_every(values, "sectors") if wrong else [str(sector) for sector in chosen_sectors],
    )


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
        errors=_told(wrong) if wrong else {},
        kinds=[(kind.value, DOCUMENT_LABELS[kind]) for kind in DocumentKind],
        trade_options=[(code, trades.label(code)) for code in trades.codes],
    )


async def _person_of(session: TenantSession, member_id: UUID, technician_id: UUID) -> Technician:
    """That technician, if he belongs to that business. Raises UnknownTechnician."""
    person = await queries.get_technician(session, technician_id=technician_id)
    if person.member_id != member_id:
        raise UnknownTechnician
    return person


def _read_member(form: Form, trades: TradeRegistry) -> service.NewMember:
    dates = _dates(form, "joined_on")
    left = text(form, "left_on")
    try:
        sector_ids = tuple(UUID(value) for value in _every(form, "sectors"))
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
        left_on=_dates(form, "left_on")["left_on"] if left else None,
        trades=tuple(code for code in _every(form, "trades") if code in trades),
        sector_ids=sector_ids,
    )


def _read_technician(form: Form) -> service.NewTechnician:
    return service.NewTechnician(
        first_name=text(form, "first_name"),
        last_name=text(form, "last_name"),
        phone=text(form, "phone"),
        email=text(form, "email") or None,
        employed=text(form, "employed") == "1",
        active=text(form, "active") == "1",
    )


def _every(form: Form, name: str) -> list[str]:
    """All values of a group of checkboxes."""
    values = form.getall(name, []) if hasattr(form, "getall") else []
    return [value for value in values if isinstance(value, str)]


def _dates(form: Form, *names: str) -> dict[str, date]:
    found, fields = {}, {}
    for name in names:
        try:
            found[name] = date.fromisoformat(text(form, name))
        except ValueError:
            fields[name] = "Indiquez une date."
    if fields:
        raise Invalid(fields=fields)
    return found


def _numbers(form: Form, *names: str) -> dict[str, int]:
    found, fields = {}, {}
    for name in names:
        value = text(form, name)
        if value.isascii() and value.isdigit() and len(value) < 9:
            found[name] = int(value)
        else:
            fields[name] = "Indiquez un nombre entier."
    if fields:
        raise Invalid(fields=fields)
    return found


def _told(wrong: AppError) -> dict[str, str]:
    return wrong.fields or {"": wrong.message}


ROUTES = [
    members_list,
    new_member,
    create_member,
    one_member,
    edit_member,
    change_member,
    new_technician,
    create_technician,
    edit_technician,
    change_technician,
    new_document,
    create_document,
    new_engagement,
    create_engagement,
]
