"""Every select on partners."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_kit.pages import Page, PageRequest, cut_page, read_text
from maillage_kit.rest import Reach
from maillage_tenants.partners.models import PartnerClient, PartnerCustomer, PartnerOrder

_REACH = (
    sa.select(PartnerClient.sees_all, PartnerCustomer.customer_id)
    .outerjoin(PartnerCustomer, PartnerCustomer.client_id == PartnerClient.client_id)
    .where(PartnerClient.client_id == sa.bindparam("client"))
)


async def reach_of(session: TenantSession, *, client_id: str) -> Reach:
    """Whose things the client may see, in one query. A client that nobody knows here sees nothing of anybody."""
    rows = (await session.execute(_REACH, {"client": client_id})).all()
    return Reach(
        client_id,
        everything=any(row.sees_all for row in rows),
        customers=frozenset(row.customer_id for row in rows if row.customer_id is not None),
    )


async def client_row(session: TenantSession, *, client_id: str) -> PartnerClient | None:
    return await session.get(PartnerClient, client_id)


async def clients_reaching(session: TenantSession, *, customer_id: UUID, page: PageRequest) -> Page[PartnerClient]:
    """The clients that see this customer's things, by name: given it, or everything. One page."""
    given = sa.exists().where(
        PartnerCustomer.client_id == PartnerClient.client_id, PartnerCustomer.customer_id == customer_id
    )
    wanted = (
        sa.select(PartnerClient)
        .where(sa.or_(PartnerClient.sees_all, given))
        .order_by(PartnerClient.name, PartnerClient.client_id)
        .limit(page.limit + 1)
    )
    if (last := page.position(read_text, read_text)) is not None:
        wanted = wanted.where(sa.tuple_(PartnerClient.name, PartnerClient.client_id) > last)
    return cut_page((await session.scalars(wanted)).all(), page, lambda row: (row.name, row.client_id))


async def order_of(session: TenantSession, *, case_id: UUID) -> PartnerOrder | None:
    """What a partner said when it asked for this case; None for a case that no partner opened."""
    return await session.get(PartnerOrder, case_id)


async def orders_of(session: TenantSession, *, case_ids: Sequence[UUID]) -> Mapping[UUID, PartnerOrder]:
    """The same for several cases, in one query."""
    rows = await session.scalars(sa.select(PartnerOrder).where(PartnerOrder.intervention_id.in_(case_ids)))
    return {row.intervention_id: row for row in rows}
