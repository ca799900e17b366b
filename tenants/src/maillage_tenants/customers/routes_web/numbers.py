"""The forms of a number and of the consent to commercial calls (R23)."""

from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, Sent, page, requires, see_other, text
from maillage_tenants.customers import queries, service
from maillage_tenants.customers.routes_web.forms import chosen_id, customer_path, sent
from maillage_tenants.customers.service import PhoneConsent


@get("/customers/{customer_id:uuid}/phones/new", guards=[requires(Permission.CUSTOMERS_WRITE)])
async def new_phone(request: AnyRequest, session: TenantSession, customer_id: UUID) -> Template:
    card = await queries.customer_card(session, customer_id=customer_id)
    return page(request, "customers/phone_form.html", card=card, form=Sent(), errors={})


@post("/customers/{customer_id:uuid}/phones", guards=[requires(Permission.CUSTOMERS_WRITE)], status_code=303)
async def add_phone(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, customer_id: UUID
) -> Redirect | Template:
    card = await queries.customer_card(session, customer_id=customer_id)
    form = await sent(request)
    try:
        async with session.begin_nested():
            await service.add_phone(
                session,
                customer_id=customer_id,
                phone=text(form, "phone"),
                label=text(form, "label"),
                site_id=chosen_id(form, "site_id"),
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
    return see_other(customer_path(cooperative, customer_id), flash="Numéro ajouté.")


@get("/customers/{customer_id:uuid}/phones/{phone_id:uuid}/consent", guards=[requires(Permission.CUSTOMERS_WRITE)])
async def consent_form(request: AnyRequest, session: TenantSession, customer_id: UUID, phone_id: UUID) -> Template:
    card = await queries.customer_card(session, customer_id=customer_id)
    phone = await queries.phone_of(session, customer_id=customer_id, phone_id=phone_id)
    return page(request, "customers/consent_form.html", card=card, phone=phone, form=Sent(), errors={})


@post(
    "/customers/{customer_id:uuid}/phones/{phone_id:uuid}/consent",
    guards=[requires(Permission.CUSTOMERS_WRITE)],
    status_code=303,
)
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
    form = await sent(request)
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
    return see_other(customer_path(cooperative, customer_id), flash="Accord enregistré avec sa preuve.")


@post(
    "/customers/{customer_id:uuid}/phones/{phone_id:uuid}/revoke",
    guards=[requires(Permission.CUSTOMERS_WRITE)],
    status_code=303,
)
async def revoke_consent(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, customer_id: UUID, phone_id: UUID
) -> Redirect:
    await queries.phone_of(session, customer_id=customer_id, phone_id=phone_id)
    await service.revoke_phone_consent(session, phone_id=phone_id, by=actor.display_name)
    return see_other(
        customer_path(cooperative, customer_id), flash="Accord retiré : plus d’appel commercial sur ce numéro."
    )


@post(
    "/customers/{customer_id:uuid}/phones/{phone_id:uuid}/remove",
    guards=[requires(Permission.CUSTOMERS_WRITE)],
    status_code=303,
)
async def remove_phone(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, customer_id: UUID, phone_id: UUID
) -> Redirect:
    await queries.phone_of(session, customer_id=customer_id, phone_id=phone_id)
    await service.remove_phone(session, phone_id=phone_id, by=actor.display_name)
    return see_other(customer_path(cooperative, customer_id), flash="Numéro retiré.")
