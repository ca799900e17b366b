"""The real server, killed with SIGKILL between the steps of a call and in the middle of them: no call is lost, every
case is whole. The carrier does what carriers do: it sends the webhook again."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from maillage_app.testing.real_server import Server
from maillage_kit.clock import SharedClock
from maillage_kit.http_client import http_client
from maillage_kit.settings import Settings
from maillage_kit.testing.phone_company import PhoneCompany

LEFEVRE = "+33633333301"
ANA, BILAL = "+33611111101", "+33611111102"
PONT_AUDEMER = "27467"
PUBLIC_URL = "https://urgence.example.fr"


@pytest.fixture
async def server(settings: Settings, shared_clock: SharedClock, tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(settings, tmp_path / "clock", tmp_path / "server.log", public_url=PUBLIC_URL)
    yield server
    server.kill()


@pytest.fixture
async def company(server: Server, settings: Settings, shared_clock: SharedClock) -> AsyncIterator[PhoneCompany]:
    """A carrier on the server's real address; its requests are never kept on a connection that may be dead."""
    limits = httpx.Limits(max_keepalive_connections=0)
    async with http_client(base_url=server.url, limits=limits, timeout=30) as client:
        yield PhoneCompany(
            client,
            public_url=PUBLIC_URL,
            token=settings.telephony.auth_tokens[0].get_secret_value(),
            clock=shared_clock,
        )


async def tell_the_story(town, company: PhoneCompany) -> None:
    """Ana's machine answers, Bilal takes the call, Madame Lefèvre hangs up: thirteen webhooks."""
    ana, bilal = company.phone("Ana", ANA), company.phone("Bilal", BILAL)
    ana.rings().is_a_machine()
    bilal.rings().presses("1")
    call = await company.calls(LEFEVRE, town.number)
    await call.presses("1")
    assert call.talks_to is bilal
    await call.hangs_up()
    company.is_quiet()


async def everything_is_whole(town) -> None:
    stored = await town.row("select * from call")
    assert (stored["state"], stored["outcome"], stored["accepted_position"]) == ("ended", "accepted", 1)
    assert await town.legs() == [("Ana", "not_accepted"), ("Bilal", "accepted")]
    case = await town.row("select * from intervention")
    assert (case["state"], case["technician_id"], case["number"]) == (
        "accepted",
        town.people["Bilal"],
        "I-2027-000001",
    )
    codes = [row["code"] for row in await town.rows("select code from intervention_clock order by code")]
    assert codes == ["T0", "T1", "T3", "T4"]
    kinds = [row["kind"] for row in await town.rows("select kind from intervention_event order by id")]
    assert kinds == ["opened", "accepted"]
    assert await town.value("select count(*) from message") == 1
    assert await town.rows("select 1 from callback") == []
    assert await town.rows("select 1 from alarm") == []
    assert (await town.ended())["accepted_kind"] == "rank2"


@pytest.fixture
async def people(town, shared_clock):
    await town.on_call("Ana", ANA)
    await town.on_call("Bilal", BILAL, rank=2)
    await town.customer("Madame Lefèvre", LEFEVRE, ("12 rue de la République", PONT_AUDEMER))


@pytest.mark.slow
async def test_killed_between_every_step(town, people, server: Server, company: PhoneCompany) -> None:
    seen: set[str] = set()

    async def kill_and_restart(path: str) -> None:
        if path not in seen:  # news of one line have one address: killed before the first of them
            seen.add(path)
            server.kill()
            await server.start()

    company.before_webhook = kill_and_restart
    await tell_the_story(town, company)
    assert server.killed == len(seen) - 1 >= 9
    assert len(company.webhooks) >= 13
    await everything_is_whole(town)


@pytest.mark.slow
async def test_killed_in_the_middle_of_the_steps(town, people, server: Server, company: PhoneCompany) -> None:
    """The process dies a few milliseconds after the request left: before, during or after the commit."""
    chance = random.Random(27)
    cut: list[asyncio.Task[None]] = []

    async def kill_soon(_path: str) -> None:
        if cut:
            await cut.pop()
        if not server.running:
            await server.start()
        if chance.random() < 0.6:

            async def kill() -> None:
                await asyncio.sleep(chance.uniform(0.0, 0.06))
                server.kill()

            cut.append(asyncio.create_task(kill()))

    company.before_webhook = kill_soon
    company.retries = 20
    await tell_the_story(town, company)
    for task in cut:
        await task
    assert server.killed >= 5
    await everything_is_whole(town)
