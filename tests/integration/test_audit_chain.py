"""The audit log is a chain: what is changed, removed or slipped in shows, and writers side by side do not break it."""

import asyncio

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.exc import IntegrityError

from maillage_app.cli.audit import audit as command
from maillage_app.runtime import Runtime
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_platform.provisioning import owner_connection
from maillage_tenants import audit
from maillage_tenants.audit import queries, tasks
from maillage_tenants.audit.rules import Fault


async def write(runtime: Runtime, eure: CooperativeContext, *actors: str) -> None:
    for actor in actors:
        async with runtime.database.tenant(eure.tenant) as session:
            await audit.record(
                session, actor=actor, action="site.edit", subject_type="site", subject_id=1, detail={"é": [1, "ü"]}
            )


async def verdict(runtime: Runtime, eure: CooperativeContext) -> audit.Verdict:
    async with runtime.database.tenant(eure.tenant) as session:
        return await audit.verify(session)


def tamper(runtime: Runtime, eure: CooperativeContext, *statements: str) -> None:
    """As somebody with the owner's rights would, triggers off."""
    with owner_connection(runtime.owner_url) as connection:
        connection.execute(sa.text("set local session_replication_role = replica"))
        connection.execute(sa.text(f"set local search_path = {eure.tenant.schema}"))
        for statement in statements:
            connection.execute(sa.text(statement))


async def test_the_chain_holds_and_starts_at_the_beginning(runtime: Runtime, eure: CooperativeContext) -> None:
    before = await verdict(runtime, eure)
    assert before.broken is None
    await write(runtime, eure, "Ana", "Bilal · Étienne", "Ana")
    after = await verdict(runtime, eure)
    assert (after.broken, after.entries - before.entries) == (None, 3)
    assert after.end.position == before.end.position + 3
    assert after.end.hash != before.end.hash


async def test_an_entry_is_chained_when_it_is_committed_and_never_when_it_is_not(
    runtime: Runtime, eure: CooperativeContext
) -> None:
    start = (await verdict(runtime, eure)).end
    with pytest.raises(RuntimeError):
        async with runtime.database.tenant(eure.tenant) as session:
            await audit.record(session, actor="Ana", action="site.edit", subject_type="site", subject_id=1)
            raise RuntimeError
    assert (await verdict(runtime, eure)).end == start


async def test_writers_side_by_side_do_not_break_the_chain(runtime: Runtime, eure: CooperativeContext) -> None:
    before = (await verdict(runtime, eure)).entries
    await asyncio.gather(*(write(runtime, eure, *[f"writer {number}"] * 5) for number in range(8)))
    after = await verdict(runtime, eure)
    assert (after.broken, after.entries - before) == (None, 40)


async def test_a_long_act_keeps_nobody_waiting(runtime: Runtime, eure: CooperativeContext) -> None:
    """An entry written early in a long transaction holds no lock: the end of the chain is taken at commit only."""
    async with runtime.database.tenant(eure.tenant) as long:
        await audit.record(long, actor="Import", action="customers.import", subject_type="customer", subject_id=1)
        await asyncio.wait_for(write(runtime, eure, "Ana"), timeout=20)
    assert (await verdict(runtime, eure)).broken is None
    async with runtime.database.tenant(eure.tenant) as session:
        rows = await queries.all_entries(session, search=queries.Search(), limit=100)
    assert [row.actor for row in rows][-2:] == ["Ana", "Import"]  # in the order of the commits


@pytest.mark.parametrize(
    ("statements", "fault", "offset"),
    [
        (("update audit_entry set actor = 'Personne' where position = {second}",), Fault.CONTENT, 0),
        (("update audit_entry set detail = '{{}}' where position = {second}",), Fault.CONTENT, 0),
        (("update audit_entry set at = at - interval '1 day' where position = {second}",), Fault.CONTENT, 0),
        (("delete from audit_entry where position = {second}",), Fault.GAP, 1),
        (
            (
                "delete from audit_entry where position = {second}",
                "update audit_entry set position = position - 1 where position > {second}",
                "update audit_head set position = position - 1",
            ),
            Fault.LINK,
            0,
        ),
        (("delete from audit_entry where position > {second}",), Fault.END, 0),
        (("delete from audit_entry where position <= {second}",), Fault.START, 1),
        (("insert into audit_entry (at, actor, action, subject_type, subject_id, detail) "
          "values (now(), 'x', 'x.y', 'x', '1', '{{}}')",), Fault.UNCHAINED, 2),
    ],
)  # fmt: skip
async def test_the_first_entry_that_does_not_hold_is_named(
    runtime: Runtime, eure: CooperativeContext, statements: tuple[str, ...], fault: Fault, offset: int
) -> None:
    await write(runtime, eure, "Ana", "Bilal", "Chloé")
    second = (await verdict(runtime, eure)).end.position - 1
    tamper(runtime, eure, *(statement.format(second=second) for statement in statements))
    found = (await verdict(runtime, eure)).broken
    assert found is not None
    assert (found.fault, found.position) == (fault, second + offset)


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_entry set hash = 'x'",
        "update audit_head set position = 0",
        "delete from audit_head",
        "insert into audit_head (id, position, hash) values (1, 0, '')",
        "select set_config('maillage.audit', 'UPDATE', true); update audit_entry set actor = 'x'",
        "select set_config('maillage.audit', 'DELETE', true); delete from audit_entry",
        "select forget_audit('infinity')",
        "select forget_audit(now())",
    ],
)
async def test_the_cooperatives_role_cannot_rewrite_it(
    runtime: Runtime, eure: CooperativeContext, statement: str
) -> None:
    await write(runtime, eure, "Ana")
    with pytest.raises(IntegrityError, match=r"append-only|six months"):
        async with runtime.database.tenant(eure.tenant) as session:
            for one in statement.split("; "):
                await session.execute(sa.text(one))
    assert (await verdict(runtime, eure)).broken is None


async def test_a_place_in_the_chain_cannot_be_chosen(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        await session.execute(
            sa.text(
                "insert into audit_entry (at, actor, action, subject_type, subject_id, detail, position, previous, "
                "hash) values (now(), 'x', 'x.y', 'x', '1', '{}', 999999, 'p', 'h')"
            )
        )
    found = await verdict(runtime, eure)
    assert (found.broken, found.end.position < 999) == (None, True)


async def test_after_a_year_the_beginning_goes_and_the_rest_still_verifies(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    """R68: twelve months. The purge is an entry of its own, with what the rest has to follow."""
    await write(runtime, eure, "Ana", "Bilal")
    old = (await verdict(runtime, eure)).end.position
    moved_clock.advance(days=200)
    await write(runtime, eure, "Chloé")
    moved_clock.advance(days=200)
    await write(runtime, eure, "Denis")
    for _ in range(2):  # the second time there is nothing to forget
        async with runtime.database.tenant(eure.tenant) as session:
            await tasks.look_for_old_entries(session)
    found = await verdict(runtime, eure)
    assert (found.broken, found.entries) == (None, 3)
    async with runtime.database.tenant(eure.tenant) as session:
        rows = await queries.all_entries(session, search=queries.Search(), limit=10)
    assert [row.actor for row in rows] == ["Chloé", "Denis", "Maillage"]
    assert rows[-1].detail["through"] == old
    # what was purged is forgotten; what was not, and goes all the same, is missed
    tamper(runtime, eure, f"delete from audit_entry where position = {old + 1}")
    missing = (await verdict(runtime, eure)).broken
    assert missing is not None
    assert missing.fault is Fault.START


async def test_the_command_says_whole_or_names_the_first_broken_entry(
    runtime: Runtime, eure: CooperativeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(runtime, eure, "Ana", "Bilal")
    last = (await verdict(runtime, eure)).end.position
    monkeypatch.setenv("MAILLAGE_DATABASE__URL", runtime.owner_url)
    monkeypatch.setenv("MAILLAGE_DATABASE__APP_URL", runtime.database.url)
    whole = await asyncio.to_thread(CliRunner().invoke, command, ["verify"])
    assert (whole.exit_code, "eure" in whole.output, "seine-maritime" in whole.output) == (0, True, True)
    tamper(runtime, eure, f"update audit_entry set actor = 'x' where position = {last}")
    broken = await asyncio.to_thread(CliRunner().invoke, command, ["verify", "eure"])
    assert broken.exit_code != 0
    assert f"entrée {last}" in broken.output
    unknown = await asyncio.to_thread(CliRunner().invoke, command, ["verify", "nulle-part"])
    assert (unknown.exit_code, "Aucune coopérative" in unknown.output) == (1, True)
