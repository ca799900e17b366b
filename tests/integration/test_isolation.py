"""Rule 2, isolated: one cooperative cannot reach another's rows, even with hand-written SQL."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext


async def test_each_cooperative_sees_its_own_communes(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        assert (await session.execute(sa.text("select count(*) from commune"))).scalar_one() == 585
    async with runtime.database.tenant(seine_maritime.tenant) as session:
        departments = await session.execute(sa.text("select distinct left(insee, 2) from commune"))
        assert departments.scalars().all() == ["76"]


@pytest.mark.parametrize(
    "statement",
    [
        "select count(*) from {other}.customer",
        "insert into {other}.alarm (id) values (gen_random_uuid())",
        "select * from platform.account",
        "select * from platform.outbox_event",
        "select * from tasks.procrastinate_jobs",
        "create table mine (a int)",
        "drop table call",
    ],
)
async def test_raw_sql_under_one_role_is_refused_elsewhere(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext, statement: str
) -> None:
    text = statement.format(other=seine_maritime.tenant.schema)
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        async with runtime.database.tenant(eure.tenant) as session:
            await session.execute(sa.text(text))


async def test_no_cooperative_no_data(runtime: Runtime, eure: CooperativeContext) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with runtime.database.platform() as session:
            await session.execute(sa.text(f"select count(*) from {eure.tenant.schema}.customer"))


async def test_two_tenants_interleaved_on_one_pool_never_mix(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext
) -> None:
    expected = {eure.slug: "27", seine_maritime.slug: "76"}

    async def look(cooperative: CooperativeContext) -> None:
        async with runtime.database.tenant(cooperative.tenant) as session:
            await asyncio.sleep(0)
            found = (await session.execute(sa.text("select distinct left(insee, 2) from commune"))).scalars().all()
            assert found == [expected[cooperative.slug]]

    await asyncio.gather(*(look(c) for _ in range(100) for c in (eure, seine_maritime)))
