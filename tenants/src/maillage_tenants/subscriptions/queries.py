"""Reading plans and subscriptions. `active_promise` is on the phone's hot path: one indexed query."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from maillage_hooks.types import PlanPromise
from maillage_kit.db import TenantSession, core
from maillage_kit.direct import DirectStatement
from maillage_kit.money import Money
from maillage_tenants.customers.models import Site
from maillage_tenants.subscriptions import rules
from maillage_tenants.subscriptions.errors import UnknownPlan, UnknownSubscription
from maillage_tenants.subscriptions.models import (
    ContractChannel,
    LegalNature,
    Plan,
    PlanState,
    Subscription,
    SubscriptionSite,
    SubscriptionState,
)
from maillage_tenants.subscriptions.rules import PlanFacts


@dataclass(frozen=True, slots=True)
class ActivePromise:
    """What a subscription promises for a site and a trade on a day."""

    subscription_id: UUID
    number: str
    plan_name: str
    promise: PlanPromise


_ON = sa.bindparam("on", type_=sa.Date)
_SUBSCRIBED, _SUBSCRIPTIONS, _PLANS = core(SubscriptionSite), core(Subscription), core(Plan)
_PROMISE = DirectStatement(
    sa.select(
        _SUBSCRIPTIONS.c.id,
        _SUBSCRIPTIONS.c.number,
        _PLANS.c.name,
        _PLANS.c.code,
        _PLANS.c.accept_minutes,
        _PLANS.c.arrive_minutes_urban,
        _PLANS.c.arrive_minutes_rural,
    )
    .select_from(_SUBSCRIBED)
    .join(_SUBSCRIPTIONS, _SUBSCRIPTIONS.c.id == _SUBSCRIBED.c.subscription_id)
    .join(_PLANS, _PLANS.c.id == _SUBSCRIPTIONS.c.plan_id)
    .where(
        _SUBSCRIBED.c.site_id == sa.bindparam("site_id", type_=sa.Uuid),
        _SUBSCRIPTIONS.c.state != SubscriptionState.DRAFT,
        _SUBSCRIPTIONS.c.starts_on <= _ON,
        _SUBSCRIPTIONS.c.ends_on >= _ON,
        _PLANS.c.trades.contains(sa.bindparam("trades", type_=ARRAY(sa.Text))),
    )
    .order_by(
        sa.func.least(_PLANS.c.arrive_minutes_urban, _PLANS.c.arrive_minutes_rural).nulls_last(),
        _PLANS.c.accept_minutes.nulls_last(),
        _SUBSCRIPTIONS.c.number,
    )
    .limit(1)
)


async def active_promise(session: TenantSession, *, site_id: UUID, trade: str, on: date) -> ActivePromise | None:
    """The promise that binds the cooperative at this site for this trade on that day in Paris; None without one.

    A subscription binds from its first day to its last, whatever became of it or of its plan since. With several,
    the one that promises the earliest arrival counts.
    """
    row = await _PROMISE.one_or_none(session, {"site_id": site_id, "trades": [trade], "on": on})
    if row is None:
        return None
    subscription_id, number, plan_name, code, accept, urban, rural = row
    return ActivePromise(subscription_id, number, plan_name, PlanPromise(code, accept, urban, rural))


@dataclass(frozen=True, slots=True)
class PlanCard:
    """A plan as the office sees it. `subscriptions`: how many contracts bind today."""

    id: UUID
    facts: PlanFacts
    state: PlanState
    legal_opinion: str | None
    created_at: datetime
    subscriptions: int

    @property
    def price_with_vat(self) -> Money:
        return rules.with_vat(self.facts.yearly_price, self.facts.vat_basis_points)

    @property
    def insurance_features(self) -> tuple[str, ...]:
        """R28."""
        return rules.insurance_features(self.facts)

    @property
    def may_be_changed(self) -> bool:
        return self.state in (PlanState.DRAFT, PlanState.LEGAL_REVIEW)

    @property
    def may_be_published(self) -> bool:
        return self.may_be_changed and (not self.insurance_features or bool(self.legal_opinion))


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """A contract of a customer. `sites`: the addresses it covers."""

    id: UUID
    number: str
    customer_id: UUID
    plan_id: UUID
    plan_name: str
    channel: ContractChannel
    signed_on: date
    starts_on: date
    ends_on: date
    standing: rules.Standing
    sites: tuple[str, ...]


async def list_plans(session: TenantSession, *, on: date, only_published: bool = False) -> tuple[PlanCard, ...]:
    """The cooperative's plans: on offer first, withdrawn last, then by price. One query."""
    wanted = _plans(on).order_by(
        sa.case({PlanState.PUBLISHED: 0, PlanState.WITHDRAWN: 2}, value=Plan.state, else_=1),
        Plan.yearly_price,
        Plan.code,
    )
    if only_published:
        wanted = wanted.where(Plan.state == PlanState.PUBLISHED)
    return tuple(_plan_card(plan, count) for plan, count in await session.execute(wanted))


async def plan_card(session: TenantSession, *, plan_id: UUID, on: date) -> PlanCard:
    """One plan. Raises UnknownPlan."""
    row = (await session.execute(_plans(on).where(Plan.id == plan_id))).one_or_none()
    if row is None:
        raise UnknownPlan
    return _plan_card(*row)


async def subscriptions_of(session: TenantSession, *, customer_id: UUID, on: date) -> tuple[SubscriptionRow, ...]:
    """A customer's contracts, the latest first, as they stand on a day. One query."""
    found = await session.execute(_contracts().where(Subscription.customer_id == customer_id))
    return tuple(_subscription_row(*row, on=on) for row in found)


async def subscription_row(session: TenantSession, *, subscription_id: UUID, on: date) -> SubscriptionRow:
    """One contract, as it stands on a day. Raises UnknownSubscription."""
    row = (await session.execute(_contracts().where(Subscription.id == subscription_id))).one_or_none()
    if row is None:
        raise UnknownSubscription
    return _subscription_row(*row, on=on)


def _contracts() -> sa.Select[Subscription, str, list[str] | None]:
    sites = (
        sa.select(sa.func.array_agg(aggregate_order_by(Site.address, Site.created_at)))
        .join(SubscriptionSite, SubscriptionSite.site_id == Site.id)
        .where(SubscriptionSite.subscription_id == Subscription.id)
        .correlate(Subscription)
        .scalar_subquery()
    )
    return (
        sa.select(Subscription, Plan.name, sites)
        .join(Plan, Plan.id == Subscription.plan_id)
        .order_by(Subscription.starts_on.desc(), Subscription.number.desc())
    )


def _subscription_row(
    contract: Subscription, plan_name: str, addresses: Sequence[str] | None, *, on: date
) -> SubscriptionRow:
    return SubscriptionRow(
        id=contract.id,
        number=contract.number,
        customer_id=contract.customer_id,
        plan_id=contract.plan_id,
        plan_name=plan_name,
        channel=ContractChannel(contract.channel),
        signed_on=contract.signed_on,
        starts_on=contract.starts_on,
        ends_on=contract.ends_on,
        standing=rules.standing(contract.state, starts_on=contract.starts_on, ends_on=contract.ends_on, on=on),
        sites=tuple(addresses or ()),
    )


def facts_of(plan: Plan) -> PlanFacts:
    """The plan as the rules see it."""
    return PlanFacts(
        code=plan.code,
        name=plan.name,
        description=plan.description,
        trades=tuple(plan.trades),
        yearly_price=plan.yearly_price,
        vat_basis_points=plan.vat_basis_points,
        legal_nature=LegalNature(plan.legal_nature),
        accept_minutes=plan.accept_minutes,
        arrive_minutes_urban=plan.arrive_minutes_urban,
        arrive_minutes_rural=plan.arrive_minutes_rural,
        included_interventions=plan.included_interventions,
        cost_cap=plan.cost_cap,
        reimbursement=plan.reimbursement,
        waiting_period_days=plan.waiting_period_days,
        covers_parts=plan.covers_parts,
    )


def _plans(on: date) -> sa.Select[Plan, int]:
    binding = (
        sa.select(sa.func.count())
        .where(
            Subscription.plan_id == Plan.id,
            Subscription.state != SubscriptionState.DRAFT,
            Subscription.starts_on <= on,
            Subscription.ends_on >= on,
        )
        .correlate(Plan)
        .scalar_subquery()
    )
    return sa.select(Plan, binding)


def _plan_card(plan: Plan, subscriptions: int) -> PlanCard:
    return PlanCard(
        id=plan.id,
        facts=facts_of(plan),
        state=PlanState(plan.state),
        legal_opinion=plan.legal_opinion,
        created_at=plan.created_at,
        subscriptions=subscriptions,
    )
