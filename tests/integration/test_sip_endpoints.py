"""What is asked of our own switchboard over HTTP: who is refused, what is a repeat, and what never breaks a call."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
import structlog
from pydantic import SecretStr

from maillage_app.runtime import Runtime
from maillage_app.testing.applications import application_of
from maillage_kit.context import CooperativeContext
from maillage_kit.settings import Settings, SipSettings
from maillage_kit.testing.sip_line import EVENTS, PLAN, ROUTE, SipLine
from maillage_platform.provisioning import owner_connection
from maillage_tenants.calls.carriers import sip

SECRET, BEFORE = "the-secret-of-the-edge", "the-secret-before-it"
QUESTIONS = ("start", "menu?ask=start&attempt=1", "step/0", "whisper/0", "key/0")


@pytest.fixture(autouse=True)
def a_patient_edge(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A busy machine that runs tests is not an outage; what they break is logged with long traces, kept off the
    screen."""
    monkeypatch.setattr(sip, "PATIENCE_SECONDS", 30.0)
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
async def runtime(settings: Settings, trades, moved_clock) -> AsyncIterator[Runtime]:
    telephony = settings.telephony.model_copy(
        update={
            "sip": SipSettings(secrets=(SecretStr(SECRET), SecretStr(BEFORE))),
            "last_resort_number": "+33144000000",
        }
    )
    started = Runtime.start(settings.model_copy(update={"telephony": telephony}), trades=trades)
    yield started
    await started.close()


@pytest.fixture
async def client(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    app = application_of(runtime)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def line(client: httpx.AsyncClient, eure: CooperativeContext, moved_clock) -> SipLine:
    return SipLine(client, secret=SECRET, caller="+33633333301", called=eure.public_number, now=moved_clock.now)


async def rows(runtime: Runtime, eure: CooperativeContext, statement: str) -> list[Any]:
    async with runtime.database.tenant(eure.tenant) as session:
        return list((await session.execute(sa.text(statement))).all())


def addresses(line: SipLine) -> list[tuple[str, str]]:
    here = f"/telephony/sip/{uuid4()}/{uuid4()}"
    return [("POST", ROUTE), ("POST", EVENTS), ("GET", PLAN), *(("POST", f"{here}/{ask}") for ask in QUESTIONS)]


@pytest.mark.parametrize("secret", ["", "wrong-but-long-enough", SECRET + "x", SECRET[:-1]])
async def test_a_wrong_secret_is_refused_and_logged(client, runtime, eure, line, secret: str) -> None:
    with structlog.testing.capture_logs() as log:
        for method, path in addresses(line):
            answer = await client.request(method, path, auth=("edge", secret), json=line.body())
            assert answer.status_code == 403, path
            assert (await client.request(method, path, json=line.body())).status_code == 403
    refused = [one for one in log if one["event"] == "switchboard_refused"]
    assert len(refused) == 2 * len(addresses(line))
    assert SECRET not in str(log)
    assert await rows(runtime, eure, "select 1 from call") == []


async def test_without_a_secret_there_is_nothing(settings, trades, moved_clock) -> None:
    runtime = Runtime.start(settings, trades=trades)
    app = application_of(runtime)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client:
        for method, path in (("POST", ROUTE), ("GET", PLAN), ("POST", EVENTS)):
            assert (await client.request(method, path, auth=("edge", ""), json=[])).status_code == 404
    await runtime.close()


async def test_the_secret_before_is_still_good_during_a_rotation(client) -> None:
    assert (await client.get(PLAN, auth=("edge", BEFORE))).status_code == 200


async def test_a_repeat_has_the_same_answer_and_no_second_effect(runtime, eure, line) -> None:
    """Also when its body was altered: the id says what it is."""
    await line.rings()
    await line.start()
    body = line.body(digits="1")
    path = line.verbs[0]["gather"]["then"]
    first = await line.post(path, body)
    again = await line.post(path, body)
    altered = await line.post(path, body | {"digits": "9"})
    assert first.text == again.text == altered.text
    assert len(await rows(runtime, eure, "select 1 from call_event where kind = 'menu'")) == 2
    assert await rows(runtime, eure, "select trade from call") == [("plumbing",)]


@pytest.mark.parametrize(
    "body",
    [
        {"call_id": 7},
        {"call_id": None, "id": []},
        {"call_id": ""},
        [],
        "x",
        {"call_id": "c@t", "caller": {"a": 1}, "called": 12, "at": "now", "id": 3},
    ],
)
async def test_wrong_types_never_leave_a_caller_without_a_human(line, body: Any) -> None:
    """The edge goes on by itself when its question makes no sense; the voice is told whom to ring."""
    answer = await line.post(ROUTE, body)
    assert answer.status_code == 422 or answer.json()["rescue"]
    await line.rings()
    for ask in QUESTIONS[:3]:
        answer = await line.post(f"{line.here}/{ask}", body)
        assert answer.status_code == 200
        verbs = answer.json()["verbs"]
        assert verbs
        assert "hunt" in verbs[-1] or "gather" in verbs[0], verbs


async def test_a_call_that_nobody_knows_still_reaches_a_human(line, eure) -> None:
    line.document = {"cooperative": str(eure.id), "call": str(uuid4())}
    await line.start()
    assert [number for _, number in line.hunt] == [eure.fallback_phone, eure.manager_phone, "+33144000000"]
    line.document = {"cooperative": str(uuid4()), "call": str(uuid4())}
    await line.start()
    assert [number for _, number in line.hunt] == ["+33144000000"]
    assert (await line.whisper(0))[0]["gather"]["digits"] == 1
    assert await line.key(0, "1") == []


async def test_a_number_that_is_nobodys_rings_the_last_resort(line) -> None:
    line.called = "+33999999999"
    document = await line.rings()
    assert (document["call"], document["cooperative"], document["steps"]) == ("", "", "voice,100")
    assert (await line.tell(line.event("received"))).status_code == 204


async def test_another_call_cannot_be_told_by_this_ones_name(runtime, eure, line) -> None:
    """The voice asks for a call by its id and its Call-ID: both must be the same call's."""
    await line.rings()
    first = line.document
    line.call_id = "another@trunk.example"
    await line.rings()
    line.document = first
    await line.start()
    assert [position for position, _ in line.hunt] == [100, 101, 102]
    assert len(await rows(runtime, eure, "select 1 from call_event where kind = 'menu'")) == 0


@pytest.mark.parametrize("path", [ROUTE, EVENTS])
async def test_ten_megabytes_are_too_much(line, client, path: str) -> None:
    answer = await client.post(path, content=b"[" + b" " * 10_000_000 + b"]", headers=line.headers)
    assert answer.status_code == 413


@pytest.mark.parametrize("body", [b"", b"{}", b"[", b'"x"', b"\xff"])
async def test_what_is_no_batch_is_refused_for_good(line, client, body: bytes) -> None:
    assert (await client.post(EVENTS, content=body, headers=line.headers)).status_code == 422


async def test_an_empty_batch_and_a_batch_of_strangers_pass(line) -> None:
    assert (await line.send([])).status_code == 204
    assert (await line.send([line.event("ended", called="+33999999999")])).status_code == 204
    assert (await line.send([12, None, {"id": "x"}])).status_code == 204


async def test_each_cooperative_gets_its_own_events(runtime, eure, seine_maritime, line, client, moved_clock) -> None:
    other = SipLine(client, secret=SECRET, caller="anonymous", called=seine_maritime.public_number, now=moved_clock.now)
    await line.rings()
    await other.rings()
    batch = [line.event("decided", source="app"), other.event("decided", source="app"), line.event("established")]
    assert (await line.send(batch)).status_code == 204
    counted = "select count(*) from call_event where kind <> 'inbound'"
    assert await rows(runtime, eure, counted) == [(2,)]
    assert await rows(runtime, seine_maritime, counted) == [(1,)]


async def test_news_for_a_schema_that_is_not_migrated_yet_wait(runtime, eure, line) -> None:
    """During a deployment the edge keeps them: they are not taken for events that break us."""
    await line.rings()
    batch = [line.event("decided", source="app"), line.event("ended", step="voice")]
    column = f"alter table {eure.tenant.schema}.call rename column"
    with owner_connection(runtime.owner_url) as owner:
        owner.execute(sa.text(f"{column} line_ended_at to not_there_yet"))
    assert (await line.send(batch)).status_code >= 500
    with owner_connection(runtime.owner_url) as owner:
        owner.execute(sa.text(f"{column} not_there_yet to line_ended_at"))
    assert (await line.send(batch)).status_code == 204
    assert await rows(runtime, eure, "select kind from call_event order by id") == [
        ("inbound",),
        ("decided",),
        ("ended",),
    ]
