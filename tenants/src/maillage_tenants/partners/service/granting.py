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


async def show_customer(
    session: TenantSession, *, client_id: str, name: str, customer_id: UUID, customer_name: str, by: str
) -> bool:
    """Let the client see one customer more. False, and nothing written, when it saw them already."""
    await _know(session, client_id=client_id, name=name, by=by)
    if not await _tie(session, client_id=client_id, customer_id=customer_id, by=by):
        return False
    await _record(session, client_id, name, action="partners.show_customer", by=by, customer=customer_name)
    return True


async def hide_customer(
    session: TenantSession, *, client_id: str, name: str, customer_id: UUID, customer_name: str, by: str
) -> bool:
    """The client sees this customer no more, unless it sees everything. False when it was not given them."""
    taken = await session.scalar(
        sa.delete(PartnerCustomer)
        .where(PartnerCustomer.client_id == client_id, PartnerCustomer.customer_id == customer_id)
        .returning(PartnerCustomer.customer_id)
    )
    if taken is None:
        return False
    await _record(session, client_id, name, action="partners.hide_customer", by=by, customer=customer_name)
    return True


async def show_everything(session: TenantSession, *, client_id: str, name: str, everything: bool, by: str) -> None:
    """Let the client see every customer, those to come included; or again only those that it was given."""
    await _know(session, client_id=client_id, name=name, by=by)
    changed = await session.scalar(
        sa.update(PartnerClient)
        .where(PartnerClient.client_id == client_id, PartnerClient.sees_all.is_not(everything))
        .values(sees_all=everything)
        .returning(PartnerClient.client_id)
    )
    if changed is not None:
        action = "partners.show_everything" if everything else "partners.show_given_only"
        await _record(session, client_id, name, action=action, by=by)


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


async def _tie(session: TenantSession, *, client_id: str, customer_id: UUID, by: str) -> bool:
    """Whether they were not tied before."""
    tied = await session.scalar(
        insert(PartnerCustomer)
        .values(client_id=client_id, customer_id=customer_id, created_at=clock.now(), created_by=by)
        .on_conflict_do_nothing()
        .returning(PartnerCustomer.customer_id)
    )
    return tied is not None


async def _record(session: TenantSession, client_id: str, name: str, *, action: str, by: str, **detail: object) -> None:
    await audit.record(
        session,
        actor=by,
        action=action,
        subject_type="partner_client",
        subject_id=client_id,
        detail={"application": name, **detail},
    )
