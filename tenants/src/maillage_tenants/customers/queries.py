"""Reading customers. `identify_caller` is on the phone's hot path: one indexed query, no mapped objects."""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_tenants.customers.models import Customer, CustomerPhone, PremisesUse, Site


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """A place that a caller may be ringing about; without a site, the customer alone (the last five are None)."""

    customer_id: UUID
    customer_name: str
    referring_member_id: UUID | None
    site_id: UUID | None
    address: str | None
    insee: str | None
    premises_use: PremisesUse | None
    over_two_years: bool | None


async def identify_caller(session: TenantSession, *, phone: str) -> tuple[KnownCaller, ...]:
    """Who rings from this E.164 number: one row per site; empty when unknown.

    A number tied to one site gives that site only; a number of the customer gives all its sites.
    """
    found = await session.execute(
        sa.select(
            Customer.id,
            Customer.name,
            Customer.referring_member_id,
            Site.id,
            Site.address,
            Site.insee,
            Site.premises_use,
            Site.over_two_years,
        )
        .select_from(CustomerPhone)
        .join(Customer, Customer.id == CustomerPhone.customer_id)
        .outerjoin(
            Site,
            sa.and_(
                Site.customer_id == CustomerPhone.customer_id,
                sa.or_(CustomerPhone.site_id.is_(None), Site.id == CustomerPhone.site_id),
            ),
        )
        .where(CustomerPhone.phone == phone)
        .order_by(Customer.created_at, Customer.id, Site.created_at, Site.id)
        .limit(50)
    )
    return tuple(
        KnownCaller(
            customer_id, name, member_id, site_id, address, insee, PremisesUse(use) if use else None, over_two_years
        )
        for customer_id, name, member_id, site_id, address, insee, use, over_two_years in found
    )
