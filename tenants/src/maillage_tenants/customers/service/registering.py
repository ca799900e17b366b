"""Registering a customer, correcting it, saying who brought it (R60)."""

from uuid import UUID

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.ids import new_id
from maillage_tenants import audit, numbering, territory
from maillage_tenants.customers.models import Customer
from maillage_tenants.customers.service.facts import CustomerFacts, CustomerRef, customer_columns
from maillage_tenants.customers.service.rows import customer_row, refresh_search, require_member, search_vector


async def register_customer(
    session: TenantSession, *, facts: CustomerFacts, referring_member_id: UUID | None = None, by: str
) -> CustomerRef:
    """Write a new customer, brought by a member or by the cooperative itself (R60). Raises Invalid, field by field."""
    columns = customer_columns(facts)
    await require_member(session, referring_member_id)
    customer = Customer(
        id=new_id(),
        number=await numbering.next_number(session, prefix="C", at=clock.now()),
        referring_member_id=referring_member_id,
        sort_name=territory.search_key(columns["name"] or ""),
        search=search_vector([]),
        **columns,
    )
    session.add(customer)
    await session.flush()
    await refresh_search(session, customer.id)
    await audit.record(session, actor=by, action="customers.register", subject_type="customer", subject_id=customer.id)
    return CustomerRef(customer.id, customer.number)


async def change_customer(session: TenantSession, *, customer_id: UUID, facts: CustomerFacts, by: str) -> None:
    """Correct what is known of a customer. Raises UnknownCustomer, or Invalid field by field."""
    columns = customer_columns(facts)
    customer = await customer_row(session, customer_id)
    changed = sorted(name for name, value in columns.items() if getattr(customer, name) != value)
    for name, value in columns.items():
        setattr(customer, name, value)
    customer.sort_name = territory.search_key(customer.name)
    await session.flush()
    await refresh_search(session, customer_id)
    await audit.record(
        session,
        actor=by,
        action="customers.change",
        subject_type="customer",
        subject_id=customer_id,
        detail={"fields": changed},
    )


async def change_referring_member(
    session: TenantSession, *, customer_id: UUID, member_id: UUID | None, reason: str, by: str
) -> None:
    """Say again who brought the customer. The customer stays with that member (R60): so a reason is asked and kept."""
    if not reason.strip():
        raise Invalid(fields={"reason": "Dites pourquoi l’apporteur change."})
    await require_member(session, member_id)
    customer = await customer_row(session, customer_id)
    before, customer.referring_member_id = customer.referring_member_id, member_id
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action="customers.change_referring_member",
        subject_type="customer",
        subject_id=customer_id,
        detail={"from": before, "to": member_id, "reason": reason.strip()},
    )
