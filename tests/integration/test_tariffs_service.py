"""A published price grid never changes; the next one replaces it from its date, without gap or overlap (R2)."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from maillage_app.runtime import Runtime
from maillage_hooks.types import TimeBand
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.money import Money
from maillage_tenants import tariffs
from maillage_tenants.tariffs import queries, service
from maillage_tenants.tariffs.errors import TariffDateTaken, TariffInForce
from maillage_tenants.tariffs.rules import TariffVersion


async def publish(session: TenantSession, before: TariffVersion, *, days: int, cents: int = 100) -> TariffVersion:
    raised = [
        tariffs.PricedItem(item.code, item.label, item.kind, item.unit, item.unit_price + Money(cents))
        for item in before.items
    ]
    return await tariffs.publish_tariff(
        session,
        trade="plumbing",
        valid_from=datetime(2027, 3, 1, 8, 0, tzinfo=UTC) + timedelta(days=days),
        items=raised,
        surcharges={TimeBand.NIGHT: 6000},
        time_counting="Au quart d’heure.",
        quote_price=Money.zero(),
        conditions="Aucune.",
        by="Hélène",
    )


async def now_in_force(session: TenantSession) -> TariffVersion:
    found = await tariffs.tariff_at(session, trade="plumbing", at=datetime(2027, 3, 1, 8, 0, tzinfo=UTC))
    assert found is not None
    return found


async def test_a_new_cooperative_has_a_grid_for_each_trade(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        for plugin in runtime.trades.enabled(eure.trades):
            found = await tariffs.tariff_at(session, trade=plugin.trade.code, at=datetime(2027, 3, 1, 8, tzinfo=UTC))
            assert found is not None
            assert found.version == 1
            assert found.view.prices == {item.code: item.default_price for item in plugin.pricing.catalogue}
            assert found.view.surcharges[TimeBand.NIGHT] == 5000


async def test_installing_again_changes_nothing(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        again = await tariffs.install_default_tariff(
            session,
            trade_plugin=runtime.trades.get("plumbing"),
            valid_from=datetime(2028, 1, 1, tzinfo=UTC),
            by="quelqu’un",
        )
        assert again.version == 1
        assert len(await queries.versions(session, trade="plumbing")) == 1


async def test_the_next_version_takes_over_at_its_instant(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        first = await now_in_force(session)
        second = await publish(session, first, days=10)
    async with runtime.database.tenant(eure.tenant) as session:
        just_before = await tariffs.tariff_at(
            session, trade="plumbing", at=second.valid_from - timedelta(microseconds=1)
        )
        at_the_instant = await tariffs.tariff_at(session, trade="plumbing", at=second.valid_from)
        assert just_before is not None
        assert at_the_instant is not None
        assert (just_before.id, just_before.valid_to) == (first.id, second.valid_from)
        assert (at_the_instant.id, at_the_instant.valid_to) == (second.id, None)
        assert just_before.view.prices == first.view.prices


async def test_no_version_rewrites_the_past_or_jumps_before_a_planned_one(
    runtime: Runtime, eure: CooperativeContext
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        first = await now_in_force(session)
        with pytest.raises(Invalid, match="passé"):
            await publish(session, first, days=-1)
        await publish(session, first, days=10)
        with pytest.raises(TariffDateTaken):
            await publish(session, first, days=5)
        with pytest.raises(TariffDateTaken):
            await publish(session, first, days=10)


async def test_a_planned_version_is_withdrawn_and_the_one_before_goes_on(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        first = await now_in_force(session)
        planned = await publish(session, first, days=10)
        await service.withdraw_tariff(session, tariff_id=planned.id, by="Hélène")
        corrected = await publish(session, first, days=10, cents=50)
        await service.withdraw_tariff(session, tariff_id=corrected.id, by="Hélène")
        later = await tariffs.tariff_at(session, trade="plumbing", at=planned.valid_from + timedelta(days=30))
        assert later is not None
        assert (later.id, later.valid_to) == (first.id, None)
        every = await queries.versions(session, trade="plumbing")
        assert [version.version for version in every] == [3, 2, 1]
        assert every[0].withdrawn
        again = await publish(session, first, days=20)
        moved_clock.advance(days=21)
        with pytest.raises(TariffInForce):
            await service.withdraw_tariff(session, tariff_id=again.id, by="Hélène")


@pytest.mark.parametrize(
    "statement",
    [
        "update tariff set conditions = 'autres'",
        "delete from tariff",
        "update tariff_item set unit_price = 1",
        "delete from tariff_surcharge",
    ],
)
async def test_the_database_refuses_to_change_a_version(
    runtime: Runtime, eure: CooperativeContext, statement: str
) -> None:
    with pytest.raises(IntegrityError, match=r"never edited|append-only"):
        async with runtime.database.tenant(eure.tenant) as session:
            await session.execute(sa.text(statement))


async def test_the_database_refuses_two_versions_at_once(runtime: Runtime, eure: CooperativeContext) -> None:
    with pytest.raises(IntegrityError, match="ex_tariff_no_overlap"):
        async with runtime.database.tenant(eure.tenant) as session:
            await session.execute(
                sa.text(
                    "insert into tariff select gen_random_uuid(), trade, 99, valid_from + interval '1 day', null,"
                    " time_counting, quote_price, conditions, created_at, created_by from tariff"
                )
            )
