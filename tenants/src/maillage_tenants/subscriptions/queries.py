"""Reading plans and subscriptions. `active_promise` is on the phone's hot path: one indexed query."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa

from maillage_hooks.types import PlanPromise
from maillage_kit.db import TenantSession
from maillage_tenants.subscriptions.models import Plan, Subscription, SubscriptionSite, SubscriptionState


@dataclass(frozen=True, slots=True)
class ActivePromise:
    """What a subscription promises for a site and a trade on a day."""

    subscription_id: UUID
    number: str
    plan_name: str
    promise: PlanPromise


async def active_promise(session: TenantSession, *, site_id: UUID, trade: str, on: date) -> ActivePromise | None:
    """The promise that binds the cooperative at this site for this trade on that day in Paris; None without one.

    A subscription binds from its first day to its last, whatever became of its plan since. With several, the one that
    promises the earliest arrival counts.
    """
    found = await session.execute(
        sa.select(
            Subscription.id,
            Subscription.number,
            Plan.name,
            Plan.code,
            Plan.accept_minutes,
            Plan.arrive_minutes_urban,
            Plan.arrive_minutes_rural,
        )
        .select_from(SubscriptionSite)
        .join(Subscription, Subscription.id == SubscriptionSite.subscription_id)
        .join(Plan, Plan.id == Subscription.plan_id)
        .where(
            SubscriptionSite.site_id == site_id,
            Subscription.state == SubscriptionState.ACTIVE,
            Subscription.starts_on <= on,
            Subscription.ends_on >= on,
            Plan.trades.contains([trade]),
        )
        .order_by(
            sa.func.least(Plan.arrive_minutes_urban, Plan.arrive_minutes_rural).nulls_last(),
            Plan.accept_minutes.nulls_last(),
            Subscription.number,
        )
        .limit(1)
    )
    row = found.one_or_none()
    if row is None:
        return None
    subscription_id, number, plan_name, code, accept, urban, rural = row
    return ActivePromise(subscription_id, number, plan_name, PlanPromise(code, accept, urban, rural))
