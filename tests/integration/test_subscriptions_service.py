"""Plans and contracts on a real database: insurance is kept out (R28), the promise of a site is found at once."""

from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

import pytest

from maillage_app.runtime import Runtime
from maillage_hooks import TradeRegistry
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Conflict, Invalid
from maillage_kit.money import Money
from maillage_tenants import audit, customers, subscriptions

BY = "Hélène Marchand"
TODAY = date(2027, 3, 1)
SERVICE = subscriptions.PlanFacts(
    code="tranquille",
    name="Tranquille",
    description="Un délai court, chaque intervention est facturée.",
    trades=("plumbing",),
    yearly_price=Money.euros(90),
    accept_minutes=5,
    arrive_minutes_urban=45,
    arrive_minutes_rural=60,
)


async def _customer_with_sites(session: TenantSession, runtime: Runtime, count: int = 1) -> tuple[UUID, list[UUID]]:
    ref = await customers.register_customer(
        session,
        facts=customers.CustomerFacts(
            kind=customers.CustomerKind.PERSON,
            consumer_status=customers.ConsumerStatus.CONSUMER,
            name="Ana Lefèvre",
            billing_address="4 quai Robert Leblanc",
            billing_postcode="27500",
            billing_city="Pont-Audemer",
        ),
        by=BY,
    )
    sites = [
        await customers.add_site(
            session,
            customer_id=ref.id,
            facts=customers.SiteFacts(
                address=f"{rank} quai Robert Leblanc",
                postcode="27500",
                insee="27467",
                premises_use=customers.PremisesUse.DWELLING,
            ),
            cipher=runtime.cipher,
            by=BY,
        )
        for rank in range(1, count + 1)
    ]
    return ref.id, sites


async def _published(session: TenantSession, trades: TradeRegistry, facts: subscriptions.PlanFacts = SERVICE) -> UUID:
    plan_id = await subscriptions.create_plan(session, facts=facts, trades=trades, by=BY)
    await subscriptions.publish_plan(session, plan_id=plan_id, by=BY)
    return plan_id


async def _subscribe(session: TenantSession, customer_id: UUID, plan_id: UUID, sites: list[UUID], **more: date) -> UUID:
    values = {"signed_on": TODAY, "starts_on": TODAY, **more}
    ref = await subscriptions.subscribe(
        session,
        customer_id=customer_id,
        plan_id=plan_id,
        site_ids=sites,
        channel=subscriptions.ContractChannel.DISTANCE_PHONE,
        by=BY,
        **values,
    )
    return ref.id


async def test_a_product_with_three_included_interventions_cannot_be_published(
    runtime: Runtime, eure: CooperativeContext, trades: TradeRegistry
) -> None:
    """L.13."""
    async with runtime.database.tenant(eure.tenant) as session:
        facts = replace(SERVICE, included_interventions=3)
        plan_id = await subscriptions.create_plan(session, facts=facts, trades=trades, by=BY)
        card = await subscriptions.plan_card(session, plan_id=plan_id, on=TODAY)
        assert card.state is subscriptions.PlanState.LEGAL_REVIEW
        assert not card.may_be_published
        with pytest.raises(subscriptions.InsuranceLike, match="3 interventions"):
            await subscriptions.publish_plan(session, plan_id=plan_id, by=BY)
        with pytest.raises(Invalid):
            await subscriptions.attach_legal_opinion(session, plan_id=plan_id, opinion="oui", by=BY)
        opinion = "Avis de Me Morel du 12 février 2027, réf. M-27/14"
        await subscriptions.attach_legal_opinion(session, plan_id=plan_id, opinion=opinion, by=BY)
        # The opinion was about the plan as it was: once it changes, another is needed.
        facts = replace(facts, included_interventions=4)
        await subscriptions.change_plan(session, plan_id=plan_id, facts=facts, trades=trades, by=BY)
        with pytest.raises(subscriptions.InsuranceLike):
            await subscriptions.publish_plan(session, plan_id=plan_id, by=BY)
        await subscriptions.attach_legal_opinion(session, plan_id=plan_id, opinion=opinion, by=BY)
        await subscriptions.change_plan(session, plan_id=plan_id, facts=facts, trades=trades, by=BY)
        await subscriptions.publish_plan(session, plan_id=plan_id, by=BY)
        card = await subscriptions.plan_card(session, plan_id=plan_id, on=TODAY)
        assert (card.state, card.legal_opinion) == (subscriptions.PlanState.PUBLISHED, opinion)
        entries = await audit.entries_about(session, subject_type="plan", subject_id=plan_id)
        assert entries[0].action == "subscriptions.publish_plan"


async def test_a_plan_without_such_features_becomes_a_draft_again(
    runtime: Runtime, eure: CooperativeContext, trades: TradeRegistry
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        plan_id = await subscriptions.create_plan(
            session, facts=replace(SERVICE, covers_parts=True), trades=trades, by=BY
        )
        await subscriptions.change_plan(session, plan_id=plan_id, facts=SERVICE, trades=trades, by=BY)
        card = await subscriptions.plan_card(session, plan_id=plan_id, on=TODAY)
        assert (card.state, card.facts) == (subscriptions.PlanState.DRAFT, SERVICE)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "Assurance Tranquille"}, "name"),
        ({"description": "Sans franchise ni délai de carence."}, "description"),
        ({"code": "Été"}, "code"),
        ({"code": "essentiel"}, "code"),
        ({"name": " "}, "name"),
        ({"trades": ()}, "trades"),
        ({"trades": ("alchemy",)}, "trades"),
        ({"yearly_price": Money.zero()}, "yearly_price"),
        ({"arrive_minutes_rural": 0}, "arrive_minutes_rural"),
        ({"accept_minutes": 1441}, "accept_minutes"),
        ({"waiting_period_days": -1}, "waiting_period_days"),
    ],
)
async def test_what_a_plan_cannot_say_is_refused_by_field(
    runtime: Runtime, eure: CooperativeContext, trades: TradeRegistry, change: dict[str, object], field: str
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        facts = replace(SERVICE, **change)  # type: ignore[arg-type]
        with pytest.raises(Invalid) as refused:
            await subscriptions.create_plan(session, facts=facts, trades=trades, by=BY)
        assert list(refused.value.fields) == [field]


async def test_a_published_plan_never_changes_and_a_withdrawn_one_is_no_longer_sold(
    runtime: Runtime, eure: CooperativeContext, trades: TradeRegistry
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        customer_id, sites = await _customer_with_sites(session, runtime)
        plan_id = await _published(session, trades)
        await _subscribe(session, customer_id, plan_id, sites)
        with pytest.raises(subscriptions.PlanFixed):
            await subscriptions.change_plan(session, plan_id=plan_id, facts=SERVICE, trades=trades, by=BY)
        with pytest.raises(subscriptions.PlanFixed):
            await subscriptions.attach_legal_opinion(session, plan_id=plan_id, opinion="x" * 30, by=BY)
        with pytest.raises(Conflict):
            await subscriptions.publish_plan(session, plan_id=plan_id, by=BY)
        await subscriptions.withdraw_plan(session, plan_id=plan_id, by=BY)
        with pytest.raises(Conflict):
            await subscriptions.withdraw_plan(session, plan_id=plan_id, by=BY)
        with pytest.raises(subscriptions.PlanNotSold):
            await _subscribe(session, customer_id, plan_id, sites, starts_on=date(2028, 3, 1))
        # who subscribed keeps the promise
        assert await subscriptions.active_promise(session, site_id=sites[0], trade="plumbing", on=TODAY)


async def test_a_new_cooperative_has_three_plans_of_service(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext, trades: TradeRegistry
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        plans = await subscriptions.list_plans(session, on=TODAY, only_published=True)
        assert [plan.facts.code for plan in plans] == ["bailleur", "essentiel", "serenite"]
        assert all(plan.insurance_features == () and plan.facts.arrive_minutes_urban for plan in plans)
        assert {trade for plan in plans for trade in plan.facts.trades} == {"plumbing", "locksmith", "glazing"}
        await subscriptions.install_default_plans(session, trades=trades, by=BY)
        assert await subscriptions.list_plans(session, on=TODAY) == plans
    async with runtime.database.tenant(seine_maritime.tenant) as session:
        plans = await subscriptions.list_plans(session, on=TODAY)
        assert {trade for plan in plans for trade in plan.facts.trades} == {"plumbing", "locksmith"}


async def test_a_contract_binds_for_its_sites_its_trades_and_its_days(
    runtime: Runtime, eure: CooperativeContext, trades: TradeRegistry
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        customer_id, (covered, other) = await _customer_with_sites(session, runtime, 2)
        plan_id = await _published(session, trades)
        subscription_id = await _subscribe(session, customer_id, plan_id, [covered])

        async def promise(site_id: UUID, trade: str, on: date) -> subscriptions.ActivePromise | None:
            return await subscriptions.active_promise(session, site_id=site_id, trade=trade, on=on)

        found = await promise(covered, "plumbing", TODAY)
        assert found is not None
        assert (found.subscription_id, found.number, found.plan_name) == (
            subscription_id, "S-2027-000001", "Tranquille",
        )  # fmt: skip
        assert (found.promise.code, found.promise.accept_minutes) == ("tranquille", 5)
        assert (found.promise.arrive_minutes_urban, found.promise.arrive_minutes_rural) == (45, 60)
        assert await promise(covered, "plumbing", date(2028, 2, 29)) is not None
        assert await promise(covered, "plumbing", date(2028, 3, 1)) is None
        assert await promise(covered, "plumbing", date(2027, 2, 28)) is None
        assert await promise(covered, "locksmith", TODAY) is None
        assert await promise(other, "plumbing", TODAY) is None
        await subscriptions.end_subscription(session, subscription_id=subscription_id, on=date(2027, 6, 30), by=BY)
        assert await promise(covered, "plumbing", date(2027, 6, 30)) is not None
        assert await promise(covered, "plumbing", date(2027, 7, 1)) is None
        with pytest.raises(Invalid):
            await subscriptions.end_subscription(session, subscription_id=subscription_id, on=TODAY, by=BY)
        with pytest.raises(subscriptions.UnknownSubscription):
            await subscriptions.end_subscription(session, subscription_id=uuid4(), on=TODAY, by=BY)


async def test_the_shortest_promise_counts(runtime: Runtime, eure: CooperativeContext, trades: TradeRegistry) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        customer_id, sites = await _customer_with_sites(session, runtime)
        by_code = {plan.facts.code: plan.id for plan in await subscriptions.list_plans(session, on=TODAY)}
        for code in ("essentiel", "serenite", "bailleur"):
            await _subscribe(session, customer_id, by_code[code], sites)
        found = await subscriptions.active_promise(session, site_id=sites[0], trade="locksmith", on=TODAY)
        assert found is not None
        assert found.plan_name == "Sérénité"


async def test_a_contract_that_cannot_be_is_refused(
    runtime: Runtime, eure: CooperativeContext, trades: TradeRegistry
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        customer_id, sites = await _customer_with_sites(session, runtime)
        _, foreign = await _customer_with_sites(session, runtime)
        plan_id = await _published(session, trades)
        draft = await subscriptions.create_plan(session, facts=replace(SERVICE, code="brouillon"), trades=trades, by=BY)

        async def refused(plan: UUID, wanted: list[UUID], **days: date) -> list[str]:
            with pytest.raises(Invalid) as error:
                await _subscribe(session, customer_id, plan, wanted, **days)
            return sorted(error.value.fields)

        assert await refused(draft, sites) == ["plan_id"]
        assert await refused(plan_id, []) == ["site_ids"]
        assert await refused(plan_id, foreign) == ["site_ids"]
        assert await refused(plan_id, sites, signed_on=date(2027, 3, 2), starts_on=date(2027, 3, 2)) == ["signed_on"]
        assert await refused(plan_id, sites, starts_on=date(2027, 2, 1)) == ["starts_on"]
        assert await refused(plan_id, sites, ends_on=date(2027, 2, 1)) == ["ends_on"]
        await _subscribe(session, customer_id, plan_id, sites)
        assert await refused(plan_id, sites, starts_on=date(2028, 2, 29)) == ["site_ids"]
        await _subscribe(session, customer_id, plan_id, sites, starts_on=date(2028, 3, 1))
        rows = await subscriptions.subscriptions_of(session, customer_id=customer_id, on=TODAY)
        assert [(row.number, row.standing.value) for row in rows] == [
            ("S-2027-000002", "coming"),
            ("S-2027-000001", "active"),
        ]
        assert rows[0].sites == ("1 quai Robert Leblanc",)
        card = await subscriptions.plan_card(session, plan_id=plan_id, on=TODAY)
        assert card.subscriptions == 1
        with pytest.raises(subscriptions.UnknownPlan):
            await subscriptions.plan_card(session, plan_id=uuid4(), on=TODAY)
