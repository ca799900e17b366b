"""The office's pages on customers: the list, forms, access notes. The page of one customer is `customerfile`'s."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.context import Actor, CooperativeContext, Role
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.phone import parse_phone, show_phone
from maillage_kit.web import AnyRequest, Sent, base_path, page, page_request, requires, see_other, text
from maillage_tenants import territory
from maillage_tenants.customers import labels, queries, service
from maillage_tenants.customers.errors import UnknownSite
from maillage_tenants.customers.models import ConsumerStatus, CustomerKind, PremisesUse
from maillage_tenants.customers.service import CustomerFacts, PhoneConsent, SiteFacts

_OFFICE = [requires(Role.OFFICE)]
_COMPLETED = {"yes": True, "no": False, "": None}
_CHOICES = {
    "kinds": [(code.value, label) for code, label in labels.KINDS.items()],
    "statuses": [(code.value, label, labels.CONSUMER_HINTS[code]) for code, label in labels.CONSUMER_STATUSES.items()],
    "premises": [(code.value, label) for code, label in labels.PREMISES.items()],
    "completed": [("yes", "Plus de deux ans"), ("no", "Moins de deux ans"), ("", "On ne sait pas")],
}


# --- the list ---------------------------------------------------------------


@get("/customers", guards=_OFFICE)
async def list_customers(request: AnyRequest, session: TenantSession) -> Template:
    """Customers by name; `q` looks for names, places, postcodes, phone and customer numbers."""
    wanted = request.query_params.get("q", "").strip()
    found, only_near = await queries.list_customers(session, page=page_request(request), text=wanted)
    part = "HX-Request" in request.headers and request.headers.get("HX-Target") == "customers"
    template = "customers/_list.html" if part else "customers/list.html"
    return page(request, template, shown=found, q=wanted, only_near=only_near, kinds=labels.KINDS)


# --- a customer -------------------------------------------------------------


@get("/customers/new", guards=_OFFICE)
async def new_customer(request: AnyRequest, session: TenantSession) -> Template:
    """The form for a new customer. `phone` fills the number of somebody who is ringing."""
    form = {
        "kind": CustomerKind.PERSON.value,
        "consumer_status": ConsumerStatus.CONSUMER.value,
        "phone": request.query_params.get("phone", ""),
    }
    return await _customer_form(request, session, form)


@post("/customers", guards=_OFFICE, status_code=303)
async def register_customer(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect | Template:
    """Register a customer with a first number, then ask for the place to serve."""
    form = await _form(request)
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
                referring_member_id=_uuid(form, "referring_member_id"),
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


@get("/customers/{customer_id:uuid}/edit", guards=_OFFICE)
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


@post("/customers/{customer_id:uuid}/edit", guards=_OFFICE, status_code=303)
async def change_customer(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, customer_id: UUID
) -> Redirect | Template:
    card = await queries.customer_card(session, customer_id=customer_id)
    form = await _form(request)
    try:
        async with session.begin_nested():
            await service.change_customer(
                session, customer_id=customer_id, facts=_customer_facts(form), by=actor.display_name
            )
    except Invalid as refused:
        return await _customer_form(request, session, form, card=card, errors=refused)
    return see_other(_customer_path(cooperative, customer_id), flash="Fiche du client enregistrée.")


@get("/customers/{customer_id:uuid}/referring-member", guards=_OFFICE)
async def edit_referring_member(request: AnyRequest, session: TenantSession, customer_id: UUID) -> Template:
    card = await queries.customer_card(session, customer_id=customer_id)
    return await _referring_form(request, session, card, {"member_id": str(card.referring_member_id or "")})


@post("/customers/{customer_id:uuid}/referring-member", guards=_OFFICE, status_code=303)
async def change_referring_member(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, customer_id: UUID
) -> Redirect | Template:
    """R60: a reason is asked and kept."""
    card = await queries.customer_card(session, customer_id=customer_id)
    form = await _form(request)
    try:
        async with session.begin_nested():
            await service.change_referring_member(
                session,
                customer_id=customer_id,
                member_id=_uuid(form, "referring_member_id"),
                reason=text(form, "reason"),
                by=actor.display_name,
            )
    except Invalid as refused:
        return await _referring_form(request, session, card, form, errors=refused)
    return see_other(_customer_path(cooperative, customer_id), flash="Apporteur changé, avec son motif.")


# --- sites ------------------------------------------------------------------


@get("/customers/communes", guards=_OFFICE)
async def communes(request: AnyRequest, session: TenantSession) -> Template:
    """The communes of a postcode, as the field that chooses one: asked again when the postcode changes (R97)."""
    postcode = request.query_params.get("postcode", "").strip()
    return page(
        request,
        "customers/_communes.html",
        communes=await territory.communes_of_postcode(session, postcode=postcode),
        form=Sent(postcode=postcode),
        errors={},
    )


@get("/customers/{customer_id:uuid}/sites/new", guards=_OFFICE)
async def new_site(request: AnyRequest, session: TenantSession, customer_id: UUID) -> Template:
    """The form for a place, filled with the billing address for the first one."""
    card = await queries.customer_card(session, customer_id=customer_id)
    form: dict[str, Any] = {"premises_use": PremisesUse.DWELLING.value, "over_two_years": ""}
    if not card.sites:
        form |= {"address": card.billing_address, "postcode": card.billing_postcode}
    return await _site_form(request, session, card, form)


@post("/customers/{customer_id:uuid}/sites", guards=_OFFICE, status_code=303)
async def add_site(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    cipher: FieldCipher,
    customer_id: UUID,
) -> Redirect | Template:
    card = await queries.customer_card(session, customer_id=customer_id)
    form = await _form(request)
    try:
        async with session.begin_nested():
            await service.add_site(
                session,
                customer_id=customer_id,
                facts=_site_facts(form),
                cipher=cipher,
                access_notes=text(form, "access_notes"),
                by=actor.display_name,
            )
    except Invalid as refused:
        return await _site_form(request, session, card, form, errors=refused)
    return see_other(_customer_path(cooperative, customer_id), flash="Lieu ajouté.")


@get("/customers/{customer_id:uuid}/sites/{site_id:uuid}/edit", guards=_OFFICE)
async def edit_site(request: AnyRequest, session: TenantSession, customer_id: UUID, site_id: UUID) -> Template:
    card, site = await _customer_site(session, customer_id, site_id)
    form = {
        "label": site.label,
        "address": site.address,
        "complement": site.complement,
        "postcode": site.postcode,
        "insee": site.insee,
        "premises_use": site.premises_use.value,
        "over_two_years": next(code for code, known in _COMPLETED.items() if known is site.over_two_years),
        "occupant_name": site.occupant_name,
        "occupant_phone": show_phone(site.occupant_phone) if site.occupant_phone else "",
    }
    return await _site_form(request, session, card, form, site=site)


@post("/customers/{customer_id:uuid}/sites/{site_id:uuid}/edit", guards=_OFFICE, status_code=303)
async def change_site(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    customer_id: UUID,
    site_id: UUID,
) -> Redirect | Template:
    card, site = await _customer_site(session, customer_id, site_id)
    form = await _form(request)
    try:
        async with session.begin_nested():
            await service.change_site(session, site_id=site_id, facts=_site_facts(form), by=actor.display_name)
    except Invalid as refused:
        return await _site_form(request, session, card, form, site=site, errors=refused)
    return see_other(_customer_path(cooperative, customer_id), flash="Lieu enregistré.")


@post("/customers/{customer_id:uuid}/sites/{site_id:uuid}/access-notes", guards=_OFFICE, status_code=200)
async def show_access_notes(
    request: AnyRequest, session: TenantSession, actor: Actor, cipher: FieldCipher, customer_id: UUID, site_id: UUID
) -> Template:
    """The access notes in clear, in a form that changes them. A POST, because each reading is written down (R72)."""
    card, site = await _customer_site(session, customer_id, site_id)
    notes = await service.read_access_notes(
        session, site_id=site_id, cipher=cipher, by=actor.display_name, why="fiche du client"
    )
    answer = page(
        request, "customers/access_notes.html", card=card, site=site, form=Sent(access_notes=notes), errors={}
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@post("/customers/{customer_id:uuid}/sites/{site_id:uuid}/access-notes/write", guards=_OFFICE, status_code=303)
async def write_access_notes(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    cipher: FieldCipher,
    customer_id: UUID,
    site_id: UUID,
) -> Redirect | Template:
    card, site = await _customer_site(session, customer_id, site_id)
    form = await _form(request)
    try:
        await service.write_access_notes(
            session, site_id=site_id, notes=text(form, "access_notes"), cipher=cipher, by=actor.display_name
        )
    except Invalid as refused:
        return page(
            request,
            "customers/access_notes.html",
            card=card,
            site=site,
            form=Sent(form),
            errors=refused.fields,
            status_code=refused.status,
        )
    return see_other(_customer_path(cooperative, customer_id), flash="Consignes d’accès enregistrées.")


# --- numbers ----------------------------------------------------------------


@get("/customers/{customer_id:uuid}/phones/new", guards=_OFFICE)
async def new_phone(request: AnyRequest, session: TenantSession, customer_id: UUID) -> Template:
    card = await queries.customer_card(session, customer_id=customer_id)
    return page(request, "customers/phone_form.html", card=card, form=Sent(), errors={})


@post("/customers/{customer_id:uuid}/phones", guards=_OFFICE, status_code=303)
async def add_phone(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, customer_id: UUID
) -> Redirect | Template:
    card = await queries.customer_card(session, customer_id=customer_id)
    form = await _form(request)
    try:
        async with session.begin_nested():
            await service.add_phone(
                session,
                customer_id=customer_id,
                phone=text(form, "phone"),
                label=text(form, "label"),
                site_id=_uuid(form, "site_id"),
                by=actor.display_name,
            )
    except Invalid as refused:
        return page(
            request,
            "customers/phone_form.html",
            card=card,
            form=Sent(form),
            errors=refused.fields,
            status_code=refused.status,
        )
    return see_other(_customer_path(cooperative, customer_id), flash="Numéro ajouté.")


@get("/customers/{customer_id:uuid}/phones/{phone_id:uuid}/consent", guards=_OFFICE)
async def consent_form(request: AnyRequest, session: TenantSession, customer_id: UUID, phone_id: UUID) -> Template:
    card = await queries.customer_card(session, customer_id=customer_id)
    phone = await queries.phone_of(session, customer_id=customer_id, phone_id=phone_id)
    return page(request, "customers/consent_form.html", card=card, phone=phone, form=Sent(), errors={})


@post("/customers/{customer_id:uuid}/phones/{phone_id:uuid}/consent", guards=_OFFICE, status_code=303)
async def record_consent(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    customer_id: UUID,
    phone_id: UUID,
) -> Redirect | Template:
    """R23: the consent to commercial calls, with its proof."""
    card = await queries.customer_card(session, customer_id=customer_id)
    phone = await queries.phone_of(session, customer_id=customer_id, phone_id=phone_id)
    form = await _form(request)
    consent = PhoneConsent(source=text(form, "source"), wording=text(form, "wording"), proof=text(form, "proof"))
    try:
        await service.record_phone_consent(session, phone_id=phone_id, consent=consent, by=actor.display_name)
    except Invalid as refused:
        return page(
            request,
            "customers/consent_form.html",
            card=card,
            phone=phone,
            form=Sent(form),
            errors=refused.fields,
            status_code=refused.status,
        )
    return see_other(_customer_path(cooperative, customer_id), flash="Accord enregistré avec sa preuve.")


@post("/customers/{customer_id:uuid}/phones/{phone_id:uuid}/revoke", guards=_OFFICE, status_code=303)
async def revoke_consent(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, customer_id: UUID, phone_id: UUID
) -> Redirect:
    await queries.phone_of(session, customer_id=customer_id, phone_id=phone_id)
    await service.revoke_phone_consent(session, phone_id=phone_id, by=actor.display_name)
    return see_other(
        _customer_path(cooperative, customer_id), flash="Accord retiré : plus d’appel commercial sur ce numéro."
    )


@post("/customers/{customer_id:uuid}/phones/{phone_id:uuid}/remove", guards=_OFFICE, status_code=303)
async def remove_phone(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, customer_id: UUID, phone_id: UUID
) -> Redirect:
    await queries.phone_of(session, customer_id=customer_id, phone_id=phone_id)
    await service.remove_phone(session, phone_id=phone_id, by=actor.display_name)
    return see_other(_customer_path(cooperative, customer_id), flash="Numéro retiré.")


ROUTES = [
    list_customers,
    new_customer,
    register_customer,
    edit_customer,
    change_customer,
    edit_referring_member,
    change_referring_member,
    communes,
    new_site,
    add_site,
    edit_site,
    change_site,
    show_access_notes,
    write_access_notes,
    new_phone,
    add_phone,
    consent_form,
    record_consent,
    revoke_consent,
    remove_phone,
]


# --- inside -----------------------------------------------------------------


async def _form(request: AnyRequest) -> dict[str, Any]:
    return dict(await request.form())


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
        choices=_CHOICES,
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


async def _site_form(
    request: AnyRequest,
    session: TenantSession,
    card: queries.CustomerCard,
    form: Mapping[str, Any],
    *,
    site: queries.SiteCard | None = None,
    errors: Invalid | None = None,
) -> Template:
    return page(
        request,
        "customers/site_form.html",
        card=card,
        site=site,
        form=Sent(form),
        errors=errors.fields if errors else {},
        communes=await territory.communes_of_postcode(session, postcode=text(form, "postcode")),
        choices=_CHOICES,
        status_code=errors.status if errors else 200,
    )


async def _customer_site(
    session: TenantSession, customer_id: UUID, site_id: UUID
) -> tuple[queries.CustomerCard, queries.SiteCard]:
    card = await queries.customer_card(session, customer_id=customer_id)
    site = next((site for site in card.sites if site.site_id == site_id), None)
    if site is None:
        raise UnknownSite
    return card, site


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


def _site_facts(form: Mapping[str, Any]) -> SiteFacts:
    try:
        premises_use = PremisesUse(text(form, "premises_use"))
        over_two_years = _COMPLETED[text(form, "over_two_years")]
    except (ValueError, KeyError) as exc:
        raise Invalid(fields={"premises_use": "Choisissez l’usage du lieu."}) from exc
    return SiteFacts(
        label=text(form, "label"),
        address=text(form, "address"),
        complement=text(form, "complement"),
        postcode=text(form, "postcode"),
        insee=text(form, "insee"),
        premises_use=premises_use,
        over_two_years=over_two_years,
        occupant_name=text(form, "occupant_name"),
        occupant_phone=text(form, "occupant_phone"),
    )


def _uuid(form: Mapping[str, Any], name: str) -> UUID | None:
    try:
        return UUID(text(form, name)) if text(form, name) else None
    except ValueError as exc:
        raise Invalid(fields={name: "Ce choix n’existe pas."}) from exc


def _customer_path(cooperative: CooperativeContext, customer_id: UUID) -> str:
    return f"{base_path(cooperative)}/customers/{customer_id}"
