"""What the federation knows arrives through the outbox: in order, once, and never a customer (R73)."""

import asyncio
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_kit import clock, outside
from maillage_kit.context import CooperativeContext
from maillage_kit.ids import new_id
from maillage_kit.permissions import Role
from maillage_platform import federation, outbox
from maillage_platform.federation.models import DailyAggregate
from maillage_tenants.calls.events import CallEnded
from maillage_tenants.interventions.events import CaseClosed

DAY = date(2027, 3, 1)


async def tell(runtime: Runtime, cooperative: CooperativeContext, *events: object) -> None:
    async with runtime.database.tenant(cooperative.tenant) as session:
        for event in events:
            await outside.publish(session, event, occurred_at=clock.now())


def ended(outcome: str, kind: str | None = None) -> CallEnded:
    return CallEnded(call_id=new_id(), outcome=outcome, accepted_kind=kind, day=DAY)


async def aggregate(runtime: Runtime, cooperative: CooperativeContext) -> DailyAggregate:
    async with runtime.database.platform() as session:
        return await session.get_one(DailyAggregate, (cooperative.id, DAY))


async def relay(runtime: Runtime) -> int:
    return await outbox.consume(runtime.database, consumer=federation.CONSUMER, handle=federation.count_event)


async def test_calls_and_cases_are_counted_per_cooperative_and_day(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext
) -> None:
    await tell(runtime, eure, ended("accepted", "rank1"), ended("accepted", "neighbour"), ended("missed"))
    await tell(runtime, seine_maritime, ended("redirected"))
    closed = CaseClosed(intervention_id=new_id(), trade="plumbing", arrival_kept=True, accept_kept=True, day=DAY)
    await tell(runtime, eure, closed)
    assert await relay(runtime) == 5
    found = await aggregate(runtime, eure)
    assert (found.calls, found.accepted_rank1, found.accepted_neighbour, found.missed) == (3, 1, 1, 1)
    assert (found.interventions_closed, found.delays_kept, found.delays_missed) == (1, 1, 0)
    assert (await aggregate(runtime, seine_maritime)).redirected == 1


async def test_reading_again_counts_nothing_twice(runtime: Runtime, eure: CooperativeContext) -> None:
    await tell(runtime, eure, ended("accepted", "rank1"))
    assert [await relay(runtime), await relay(runtime)] == [1, 0]
    assert (await aggregate(runtime, eure)).calls == 1


async def test_an_event_of_a_cancelled_transaction_never_leaves(runtime: Runtime, eure: CooperativeContext) -> None:
    with pytest.raises(RuntimeError):
        async with runtime.database.tenant(eure.tenant) as session:
            await outside.publish(session, ended("missed"), occurred_at=clock.now())
            raise RuntimeError
    assert await relay(runtime) == 0


async def test_a_slow_transaction_is_not_overtaken(runtime: Runtime, eure: CooperativeContext) -> None:
    """A reader that went past an uncommitted event would lose it for ever."""
    started, finish = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with runtime.database.tenant(eure.tenant) as session:
            await outside.publish(session, ended("missed"), occurred_at=clock.now())
            started.set()
            await finish.wait()

    writing = asyncio.create_task(slow())
    await started.wait()
    await tell(runtime, eure, ended("accepted", "rank1"))
    before = await relay(runtime)
    finish.set()
    await writing
    assert before + await relay(runtime) == 2
    found = await aggregate(runtime, eure)
    assert (found.calls, found.missed, found.accepted_rank1) == (2, 1, 1)


async def test_two_relays_at_once_share_the_work(runtime: Runtime, eure: CooperativeContext) -> None:
    await tell(runtime, eure, *(ended("accepted", "rank2") for _ in range(30)))
    assert sum(await asyncio.gather(relay(runtime), relay(runtime), relay(runtime))) == 30
    assert (await aggregate(runtime, eure)).accepted_rank2 == 30


async def test_an_event_carries_ids_and_codes_only(runtime: Runtime, eure: CooperativeContext) -> None:
    @dataclass(frozen=True)
    class Leaky:
        customer: object

    Leaky.__module__ = "maillage_tenants.calls.events"
    with pytest.raises(TypeError, match="does not leave"):
        await tell(runtime, eure, Leaky(customer=object()))


async def test_the_console_shows_totals_and_days(runtime: Runtime, eure: CooperativeContext, sign_in) -> None:
    await tell(runtime, eure, ended("accepted", "rank1"), ended("missed"))
    await relay(runtime)
    staff = await sign_in(Role.OPERATOR)
    console = await staff.get("/federation")
    assert "Dépannage Eure" in console.text
    assert "Dépannage Seine-Maritime" in console.text
    days = await staff.get("/federation/eure")
    assert "lundi 1 mars 2027" in days.text
    assert (await staff.get("/federation/inconnue")).status_code == 404


async def test_federation_staff_cannot_open_a_cooperative(sign_in) -> None:
    staff = await sign_in(Role.OPERATOR)
    assert (await staff.get("/c/eure/desk")).status_code == 404


async def test_the_outbox_holds_no_name_or_number(runtime: Runtime, eure: CooperativeContext) -> None:
    await tell(runtime, eure, ended("accepted", "rank1"))
    async with runtime.database.platform() as session:
        (payload,) = (await session.execute(sa.text("select payload from platform.outbox_event"))).scalars().all()
    assert set(payload) == {"call_id", "outcome", "accepted_kind", "day"}
    assert UUID(payload["call_id"]).version == 7
