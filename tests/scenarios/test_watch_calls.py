"""The guard of the guard by telephone: a carrier places our own call to the real number; nobody else is disturbed."""

import json
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

import psycopg
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from maillage_app.runtime import Runtime
from maillage_app.worker import run_handler, tenant_handlers
from maillage_kit import clock
from maillage_kit.permissions import Role
from maillage_kit.settings import CarrierApiSettings, Settings, SipSettings, TelephonySettings, WatchCallSettings
from maillage_kit.testing.message_carriers import http_carrier
from maillage_kit.testing.phone_company import CallPhase, LiveCall, Phone
from maillage_platform import federation, outbox
from maillage_platform.tasks import TaskRunner
from maillage_tenants.calls import switchboard
from maillage_tenants.calls.carriers.sip import SipCarrier
from maillage_tenants.calls.plan import TEST_ARTISAN, Hangup, NobodyElse, Say
from maillage_tenants.watch import rules
from maillage_tenants.watch.service import auditing, choosing
from maillage_tenants.watch.service.running import judge, plan_run
from maillage_tenants.watch.tasks import look_for_watch_calls, place

WATCH, ARTISAN = "+33188000001", "+33188000002"
ANA, MANAGER = "+33611111101", "+33612345601"
EVERY = timedelta(minutes=15)


@dataclass
class Exchange:
    """Where calls are asked for over HTTP: a carrier's REST API, or the voice process. Answers what it is told."""

    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    believed: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    state = Exchange()

    def answer(method: str, path: str, headers: Any, body: bytes) -> tuple[int, object]:
        form = (
            json.loads(body)
            if headers["Content-Type"].startswith("application/json")
            else {key: values[0] for key, values in parse_qs(body.decode()).items()}
        )
        state.asked.append((path, form))
        state.believed.append(b64decode(headers["Authorization"].removeprefix("Basic ")).decode())
        return state.answers.pop(0) if state.answers else 201, {"sid": f"CA{len(state.asked):032d}"}

    with http_carrier(answer) as state.url:
        yield state


@pytest.fixture
def settings(settings: Settings, exchange: Exchange) -> Settings:
    """Watch calls placed through the carrier's REST API."""
    watch = WatchCallSettings(number=WATCH, artisan_number=ARTISAN)
    api = CarrierApiSettings(base_url=exchange.url, account_sid="AC1", auth_token=SecretStr("secret"))
    return settings.model_copy(update={"telephony": TelephonySettings(watch=watch, api=api)})


@pytest.fixture
async def ana(town) -> AsyncIterator[Phone]:
    """A real artisan on call, whom no watch call may ring."""
    phone = await town.on_call("Ana", ANA)
    town.company.phone("Artisan d’essai", ARTISAN)
    yield phone


async def sweeps(town) -> None:
    await run_handler(town.runtime, town.cooperative, look_for_watch_calls, {})


async def judged(town) -> None:
    """What the sweep does first; it may plan a call too, at a minute that depends on the cooperative's id."""
    async with town.runtime.database.tenant(town.cooperative.tenant) as session:
        await judge(session)


async def works(town) -> None:
    """Run the background tasks that are due."""

    async def run(handler, role, args) -> None:
        await run_handler(town.runtime, town.cooperative, handler, args)

    await TaskRunner(town.runtime.database.url, handlers=tenant_handlers(), run_for_tenant=run).run_due()


async def planned(town, *, keys: str = "") -> None:
    """A run is planned and its task is run: the call is asked for."""
    runtime: Runtime = town.runtime
    async with runtime.database.tenant(town.cooperative.tenant) as session:
        if keys:
            await choosing.choose(session, enabled=True, keys=keys, operator_email="", by="tests")
        trades = runtime.trades.enabled(town.cooperative.trades)
        await plan_run(session, trades=trades, settings=runtime.settings, by="tests")
    await works(town)


async def dials(town, exchange: Exchange) -> LiveCall:
    """The carrier does what it was asked last: dials, and types the keys at the times the document says."""
    _, form = exchange.asked[-1]
    call: LiveCall = await town.company.calls(form["From"], form["To"])
    for verb in ElementTree.fromstring(form["Twiml"]):
        if call.state is not CallPhase.ASKED:
            break
        if verb.tag == "Pause":
            await town.company.passes(float(verb.attrib["length"]))
        elif verb.tag == "Play":
            await call.presses(verb.attrib["digits"])
    return call


async def test_artisan(town) -> float:
    """What the line of the test artisan is told to do: the seconds before it presses 1."""
    answer = await town.company.send(
        town.company.voice_path,
        {"CallSid": "CA-artisan", "From": town.number, "To": ARTISAN, "CallStatus": "ringing"},
    )
    waited = 0.0
    for verb in ElementTree.fromstring(answer.text):
        if verb.tag == "Pause":
            waited += float(verb.attrib["length"])
        elif verb.tag == "Play":
            assert verb.attrib["digits"] == "1"
            return waited
    raise AssertionError(answer.text)


test_artisan.__test__ = False  # type: ignore[attr-defined]


async def run_of(town) -> dict[str, Any]:
    found: dict[str, Any] = await town.row("select * from watch_run order by planned_at desc limit 1")
    return found


async def nobody_was_disturbed(town) -> None:
    """No case, no message, no callback, no count: only the watch knows of this call."""
    for table in ("intervention", "message", "callback"):
        assert await town.value(f"select count(*) from {table}") == 0, table
    async with town.runtime.database.platform() as session:
        told = await session.execute(sa.text("select count(*) from platform.outbox_event where type like 'calls.%'"))
        assert told.scalar_one() == 0


async def test_a_watch_call_rings_the_real_number_and_only_the_test_artisan(town, ana, exchange, sign_in, moved_clock):
    slot = rules.slot(town.cooperative.id, now=clock.now(), every=EVERY)
    moved_clock.move_to(slot + EVERY + timedelta(seconds=20))
    await sweeps(town)
    await works(town)
    ((path, form),) = exchange.asked
    assert path == "/2010-04-01/Accounts/AC1/Calls.json"
    assert (form["From"], form["To"]) == (WATCH, town.number)
    assert exchange.believed == ["AC1:secret"]

    phone = town.company.phone("Artisan d’essai", ARTISAN)
    phone.rings().presses("1", after=1.0, thinks=await test_artisan(town))
    call = await dials(town, exchange)
    assert call.talks_to is phone
    await call.is_left()
    assert (call.rung, call.state) == (["Artisan d’essai"], CallPhase.OVER)

    await sweeps(town)
    run = await run_of(town)
    assert (run["outcome"], run["failure"], run["planned_by"]) == ("success", "", "Maillage")
    assert run["placed_at"] <= run["arrived_at"] < run["rang_at"] < run["answered_at"] < run["accepted_at"]
    await nobody_was_disturbed(town)
    assert await town.value("select count(*) from alarm") == 0
    steps = await town.ladder()
    assert [step["display_name"] for step in steps if not step["skipped"]] == ["Artisan d’essai"]
    assert len(steps) > 2  # who a caller would have met is there, left out and told why
    # a second look changes nothing
    await sweeps(town)
    assert await town.value("select count(*) from watch_run") == 1

    desk = await sign_in(Role.MANAGER, town.cooperative)
    moved_clock.advance(minutes=12)
    board = (await desk.get("/c/eure/desk")).text
    assert "Dernier appel d’essai réussi : il y a 12\u00a0min" in board
    log = (await desk.get("/c/eure/calls")).text
    assert "Aucun appel" in log
    page = (await desk.get("/c/eure/watch")).text
    assert "Réussi" in page
    assert "touche 1" in page
    assert (await desk.get(f"/c/eure/calls/{run['call_id']}")).status_code == 200
    # when its time comes, a call waits for the one that somebody has just asked for
    moved_clock.move_to(slot + 2 * EVERY - timedelta(seconds=5))
    await planned(town)
    moved_clock.advance(seconds=10)
    await sweeps(town)
    assert await town.value("select count(*) from watch_run") == 2


async def test_the_federation_learns_it_from_the_outbox(town, ana, exchange, sign_in, moved_clock):
    await planned(town)
    town.company.phone("Artisan d’essai", ARTISAN).rings().presses("1")
    await (await dials(town, exchange)).is_left()
    await judged(town)
    database = town.runtime.database
    await outbox.consume(database, consumer=federation.CONSUMER, handle=federation.count_event)
    moved_clock.advance(minutes=7)
    person = await sign_in(Role.OPERATOR)
    assert "il y a 7\u00a0min" in (await person.get("/federation")).text
    for _ in range(2):
        exchange.answers.append(503)
        await planned(town)
        moved_clock.advance(minutes=15)
    await outbox.consume(database, consumer=federation.CONSUMER, handle=federation.count_event)
    assert "2 échecs depuis" in (await person.get("/federation")).text
    assert "réponse 503" in (await person.get("/federation/eure")).text


async def test_the_test_artisan_does_not_answer(town, ana, exchange):
    await planned(town)
    town.company.phone("Artisan d’essai", ARTISAN).rings().does_not_answer()
    call = await dials(town, exchange)
    assert (call.rung, call.state) == (["Artisan d’essai"], CallPhase.OVER)
    await judged(town)
    run = await run_of(town)
    assert (run["outcome"], run["failure"]) == ("failed", "L’artisan d’essai a sonné et n’a pas décroché.")
    await nobody_was_disturbed(town)
    assert await town.value("select outcome from call") == "missed"


@pytest.mark.parametrize(
    ("ring", "said"),
    [
        ("is_busy", "L’artisan d’essai était occupé."),
        ("is_unreachable", "L’opérateur n’a pas pu joindre l’artisan d’essai."),
        ("is_a_machine", "L’artisan d’essai a décroché, mais sa touche 1 n’a pas été reçue."),
        ("and_the_caller_hangs_up", "La ligne a été coupée pendant que l’artisan d’essai sonnait."),
    ],
)
async def test_each_way_to_fail_is_told_and_rings_nobody(town, ana, exchange, ring, said):
    await planned(town)
    getattr(town.company.phone("Artisan d’essai", ARTISAN).rings(), ring)()
    call = await dials(town, exchange)
    assert call.state is CallPhase.OVER
    await judged(town)
    assert (await run_of(town))["failure"] == said
    await nobody_was_disturbed(town)


async def test_the_menu_did_not_hear_the_keys(town, ana, exchange):
    """Accepted by the test artisan, but a caller would have ended at the manager: the keypad is dead."""
    await planned(town, keys="1 99999 99999")
    town.company.phone("Artisan d’essai", ARTISAN).rings().presses("1")
    await (await dials(town, exchange)).is_left()
    await judged(town)
    run = await run_of(town)
    assert run["outcome"] == "failed"
    assert run["failure"].startswith("Le menu n’a pas compris les touches. Code postal « 99999 » inconnu ici")


async def test_a_danger_typed_by_mistake_opens_no_case(town, ana, exchange):
    await planned(town, keys="9")
    call = await dials(town, exchange)
    assert (call.rung, call.state) == ([], CallPhase.OVER)
    await judged(town)
    assert (await run_of(town))["failure"].startswith("L’appel s’est arrêté au menu")
    await nobody_was_disturbed(town)


async def test_the_carrier_refuses(town, ana, exchange):
    exchange.answers.append(400)
    await planned(town)
    run = await run_of(town)
    assert (run["outcome"], run["failure"]) == ("failed", "L’opérateur a refusé l’appel (réponse 400).")
    assert await town.value("select count(*) from call") == 0


async def test_the_call_never_arrives(town, ana, exchange, moved_clock):
    await planned(town)
    await judged(town)
    assert (await run_of(town))["outcome"] is None
    moved_clock.advance(seconds=91)
    await works(town)  # the deadline's own task
    assert (await run_of(town))["failure"] == rules.NOT_ARRIVED


async def test_the_database_is_slow(town, ana, exchange, monkeypatch, moved_clock, settings):
    """While the switchboard cannot decide, a caller is put through to the fallback number: a watch call is not."""
    await planned(town)
    monkeypatch.setattr(switchboard, "ANSWER_WITHIN_SECONDS", 0.3)
    town.troubles |= {"inbound_rescued", "caller_rescued"}
    town.company.misbehaves.lose_status = True
    with psycopg.connect(settings.database.url) as lock:
        lock.execute("lock table t0001.call in access exclusive mode")
        call = await dials(town, exchange)
    assert (call.rung, call.state) == ([], CallPhase.OVER)
    moved_clock.advance(seconds=91)
    await judged(town)
    assert (await run_of(town))["outcome"] == "failed"
    await nobody_was_disturbed(town)


async def test_the_database_stops_in_the_middle(town, ana, exchange, monkeypatch, settings):
    """The first words were said, the key finds no database: the line is hung up, nobody is rung."""
    await planned(town)
    call = await town.company.calls(WATCH, town.number)
    monkeypatch.setattr(switchboard, "ANSWER_WITHIN_SECONDS", 0.3)
    town.troubles |= {"caller_rescued"}
    town.company.misbehaves.lose_status = True
    with psycopg.connect(settings.database.url) as lock:
        lock.execute("lock table t0001.call in access exclusive mode")
        await call.presses("1")
    assert (call.rung, call.state) == ([], CallPhase.OVER)


async def test_a_call_from_the_watch_number_that_nobody_expects_is_a_caller(town, ana, moved_clock):
    """Showing our number gives nobody a way to be silenced: without a run under way, the artisan on call rings."""
    ana.rings().presses("1")
    call = await town.company.calls(WATCH, town.number)
    await call.presses("1")
    await call.presses("27500")
    assert call.talks_to is ana
    await call.hangs_up()
    assert await town.value("select count(*) from intervention") == 1
    assert await town.value("select watch_id from call") is None


async def test_expected_only_for_a_while(town, ana, exchange, moved_clock):
    await planned(town, keys="1 27500")
    moved_clock.advance(minutes=10)
    await judged(town)
    ana.rings().presses("1")
    call = await dials(town, exchange)
    assert call.talks_to is ana
    await call.hangs_up()
    assert (await run_of(town))["failure"] == rules.NOT_ARRIVED


async def test_a_task_that_comes_twice_or_late(town, ana, exchange, moved_clock):
    await planned(town)
    run = await run_of(town)
    await run_handler(town.runtime, town.cooperative, place, {"run_id": str(run["id"])})
    assert len(exchange.asked) == 1
    moved_clock.advance(minutes=3)
    await judged(town)

    async with town.runtime.database.tenant(town.cooperative.tenant) as session:
        trades = town.runtime.trades.enabled(town.cooperative.trades)
        late = await plan_run(session, trades=trades, settings=town.runtime.settings, by="tests")
    moved_clock.advance(seconds=61)
    await run_handler(town.runtime, town.cooperative, place, {"run_id": str(late)})
    assert len(exchange.asked) == 1
    assert (await run_of(town))["failure"] == rules.NOT_PLACED_IN_TIME


async def test_news_of_the_test_artisans_own_line_are_nobodys(town, ana):
    form = {"CallSid": "CA-artisan", "From": town.number, "To": ARTISAN, "CallStatus": "completed"}
    answer = await town.company.send(town.company.status_path, form)
    assert answer.status_code == 204
    assert await town.value("select count(*) from call") == 0


async def test_two_periods_of_silence_are_told_by_a_second_channel_once(town, ana, exchange, moved_clock, sign_in):
    await look_over(town)  # the watch begins
    for _ in range(3):
        moved_clock.advance(minutes=15)
        exchange.answers.append(500)
        await planned(town)
    await look_over(town)
    alarm = await town.row("select * from alarm where resolved_at is null")
    assert (alarm["kind"], alarm["severity"], alarm["link"]) == ("watch_silence", "critical", "/watch")
    told = await town.rows("select channel, recipient, purpose from message order by channel, recipient")
    assert [(row["channel"], row["recipient"]) for row in told] == [
        ("email", town.cooperative.email),
        ("sms", MANAGER),  # the fallback number is a land line: it receives no text
    ]
    moved_clock.advance(minutes=15)
    await look_over(town)
    assert await town.value("select count(*) from message") == 2
    assert await town.value("select count(*) from alarm") == 1

    town.company.phone("Artisan d’essai", ARTISAN).rings().presses("1")
    await planned(town)
    await (await dials(town, exchange)).is_left()
    await judged(town)
    await look_over(town)
    assert await town.value("select count(*) from alarm where resolved_at is null") == 0


async def look_over(town) -> auditing.Report:
    async with town.runtime.database.tenant(town.cooperative.tenant) as session:
        return await auditing.audit(session, cooperative=town.cooperative, settings=town.runtime.settings)


async def test_switched_off_nothing_calls_and_nothing_alarms(town, ana, exchange, moved_clock, sign_in):
    desk = await sign_in(Role.MANAGER, town.cooperative)
    saved = await desk.post("/c/eure/watch/settings", {"keys": "1  27500", "operator_email": ""})
    assert saved.status_code == 303
    assert (await town.row("select enabled, keys from watch_setting")) == {"enabled": False, "keys": "1 27500"}
    moved_clock.advance(hours=3)
    slot = rules.slot(town.cooperative.id, now=clock.now(), every=EVERY)
    moved_clock.move_to(slot + EVERY)
    await sweeps(town)
    assert not (await look_over(town)).silent
    assert exchange.asked == []
    assert "Les appels d’essai sont arrêtés" in (await desk.get("/c/eure/watch")).text
    wrong = await desk.post("/c/eure/watch/settings", {"keys": "un", "operator_email": "personne"})
    assert wrong.status_code == 422
    assert "un groupe par question" in wrong.text


async def test_the_office_asks_for_a_call(town, ana, exchange, sign_in):
    desk = await sign_in(Role.MANAGER, town.cooperative)
    assert (await desk.post("/c/eure/watch/calls")).status_code == 303
    await desk.post("/c/eure/watch/calls")  # one is under way: refused with a word
    await works(town)
    assert len(exchange.asked) == 1
    assert "En cours" in (await desk.get("/c/eure/watch")).text
    assert (await run_of(town))["planned_by"] == "Camille Test"


async def test_the_voice_process_of_our_own_switchboard_places_it(town, ana, exchange):
    """Without a carrier’s account the call goes through the SIP edge: the voice process is asked for it."""
    watch = WatchCallSettings(number=WATCH, artisan_number=ARTISAN)
    sip = SipSettings(secrets=(SecretStr("a-secret-of-the-edge"),), voice_control=exchange.url)
    telephony = TelephonySettings(watch=watch, sip=sip)
    by_voice = town.runtime.settings.model_copy(update={"telephony": telephony})
    async with town.runtime.database.tenant(town.cooperative.tenant) as session:
        trades = town.runtime.trades.enabled(town.cooperative.trades)
        run = await plan_run(session, trades=trades, settings=by_voice, by="tests")
    await run_handler(town.runtime, town.cooperative, place, {"run_id": str(run), "settings": by_voice})
    (asked,) = exchange.asked
    keys = (await run_of(town))["keys"]
    assert asked == (
        "/calls",
        {"id": str(run), "from": WATCH, "to": town.number, "keys": keys, "hold_seconds": 90},
    )
    assert exchange.believed == ["edge:a-secret-of-the-edge"]
    trade, postcode = keys.split()
    assert trade.isdigit()
    assert len(postcode) == 5


async def test_our_own_switchboard_is_told_to_ring_nobody_instead(town, ana):
    """Should the voice or the application fail in the middle, the edge and the voice have no human to fall back on."""
    carrier = SipCarrier.of(town.runtime.settings)
    plan = (Say("Bonjour"), Hangup())
    caller = json.loads(carrier.welcome(plan, cooperative=town.cooperative, call_id=None))
    ours = json.loads(carrier.welcome((NobodyElse(), *plan), cooperative=town.cooperative, call_id=None))
    assert (len(caller["routes"]), len(caller["rescue"])) == (3, 2)
    assert (len(ours["routes"]), ours["rescue"], ours["steps"]) == (1, [], "voice")
    artisan = json.loads(carrier.welcome(TEST_ARTISAN, cooperative=None, call_id=None))
    assert (artisan["answer"], artisan["rescue"]) == ("press_1", [])
