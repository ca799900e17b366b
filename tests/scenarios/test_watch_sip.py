"""A watch call through our own switchboard, as its edge and its voice tell it: only the test artisan is hunted."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from maillage_app.app import build_app
from maillage_app.runtime import Runtime
from maillage_app.worker import run_handler
from maillage_kit import clock
from maillage_kit.clock import MovableClock
from maillage_kit.settings import Settings, SipSettings, TelephonySettings, WatchCallSettings
from maillage_kit.testing.sip_line import SipLine
from maillage_tenants.calls import tasks
from maillage_tenants.watch.models import WatchRun
from maillage_tenants.watch.service.running import judge, plan_run

SECRET = "the-secret-of-the-edge"
WATCH, ARTISAN, ANA = "+33188000001", "+33188000002", "+33611111101"


@pytest.fixture
async def runtime(settings: Settings, trades, moved_clock: MovableClock) -> AsyncIterator[Runtime]:
    telephony = TelephonySettings(
        sip=SipSettings(secrets=(SecretStr(SECRET),)), watch=WatchCallSettings(number=WATCH, artisan_number=ARTISAN)
    )
    started = Runtime.start(settings.model_copy(update={"telephony": telephony}), trades=trades)
    yield started
    await started.close()


@pytest.fixture
async def client(town) -> AsyncIterator[httpx.AsyncClient]:
    app: Any = build_app(town.runtime)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def test_the_voice_is_given_nobody_but_the_test_artisan(town, client, moved_clock) -> None:
    await town.on_call("Ana", ANA)
    async with town.runtime.database.tenant(town.cooperative.tenant) as session:
        trades = town.runtime.trades.enabled(town.cooperative.trades)
        run_id = await plan_run(session, trades=trades, settings=town.runtime.settings, by="tests")
        run = await session.get_one(WatchRun, run_id)
        run.placed_at, run.deadline_at, run.keys = clock.now(), clock.now() + timedelta(seconds=90), "1 27500"

    line = SipLine(client, secret=SECRET, caller=WATCH, called=town.number, now=moved_clock.now)
    document = await line.rings()
    assert (document["rescue"], document["steps"], len(document["routes"])) == ([], "voice", 1)
    moved_clock.advance(seconds=2)
    await line.start()
    await line.types("1")
    await line.types("27500")
    ((position, number),) = line.hunt
    assert number == ARTISAN

    artisan = SipLine(client, secret=SECRET, caller=town.number, called=ARTISAN, now=moved_clock.now)
    assert (await artisan.rings())["answer"] == "press_1"

    moved_clock.advance(seconds=3)
    await line.tell(line.event("attempt", step=position), line.event("answered", step=position))
    await line.whisper(position)
    moved_clock.advance(seconds=4)
    assert await line.key(position, "1") == []
    await line.tell(line.event("accepted", step=position), line.event("bridged", step=position))
    async with town.runtime.database.tenant(town.cooperative.tenant) as session:
        assert await judge(session, run_id=run_id) == 1
    run = await town.row("select outcome, accepted_at - placed_at as took from watch_run")
    assert run == {"outcome": "success", "took": timedelta(seconds=9)}
    moved_clock.advance(seconds=5)
    await line.tell(line.event("voice_ended", step="voice"), line.event("ended", step="voice"))
    await settled(town)
    await nothing_else(town)


async def test_an_outage_told_afterwards_makes_no_case_of_a_watch_call(town, client, moved_clock) -> None:
    """The edge decided alone: the call is written from its events, as ours, and nobody is owed anything."""
    async with town.runtime.database.tenant(town.cooperative.tenant) as session:
        run_id = await plan_run(
            session,
            trades=town.runtime.trades.enabled(town.cooperative.trades),
            settings=town.runtime.settings,
            by="tests",
        )
    line = SipLine(client, secret=SECRET, caller=WATCH, called=town.number, now=moved_clock.now)
    events = [
        line.event("received"),
        line.event("decided", source="plan"),
        line.event("attempt", step="voice"),
        line.event("ended", step="voice"),
    ]
    moved_clock.advance(minutes=4)
    await line.tell(*events)
    await settled(town)
    assert await town.value("select watch_id from call") == run_id
    await nothing_else(town)


async def settled(town) -> None:
    """What is concluded once every source has had the time to tell."""
    for row in await town.rows("select id from call where state <> 'ended' and line_ended_at is not null"):
        await run_handler(town.runtime, town.cooperative, tasks.settle, {"call_id": str(row["id"])})


async def nothing_else(town) -> None:
    for table in ("intervention", "message", "callback", "alarm"):
        assert await town.value(f"select count(*) from {table}") == 0, table
