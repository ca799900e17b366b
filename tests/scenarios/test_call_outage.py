"""Rule 1 with PostgreSQL stopped: the caller talks to the fallback number, and the call is put on record afterwards."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_app.testing.applications import application_of
from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import MovableClock
from maillage_kit.embedded_postgres import EmbeddedPostgres
from maillage_kit.settings import DatabaseSettings, Settings, TelephonySettings
from maillage_kit.testing.phone_company import PhoneCompany
from maillage_platform.cooperatives import directory as directory_module

pytestmark = pytest.mark.usefixtures("quiet_log")
CALLER = "+33633333301"
LAST_RESORT = "+33144000000"
NOW = datetime(2027, 3, 1, 8, tzinfo=UTC)


def over(app: Any) -> httpx.ASGITransport:
    """An error inside is an answer 500, as from a server."""
    return httpx.ASGITransport(app=app, raise_app_exceptions=False)


@pytest.fixture
async def alone(server: EmbeddedPostgres, trades: TradeRegistry) -> AsyncIterator[Runtime]:
    """A process on that server."""
    settings = Settings(
        environment="test",
        database=DatabaseSettings(url=server.uri, pool_size=4),
        telephony=TelephonySettings(last_resort_number=LAST_RESORT),
    )
    with clock.using(MovableClock(NOW), whole_process=True):
        runtime = Runtime.start(settings, trades=trades)
        yield runtime
        await runtime.close()


@pytest.fixture
async def company(alone: Runtime) -> AsyncIterator[PhoneCompany]:
    transport = over(application_of(alone))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        company = PhoneCompany(
            client,
            public_url=alone.settings.web.public_url,
            token=alone.settings.telephony.auth_tokens[0].get_secret_value(),
        )
        company.phone("Responsable", "+33612345050")
        company.phone("Repli", "+33233405000")
        company.phone("Dernier recours", LAST_RESORT)
        company.misbehaves.does_not_mind_failed_news = True
        yield company


async def calls_of(runtime: Runtime) -> list[dict[str, object]]:
    manche = await runtime.directory.by_slug("manche")
    assert manche is not None
    async with runtime.database.tenant(manche.tenant) as session:
        found = await session.execute(
            sa.text(
                "select c.state, c.outcome, c.caller, c.routing_note, s.display_name, l.state as leg, "
                "i.number, a.kind as alarm from call c left join ladder_step s on s.call_id = c.id "
                "left join call_leg l on l.call_id = s.call_id and l.position = s.position "
                "left join intervention i on i.id = c.intervention_id left join alarm a on a.subject_id = c.id "
                "order by c.started_at, s.position"
            )
        )
        return [dict(row) for row in found.mappings()]


async def test_postgresql_stopped_before_the_call(server: EmbeddedPostgres, alone: Runtime, company: PhoneCompany):
    assert await alone.directory.by_public_number("+33233405050") is not None
    fallback = company.phone("Repli", "+33233405000")
    fallback.rings().presses("1")
    await asyncio.to_thread(server.stop, force=True)

    call = await company.calls(CALLER, "+33233405050")
    assert call.talks_to is fallback
    await call.hangs_up()
    company.is_quiet()
    assert len(company.failed_news) == 5  # four of the leg, one of the line: nobody could write them

    await asyncio.to_thread(server.start)
    await company.tells_again()
    (stored,) = await calls_of(alone)
    assert stored == {
        "state": "ended",
        "outcome": "fallback",
        "caller": CALLER,
        "routing_note": stored["routing_note"],
        "display_name": "Numéro de repli",
        "leg": "accepted",
        "number": "I-2027-000001",
        "alarm": "call_rescued",
    }
    assert str(stored["routing_note"]).startswith("Reconstitué après coup")


async def test_postgresql_stopped_during_the_call(server: EmbeddedPostgres, alone: Runtime, company: PhoneCompany):
    fallback = company.phone("Repli", "+33233405000")
    manager = company.phone("Responsable", "+33612345050")
    call = await company.calls(CALLER, "+33233405050")
    await asyncio.to_thread(server.stop, force=True)
    fallback.rings().is_busy()
    manager.rings().is_unreachable()
    company.phone("Dernier recours", LAST_RESORT).rings().presses("1")

    await call.presses("1")
    assert call.rung == ["Repli", "Responsable", "Dernier recours"]
    assert call.talks_to is company.phone("Dernier recours", LAST_RESORT)
    await call.hangs_up()

    await asyncio.to_thread(server.start)
    await company.tells_again()
    rows = await calls_of(alone)
    assert [(row["display_name"], row["leg"]) for row in rows] == [
        ("Numéro de repli", "busy"),
        ("Jeanne Lecomte", "unreachable"),
        ("Numéro de dernier recours", "accepted"),
    ]
    assert {row["outcome"] for row in rows} == {"fallback"}


async def test_postgresql_stopped_while_somebody_accepts(
    server: EmbeddedPostgres, alone: Runtime, company: PhoneCompany
):
    """The key cannot be written: the two talk all the same, and the record is made whole when the carrier tells."""
    manager = company.phone("Responsable", "+33612345050")
    manager.rings().presses("1")

    async def stop_before_the_key(path: str) -> None:
        if "/whisper/" in path:
            await asyncio.to_thread(server.stop, force=True)

    company.before_webhook = stop_before_the_key
    call = await company.calls(CALLER, "+33233405050")
    await call.waits()
    await call.presses("00000")
    await call.presses("00000")
    assert call.talks_to is manager
    assert "Appel d’urgence" in manager.heard[0]
    company.before_webhook = None
    await asyncio.to_thread(server.start)
    await call.hangs_up()
    (taken, _fallback) = await calls_of(alone)
    assert (taken["outcome"], taken["leg"], taken["display_name"]) == ("accepted", "accepted", "Jeanne Lecomte")


async def test_the_first_call_after_a_restart_is_routed_as_usual(
    server: EmbeddedPostgres, alone: Runtime, company: PhoneCompany
):
    """Dead connections left in the pool do not send a caller to the fallback number."""
    first = await company.calls(CALLER, "+33233405050")
    await first.hangs_up()
    await asyncio.to_thread(server.stop, force=True)
    await asyncio.to_thread(server.start)
    second = await company.calls(CALLER, "+33233405050")
    assert second.heard("Vous êtes bien chez Dépannage Manche")
    await second.hangs_up()
    assert len(await calls_of(alone)) == 2


async def test_a_database_that_hangs_does_not_keep_the_caller_waiting(
    alone: Runtime, company: PhoneCompany, monkeypatch: pytest.MonkeyPatch
):
    """A lock that never ends: the answer comes before carriers give up."""
    from maillage_tenants.calls import switchboard

    monkeypatch.setattr(switchboard, "ANSWER_WITHIN_SECONDS", 0.5)
    monkeypatch.setattr(directory_module, "FRESH_SECONDS", 600.0)
    manche = await alone.directory.by_slug("manche")
    assert manche is not None
    fallback = company.phone("Repli", "+33233405000")
    fallback.rings().presses("1")
    async with alone.database.tenant(manche.tenant) as holder:
        await holder.execute(sa.text("lock table call in access exclusive mode"))
        company.misbehaves.lose_status = True
        async with asyncio.timeout(5):
            call = await company.calls(CALLER, "+33233405050")
        assert call.talks_to is fallback
    await call.hangs_up()


async def test_a_process_that_never_saw_the_directory_has_a_last_resort(
    server: EmbeddedPostgres, alone: Runtime, company: PhoneCompany
):
    last = company.phone("Dernier recours", LAST_RESORT)
    last.rings().presses("1")
    await asyncio.to_thread(server.stop, force=True)
    blind = Runtime.start(alone.settings, trades=alone.trades)
    transport = over(application_of(blind))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        company.client = client
        call = await company.calls(CALLER, "+33233405050")
        assert call.talks_to is last
        await call.hangs_up()
    await blind.close()
