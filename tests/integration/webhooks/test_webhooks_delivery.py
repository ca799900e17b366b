"""What partners receive: signed, in the order of each case, at least once, for three days, and never a neighbour's."""

import asyncio
import base64
import itertools
import os
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from typing import Any

import pytest

from maillage_kit import clock
from maillage_kit.clock import MovableClock
from maillage_kit.guarded_http import GuardedHttp
from maillage_kit.ids import new_id
from maillage_kit.testing.webhook_receiver import Receiver
from maillage_platform import webhooks
from maillage_platform.webhooks.service import endpoints, replaying
from maillage_platform.webhooks.service.recording import keep
from maillage_tenants import customers, partners
from maillage_tenants.calls.events import CallEnded
from maillage_tenants.customers import ConsumerStatus, CustomerFacts, CustomerKind


async def test_an_event_arrives_signed_as_the_standard_says(telling, eure, receiver: Receiver) -> None:
    _, secret = await telling.add(eure, receiver.url("/hook?key=1"))
    customer = new_id()
    case = await telling.opened(eure, customer_id=customer)
    assert await telling.round() == 1
    (got,) = receiver.received
    assert got.path == "/hook?key=1"
    assert got.headers["content-type"] == "application/json"
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert got.timestamp == int(clock.now().timestamp())
    assert len(got.signatures) == 1
    assert got.verifies(secret)
    assert not got.verifies("whsec_" + base64.b64encode(b"x" * 32).decode())
    assert got.payload == {
        "type": "intervention.opened.v1",
        "timestamp": "2027-03-01T08:00:00Z",
        "data": {
            "intervention_id": str(case),
            "customer_id": str(customer),
            "number": "I-2027-000001",
            "source": "phone",
            "trade": "plumbing",
        },
    }
    (kept,) = await telling.deliveries()
    assert (kept.state, kept.attempts, kept.status, str(kept.id)) == ("delivered", 1, 204, got.id)
    assert await telling.round() == 0


async def test_only_what_was_asked_for_is_told(telling, eure, receiver: Receiver) -> None:
    await telling.add(eure, receiver.url(), types=("intervention.state_changed.v1",))
    case = await telling.opened(eure)
    await telling.moved(eure, case, "accepted")
    await telling.publish(
        eure, CallEnded(call_id=new_id(), outcome="missed", accepted_kind=None, day=clock.now().date())
    )
    await telling.round()
    assert receiver.types() == ["intervention.state_changed.v1"]


async def test_a_cooperatives_event_never_reaches_anothers_address(
    telling, eure, seine_maritime, receiver: Receiver
) -> None:
    await telling.add(seine_maritime, receiver.url("/neighbour"))
    await telling.opened(eure)
    assert await telling.round() == 0
    await telling.add(eure, receiver.url("/own"))
    case = await telling.opened(eure)
    await telling.round()
    assert [(got.path, got.payload["data"]["intervention_id"]) for got in receiver.received] == [("/own", str(case))]


async def test_a_later_event_of_a_case_waits_for_the_earlier_one(
    telling, eure, receiver: Receiver, moved_clock: MovableClock
) -> None:
    """At that address only, and for that case only."""
    await telling.add(eure, receiver.url("/slow"))
    await telling.add(eure, receiver.url("/quick"))
    held, other = await telling.opened(eure), new_id()
    receiver.answer = lambda got: (
        503
        if (got.path, got.payload["data"]["intervention_id"])
        == (
            "/slow",
            str(held),
        )
        else 204
    )
    await telling.moved(eure, held, "accepted")
    await telling.moved(eure, held, "on_site")
    await telling.opened(eure, case_id=other)
    for _ in range(3):
        await telling.round()

    def told(path: str) -> list[tuple[str, str]]:
        return [
            (got.payload["data"]["intervention_id"], got.payload["data"].get("state", "opened"))
            for got in receiver.received
            if got.path == path
        ]

    story = [(str(held), "opened"), (str(held), "accepted"), (str(held), "on_site")]
    assert [each for each in told("/quick") if each[0] == str(held)] == story
    assert sorted(told("/slow")) == sorted([(str(held), "opened"), (str(other), "opened")])

    receiver.received.clear()
    receiver.answer = lambda _: 200
    await telling.round()
    assert receiver.received == []  # not before its time
    moved_clock.advance(seconds=10)
    await telling.round()
    assert told("/slow") == story


async def test_tries_go_on_for_three_days_each_later_than_the_one_before(
    telling, eure, receiver: Receiver, moved_clock: MovableClock
) -> None:
    _, secret = await telling.add(eure, receiver.url())
    receiver.answer = lambda _: 500
    await telling.opened(eure)
    began, at = clock.now(), []
    await telling.round()
    while True:
        (kept,) = await telling.deliveries()
        at.append(clock.now() - began)
        if kept.state != "waiting":
            break
        assert kept.next_at > clock.now()
        moved_clock.move_to(kept.next_at)
        assert await telling.round() == 1
    waits = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert waits[:4] == [timedelta(seconds=seconds) for seconds in (10, 30, 90, 270)]
    assert waits[:-1] == sorted(waits[:-1])
    assert max(waits) == timedelta(hours=8)
    assert at[-1] == timedelta(days=3)
    assert (kept.state, kept.problem, kept.status, kept.attempts) == ("dead", "status", 500, len(at))
    assert {got.id for got in receiver.received} == {str(kept.id)}
    assert len({got.timestamp for got in receiver.received}) == len(at)  # a receiver refuses what is too old
    assert all(got.verifies(secret) for got in receiver.received)
    moved_clock.advance(days=1)
    assert await telling.round() == 0


async def test_what_was_given_up_is_sent_again_under_its_own_id(
    telling, eure, receiver: Receiver, moved_clock: MovableClock
) -> None:
    endpoint_id, _ = await telling.add(eure, receiver.url())
    receiver.answer = lambda _: 500
    case = await telling.opened(eure)
    await telling.round()
    moved_clock.advance(days=3)
    await telling.round()
    (dead,) = await telling.deliveries()
    assert dead.state == "dead"

    await telling.moved(eure, case, "accepted")  # what was given up holds nothing back
    receiver.answer = lambda got: 200 if got.type.startswith("intervention.state") else 500
    await telling.round()
    assert receiver.types()[-1] == "intervention.state_changed.v1"

    receiver.answer = lambda _: 200
    async with telling.runtime.database.platform() as session:
        endpoint = await session.merge(await telling.endpoint(endpoint_id))
        facts: dict[str, Any] = {"witness": telling.witness, "cooperative": eure, "endpoint": endpoint, "by": "tests"}
        assert await replaying.replay(session, delivery_id=new_id(), **facts) == 0
        assert await replaying.replay(session, delivery_id=dead.id, **facts) == 1
        assert await replaying.replay(session, delivery_id=None, **facts) == 0
    assert await telling.round() == 1
    assert receiver.received[-1].id == str(dead.id) == receiver.received[0].id
    assert receiver.received[-1].body == receiver.received[0].body
    assert [kept.state for kept in await telling.deliveries()] == ["delivered", "delivered"]


async def test_both_secrets_sign_for_a_day_after_a_rotation(
    telling, eure, receiver: Receiver, moved_clock: MovableClock
) -> None:
    endpoint_id, first = await telling.add(eure, receiver.url())

    async def rotate(*, cut: bool) -> str:
        async with telling.runtime.database.platform() as session:
            return await endpoints.rotate_secret(
                session,
                witness=telling.witness,
                cipher=telling.runtime.cipher,
                cooperative=eure,
                endpoint=await session.merge(await telling.endpoint(endpoint_id)),
                by="tests",
                cut_former=cut,
            )

    async def signed_by(*secrets: str) -> list[bool]:
        await telling.opened(eure)
        await telling.round()
        return [receiver.received[-1].verifies(secret) for secret in secrets]

    second = await rotate(cut=False)
    assert await signed_by(first, second) == [True, True]
    assert len(receiver.received[-1].signatures) == 2
    moved_clock.advance(hours=23, minutes=59)
    assert await signed_by(first, second) == [True, True]
    moved_clock.advance(minutes=1)
    assert await signed_by(first, second) == [False, True]
    assert len(receiver.received[-1].signatures) == 1
    third = await rotate(cut=True)
    assert await signed_by(second, third) == [False, True]
    assert first.encode() not in (await telling.endpoint(endpoint_id)).secret


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/hook", "https://10.1.2.3/hook", "https://[::1]/hook", "https://169.254.169.254/latest",
     "https://localhost/hook", "https://inside.example/hook"],
)  # fmt: skip
async def test_a_private_address_is_never_called(
    telling, eure, url: str, moved_clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written out, or behind a name; and tried again, since a name may be mended."""
    loop = asyncio.get_running_loop().__class__
    resolve = loop.getaddrinfo

    async def answers(self: Any, host: str, port: int, **options: Any) -> Any:
        if host == "inside.example":
            return [(2, 1, 6, "", ("10.0.0.5", port))]
        return await resolve(self, host, port, **options)

    await telling.add(eure, url)
    await telling.opened(eure)
    telling.http = GuardedHttp(open_to_private=False, timeout=5.0)
    with monkeypatch.context() as patched:
        patched.setattr(loop, "getaddrinfo", answers)
        assert await telling.round() == 1
    (kept,) = await telling.deliveries()
    assert (kept.state, kept.problem, kept.status) == ("waiting", "address", None)
    assert kept.next_at == clock.now() + timedelta(seconds=10)


async def test_a_redirect_is_not_followed(telling, eure, receiver: Receiver) -> None:
    await telling.add(eure, receiver.url())
    receiver.location, receiver.answer = receiver.url("/inside"), lambda _: 307
    await telling.opened(eure)
    await telling.round()
    assert [got.path for got in receiver.received] == ["/hook"]
    (kept,) = await telling.deliveries()
    assert (kept.state, kept.problem, kept.status) == ("waiting", "redirect", 307)


async def test_nobody_there_delays_nobody_else(telling, eure, receiver: Receiver) -> None:
    await telling.add(eure, "http://127.0.0.1:9/hook")
    await telling.add(eure, receiver.url())
    await telling.opened(eure)
    assert await telling.round() == 2
    assert len(receiver.received) == 1
    assert sorted((kept.state, kept.problem) for kept in await telling.deliveries() if kept.problem) == [
        ("waiting", "silence")
    ]


async def test_a_receiver_that_is_gone_is_asked_no_more(telling, eure, receiver: Receiver, moved_clock) -> None:
    endpoint_id, _ = await telling.add(eure, receiver.url())
    receiver.answer = lambda _: 410
    await telling.opened(eure)
    await telling.round()
    assert (await telling.endpoint(endpoint_id)).paused_at == clock.now()
    moved_clock.advance(hours=1)
    await telling.opened(eure)
    assert await telling.round() == 0
    assert len(await telling.deliveries()) == 1


async def test_an_application_is_told_of_its_own_customers_only(telling, eure, receiver: Receiver) -> None:
    """Nobody gave it any: neither a stranger's case nor one without a customer is its business."""
    await telling.add(eure, receiver.url(), client_id="habitat-eure")
    await telling.opened(eure, customer_id=new_id())
    await telling.opened(eure)
    assert await telling.round() == 0
    assert await telling.deliveries() == []


async def test_an_application_is_told_of_the_customers_it_was_given(telling, eure, receiver: Receiver) -> None:
    async with telling.runtime.database.tenant(eure.tenant) as session:
        facts = CustomerFacts(
            kind=CustomerKind.ORGANISATION,
            consumer_status=ConsumerStatus.PROFESSIONAL,
            name="Habitat 27",
            billing_address="1 rue des Carmes",
            billing_postcode="27000",
            billing_city="Évreux",
        )
        customer = (await customers.register_customer(session, facts=facts, by="tests")).id
        await partners.grant(session, client_id="habitat-eure", name="Habitat 27", customers=[customer], by="tests")
    await telling.add(eure, receiver.url(), client_id="habitat-eure")
    mine = await telling.opened(eure, customer_id=customer)
    await telling.opened(eure, customer_id=new_id())
    await telling.round()
    assert [got.payload["data"]["intervention_id"] for got in receiver.received] == [str(mine)]


async def test_two_workers_at_once_send_each_event_once(telling, eure, receiver: Receiver) -> None:
    await telling.add(eure, receiver.url())
    for _ in range(12):
        await telling.opened(eure)
    tried = await asyncio.gather(telling.round(), telling.round(), telling.round())
    await telling.round()
    assert sum(tried) <= 12
    assert len(receiver.received) == len({got.id for got in receiver.received}) == 12


KILLED = """
import asyncio
from maillage_app.runtime import Runtime
from maillage_kit.guarded_http import GuardedHttp
from maillage_kit.settings import Settings
from maillage_platform import webhooks

async def main():
    runtime = Runtime.start(Settings())
    http = GuardedHttp(open_to_private=True, timeout=20.0)
    await webhooks.send_due(runtime.database, cipher=runtime.cipher, http=http)

asyncio.run(main())
"""


async def test_a_worker_killed_between_sending_and_noting_sends_again_with_the_same_id(
    telling, eure, receiver: Receiver, settings, moved_clock: MovableClock, tmp_path
) -> None:
    """A real process, killed with SIGKILL by whoever receives, before it could know the answer."""
    endpoint_id, secret = await telling.add(eure, receiver.url())
    async with telling.runtime.database.platform() as session:
        told = {"endpoint_id": endpoint_id, "type": "webhook.test.v1", "body": "{}"}
        await keep(session, [{**told, "occurred_at": clock.now(), "next_at": clock.now()}])
    (tmp_path / "killed.py").write_text(textwrap.dedent(KILLED), encoding="utf-8")
    environment = {
        **os.environ,
        "MAILLAGE_ENVIRONMENT": "test",
        "MAILLAGE_DATABASE__URL": settings.database.url,
        "MAILLAGE_DATABASE__APP_URL": settings.database.app_url,
        "MAILLAGE_CLOCK_FILE": str(tmp_path / "clock"),
    }
    clock.SharedClock(tmp_path / "clock").move_to(clock.now())
    process = subprocess.Popen([sys.executable, str(tmp_path / "killed.py")], env=environment)
    receiver.before = lambda _: os.kill(process.pid, signal.SIGKILL)
    assert await asyncio.to_thread(process.wait, 60) == -signal.SIGKILL
    (kept,) = await telling.deliveries()
    assert (kept.state, kept.attempts, len(receiver.received)) == ("waiting", 0, 1)

    receiver.before = lambda _: None
    assert await telling.round() == 0  # it is still held by the one that died
    moved_clock.advance(minutes=2)
    assert await telling.round() == 1
    assert receiver.received[0].id == receiver.received[1].id == str(kept.id)
    assert receiver.received[1].verifies(secret)
    assert [each.state for each in await telling.deliveries()] == ["delivered"]


async def test_what_nobody_needs_any_more_is_erased(
    telling, eure, receiver: Receiver, moved_clock: MovableClock
) -> None:
    await telling.add(eure, receiver.url("/well"))
    await telling.add(eure, receiver.url("/ill"))
    receiver.answer = lambda got: 200 if got.path == "/well" else 500
    await telling.opened(eure)
    await telling.round()
    moved_clock.advance(days=3)
    await telling.round()
    for days, left in ((28, ["dead"]), (63, [])):
        moved_clock.advance(days=days)
        await webhooks.forget_old(telling.runtime.database)
        assert [kept.state for kept in await telling.deliveries()] == left
