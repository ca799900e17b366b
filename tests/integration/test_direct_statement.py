"""Statements said to the driver itself behave as a session's: values, errors, cooperative, connections that break."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_kit.db import MoneyCents, UtcDateTime, core, violated_constraint
from maillage_kit.direct import DirectStatement
from maillage_kit.ids import new_id
from maillage_kit.money import Money
from maillage_tenants.numbering.models import NumberCounter

NOON = datetime(2027, 3, 7, 13, 0, tzinfo=timezone(timedelta(hours=1)))
KINDS: dict[str, sa.types.TypeEngine[Any]] = {
    "at": UtcDateTime(),
    "cents": MoneyCents(),
    "id": sa.Uuid(),
    "told": JSONB(),
    "lines": ARRAY(sa.Text),
}
GIVEN = {"at": NOON, "cents": Money(1250), "id": new_id(), "told": {"a": [1, None]}, "lines": ["é", "b"]}

ECHO = DirectStatement(
    sa.select(*(sa.type_coerce(sa.bindparam(name, type_=kind), kind) for name, kind in KINDS.items()))
)
BACKEND = DirectStatement(sa.select(sa.func.pg_backend_pid()))
SLEEP = DirectStatement(sa.select(sa.func.pg_sleep(sa.bindparam("seconds", type_=sa.Float))))
COUNTER = core(NumberCounter)
COUNT = DirectStatement(
    sa.insert(COUNTER).values(series=sa.bindparam("of", type_=sa.Text), year=2027, last=1).returning(COUNTER.c.last)
)
COUNTED = DirectStatement(sa.select(COUNTER.c.series).order_by(COUNTER.c.series))


async def test_values_are_written_and_read_by_their_types(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        row = await ECHO.one_or_none(session, {**GIVEN, "unused": 1})
        assert row is not None
        assert row == (NOON, Money(1250), GIVEN["id"], {"a": [1, None]}, ["é", "b"])
        assert row[0].tzinfo is UTC
        assert isinstance(row[2], UUID)
        assert await ECHO.one_or_none(session, dict.fromkeys(KINDS)) == (None,) * len(KINDS)
        with pytest.raises(KeyError):
            await ECHO.one_or_none(session, {})
        with pytest.raises(ValueError, match="time zone"):
            await ECHO.one_or_none(session, {**GIVEN, "at": NOON.replace(tzinfo=None)})


async def test_it_is_said_in_the_transaction_and_the_cooperative_of_its_session(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with runtime.database.tenant(eure.tenant) as session:
            assert await COUNT.all(session, {"of": "GONE"}) == [(1,)]
            assert await session.scalar(sa.select(NumberCounter.last).where(NumberCounter.series == "GONE")) == 1
            raise ZeroDivisionError
    async with runtime.database.tenant(eure.tenant) as session:
        await COUNT.all(session, {"of": "KEPT"})
    async with runtime.database.tenant(eure.tenant) as session:
        assert ("KEPT",) in await COUNTED.all(session, {})
        assert ("GONE",) not in await COUNTED.all(session, {})
    async with runtime.database.tenant(seine_maritime.tenant) as session:
        assert ("KEPT",) not in await COUNTED.all(session, {})
    with pytest.raises(sa.exc.DBAPIError):
        async with runtime.database.platform() as session:
            await COUNTED.all(session, {})


async def test_errors_are_those_of_a_session(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        await COUNT.all(session, {"of": "ONCE"})
        with pytest.raises(sa.exc.IntegrityError) as refused:
            async with session.begin_nested():
                await COUNT.all(session, {"of": "ONCE"})
        assert violated_constraint(refused.value) == "pk_number_counter"
        await COUNT.all(session, {"of": "TWICE"})
        with pytest.raises(sa.exc.MultipleResultsFound):
            await COUNTED.one_or_none(session, {})


async def test_a_text_that_varies_with_the_values_is_refused(runtime: Runtime, eure: CooperativeContext) -> None:
    varying = DirectStatement(sa.select(COUNTER.c.last).where(COUNTER.c.series.in_(["A", "B"])))
    async with runtime.database.tenant(eure.tenant) as session:
        with pytest.raises(ValueError, match="same for all values"):
            await varying.all(session, {})


async def test_a_connection_that_breaks_leaves_the_pool(runtime: Runtime, eure: CooperativeContext) -> None:
    async def served_by() -> int:
        async with runtime.database.tenant(eure.tenant) as session:
            (backend,) = await BACKEND.one_or_none(session, {}) or (0,)
            return int(backend)

    first = await served_by()
    with pytest.raises(sa.exc.OperationalError) as lost:
        async with runtime.database.tenant(eure.tenant) as session:
            await BACKEND.all(session, {})
            async with runtime.database.engine.connect() as other:
                await other.execute(sa.select(sa.func.pg_terminate_backend(first)))
            await BACKEND.all(session, {})
    assert lost.value.connection_invalidated
    assert await served_by() != first


async def test_one_that_is_given_up_does_not_disturb_the_next(runtime: Runtime, eure: CooperativeContext) -> None:
    with pytest.raises(TimeoutError):
        async with runtime.database.tenant(eure.tenant) as session:
            await asyncio.wait_for(SLEEP.all(session, {"seconds": 30.0}), timeout=0.2)
    async with runtime.database.tenant(eure.tenant) as session:
        assert await ECHO.one_or_none(session, GIVEN) is not None


async def test_a_session_joins_the_transaction_that_a_direct_statement_began(
    runtime: Runtime, eure: CooperativeContext
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with runtime.database.tenant(eure.tenant) as session:
            (backend,) = await BACKEND.one_or_none(session, {}) or (0,)
            session.add(NumberCounter(series="MAPPED", year=2027, last=3))
            await session.flush()
            assert ("MAPPED",) in await COUNTED.all(session, {})
            assert await session.scalar(sa.select(sa.func.pg_backend_pid())) == backend
            raise ZeroDivisionError
    async with runtime.database.tenant(eure.tenant) as session:
        assert ("MAPPED",) not in await COUNTED.all(session, {})
        session.add(NumberCounter(series="MAPPED", year=2027, last=4))  # flushed by the commit
    async with runtime.database.tenant(eure.tenant) as session:
        assert await session.scalar(sa.select(NumberCounter.last).where(NumberCounter.series == "MAPPED")) == 4
        assert ("MAPPED",) in await COUNTED.all(session, {})


@pytest.mark.parametrize("mapped", [False, True])
async def test_only_who_opened_a_transaction_ends_it(runtime: Runtime, eure: CooperativeContext, mapped: bool) -> None:
    """What is said after the end would be done at once, and without the cooperative's role."""
    async with runtime.database.tenant(eure.tenant) as session:
        await COUNT.all(session, {"of": f"STAYS {mapped}"})
        if mapped:
            await session.execute(sa.select(1))
        for end in (session.commit, session.rollback):
            with pytest.raises(sa.exc.InvalidRequestError):
                await end()
    for _ in range(2):
        with pytest.raises(sa.exc.InvalidRequestError):
            await COUNT.all(session, {"of": "LATE"})
        with pytest.raises(sa.exc.InvalidRequestError):
            await session.execute(sa.select(1))
    async with runtime.database.tenant(eure.tenant) as session:
        counted = await COUNTED.all(session, {})
        assert (f"STAYS {mapped}",) in counted
        assert ("LATE",) not in counted


async def test_nobody_goes_on_after_a_flush_that_failed(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        await COUNT.all(session, {"of": "SAME"})
        session.add(NumberCounter(series="SAME", year=2027, last=1))
        with pytest.raises(sa.exc.IntegrityError):
            await session.flush()
        with pytest.raises(sa.exc.InvalidRequestError):
            await COUNT.all(session, {"of": "AFTER"})
    async with runtime.database.tenant(eure.tenant) as session:
        counted = await COUNTED.all(session, {})
        assert ("SAME",) not in counted
        assert ("AFTER",) not in counted


async def test_every_connection_is_given_back(runtime: Runtime, eure: CooperativeContext) -> None:
    pool = runtime.database.engine.sync_engine.pool
    assert isinstance(pool, sa.QueuePool)
    async with runtime.database.tenant(eure.tenant) as session:
        await BACKEND.all(session, {})
        assert pool.checkedout() == 1
    assert pool.checkedout() == 0
    with pytest.raises(sa.exc.DBAPIError):
        async with runtime.database.tenant(replace(eure.tenant, role="nobody_has_it")) as session:
            await BACKEND.all(session, {})
    assert pool.checkedout() == 0
    for number in range(20):
        task = asyncio.create_task(_asked_and_left(runtime, eure))
        await asyncio.sleep(number * 0.0005)
        task.cancel()
        await asyncio.wait({task})
        assert pool.checkedout() == 0


async def _asked_and_left(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        await BACKEND.all(session, {})
        await SLEEP.all(session, {"seconds": 0.002})


async def test_listeners_hear_it_like_any_other(runtime: Runtime, eure: CooperativeContext) -> None:
    heard: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, values: object, *_rest: object) -> None:
        heard.append((statement, values))

    engine = runtime.database.engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        async with runtime.database.tenant(eure.tenant) as session:
            await SLEEP.all(session, {"seconds": 0.0})
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    assert heard[0][0].startswith("begin")
    assert heard[1:] == [("SELECT pg_sleep(%(seconds)s) AS pg_sleep_1", {"seconds": 0.0})]
