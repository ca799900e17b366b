"""The list of customers, and the forms of one: who it is, who brought it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.permissions import Permission
from maillage_kit.phone import parse_phone
from maillage_kit.web import AnyRequest, Sent, base_path, page, page_request, requires, see_other, text
from maillage_tenants.customers import labels, queries, service
from maillage_tenants.customers.models import ConsumerStatus, CustomerKind
from maillage_tenants.customers.routes_web.forms import CHOICES, chosen_id, customer_path, sent
from maillage_tenants.customers.service import CustomerFacts


@get("/customers", guards=[requires(Permission.CUSTOMERS_READ)])
async def list_customers(request: AnyRequest, session: TenantSession) -> Template:
    """Customers by name; `q` looks for names, places, postcodes, phone and customer numbers."""
    wanted = request.query_params.get("q", "").strip()
    found, only_near = await queries.list_customers(session, page=page_request(request), text=wanted)
    part = "HX-Request" in request.headers and request.headers.get("HX-Target") == "customers"
    template = "customers/_list.html" if part else "customers/list.html"
    return page(request, template, shown=found, q=wanted, only_near=only_near, kinds=labels.KINDS)


@get("/customers/new", guards=[requires(Permission.CUSTOMERS_WRITE)])
async def new_customer(request: AnyRequest, session: TenantSession) -> Template:
    """The form for a new customer. `phone` fills the number of somebody who is ringing."""
    form = {
        "kind": CustomerKind.PERSON.value,
        "consumer_status": ConsumerStatus.CONSUMER.value,
        "phone": request.query_params.get("phone", ""),
    }
    return await _customer_form(request, session, form)


@post("/customers", guards=[requires(Permission.CUSTOMERS_WRITE)], status_code=303)
async def register_customer(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect | Template:
    """Register a customer with a first number, then ask for the place to serve."""
    form = await sent(request)
    wrong_phone: Mapping[str, str] = {}
    try:
        parse_phone(text(form, "phone"))
    except Invalid as refused:
        wrong_phone = refused.fields
    try:
        async with session.begin_nested():
            ref = await service.register_customer(
                session,
                facts=_customer_facts(form),
                referring_member_id=chosen_id(form, "referring_member_id"),
                by=actor.display_name,
            )
            await service.add_phone(session, customer_id=ref.id, phone=text(form, "phone"), by=actor.display_name)
    except Invalid as refused:
        everything = Invalid(fields={**refused.fields, **wrong_phone})  # all that is wrong, at once
        return await _customer_form(request, session, form, errors=everything)
    return see_other(
        f"{base_path(cooperative)}/customers/{ref.id}/sites/new",
        flash=f"Client {ref.number} créé. Indiquez maintenant le lieu à dépanner.",
    )


@get("/customers/{customer_id:uuid}/edit", guards=[requires(Permission.CUSTOMERS_WRITE)])
async def edit_customer(request: AnyRequest, session: TenantSession, customer_id: UUID) -> Template:
    card = await queries.customer_card(session, customer_id=customer_id)
    form = {
        "kind": card.kind.value,
        "consumer_status": card.consumer_status.value,
        "name": card.name,
        "contact_name": card.contact_name,
        "siren": card.siren or "",
        "email": card.email or "",
        "billing_address": card.billing_address,
        "billing_postcode": card.billing_postcode,
        "billing_city": card.billing_city,
    }
    return await _customer_form(request, session, form, card=card)


@post("/customers/{customer_id:uuid}/edit", guards=[requires(Permission.CUSTOMERS_WRITE)], status_code=303)
async def change_customer(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, customer_id: UUID
) -> Redirect | Template:
    card = await queries.customer_card(session, customer_id=customer_id)
    form = await sent(request)
    try:
        async with session.begin_nested():
            await service.change_customer(
                session, customer_id=customer_id, facts=_customer_facts(form), by=actor.display_name
            )
    except Invalid as refused:
        return await _customer_form(request, session, form, card=card, errors=refused)
    return see_other(customer_path(cooperative, customer_id), flash="Fiche du client enregistrée.")


@get("/customers/{customer_id:uuid}/referring-member", guards=[requires(Permission.CUSTOMERS_WRITE)])
async def edit_referring_member(request: AnyRequest, session: TenantSession, customer_id: UUID) -> Template:
    card = await queries.customer_card(session, customer_id=customer_id)
    return await _referring_form(request, session, card, {"member_id": str(card.referring_member_id or "")})


@post("/customers/{customer_id:uuid}/referring-member", guards=[requires(Permission.CUSTOMERS_WRITE)], status_code=303)
async def change_referring_member(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, customer_id: UUID
) -> Redirect | Template:
    """R60: a reason is asked and kept."""
    card = await queries.customer_card(session, customer_id=customer_id)
    form = await sent(request)
    try:
        async with session.begin_nested():
            await service.change_referring_member(
                session,
                customer_id=customer_id,
                member_id=chosen_id(form, "referring_member_id"),
                reason=text(form, "reason"),
                by=actor.display_name,
            )
    except Invalid as refused:
        return await _referring_form(request, session, card, form, errors=refused)
    return see_other(customer_path(cooperative, customer_id), flash="Apporteur changé, avec son motif.")


async def _customer_form(
    request: AnyRequest,
    session: TenantSession,
    form: Mapping[str, Any],
    *,
    card: queries.CustomerCard | None = None,
    errors: Invalid | None = None,
) -> Template:
    members = () if card else await queries.member_choices(session)
    return page(
        request,
        "customers/form.html",
        card=card,
        form=Sent(form),
        errors=errors.fields if errors else {},
        members=[(member.id, member.name) for member in members],
        choices=CHOICES,
        status_code=errors.status if errors else 200,
    )


async def _referring_form(
    request: AnyRequest,
    session: TenantSession,
    card: queries.CustomerCard,
    form: Mapping[str, Any],
    *,
    errors: Invalid | None = None,
) -> Template:
    return page(
        request,
        "customers/referring_member.html",
        card=card,
        form=Sent(form),
        errors=errors.fields if errors else {},
        members=[(member.id, member.name) for member in await queries.member_choices(session)],
        status_code=errors.status if errors else 200,
    )


def _customer_facts(form: Mapping[str, Any]) -> CustomerFacts:
    try:
        kind, status = CustomerKind(text(form, "kind")), ConsumerStatus(text(form, "consumer_status"))
    except ValueError as exc:
        raise Invalid(fields={"consumer_status": "Choisissez le type et le statut du client."}) from exc
    return CustomerFacts(
        kind=kind,
        consumer_status=status,
        name=text(form, "name"),
        contact_name=text(form, "contact_name"),
        siren=text(form, "siren"),
        email=text(form, "email"),
        billing_address=text(form, "billing_address"),
        billing_postcode=text(form, "billing_postcode"),
        billing_city=text(form, "billing_city"),
    )
