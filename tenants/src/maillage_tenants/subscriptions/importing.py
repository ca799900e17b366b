"""Writing many contracts at once, with the customers that a file brings. Checked like those written one by one."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.ids import new_id
from maillage_tenants import audit, numbering
from maillage_tenants.customers.models import Customer, Site
from maillage_tenants.subscriptions import rules
from maillage_tenants.subscriptions.errors import AlreadySubscribed, PlanNotSold, UnknownPlan
from maillage_tenants.subscriptions.models import (
    ContractChannel,
    Plan,
    PlanState,
    Subscription,
    SubscriptionSite,
    SubscriptionState,
)
from maillage_tenants.subscriptions.service import SubscriptionRef, contract_errors


@dataclass(frozen=True, slots=True)
class NewContract:
    """A customer's contract on a plan for some of its sites, for one year unless `ends_on` is given."""

    customer_id: UUID
    plan_id: UUID
    site_ids: tuple[UUID, ...]
    channel: ContractChannel
    signed_on: date
    starts_on: date
    ends_on: date | None = None

    @property
    def last(self) -> date:
        return self.ends_on or rules.one_year(self.starts_on)


async def import_subscriptions(
    session: TenantSession, *, contracts: Sequence[NewContract], by: str
) -> tuple[SubscriptionRef, ...]:
    """Write contracts, all or none, in the order given, with the checks of `subscribe`.

    Raises UnknownPlan, PlanNotSold, Invalid (naming the line from 1 and the field), AlreadySubscribed. One entry in the
    audit log says how many were written and under which numbers.
    """
    if not contracts:
        return ()
    plans = {plan.id: plan for plan in await session.scalars(sa.select(Plan))}
    owner = await _owners(session, {contract.customer_id for contract in contracts})
    held = await _held(session, {site for contract in contracts for site in contract.site_ids})
    for line, contract in enumerate(contracts, start=1):
        plan = plans.get(contract.plan_id)
        if plan is None:
            raise UnknownPlan
        if plan.state != PlanState.PUBLISHED:
            raise PlanNotSold(fields={f"{line}.plan_id": PlanNotSold.message})
        sites = frozenset(contract.site_ids)
        errors = contract_errors(
            signed_on=contract.signed_on, starts_on=contract.starts_on, last=contract.last, sites=sites
        )
        if any(owner.get(site) != contract.customer_id for site in sites):
            errors["site_ids"] = "Un de ces lieux n’est pas à ce client."
        if errors:
            raise Invalid(
                f"Ligne {line} : {Invalid.message}", fields={f"{line}.{name}": text for name, text in errors.items()}
            )
        for site in sites:
            days = held[site, contract.plan_id]
            if any(first <= contract.last and contract.starts_on <= last for first, last in days):
                raise AlreadySubscribed(fields={f"{line}.site_ids": AlreadySubscribed.message})
            days.append((contract.starts_on, contract.last))
    now = clock.now()
    numbers = await numbering.next_numbers(session, prefix="S", at=now, count=len(contracts))
    refs = [SubscriptionRef(new_id(), number) for number in numbers]
    await session.execute(
        sa.insert(Subscription),
        [
            {
                "id": ref.id,
                "number": ref.number,
                "customer_id": contract.customer_id,
                "plan_id": contract.plan_id,
                "channel": contract.channel,
                "state": SubscriptionState.ACTIVE,
                "signed_on": contract.signed_on,
                "starts_on": contract.starts_on,
                "ends_on": contract.last,
                "created_at": now,
            }
            for ref, contract in zip(refs, contracts, strict=True)
        ],
    )
    await session.execute(
        sa.insert(SubscriptionSite),
        [
            {"subscription_id": ref.id, "site_id": site}
            for ref, contract in zip(refs, contracts, strict=True)
            for site in sorted(set(contract.site_ids))
        ],
    )
    await audit.record(
        session,
        actor=by,
        action="subscriptions.import",
        subject_type="subscription",
        subject_id=f"{numbers[0]} – {numbers[-1]}",
        detail={"subscriptions": len(contracts)},
    )
    return tuple(refs)


async def _owners(session: TenantSession, customer_ids: set[UUID]) -> dict[UUID, UUID]:
    """The customer of each site. The customers' rows are locked, as `subscribe` locks them and for its reason."""
    await session.execute(
        sa.select(Customer.id).where(Customer.id.in_(customer_ids)).order_by(Customer.id).with_for_update()
    )
    rows = await session.execute(sa.select(Site.id, Site.customer_id).where(Site.customer_id.in_(customer_ids)))
    return dict(rows.all())


async def _held(session: TenantSession, sites: set[UUID]) -> dict[tuple[UUID, UUID], list[tuple[date, date]]]:
    """First and last days of the contracts that exist, by site and plan."""
    held: dict[tuple[UUID, UUID], list[tuple[date, date]]] = defaultdict(list)
    rows = await session.execute(
        sa.select(SubscriptionSite.site_id, Subscription.plan_id, Subscription.starts_on, Subscription.ends_on)
        .join(Subscription, Subscription.id == SubscriptionSite.subscription_id)
        .where(SubscriptionSite.site_id.in_(sites))
    )
    for site, plan, first, last in rows:
        held[site, plan].append((first, last))
    return held
