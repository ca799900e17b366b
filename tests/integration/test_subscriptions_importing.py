"""Writing many contracts at once: the checks of one, all or none."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import AppError
from maillage_kit.ids import new_id
from maillage_kit.money import Money
from maillage_tenants import customers, subscriptions
from maillage_tenants.customers import ConsumerStatus, CustomerFacts, CustomerKind, PremisesUse, SiteFacts
from maillage_tenants.subscriptions import ContractChannel, NewContract, import_subscriptions
from maillage_tenants.subscriptions.models import Plan, Subscription

NOW = date(2027, 3, 1)
PRICE = Money.euros(60)


async def customer(session: TenantSession, runtime: Runtime, name: str) -> customers.ImportedRef:
    place = "4, rue du Moulin", "27500", "Pont-Audemer"
    (ref,) = await customers.import_customers(
        session,
        entries=[
            customers.ImportedCustomer(
                CustomerFacts(CustomerKind.PERSON, ConsumerStatus.CONSUMER, name, *place),
                (customers.ImportedSite(SiteFacts(*place[:2], PremisesUse.DWELLING, insee="27467")),),
                (),
            )
        ],
        cipher=runtime.cipher,
        by="tests",
    )
    return ref


async def plan_id(session: TenantSession, runtime: Runtime, code: str = "essentiel") -> UUID:
    await subscriptions.install_default_plans(session, trades=runtime.trades.enabled(["plumbing"]), by="tests")
    found = await session.scalar(sa.select(Plan.id).where(Plan.code == code))
    assert found
    return found


def contract(ref: customers.ImportedRef, plan: UUID) -> NewContract:
    return NewContract(ref.id, plan, ref.site_ids, ContractChannel.IN_PREMISES, NOW, NOW)


async def test_contracts_bind_like_those_written_one_by_one(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        plan = await plan_id(session, runtime)
        people = [await customer(session, runtime, name) for name in ("Ana Leroy", "Bilal Morin", "Chloé Petit")]
        refs = await import_subscriptions(session, contracts=[contract(ref, plan) for ref in people], by="tests")
        assert [ref.number for ref in refs] == [f"S-2027-{place:06d}" for place in (1, 2, 3)]
        for ref, person in zip(refs, people, strict=True):
            promise = await subscriptions.active_promise(
                session, site_id=person.site_ids[0], trade="plumbing", on=date(2028, 2, 29)
            )
            assert promise is not None
            assert (promise.subscription_id, promise.promise.arrive_minutes_urban) == (ref.id, 120)
            over = await subscriptions.active_promise(
                session, site_id=person.site_ids[0], trade="plumbing", on=date(2028, 3, 1)
            )
            assert over is None


async def test_one_wrong_contract_refuses_them_all(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        plan = await plan_id(session, runtime)
        ana, bilal = await customer(session, runtime, "Ana Leroy"), await customer(session, runtime, "Bilal Morin")
        good = contract(ana, plan)
        draft = await subscriptions.create_plan(
            session,
            facts=subscriptions.PlanFacts("futur", "Futur", "Plus tard.", ("plumbing",), yearly_price=PRICE),
            trades=runtime.trades,
            by="tests",
        )
        for wrong, code in (
            (replace(good, plan_id=new_id()), "unknown_plan"),
            (replace(contract(bilal, plan), plan_id=draft), "plan_not_sold"),
            (replace(contract(bilal, plan), site_ids=ana.site_ids), "invalid"),
            (replace(contract(bilal, plan), site_ids=()), "invalid"),
            (replace(contract(bilal, plan), signed_on=date(2027, 3, 2), starts_on=date(2027, 3, 2)), "invalid"),
            (good, "already_subscribed"),
        ):
            with pytest.raises(AppError) as refused:
                await import_subscriptions(session, contracts=[good, wrong], by="tests")
            assert refused.value.code == code
            assert await session.scalar(sa.select(sa.func.count()).select_from(Subscription)) == 0


async def test_a_site_already_under_contract_is_refused(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        plan = await plan_id(session, runtime)
        ana = await customer(session, runtime, "Ana Leroy")
        await import_subscriptions(session, contracts=[contract(ana, plan)], by="tests")
        again = replace(contract(ana, plan), starts_on=date(2028, 2, 29))
        with pytest.raises(subscriptions.AlreadySubscribed):
            await import_subscriptions(session, contracts=[again], by="tests")
        later = replace(contract(ana, plan), starts_on=date(2028, 3, 1))
        assert len(await import_subscriptions(session, contracts=[later], by="tests")) == 1
