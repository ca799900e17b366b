"""Tasks are asked for inside the business transaction, stamped with the cooperative, and run at least once."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_app.worker import run_handler, tenant_handlers
from maillage_kit import clock, outside
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_platform.tasks import TaskRunner


class Recorder:
    """A runner with two tasks: one that notes who ran it, one that fails twice before it works."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.seen: list[tuple[str, str]] = []
        self.failures = 0
        self.runner = TaskRunner(
            runtime.database.url,
            handlers={"tests.note": self.note, "tests.fragile": self.fragile},
            run_for_tenant=self.run,
        )

    async def run(self, handler, role, args) -> None:
        cooperative = await self.runtime.directory.by_role(role)
        assert cooperative is not None
        await run_handler(self.runtime, cooperative, handler, args)

    async def note(self, session: TenantSession, cooperative: CooperativeContext, word: str) -> None:
        schema = (await session.execute(sa.text("select current_schema()"))).scalar_one()
        assert schema == cooperative.tenant.schema
        self.seen.append((cooperative.slug, word))

    async def fragile(self) -> None:
        self.failures += 1
        if self.failures < 3:
            raise RuntimeError("not yet")


async def test_a_task_runs_for_the_cooperative_that_asked(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext
) -> None:
    recorder = Recorder(runtime)
    for cooperative in (eure, seine_maritime):
        async with runtime.database.tenant(cooperative.tenant) as session:
            await outside.defer(session, "tests.note", {"word": "bonjour", "_tenant": "forged"})
    await recorder.runner.run_due()
    assert sorted(recorder.seen) == [("eure", "bonjour"), ("seine-maritime", "bonjour")]


async def test_a_cancelled_transaction_asks_for_nothing(runtime: Runtime, eure: CooperativeContext) -> None:
    recorder = Recorder(runtime)
    with pytest.raises(RuntimeError):
        async with runtime.database.tenant(eure.tenant) as session:
            await outside.defer(session, "tests.note", {"word": "perdu"})
            raise RuntimeError
    await recorder.runner.run_due()
    assert recorder.seen == []


async def test_a_unique_task_waits_once(runtime: Runtime, eure: CooperativeContext) -> None:
    recorder = Recorder(runtime)
    async with runtime.database.tenant(eure.tenant) as session:
        for _ in range(3):
            await outside.defer(session, "tests.note", {"word": "une fois"}, unique="k")
        await outside.defer(session, "tests.note", {"word": "autre"}, unique="other")
    await recorder.runner.run_due()
    assert sorted(recorder.seen) == [("eure", "autre"), ("eure", "une fois")]


async def test_a_deadline_is_looked_at_when_the_moved_clock_reaches_it(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    recorder = Recorder(runtime)
    async with runtime.database.tenant(eure.tenant) as session:
        await outside.defer(session, "tests.note", {"word": "échéance"}, run_at=clock.now() + timedelta(minutes=3))
    await recorder.runner.run_due()
    assert recorder.seen == []
    moved_clock.advance(minutes=3)
    await recorder.runner.run_due()
    assert recorder.seen == [("eure", "échéance")]


async def test_no_cooperative_no_task(runtime: Runtime) -> None:
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        async with runtime.database.platform() as session:
            await session.execute(sa.text("select platform.tasks_defer('tests.note', '{}', null, null)"))


def test_every_task_of_every_domain_is_found() -> None:
    names = tenant_handlers()
    assert {"messages.deliver", "interventions.look_at_offers"} <= set(names)
