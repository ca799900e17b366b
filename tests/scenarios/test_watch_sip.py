"""A watch call through our own switchboard, as its edge and its voice tell it: only the test artisan is hunted."""

from dataclasses import replace
from datetime import timedelta

import pytest

from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.settings import WatchCallSettings
from maillage_tenants.watch.models import WatchRun
from maillage_tenants.watch.service.running import judge, plan_run

WATCH, ARTISAN, ANA = "+33188000001", "+33188000002", "+33611111101"


@pytest.fixture
def runtime(runtime_with_edge: Runtime) -> Runtime:
    """The same, which makes watch calls too."""
    settings = runtime_with_edge.settings
    watch = WatchCallSettings(number=WATCH, artisan_number=ARTISAN)
    telephony = settings.telephony.model_copy(update={"watch": watch})
    return replace(runtime_with_edge, settings=settings.model_copy(update={"telephony": telephony}))


async def test_the_voice_is_given_nobody_but_the_test_artisan(town, dials, moved_clock) -> None:
    await town.on_call("Ana", ANA)
    async with town.runtime.database.tenant(town.cooperative.tenant) as session:
        trades = town.runtime.trades.enabled(town.cooperative.trades)
        run_id = await plan_run(session, trades=trades, settings=town.runtime.settings, by="tests")
        run = await session.get_one(WatchRun, run_id)
        run.placed_at, run.deadline_at, run.keys = clock.now(), clock.now() + timedelta(seconds=90), "1 27500"

    line = dials(WATCH)
    document = await line.rings()
    assert (document["rescue"], document["steps"], len(document["routes"])) == ([], "voice", 1)
    moved_clock.advance(seconds=2)
    await line.start()
    await line.types("1")
    await line.types("27500")
    ((position, number),) = line.hunt
    assert number == ARTISAN

    artisan = dials(town.number, called=ARTISAN)
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
    await town.settled()
    await nothing_else(town)


async def test_an_outage_told_afterwards_makes_no_case_of_a_watch_call(town, dials, moved_clock) -> None:
    """The edge decided alone: the call is written from its events, as ours, and nobody is owed anything."""
    async with town.runtime.database.tenant(town.cooperative.tenant) as session:
        run_id = await plan_run(
            session,
            trades=town.runtime.trades.enabled(town.cooperative.trades),
            settings=town.runtime.settings,
            by="tests",
        )
    line = dials(WATCH)
    events = [
        line.event("received"),
        line.event("decided", source="plan"),
        line.event("attempt", step="voice"),
        line.event("ended", step="voice"),
    ]
    moved_clock.advance(minutes=4)
    await line.tell(*events)
    await town.settled()
    assert await town.value("select watch_id from call") == run_id
    await nothing_else(town)


async def nothing_else(town) -> None:
    for table in ("intervention", "message", "callback", "alarm"):
        assert await town.value(f"select count(*) from {table}") == 0, table
