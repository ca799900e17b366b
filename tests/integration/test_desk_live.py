"""The live stream: a commit in one cooperative reaches its open pages, and no other's."""

import asyncio
from typing import Any

from maillage_app.events import stream
from maillage_app.runtime import Runtime
from maillage_kit import clock, outside
from maillage_kit.context import CooperativeContext
from maillage_kit.live import LiveBus, Notice
from maillage_kit.permissions import Role
from maillage_tenants import alarms, interventions
from maillage_tenants.interventions import NewCase, Source


async def listen(bus: LiveBus, role: str, *, everything: bool = True, heartbeat: float = 5.0) -> Any:
    events = stream(bus, role, everything=everything, heartbeat=heartbeat, coalesce=0.05)
    opened = await anext(events)
    assert opened.comment == "ouvert"
    return events


async def test_a_commit_reaches_the_open_page_once_per_topic(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext
) -> None:
    listening = asyncio.create_task(runtime.live.run())
    await asyncio.wait_for(runtime.live.connected.wait(), 5)
    ours = await listen(runtime.live, eure.tenant.role)
    theirs = await listen(runtime.live, seine_maritime.tenant.role, heartbeat=0.5)
    async with runtime.database.tenant(eure.tenant) as session:
        for _ in range(3):
            await outside.notify(session, "calls")
        case = await interventions.open_case(
            session, facts=NewCase(source=Source.DESK, requested_at=clock.now(), by="tests")
        )
    seen = {(await asyncio.wait_for(anext(ours), 5)).event for _ in range(2)}
    assert seen == {"calls", "cases"}
    quiet = await asyncio.wait_for(anext(theirs), 5)
    assert quiet.event is None and quiet.comment, "only a heartbeat"
    assert case.number == "I-2027-000001"
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_an_artisan_hears_about_cases_only() -> None:
    bus = LiveBus("unused")
    events = await listen(bus, "r", everything=False)
    for topic in ("calls", "alarms", "case:1", "cases"):
        bus._fan_out("r", Notice(topic, "s"))
    assert [(await anext(events)).event for _ in range(2)] == ["case:1", "cases"]


async def test_the_stream_ends_after_a_lost_connection_so_that_the_page_fetches_everything() -> None:
    bus = LiveBus("unused")
    events = await listen(bus, "r")
    bus._fan_out(None, Notice("resync", ""))
    assert [event async for event in events] == []
    assert not bus._queues, "nobody listens any more"


async def test_alarms_are_taken_and_settled_from_the_board(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext, sign_in: Any
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        await alarms.raise_alarm(
            session, kind="essai", severity=alarms.Severity.CRITICAL, title="Personne ne répond", dedupe_key="essai"
        )
        (alarm,) = await alarms.open_alarms(session)
    desk, other = await sign_in(Role.MANAGER, eure), await sign_in(Role.MANAGER, seine_maritime)
    assert "Personne ne répond" in (await desk.get("/c/eure/desk/board")).text
    assert (await other.post(f"/c/seine-maritime/desk/alarms/{alarm.id}/acknowledge")).status_code == 404
    await desk.post(f"/c/eure/desk/alarms/{alarm.id}/acknowledge")
    assert "pris en charge par Camille Test" in (await desk.get("/c/eure/desk/board")).text
    await desk.post(f"/c/eure/desk/alarms/{alarm.id}/resolve")
    assert "Personne ne répond" not in (await desk.get("/c/eure/desk/board")).text


async def test_a_new_request_says_what_is_missing_and_finds_the_customer(
    runtime: Runtime, eure: CooperativeContext, sign_in: Any
) -> None:
    desk = await sign_in(Role.MANAGER, eure)
    refused = await desk.post("/c/eure/desk/new", {"trade": "plumbing", "caller_phone": "12", "commune": "27500"})
    assert refused.status_code == 422
    for words in ("Numéro de téléphone non valable", "Choisissez la commune", "Pont-Audemer"):
        assert words in refused.text, words
    found = await desk.get("/c/eure/desk/new/communes?commune=pont-aud")
    assert "Pont-Audemer" in found.text and "<html" not in found.text
    nobody = await desk.get("/c/eure/desk/new/customers?who=Zzyzx")
    assert "Aucun client trouvé" in nobody.text
    questions = await desk.post("/c/eure/cases/triage-questions", {"trade": "locksmith", "q_danger": "none"})
    assert "porte claquée" in questions.text and "<html" not in questions.text
