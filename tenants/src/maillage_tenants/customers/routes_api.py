"""Customers and the places served, for machines. A client sees its own, and what it registers stays its own."""

from typing import Any
from uuid import UUID

from maillage_kit.api_access import ApiCaller, Scope
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import TenantSession
from maillage_kit.errors import NotFound
from maillage_kit.rest import Listing, Reach, act, by, change, listed, must_match, page_of, read
from maillage_kit.rest.answering import Listed
from maillage_kit.web import AnyRequest
from maillage_tenants import partners
from maillage_tenants.customers import partner_queries, queries, service
from maillage_tenants.customers.schemas import (
    CustomerChange,
    CustomerOut,
    CustomerQuery,
    CustomerSummary,
    DwellingImport,
    ImportReport,
    NewCustomer,
    NewSite,
    SiteChange,
    SiteOut,
    SiteQuery,
)

TAG = "Clients et logements"
CUSTOMER: dict[str, Any] = {
    "kind": "organisation",
    "consumer_status": "professional",
    "name": "Habitat de l’Eure",
    "siren": "404833048",
    "email": "astreinte@habitat-eure.example",
    "billing_address": "10 boulevard Georges-Chauvin",
    "billing_postcode": "27000",
    "billing_city": "Évreux",
    "phones": ["+33232390000"],
}
SITE: dict[str, Any] = {
    "reference": "RES-12-A-304",
    "label": "Résidence des Tilleuls, A 304",
    "address": "12 rue Sadi-Carnot",
    "complement": "Bâtiment A, 3e étage",
    "postcode": "27500",
    "insee": "27467",
    "premises_use": "dwelling",
    "over_two_years": True,
    "occupant_name": "Monsieur Diallo",
    "occupant_phone": "+33612345678",
}


@read(
    "/customers",
    scope=Scope.CUSTOMERS_READ,
    tag=TAG,
    fr="Vos clients, par nom.",
    en="Your customers, by name.",
    answer=Listing[CustomerSummary],
    query=CustomerQuery,
)
async def list_customers(
    request: AnyRequest, session: TenantSession, caller: ApiCaller, reach: Reach, asked: CustomerQuery
) -> Listed[CustomerSummary]:
    page = await queries.customers_within(
        session, reach=reach, page=page_of(request, caller, asked), text=asked.q or ""
    )
    return listed(request, caller, asked, page, CustomerSummary.of)


@act(
    "/customers",
    scope=Scope.CUSTOMERS_WRITE,
    tag=TAG,
    fr="Inscrire un client.",
    en="Register a customer.",
    answer=CustomerOut,
    body=NewCustomer,
    example=CUSTOMER,
    status=201,
    key="required",
)
async def create_customer(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    caller: ApiCaller,
    sent: NewCustomer,
) -> CustomerOut:
    made = await service.register_customer(session, facts=sent.facts, by=by(caller))
    for phone in sent.phones:
        await service.add_phone(session, customer_id=made.id, phone=phone, by=by(caller))
    await partners.add_customer(
        session, client_id=caller.client_id, name=caller.client_name, customer_id=made.id, by=by(caller)
    )
    return CustomerOut.of(await queries.customer_card(session, customer_id=made.id))


async def _customer(session: TenantSession, reach: Reach, customer_id: UUID) -> CustomerOut:
    reach.require(customer_id)
    return CustomerOut.of(await queries.customer_card(session, customer_id=customer_id))


@read(
    "/customers/{customer_id:uuid}",
    scope=Scope.CUSTOMERS_READ,
    tag=TAG,
    fr="Un client.",
    en="One customer.",
    answer=CustomerOut,
)
async def get_customer(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    reach: Reach,
    customer_id: UUID,
) -> CustomerOut:
    return await _customer(session, reach, customer_id)


@change(
    "/customers/{customer_id:uuid}",
    scope=Scope.CUSTOMERS_WRITE,
    tag=TAG,
    fr="Corriger un client.",
    en="Correct a customer.",
    answer=CustomerOut,
    body=CustomerChange,
    example={"email": "permanence@habitat-eure.example"},
)
async def change_customer(
    request: AnyRequest,
    session: TenantSession,
    caller: ApiCaller,
    reach: Reach,
    sent: CustomerChange,
    customer_id: UUID,
) -> CustomerOut:
    await partner_queries.lock_customer(session, customer_id=customer_id)
    before = await _customer(session, reach, customer_id)
    must_match(request, before)
    await service.change_customer(session, customer_id=customer_id, facts=sent.over(before), by=by(caller))
    return await _customer(session, reach, customer_id)


@read(
    "/customers/{customer_id:uuid}/sites",
    scope=Scope.CUSTOMERS_READ,
    tag=TAG,
    fr="Ses lieux, dans l’ordre où ils ont été inscrits.",
    en="Its places, in the order they were entered.",
    answer=Listing[SiteOut],
    query=SiteQuery,
)
async def list_sites(
    request: AnyRequest, session: TenantSession, caller: ApiCaller, reach: Reach, asked: SiteQuery, customer_id: UUID
) -> Listed[SiteOut]:
    await _customer(session, reach, customer_id)
    page = await queries.sites_page(
        session, customer_id=customer_id, page=page_of(request, caller, asked), reference=asked.reference
    )
    return listed(request, caller, asked, page, SiteOut.of)


@act(
    "/customers/{customer_id:uuid}/sites",
    scope=Scope.CUSTOMERS_WRITE,
    tag=TAG,
    fr="Ajouter un lieu.",
    en="Add a place.",
    answer=SiteOut,
    body=NewSite,
    example=SITE,
    status=201,
    key="required",
)
async def create_site(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    cipher: FieldCipher,
    caller: ApiCaller,
    reach: Reach,
    sent: NewSite,
    customer_id: UUID,
) -> SiteOut:
    reach.require(customer_id)
    site_id = await service.add_site(
        session,
        customer_id=customer_id,
        facts=sent.facts,
        cipher=cipher,
        access_notes=sent.access_notes,
        by=by(caller),
    )
    return SiteOut.of(await queries.site_card(session, site_id=site_id))


@act(
    "/customers/{customer_id:uuid}/sites/import",
    scope=Scope.CUSTOMERS_WRITE,
    tag=TAG,
    fr="Inscrire ou corriger jusqu’à 2 000 logements, reconnus à votre référence ; le rapport dit chaque ligne.",
    en="Enter or correct up to 2,000 dwellings, known by your reference; the report tells each row.",
    answer=ImportReport,
    body=DwellingImport,
    example={"rows": [SITE], "dry_run": False},
    key="required",
)
async def import_sites(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    cipher: FieldCipher,
    caller: ApiCaller,
    reach: Reach,
    sent: DwellingImport,
    customer_id: UUID,
) -> ImportReport:
    reach.require(customer_id)
    reports = await service.import_dwellings(
        session,
        customer_id=customer_id,
        dwellings=sent.dwellings,
        cipher=cipher,
        by=by(caller),
        dry_run=sent.dry_run,
    )
    return ImportReport.of(reports, dry_run=sent.dry_run)


async def _site(session: TenantSession, reach: Reach, customer_id: UUID, site_id: UUID) -> SiteOut:
    reach.require(customer_id)
    card = await queries.site_card(session, site_id=site_id)
    if card.customer_id != customer_id:
        raise NotFound
    return SiteOut.of(card)


@read(
    "/customers/{customer_id:uuid}/sites/{site_id:uuid}",
    scope=Scope.CUSTOMERS_READ,
    tag=TAG,
    fr="Un lieu.",
    en="One place.",
    answer=SiteOut,
)
async def get_site(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    reach: Reach,
    customer_id: UUID,
    site_id: UUID,
) -> SiteOut:
    return await _site(session, reach, customer_id, site_id)


@change(
    "/customers/{customer_id:uuid}/sites/{site_id:uuid}",
    scope=Scope.CUSTOMERS_WRITE,
    tag=TAG,
    fr="Corriger un lieu, son occupant.",
    en="Correct a place, its occupant.",
    answer=SiteOut,
    body=SiteChange,
    example={"occupant_name": "Madame Petit", "occupant_phone": "+33698765432"},
)
async def change_site(
    request: AnyRequest,
    session: TenantSession,
    caller: ApiCaller,
    reach: Reach,
    sent: SiteChange,
    customer_id: UUID,
    site_id: UUID,
) -> SiteOut:
    await partner_queries.lock_customer(session, customer_id=customer_id)
    before = await _site(session, reach, customer_id, site_id)
    must_match(request, before)
    await service.change_site(session, site_id=site_id, facts=sent.over(before), by=by(caller))
    return await _site(session, reach, customer_id, site_id)


API_ROUTES = (
    list_customers,
    create_customer,
    get_customer,
    change_customer,
    list_sites,
    create_site,
    import_sites,
    get_site,
    change_site,
)
