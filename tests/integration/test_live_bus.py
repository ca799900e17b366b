"""Notices from PostgreSQL to open pages: in order, to their own cooperative, again after a lost connection."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import psycopg
import pytest

from maillage_app.runtime import Runtime
from maillage_kit import outside
from maillage_kit.context import CooperativeContext
from maillage_kit.live import Notice


@pytest.fixture
async def listening(runtime: Runtime) -> AsyncIterator[None]:
    task = asyncio.create_task(runtime.live.run())
    await asyncio.wait_for(runtime.live.connected.wait(), 10)
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def next_of(queue: asyncio.Queue[Notice]) -> Notice:
    return await asyncio.wait_for(queue.get(), 10)


@pytest.mark.usefixtures("listening")
async def test_a_burst_arrives_whole_in_order_and_nowhere_else(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext
) -> None:
    async with (
        runtime.live.subscribe(eure.tenant.role) as ours,
        runtime.live.subscribe(seine_maritime.tenant.role) as theirs,
    ):
        for number in range(3):
            async with runtime.database.tenant(eure.tenant) as session:
                for part in range(10):
                    await outside.notify(session, "calls", f"{number}-{part}")
        async with runtime.database.tenant(seine_maritime.tenant) as session:
            await outside.notify(session, "cases")
        heard = [await next_of(ours) for _ in range(30)]
        assert heard == [Notice("calls", f"{number}-{part}") for number in range(3) for part in range(10)]
        assert await next_of(theirs) == Notice("cases", "")
        assert ours.empty() and theirs.empty()


@pytest.mark.usefixtures("listening")
async def test_a_lost_connection_is_made_again_and_pages_fetch_everything(
    runtime: Runtime, eure: CooperativeContext
) -> None:
    async with runtime.live.subscribe(eure.tenant.role) as notices:
        with psycopg.connect(runtime.owner_url, autocommit=True) as owner:
            killed = owner.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where query like 'listen %' and datname = current_database()"
            ).fetchall()
        assert killed == [(True,)]
        assert await next_of(notices) == Notice("resync", "")
        async with runtime.database.tenant(eure.tenant) as session:
            await outside.notify(session, "alarms")
        assert await next_of(notices) == Notice("alarms", "")
