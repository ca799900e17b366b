"""The rows that the acts on customers start from, and the words a customer is found by."""

from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_tenants.customers import rules
from maillage_tenants.customers.errors import UnknownCustomer, UnknownPhone, UnknownSite
from maillage_tenants.customers.models import Customer, CustomerPhone, Site
from maillage_tenants.members.models import Member


async def require_member(session: TenantSession, member_id: UUID | None) -> None:
    """Raises Invalid for a member that does not exist; None is the cooperative itself."""
    if member_id is not None and await session.get(Member, member_id) is None:
        raise Invalid(fields={"referring_member_id": "Cet associé n’existe pas."})


async def customer_row(session: TenantSession, customer_id: UUID) -> Customer:
    """Raises UnknownCustomer."""
    customer = await session.get(Customer, customer_id)
    if customer is None:
        raise UnknownCustomer
    return customer


async def site_row(session: TenantSession, site_id: UUID) -> Site:
    """Raises UnknownSite."""
    site = await session.get(Site, site_id)
    if site is None:
        raise UnknownSite
    return site


async def phone_row(session: TenantSession, phone_id: UUID) -> CustomerPhone:
    """Raises UnknownPhone."""
    phone = await session.get(CustomerPhone, phone_id)
    if phone is None:
        raise UnknownPhone
    return phone


async def refresh_search(session: TenantSession, customer_id: UUID) -> None:
    """Write again the words that the customer is found by."""
    texts = (
        await session.execute(
            sa.select(
                Customer.number, Customer.name, Customer.contact_name, Customer.billing_postcode, Customer.billing_city
            ).where(Customer.id == customer_id)
        )
    ).one()
    sites = await session.execute(
        sa.select(Site.label, Site.address, Site.postcode, Site.occupant_name).where(Site.customer_id == customer_id)
    )
    phones = await session.scalars(
        sa.union(
            sa.select(CustomerPhone.phone).where(CustomerPhone.customer_id == customer_id),
            sa.select(Site.occupant_phone).where(Site.customer_id == customer_id, Site.occupant_phone.is_not(None)),
        )
    )
    words = rules.search_words([*texts, *(text for site in sites for text in site)], phones)
    await session.execute(sa.update(Customer).where(Customer.id == customer_id).values(search=search_vector(words)))


def search_vector(words: list[str]) -> sa.ColumnElement[str]:
    """Words as the indexed column holds them."""
    return sa.func.array_to_tsvector(sa.cast(words, sa.ARRAY(sa.Text)))
