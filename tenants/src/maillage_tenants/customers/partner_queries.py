"""The selects behind what partners write: places by the partner's own names, customers by their numbers."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_kit.rest import Reach
from maillage_tenants.customers.errors import UnknownSite
from maillage_tenants.customers.models import Customer, Site
from maillage_tenants.customers.queries import SiteCard, site_card


async def places_by_reference(
    session: TenantSession, *, customer_id: UUID, references: Sequence[str]
) -> dict[str, Site]:
    """The places that the customer calls so, locked until the transaction ends."""
    rows = await session.scalars(
        sa.select(Site).where(Site.customer_id == customer_id, Site.reference.in_(references)).with_for_update()
    )
    return {row.reference: row for row in rows if row.reference is not None}


async def ids_of_numbers(session: TenantSession, *, numbers: Sequence[str]) -> dict[str, UUID]:
    """The customers that have these numbers, by number; one that nobody has is left out."""
    rows = await session.execute(sa.select(Customer.number, Customer.id).where(Customer.number.in_(numbers)))
    return {row.number: row.id for row in rows}


async def site_within(session: TenantSession, *, site_id: UUID, reach: Reach) -> SiteCard:
    """One place. Raises UnknownSite, also for one out of reach."""
    card = await site_card(session, site_id=site_id)
    if not reach.allows(card.customer_id):
        raise UnknownSite
    return card


async def lock_customer(session: TenantSession, *, customer_id: UUID) -> None:
    """Until the transaction ends: what was read of the customer or of its places is still true when it is written."""
    await session.execute(sa.select(Customer.id).where(Customer.id == customer_id).with_for_update())
