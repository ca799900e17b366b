"""The control port, and the two ends of a watch call."""

import asyncio

import pytest

from maillage_kit.http_client import http_client
from maillage_voice import g711
from maillage_voice.testing import BASE, HANGUP, PITCHES, Lab, gather, plan, say, steps

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_test_artisan_answers_and_presses_1_once_spoken_to(lab: Lab) -> None:
    headers = [*lab.headers(known=False), ("X-Maillage-Answer", "press_1")]
    dialog = await lab.edge.call(lab.voice.address, headers=headers)
    assert dialog.code.result() == 200
    await asyncio.sleep(0.4)
    assert dialog.sound.keys == ""  # it waits to be spoken to
    await dialog.sound.speak(g711.tone(500, 0.6))
    async with asyncio.timeout(3):
        while not dialog.sound.keys:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    assert dialog.sound.keys == "1"
    assert not dialog.ended.is_set()  # so that the two are put through
    async with asyncio.timeout(10):
        await dialog.ended.wait()  # and then it ends the watch call, which waits for that
    await lab.voice.idle()
    assert lab.application.kinds(dialog.call_id) == []


async def test_a_watch_call_types_its_keys_one_menu_after_the_other(lab: Lab) -> None:
    """Placed at the edge, which here brings it back to the voice as any caller's."""
    lab.application.plans[f"{BASE}/start"] = plan(gather("menu", then=f"{BASE}/menu"))
    lab.application.plans[f"{BASE}/menu"] = plan(gather("long", then=f"{BASE}/postcode", digits=5))
    lab.application.plans[f"{BASE}/postcode"] = plan(say("goodbye"), HANGUP)
    order = {"id": "watch-1", "from": "+33999000001", "to": "+33232402727", "keys": "1 27000", "hold_seconds": 1}
    assert await lab.voice.order(order) == 202
    outgoing = await lab.hunted()
    assert (outgoing.user, "+33999000001" in outgoing.invite.get("from")) == ("+33232402727", True)
    outgoing.ring()
    await lab.application.told("watch_ringing", call_id=outgoing.call_id)
    await outgoing.answer()
    inbound = await lab.call()

    async def carry(source, target) -> None:
        seen = 0
        while not source.ended.is_set():
            for frame in source.sound.heard[seen:]:
                seen += 1
                target.sound._send(frame, 8, seen * 160)
            if source.sound.keys:
                keys, source.sound.keys = source.sound.keys, ""
                await target.sound.press(keys)
            await asyncio.sleep(0.01)

    carrying = [asyncio.create_task(carry(inbound, outgoing)), asyncio.create_task(carry(outgoing, inbound))]
    asked = await lab.application.posted(f"{BASE}/postcode", call_id=inbound.call_id)
    assert asked["digits"] == "27000"
    ended = await lab.application.told("watch_ended", call_id=outgoing.call_id)
    await asyncio.gather(*carrying)
    assert lab.application.kinds(outgoing.call_id) == ["watch_ringing", "watch_answered", "watch_ended"]
    assert (ended["detail"], ended["code"], ended["caller"]) == ("watch-1", 200, "+33999000001")


async def test_our_own_watch_call_finding_the_application_down_rings_nobody(lab: Lab) -> None:
    """Another caller at that moment would be put through to the rescue numbers."""
    order = {"id": "watch-3", "from": "+33611223344", "to": "+33232402727", "keys": "1", "hold_seconds": 1}
    assert await lab.voice.order(order) == 202
    outgoing = await lab.hunted()
    await outgoing.answer()
    inbound = await lab.call(known=False, rescue=steps(100, 101))  # the edge knows no call: the application was down
    async with asyncio.timeout(5):
        await inbound.ended.wait()
    assert lab.edge.incoming.empty()
    outgoing.hang_up()
    ended = await lab.application.told("watch_ended", call_id=outgoing.call_id)
    assert ended["detail"] == "watch-3"


async def test_a_watch_call_that_is_not_answered_says_why(lab: Lab) -> None:
    assert await lab.voice.order({"id": "watch-2", "from": "+33999000001", "to": "+33232402727"}) == 202
    outgoing = await lab.hunted()
    outgoing.reject(486)
    ended = await lab.application.told("watch_ended", call_id=outgoing.call_id)
    assert (ended["detail"], ended["code"]) == ("watch-2", 486)


@pytest.mark.parametrize(
    ("body", "secret", "status"),
    [
        ({"id": "x", "from": "+33999000001", "to": "+33232402727"}, "another-secret-entirely", 401),
        ({"id": "x", "from": "+33999000001", "to": "sip:evil@example"}, None, 400),
        ({"id": "x", "from": "+33999000001", "to": "+33232402727", "keys": "rm -rf"}, None, 400),
        ({"to": 3}, None, 400),
    ],
)
async def test_what_the_control_port_refuses(lab: Lab, body, secret, status) -> None:
    given = {"secret": secret} if secret else {}
    assert await lab.voice.order(body, **given) == status
    assert lab.edge.incoming.empty()


async def test_health_says_how_many_calls_and_what_waits(lab: Lab) -> None:
    lab.application.plans[f"{BASE}/start"] = plan(gather("menu", then=f"{BASE}/menu"))
    caller = await lab.call()
    assert await caller.sound.hears(PITCHES["menu"])
    health = await lab.voice.health()
    assert health["calls"] == 1
    assert {"spool", "recordings", "last_error", "leaving"} <= health.keys()
    async with http_client() as client:
        at = f"http://127.0.0.1:{lab.voice.control_port}"
        assert (await client.get(f"{at}/elsewhere")).status_code == 404
        assert (await client.get(f"{at}/calls")).status_code == 405
