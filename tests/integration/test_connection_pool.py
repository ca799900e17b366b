"""The connections of a process: kept once opened, never more than allowed, and nobody is refused for want of one."""

import asyncio

import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_kit.db import Database

MOST = 4


async def _server_processes(database: Database, at_once: int) -> list[int]:
    """By which process of PostgreSQL each of so many transactions at once was served."""

    async def one() -> int:
        async with database.platform() as session:
            await session.execute(sa.text("select pg_sleep(0.05)"))
            return int((await session.scalars(sa.text("select pg_backend_pid()"))).one())

    return await asyncio.gather(*(one() for _ in range(at_once)))


async def test_connections_are_kept_and_who_comes_next_waits(runtime: Runtime) -> None:
    """A burst beyond the pool used to open connections and close them again, each a new process of PostgreSQL: a third
    of the calls a second that the machine can take."""
    database = Database(runtime.database.url, pool_size=MOST)
    try:
        first = await _server_processes(database, 3 * MOST)
        second = await _server_processes(database, 3 * MOST)
    finally:
        await database.dispose()
    assert len(set(first)) == MOST
    assert set(second) == set(first)
