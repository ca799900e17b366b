"""The auditor finds what should have ended, alarms once, repairs what is safe, withholds its heartbeat when late."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from maillage_app import auditing, diagnosis
from maillage_app.runtime import Runtime
from maillage_app.worker import tenant_handlers
from maillage_kit import clock, outside
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.ids import new_id
from maillage_kit.permissions import Role
from maillage_kit.settings import Settings, TelephonySettings, WatchCallSettings, WatchSettings
from maillage_kit.testing.http_server import Handler, serving
from maillage_platform import federation, outbox
from maillage_platform.heartbeat import last_beat
from maillage_tenants.calls.models import Call, CallLeg
from maillage_tenants.interventions.models import Intervention, Offer
from maillage_tenants.watch import queries
from maillage_tenants.watch.service import auditing as look


@dataclass
class HeartMonitor:
    """An outside service that waits for pings."""

    url: str = ""
    heard: list[str] = field(default_factory=list)
    status: int = 200


@pytest.fixture
def monitor() -> Iterator[HeartMonitor]:
    state = HeartMonitor()

    class Ping(Handler):
        def do_GET(self) -> None:
            state.heard.append(self.path)
            self.answer(state.status)

    with serving(Ping) as port:
        state.url = f"http://127.0.0.1:{port}/ping/secret"
        yield state


@pytest.fixture
def settings(settings: Settings, monitor: HeartMonitor) -> Settings:
    return settings.model_copy(update={"watch": WatchSettings(heartbeat_url=SecretStr(monitor.url))})


async def rows(runtime: Runtime, cooperative: CooperativeContext, statement: str) -> list[dict[str, Any]]:
    async with runtime.database.tenant(cooperative.tenant) as session:
        return [dict(row) for row in (await session.execute(sa.text(statement))).mappings()]


async def a_call(runtime: Runtime, eure: CooperativeContext, *, state: str, leg: str | None = None) -> UUID:
    """A call that began now, with somebody rung when a leg is asked for."""
    now = clock.now()
    async with runtime.database.tenant(eure.tenant) as session:
        call = Call(
            id=new_id(),
            provider="twiml",
            provider_call_id=f"CA{new_id().hex}",
            called=eure.public_number,
            state=state,
            started_at=now,
            answered_at=now,
            connected_at=now if state == "connected" else None,
            ended_at=now if state == "ended" else None,
            outcome="missed" if state == "ended" else None,
        )
        session.add(call)
        await session.flush()
        if leg is not None:
            session.add(CallLeg(call_id=call.id, position=0, phone="+33611111111", state=leg, started_at=now))
    return call.id


async def an_offer(runtime: Runtime, eure: CooperativeContext, *, due_at: datetime) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        case = Intervention(
            id=new_id(),
            number="I-2027-000001",
            source="desk",
            requested_at=clock.now(),
            public_token_hash=new_id().bytes,
        )
        session.add(case)
        await session.flush()
        session.add(
            Offer(
                intervention_id=case.id,
                position=0,
                kind="rank1",
                phone="+33611111111",
                display_name="Ana",
                reason="De garde",
                offered_at=due_at - timedelta(minutes=5),
                due_at=due_at,
            )
        )


async def audited(runtime: Runtime, eure: CooperativeContext) -> look.Report:
    async with runtime.database.tenant(eure.tenant) as session:
        return await look.audit(session, cooperative=eure, settings=runtime.settings)


async def open_kinds(runtime: Runtime, eure: CooperativeContext) -> list[str]:
    found = await rows(runtime, eure, "select kind from watch_finding where gone_at is null order by kind")
    return [row["kind"] for row in found]


async def open_alarms(runtime: Runtime, eure: CooperativeContext) -> list[str]:
    found = await rows(runtime, eure, "select dedupe_key from alarm where resolved_at is null order by dedupe_key")
    return [row["dedupe_key"] for row in found]


async def test_nothing_late_is_nothing_found(runtime: Runtime, eure: CooperativeContext) -> None:
    await a_call(runtime, eure, state="menu")
    await a_call(runtime, eure, state="ringing", leg="ringing")
    report = await audited(runtime, eure)
    assert (report.findings, report.on_time) == (0, True)
    assert await rows(runtime, eure, "select findings from watch_audit") == [{"findings": 0}]


async def test_calls_without_an_end_are_one_alarm_until_they_end(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    first = await a_call(runtime, eure, state="menu")
    second = await a_call(runtime, eure, state="connected")
    moved_clock.advance(minutes=11)
    assert (await audited(runtime, eure)).findings == 1  # a conversation may last
    await audited(runtime, eure)
    (finding,) = await rows(runtime, eure, "select * from watch_finding")
    assert (finding["kind"], finding["link"]) == ("call_without_end", f"/calls/{first}")
    assert await open_alarms(runtime, eure) == ["watch:call_without_end"]
    assert len(await rows(runtime, eure, "select 1 from alarm")) == 1

    moved_clock.advance(hours=5)
    assert (await audited(runtime, eure)).findings == 2
    async with runtime.database.tenant(eure.tenant) as session:
        await session.execute(sa.text("update call set state = 'ended', outcome = 'missed', ended_at = now()"))
    assert (await audited(runtime, eure)).findings == 0
    assert await open_alarms(runtime, eure) == []
    assert second is not None


async def test_a_line_left_ringing_is_found_and_let_go(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    await a_call(runtime, eure, state="ended", leg="ringing")
    running = await a_call(runtime, eure, state="ringing", leg="ringing")
    moved_clock.advance(minutes=4)
    assert (await audited(runtime, eure)).findings == 2
    moved_clock.advance(minutes=5)
    await audited(runtime, eure)
    assert {row["state"] for row in await rows(runtime, eure, "select state from call_leg")} == {"ringing"}
    moved_clock.advance(minutes=2)
    assert (await audited(runtime, eure)).findings == 3  # now the call itself is late too
    states = await rows(runtime, eure, "select call_id, state from call_leg")
    assert {row["state"] for row in states if row["call_id"] != running} == {"cancelled"}
    assert {row["state"] for row in states if row["call_id"] == running} == {"ringing"}  # its call is under way
    await audited(runtime, eure)
    assert await open_kinds(runtime, eure) == ["call_without_end", "leg_without_event"]


async def test_a_line_of_which_nobody_told_the_end_is_news_for_a_while(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    """Its call is over and the log says that its end is not known: nothing is to be repaired."""
    await a_call(runtime, eure, state="ended", leg="untold")
    await a_call(runtime, eure, state="ended", leg="cancelled")
    moved_clock.advance(minutes=2)
    assert (await audited(runtime, eure)).findings == 0
    moved_clock.advance(minutes=2)
    await audited(runtime, eure)
    assert await open_kinds(runtime, eure) == ["leg_without_event"]
    moved_clock.advance(minutes=7)
    await audited(runtime, eure)
    assert await open_kinds(runtime, eure) == []
    assert {row["state"] for row in await rows(runtime, eure, "select state from call_leg")} == {"untold", "cancelled"}


async def test_an_overdue_offer_is_found_and_looked_at_again(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    await an_offer(runtime, eure, due_at=clock.now())
    moved_clock.advance(minutes=3)
    assert (await audited(runtime, eure)).findings == 1
    assert await open_kinds(runtime, eure) == ["offer_overdue"]
    async with runtime.database.platform() as session:
        waiting = await session.execute(sa.text("select task_name from tasks.procrastinate_jobs"))
        assert waiting.scalars().all() == ["interventions.look_at_offers"]
    assert "interventions.look_at_offers" in tenant_handlers()


async def test_messages_that_wait_are_found(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        from maillage_tenants import messages

        await messages.send_sms(session, to="+33611111111", body="Bonjour", purpose="try_out", dedupe_key="k")
    moved_clock.advance(minutes=41)
    assert (await audited(runtime, eure)).findings == 1
    assert await open_alarms(runtime, eure) == ["watch:message_waiting"]


async def test_the_heartbeat_goes_out_only_while_everything_is_on_time(
    runtime: Runtime,
    eure: CooperativeContext,
    moved_clock: MovableClock,
    monitor: HeartMonitor,
    visitor,
    sign_in,
) -> None:
    never = await visitor.get("/health/watch")
    assert (never.status_code, never.json()) == (503, {"status": "never"})
    assert await auditing.audit_everything(runtime) == ()
    assert monitor.heard == ["/ping/secret"]
    moved_clock.advance(seconds=50)
    fine = await visitor.get("/health/watch")
    assert (fine.status_code, fine.json()) == (200, {"status": "ok", "age_seconds": 50})

    await a_call(runtime, eure, state="menu")
    moved_clock.advance(minutes=12)
    assert await auditing.audit_everything(runtime) == ()  # found just now: the office has its alarm, time to act
    moved_clock.advance(minutes=16)
    assert await auditing.audit_everything(runtime) == ("eure:findings",)
    assert len(monitor.heard) == 2
    late = await visitor.get("/health/watch")
    assert (late.status_code, late.json()) == (503, {"status": "late", "age_seconds": 0})
    async with runtime.database.platform() as session:
        beat = await last_beat(session, name=auditing.NAME)
    assert beat is not None
    assert beat.on_time_at == clock.now() - timedelta(minutes=16)

    office = await sign_in(Role.MANAGER, eure)
    page = (await office.get("/c/eure/watch/findings")).text
    assert "Appel dont la fin n’est pas venue" in page
    assert "ouvert" in page

    async with runtime.database.tenant(eure.tenant) as session:
        await session.execute(sa.text("update call set state = 'ended', outcome = 'missed', ended_at = now()"))
    assert await auditing.audit_everything(runtime) == ()
    assert len(monitor.heard) == 3


async def test_an_auditor_that_stops_is_seen_from_outside(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock, visitor
) -> None:
    await auditing.audit_everything(runtime)
    moved_clock.advance(minutes=6)
    stale = await visitor.get("/health/watch")
    assert (stale.status_code, stale.json()) == (503, {"status": "late", "age_seconds": 360})


async def test_one_cooperative_that_cannot_be_audited_stops_the_heartbeat_not_the_others(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext, monitor: HeartMonitor, monkeypatch
) -> None:
    whole = queries.late_things

    async def broken(session, *, now):
        if (await session.execute(sa.text("select current_schema()"))).scalar_one() == eure.tenant.schema:
            raise RuntimeError("broken")
        return await whole(session, now=now)

    monkeypatch.setattr(queries, "late_things", broken)
    assert await auditing.audit_everything(runtime) == ("eure:audit",)
    assert monitor.heard == []
    assert len(await rows(runtime, seine_maritime, "select 1 from watch_audit")) == 1
    assert await rows(runtime, eure, "select 1 from watch_audit") == []


async def test_a_deaf_monitor_does_not_stop_the_audit(runtime: Runtime, monitor: HeartMonitor) -> None:
    monitor.status = 500
    assert await auditing.audit_everything(runtime) == ()
    assert await auditing.ping(runtime.settings) is False
    unreachable = WatchSettings(heartbeat_url=SecretStr("http://127.0.0.1:9/"))
    assert await auditing.ping(runtime.settings.model_copy(update={"watch": unreachable})) is False
    assert await auditing.ping(runtime.settings.model_copy(update={"watch": WatchSettings()})) is False


async def test_tasks_late_in_the_queue_are_found_for_whose_they_are(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext, moved_clock: MovableClock
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        for minutes in (1, 2, 30):
            await outside.defer(session, "tests.later", run_at=clock.now() + timedelta(minutes=minutes))
    moved_clock.advance(minutes=8)
    await auditing.audit_everything(runtime)
    (finding,) = await rows(runtime, eure, "select kind, subject, label from watch_finding")
    assert finding == {"kind": "task_late", "subject": "tests.later", "label": "« tests.later » en attente (2)"}
    assert await rows(runtime, seine_maritime, "select 1 from watch_finding") == []


async def test_the_federation_is_told_the_number_of_findings_only(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock, sign_in
) -> None:
    await a_call(runtime, eure, state="menu")
    moved_clock.advance(minutes=12)
    await audited(runtime, eure)
    await audited(runtime, eure)
    async with runtime.database.platform() as session:
        told = await session.execute(
            sa.text("select payload from platform.outbox_event where type = 'watch.FindingsChanged'")
        )
        assert told.scalars().all() == [{"open": 1}]
    await outbox.consume(runtime.database, consumer=federation.CONSUMER, handle=federation.count_event)
    person = await sign_in(Role.OPERATOR)
    assert "Constats ouverts du contrôle" in (await person.get("/federation/eure")).text


async def test_the_doctor_says_how_the_watch_stands(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    async def said() -> dict[str, tuple[bool, str]]:
        return {found.subject: (found.ok, found.detail) async for found in diagnosis.examine(runtime)}

    before = await said()
    assert before["contrôle permanent"] == (True, "n’a encore jamais eu lieu")  # development: no worker may run
    assert before["eure : appels d’essai"][1].startswith("non réglés")
    await a_call(runtime, eure, state="menu")
    moved_clock.advance(minutes=12)
    await auditing.audit_everything(runtime)
    moved_clock.advance(minutes=16)
    await auditing.audit_everything(runtime)
    after = await said()
    assert after["contrôle permanent"] == (False, "dernier le 01/03 à 09:28:00, en retard : eure:findings")
    assert after["eure : constats du contrôle"] == (False, "1 ouvert(s)")
    assert after["seine-maritime : constats du contrôle"] == (True, "0 ouvert(s)")


async def test_silence_counts_from_the_day_the_watch_was_set(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    """The audit alone sees that no call was ever placed: the sweep that places them may be what is dead."""
    numbers = {"number": "+33188000001", "artisan_number": "+33188000002"}
    telephony = TelephonySettings(watch=WatchCallSettings.model_validate(numbers))
    watching = runtime.settings.model_copy(update={"telephony": telephony})

    async def silent() -> bool:
        async with runtime.database.tenant(eure.tenant) as session:
            return (await look.audit(session, cooperative=eure, settings=watching)).silent

    assert not await silent()
    moved_clock.advance(minutes=30)
    assert not await silent()
    moved_clock.advance(minutes=1)
    assert await silent()
    assert await open_alarms(runtime, eure) == ["watch:silence"]
    (urgent,) = {row["urgency"] for row in await rows(runtime, eure, "select urgency from message")}
    assert urgent == "emergency"  # quiet hours do not hold it back
