"""What the watch wrote goes when its time is over; what is told of a caller's call does not."""

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_app.worker import run_handler, tenant_handlers
from maillage_kit import clock
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.ids import new_id
from maillage_tenants.calls.models import Call, Callback, CallEvent, CallLeg, LadderStep, WatchCall
from maillage_tenants.watch.models import WatchFinding, WatchRun


async def a_call(runtime: Runtime, eure: CooperativeContext, *, ours: bool) -> UUID:
    """One call that has ended, with all that is kept of it; a watch call with its run, or a caller's."""
    now, watch_id = clock.now(), new_id()
    async with runtime.database.tenant(eure.tenant) as session:
        if ours:
            session.add(
                WatchCall(
                    id=watch_id, caller="+33188000001", expected_from=now, expected_until=now + timedelta(minutes=5)
                )
            )
            await session.flush()
        call = Call(
            provider="sip",
            provider_call_id=new_id().hex,
            called=eure.public_number,
            state="ended",
            outcome="accepted",
            started_at=now,
            answered_at=now,
            ended_at=now,
            watch_id=watch_id if ours else None,
        )
        session.add(call)
        await session.flush()
        session.add(CallLeg(call_id=call.id, position=0, phone="+33188000002", state="accepted", started_at=now))
        session.add(
            LadderStep(
                call_id=call.id,
                position=0,
                kind="rank1",
                phone="+33188000002",
                display_name="Artisan d’essai",
                ring_seconds=20,
                reason="Appel d’essai",
            )
        )
        for kind, of in (("ended", call.id), ("watch_ended" if ours else "received", None)):
            session.add(
                CallEvent(
                    call_id=of,
                    provider="sip",
                    provider_call_id=call.provider_call_id,
                    kind=kind,
                    fingerprint=new_id().hex,
                    payload={},
                    received_at=now,
                )
            )
        if ours:
            session.add(
                WatchRun(
                    id=watch_id,
                    planned_at=now,
                    planned_by="tests",
                    keys="",
                    deadline_at=now + timedelta(minutes=2),
                    call_id=call.id,
                    judged_at=now,
                    outcome="success",
                )
            )
        return call.id


async def purged(runtime: Runtime, eure: CooperativeContext) -> None:
    await run_handler(runtime, eure, tenant_handlers()["watch.look_for_old"], {})


async def counted(runtime: Runtime, eure: CooperativeContext) -> dict[str, int]:
    tables = ("watch_call", "call", "call_leg", "ladder_step", "call_event", "watch_run", "watch_finding")
    async with runtime.database.tenant(eure.tenant) as session:
        return {name: await session.scalar(sa.text(f"select count(*) from {name}")) or 0 for name in tables}


async def test_watch_calls_go_after_thirty_days_and_runs_after_a_year(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    await a_call(runtime, eure, ours=True)
    await a_call(runtime, eure, ours=False)
    async with runtime.database.tenant(eure.tenant) as session:
        now = clock.now()
        for subject, gone_at in (("gone", now), ("there", None)):
            more = {"label": "En retard", "link": "", "since": now, "found_at": now, "gone_at": gone_at}
            session.add(WatchFinding(kind="task_late", subject=subject, **more))
    before = await counted(runtime, eure)
    moved_clock.advance(days=30)
    await purged(runtime, eure)
    assert await counted(runtime, eure) == before
    moved_clock.advance(hours=1)
    await a_call(runtime, eure, ours=True)
    await purged(runtime, eure)
    await purged(runtime, eure)
    assert await counted(runtime, eure) == {**before, "watch_run": 2}  # the new one, the caller's, and the old run
    moved_clock.advance(days=336)
    await purged(runtime, eure)
    assert await counted(runtime, eure) == {
        "watch_call": 0,
        "call": 1,
        "call_leg": 1,
        "ladder_step": 1,
        "call_event": 2,
        "watch_run": 1,
        "watch_finding": 1,
    }
    async with runtime.database.tenant(eure.tenant) as session:
        assert await session.scalar(sa.text("select count(call_id) from watch_run")) == 0


async def test_one_that_somebody_is_owed_an_answer_for_is_kept(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    call_id = await a_call(runtime, eure, ours=True)
    async with runtime.database.tenant(eure.tenant) as session:
        session.add(Callback(call_id=call_id, phone=None, opened_at=clock.now(), due_at=clock.now(), note=""))
    before = await counted(runtime, eure)
    moved_clock.advance(days=90)
    await purged(runtime, eure)
    assert await counted(runtime, eure) == {**before, "call_event": before["call_event"] - 1}


@pytest.mark.parametrize("table", ["call_event", "ladder_step"])
async def test_what_was_told_of_a_callers_call_cannot_be_erased(
    runtime: Runtime, eure: CooperativeContext, table: str
) -> None:
    await a_call(runtime, eure, ours=False)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        async with runtime.database.tenant(eure.tenant) as session:
            await session.execute(sa.text(f"delete from {table}"))
