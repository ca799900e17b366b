"""Rule 1 on our own switchboard: PostgreSQL stopped, or frozen. Whoever rings reaches a human; afterwards every call is
on record once."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psutil
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from maillage_app.runtime import Runtime
from maillage_app.testing.applications import application_of
from maillage_app.worker import run_handler
from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import MovableClock
from maillage_kit.embedded_postgres import EmbeddedPostgres
from maillage_kit.settings import DatabaseSettings, Settings, SipSettings, TelephonySettings
from maillage_kit.testing.sip_line import PLAN, SipLine
from maillage_tenants.calls import tasks
from maillage_tenants.calls.carriers import sip

pytestmark = pytest.mark.usefixtures("quiet_log")
SECRET = "the-secret-of-the-edge"
CALLER, NUMBER, MANAGER, FALLBACK = "+33633333301", "+33233405050", "+33612345050", "+33233405000"
NOW = datetime(2027, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
def time_line() -> Iterator[MovableClock]:
    movable = MovableClock(NOW)
    with clock.using(movable, whole_process=True):
        yield movable


@pytest.fixture
async def alone(server: EmbeddedPostgres, trades: TradeRegistry, time_line) -> AsyncIterator[Runtime]:
    """A process on that server, which has seen the directory and no call yet."""
    settings = Settings(
        environment="test",
        database=DatabaseSettings(url=server.uri, pool_size=4),
        telephony=TelephonySettings(last_resort_number="+33144000000", sip=SipSettings(secrets=(SecretStr(SECRET),))),
    )
    runtime = Runtime.start(settings, trades=trades)
    assert await runtime.directory.by_public_number(NUMBER) is not None
    yield runtime
    await runtime.close()


@pytest.fixture
async def line(alone: Runtime, time_line: MovableClock) -> AsyncIterator[SipLine]:
    app = application_of(alone)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield SipLine(client, secret=SECRET, caller=CALLER, called=NUMBER, now=time_line.now)


async def on_record(runtime: Runtime) -> list[dict[str, Any]]:
    """Every call with its legs, its case, its alarms and callbacks."""
    manche = await runtime.directory.by_slug("manche")
    assert manche is not None
    async with runtime.database.tenant(manche.tenant) as session:
        found = await session.execute(
            sa.text(
                "select c.state, c.outcome, c.caller, l.position, l.state as leg, s.display_name, i.number, "
                "(select array_agg(kind order by kind) from alarm where subject_id = c.id) as alarms, "
                "(select count(*) from callback where call_id = c.id) as callbacks from call c "
                "left join call_leg l on l.call_id = c.id "
                "left join ladder_step s on s.call_id = c.id and s.position = l.position "
                "left join intervention i on i.id = c.intervention_id order by c.started_at, l.position"
            )
        )
        return [dict(row) for row in found.mappings()]


async def settled(runtime: Runtime) -> None:
    manche = await runtime.directory.by_slug("manche")
    assert manche is not None
    async with runtime.database.tenant(manche.tenant) as session:
        waiting = (await session.execute(sa.text("select id from call where state <> 'ended'"))).scalars().all()
    for call_id in waiting:
        await run_handler(runtime, manche, tasks.settle, {"call_id": str(call_id)})


async def test_stopped_before_the_call(installed: EmbeddedPostgres, alone: Runtime, line: SipLine, time_line) -> None:
    """The list comes from memory, without a call; the news wait at the edge; then everything is there once."""
    await asyncio.to_thread(installed.stop, force=True)
    document = await line.rings()
    assert (document["call"], document["steps"], document["caller_id"]) == ("", "voice,100,101,102", NUMBER)
    assert [step["uri"].partition("@")[0] for step in document["rescue"]] == [
        f"sip:{number}" for number in (FALLBACK, MANAGER, "+33144000000")
    ]
    plans = await line.client.get(PLAN, headers=line.headers)
    assert [one["called"] for one in plans.json()["plans"]] == [NUMBER]

    begins = time_line.now()
    time_line.advance(minutes=3)

    def event(seconds: int, kind: str, **more: Any) -> dict[str, Any]:
        return line.event(kind, at=begins + timedelta(seconds=seconds), **more)

    batch = [
        event(0, "received"),
        event(0, "decided", source="app"),
        event(0, "answered", step="voice", source="app"),
        event(9, "attempt", step=100, target=f"sip:{FALLBACK}@t;user=phone"),
        event(10, "busy", step=100, target=f"sip:{FALLBACK}@t;user=phone"),
        event(10, "attempt", step=101, target=f"sip:{MANAGER}@t;user=phone"),
        event(15, "answered", step=101, target=f"sip:{MANAGER}@t;user=phone"),
        event(19, "accepted", step=101, source="voice"),
        event(60, "unbridged", step=101, source="voice"),
        event(61, "voice_ended", step="voice", source="voice"),
        event(61, "ended", step="voice"),
    ]
    assert (await line.send(batch)).status_code == 503
    await asyncio.to_thread(installed.start)
    assert (await line.send(batch)).status_code == 204
    assert (await line.send(batch)).status_code == 204
    await settled(alone)
    busy, taken = await on_record(alone)
    assert (busy["position"], busy["leg"], busy["display_name"]) == (100, "busy", "Numéro de repli")
    assert (taken["position"], taken["leg"], taken["display_name"]) == (101, "accepted", "Jeanne Lecomte")
    assert (taken["state"], taken["outcome"], taken["caller"]) == ("ended", "accepted", CALLER)
    assert (taken["number"], taken["alarms"], taken["callbacks"]) == ("I-2027-000001", ["call_rescued"], 0)


async def test_stopped_in_the_middle_of_a_call(
    installed: EmbeddedPostgres, alone: Runtime, line: SipLine, time_line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the menu, on the ladder, at the key: each answer still leads to a human."""
    monkeypatch.setattr(sip, "PATIENCE_SECONDS", 30.0)  # a busy machine that runs tests is not an outage
    await line.rings()
    await line.start()
    await asyncio.to_thread(installed.stop, force=True)
    await line.types("1")
    assert "nous vous mettons en relation" in line.said[0]
    assert [position for position, _ in line.hunt] == [100, 101, 102]
    whispered = await line.whisper(100)
    assert whispered[0]["gather"]["then"] == f"{line.here}/key/100"
    assert await line.key(100, "1") == []
    assert await line.key(101, "2") == [{"hangup": True}]
    await asyncio.to_thread(installed.start)
    target = f"sip:{FALLBACK}@t;user=phone"
    await line.tell(
        line.event("attempt", step=100, target=target),
        line.event("answered", step=100, target=target),
        line.event("accepted", step=100, source="voice"),
    )
    time_line.advance(seconds=40)
    await line.step(100, bridged=True)
    (taken,) = await on_record(alone)
    assert (taken["state"], taken["outcome"], taken["leg"]) == ("ended", "fallback", "accepted")
    assert (taken["number"], taken["alarms"]) == ("I-2027-000001", ["call_rescued"])


async def test_frozen(installed: EmbeddedPostgres, alone: Runtime, line: SipLine) -> None:
    """A server that takes questions and never answers, nor takes them back: the edge does not wait for it."""
    written = (installed.data_dir / "data" / "postmaster.pid").read_text(encoding="utf-8")
    postmaster = psutil.Process(int(written.split("\n", 1)[0]))
    stopped = [postmaster, *postmaster.children(recursive=True)]
    for process in stopped:
        process.suspend()
    try:
        began = time.monotonic()
        document = await line.rings()
        took = time.monotonic() - began
        assert (document["call"], document["steps"]) == ("", "voice,100,101,102")
        assert took < 5  # 1.5 s and what a busy machine adds; without giving up it would be for ever
    finally:
        for process in stopped:
            process.resume()
    line.call_id = "the-next-one@trunk.example"
    for _ in range(20):
        if (await line.rings())["call"]:
            break
    assert line.document["call"]
