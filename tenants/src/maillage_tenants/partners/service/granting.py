"""Which customers a client of the API sees: said by the cooperative, or registered by the client itself."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_tenants import audit
from maillage_tenants.partners.models import PartnerClient, PartnerCustomer


async def grant(
    session: TenantSession,
    *,
    client_id: str,
    name: str,
    customers: Sequence[UUID],
    everything: bool = False,
    by: str,
) -> None:
    """Say what the client sees from now on: these customers and no other, or everything. Written in the audit log."""
    await _know(session, client_id=client_id, name=name, by=by)
    await session.execute(
        sa.update(PartnerClient).where(PartnerClient.client_id == client_id).values(name=name, sees_all=everything)
    )
    await session.execute(sa.delete(PartnerCustomer).where(PartnerCustomer.client_id == client_id))
    for customer_id in dict.fromkeys(customers):
        await _tie(session, client_id=client_id, customer_id=customer_id, by=by)
    await audit.record(
        session,
        actor=by,
        action="partners.grant",
        subject_type="partner_client",
        subject_id=client_id,
        detail={"everything": everything, "customers": [str(customer_id) for customer_id in customers]},
    )


async def add_customer(session: TenantSession, *, client_id: str, name: str, customer_id: UUID, by: str) -> None:
    """The client registered this customer itself: it goes on seeing it."""
    await _know(session, client_id=client_id, name=name, by=by)
    await _tie(session, client_id=client_id, customer_id=customer_id, by=by)


async def _know(session: TenantSession, *, client_id: str, name: str, by: str) -> None:
    await session.execute(
        insert(PartnerClient)
        .values(client_id=client_id, name=name, sees_all=False, created_at=clock.now(), created_by=by)
        .on_conflict_do_nothing()
    )


async def _tie(session: TenantSession, *, client_id: str, customer_id: UUID, by: str) -> None:
    await session.execute(
        insert(PartnerCustomer)
        .values(client_id=client_id, customer_id=customer_id, created_at=clock.now(), created_by=by)
        .on_conflict_do_nothing()
    )
