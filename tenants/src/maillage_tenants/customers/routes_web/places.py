"""The forms of a place, its commune, its access notes (R72, R97)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.permissions import Permission
from maillage_kit.phone import show_phone
from maillage_kit.web import AnyRequest, Sent, page, requires, see_other, text
from maillage_tenants import territory
from maillage_tenants.customers import queries, service
from maillage_tenants.customers.errors import UnknownSite
from maillage_tenants.customers.models import PremisesUse
from maillage_tenants.customers.routes_web.forms import CHOICES, COMPLETED, customer_path, sent
from maillage_tenants.customers.service import SiteFacts


@get("/customers/communes", guards=[requires(Permission.CUSTOMERS_WRITE)])
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


@get("/customers/{customer_id:uuid}/sites/new", guards=[requires(Permission.CUSTOMERS_WRITE)])
async def new_site(request: AnyRequest, session: TenantSession, customer_id: UUID) -> Template:
    """The form for a place, filled with the billing address for the first one."""
    card = await queries.customer_card(session, customer_id=customer_id)
    form: dict[str, Any] = {"premises_use": PremisesUse.DWELLING.value, "over_two_years": ""}
    if not card.sites:
        form |= {"address": card.billing_address, "postcode": card.billing_postcode}
    return await _site_form(request, session, card, form)


@post("/customers/{customer_id:uuid}/sites", guards=[requires(Permission.CUSTOMERS_WRITE)], status_code=303)
async def add_site(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    cipher: FieldCipher,
    customer_id: UUID,
) -> Redirect | Template:
    card = await queries.customer_card(session, customer_id=customer_id)
    form = await sent(request)
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
    return see_other(customer_path(cooperative, customer_id), flash="Lieu ajouté.")


@get("/customers/{customer_id:uuid}/sites/{site_id:uuid}/edit", guards=[requires(Permission.CUSTOMERS_WRITE)])
async def edit_site(request: AnyRequest, session: TenantSession, customer_id: UUID, site_id: UUID) -> Template:
    card, site = await _customer_site(session, customer_id, site_id)
    form = {
        "label": site.label,
        "address": site.address,
        "complement": site.complement,
        "postcode": site.postcode,
        "insee": site.insee,
        "premises_use": site.premises_use.value,
        "over_two_years": next(code for code, known in COMPLETED.items() if known is site.over_two_years),
        "occupant_name": site.occupant_name,
        "occupant_phone": show_phone(site.occupant_phone) if site.occupant_phone else "",
    }
    return await _site_form(request, session, card, form, site=site)


@post(
    "/customers/{customer_id:uuid}/sites/{site_id:uuid}/edit",
    guards=[requires(Permission.CUSTOMERS_WRITE)],
    status_code=303,
)
async def change_site(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    customer_id: UUID,
    site_id: UUID,
) -> Redirect | Template:
    card, site = await _customer_site(session, customer_id, site_id)
    form = await sent(request)
    try:
        async with session.begin_nested():
            await service.change_site(session, site_id=site_id, facts=_site_facts(form), by=actor.display_name)
    except Invalid as refused:
        return await _site_form(request, session, card, form, site=site, errors=refused)
    return see_other(customer_path(cooperative, customer_id), flash="Lieu enregistré.")


@post(
    "/customers/{customer_id:uuid}/sites/{site_id:uuid}/access-notes",
    guards=[requires(Permission.CUSTOMERS_ACCESS_CODES)],
    status_code=200,
)
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


@post(
    "/customers/{customer_id:uuid}/sites/{site_id:uuid}/access-notes/write",
    guards=[requires(Permission.CUSTOMERS_WRITE)],
    status_code=303,
)
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
    form = await sent(request)
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
    return see_other(customer_path(cooperative, customer_id), flash="Consignes d’accès enregistrées.")


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
        choices=CHOICES,
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


def _site_facts(form: Mapping[str, Any]) -> SiteFacts:
    try:
        premises_use = PremisesUse(text(form, "premises_use"))
        over_two_years = COMPLETED[text(form, "over_two_years")]
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
