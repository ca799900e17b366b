"""Hunting: whisper, key 1, refusals, late keys, two people joined, and hang-ups at every moment."""

import asyncio
import json

import pytest

from maillage_kit.testing.sip_phone import strength
from maillage_voice import g711, words
from maillage_voice.testing import (
    BASE,
    CALLED,
    HANGUP,
    PITCHES,
    RINGING,
    Lab,
    gather,
    hunt,
    hunting_application,
    number,
    plan,
    say,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOW, HIGH = 500.0, 2300.0  # what the caller and the artisan "say"


async def test_who_presses_1_is_put_through_and_both_hear_each_other(lab: Lab) -> None:
    hunting_application(lab.application, 0, 1)
    caller = await lab.call()
    artisan = await lab.hunted()
    assert artisan.user == "hunt"
    headers = {name: artisan.invite.get(name.lower()) for name in ("X-Maillage-Parent", "X-Maillage-Steps")}
    assert headers == {"X-Maillage-Parent": caller.call_id, "X-Maillage-Steps": "0,1"}
    assert artisan.invite.get("x-maillage-caller") == "+33611223344"
    assert artisan.invite.get("x-maillage-called") == CALLED
    document = json.loads(artisan.invite.get("x-maillage-hunt"))
    assert [route["uri"] for route in document["routes"]] == [
        f"sip:{number(at)}@127.0.0.1:5070;user=phone" for at in (0, 1)
    ]
    assert document["routes"][0]["fr_inv_timer"] == 20_000
    assert document["routes"][0]["headers"]["from"]["uri"] == f"sip:{CALLED}@127.0.0.1:5070"
    assert await caller.sound.hears(RINGING)
    await artisan.answer(headers=[("X-Maillage-Position", "0")])
    assert await artisan.sound.hears(PITCHES["whisper"])
    asked = await lab.application.posted(f"{BASE}/whisper/0", call_id=caller.call_id)
    assert asked["leg"] == f"{caller.call_id}/0"
    await artisan.sound.press("1")
    await lab.application.told("bridged", call_id=caller.call_id, step="0")
    speaking = [
        asyncio.create_task(caller.sound.speak(g711.tone(LOW, 1.0))),
        asyncio.create_task(artisan.sound.speak(g711.tone(HIGH, 1.0))),
    ]
    assert await artisan.sound.hears(LOW, frames=10)
    assert await caller.sound.hears(HIGH, frames=10)
    await asyncio.gather(*speaking)
    artisan.hang_up()
    step = await lab.application.posted(f"{BASE}/step/0", call_id=caller.call_id)
    assert (step["ending"], step["bridged"], step["gone"]) == ("completed", True, False)
    assert await caller.sound.hears(PITCHES["goodbye"])
    await lab.application.told("voice_ended", call_id=caller.call_id)
    assert lab.application.kinds(caller.call_id) == [
        "voice_answered",
        "whispered",
        "key",
        "accepted",
        "bridged",
        "unbridged",
        "voice_ended",
    ]


async def test_who_refuses_is_left_and_the_next_one_is_rung(lab: Lab) -> None:
    hunting_application(lab.application, 0, 1)
    caller = await lab.call()
    first = await lab.artisan(0)
    assert await first.sound.hears(PITCHES["whisper"])
    await first.sound.press("2")
    second = await lab.artisan(1)
    assert second.invite.get("x-maillage-steps") == "1"
    async with asyncio.timeout(3):
        await first.ended.wait()
    assert await second.sound.hears(PITCHES["whisper"])
    await second.sound.press("1")
    await lab.application.told("bridged", call_id=caller.call_id, step="1")
    refused = await lab.application.told("not_accepted", call_id=caller.call_id, step="0")
    assert refused["target"] == f"sip:{number(0)}@127.0.0.1:5070;user=phone"
    assert not second.ended.is_set()


async def test_without_a_key_the_next_one_is_rung_and_the_late_key_loses(lab: Lab) -> None:
    """A mobile's voicemail answers too. The application decides; the loser hears that the call is taken."""
    hunting_application(lab.application, 0, 1, accept=0.3)
    taken = plan(say(words.ALREADY_TAKEN), HANGUP)
    lab.application.plans[f"{BASE}/key/0"] = taken
    caller = await lab.call()
    late = await lab.artisan(0)
    assert await late.sound.hears(PITCHES["whisper"])
    quick = await lab.artisan(1)
    assert not late.ended.is_set()
    assert await quick.sound.hears(PITCHES["whisper"])
    await late.sound.press("1")
    assert await late.sound.hears(PITCHES[words.ALREADY_TAKEN])
    await quick.sound.press("1")
    await lab.application.told("bridged", call_id=caller.call_id, step="1")
    async with asyncio.timeout(3):
        await late.ended.wait()


async def test_a_late_key_wins_while_the_next_one_still_rings(lab: Lab) -> None:
    hunting_application(lab.application, 0, 1, accept=0.3)
    caller = await lab.call()
    late = await lab.artisan(0)
    next_one = await lab.hunted()
    next_one.ring()
    await late.sound.press("1")
    await lab.application.told("bridged", call_id=caller.call_id, step="0")
    async with asyncio.timeout(3):
        await next_one.cancelled.wait()
    speaking = asyncio.create_task(caller.sound.speak(g711.tone(LOW, 0.6)))
    assert await late.sound.hears(LOW, frames=5)
    await speaking


async def test_the_one_still_listening_hears_that_the_call_is_taken(lab: Lab) -> None:
    hunting_application(lab.application, 0, 1, accept=0.3)
    caller = await lab.call()
    late = await lab.artisan(0)
    listening = await lab.artisan(1)
    assert await listening.sound.hears(PITCHES["whisper"])
    await late.sound.press("1")
    await lab.application.told("bridged", call_id=caller.call_id, step="0")
    assert await listening.sound.hears(PITCHES[words.ALREADY_TAKEN])
    async with asyncio.timeout(3):
        await listening.ended.wait()
    assert not late.ended.is_set()


async def test_nobody_answers(lab: Lab) -> None:
    hunting_application(lab.application, 0, 1)
    caller = await lab.call()
    (await lab.hunted()).reject(480)
    step = await lab.application.posted(f"{BASE}/step/1", call_id=caller.call_id)
    assert (step["ending"], step["bridged"]) == ("no_answer", False)
    assert await caller.sound.hears(PITCHES["goodbye"])


async def test_an_edge_that_restarts_is_asked_again(lab: Lab) -> None:
    hunting_application(lab.application, 0, 1)
    caller = await lab.call()
    (await lab.hunted()).reject(503)
    artisan = await lab.artisan(0)
    assert artisan.invite.get("x-maillage-steps") == "0,1"
    await artisan.sound.press("1")
    await lab.application.told("bridged", call_id=caller.call_id, step="0")


async def test_someone_rung_directly_is_put_through_without_a_key(lab: Lab) -> None:
    hunting_application(lab.application, 0, whisper=False)
    caller = await lab.call()
    artisan = await lab.artisan(0)
    await lab.application.told("bridged", call_id=caller.call_id, step="0")
    speaking = asyncio.create_task(artisan.sound.speak(g711.tone(HIGH, 0.6)))
    assert await caller.sound.hears(HIGH, frames=5)
    await speaking


async def test_laws_are_translated_between_two_lines(lab: Lab) -> None:
    hunting_application(lab.application, 0, whisper=False)
    caller = await lab.call(codec=0)
    artisan = await lab.artisan(0)
    await lab.application.told("bridged", call_id=caller.call_id, step="0")
    speaking = asyncio.create_task(caller.sound.speak(g711.tone(LOW, 0.6).translate(g711.A_TO_MU), kind=0))
    assert await artisan.sound.hears(LOW, frames=5)
    await speaking


@pytest.mark.parametrize("moment", ["ringing", "whispering", "talking"])
async def test_the_caller_hangs_up(lab: Lab, moment: str) -> None:
    hunting_application(lab.application, 0, 1)
    caller = await lab.call()
    if moment == "ringing":
        artisan = await lab.hunted()
        artisan.ring()
        assert await caller.sound.hears(RINGING)
    else:
        artisan = await lab.artisan(0)
        assert await artisan.sound.hears(PITCHES["whisper"])
    if moment == "talking":
        await artisan.sound.press("1")
        await lab.application.told("bridged", call_id=caller.call_id)
    caller.hang_up()
    async with asyncio.timeout(3):
        await artisan.ended.wait()
    gone = await lab.application.posted(f"{BASE}/step/0", call_id=caller.call_id, gone=True)
    assert gone["bridged"] is (moment == "talking")
    assert (await lab.application.told("voice_ended", call_id=caller.call_id))["detail"] == "caller"
    assert lab.edge.incoming.empty()  # nobody else is rung


async def test_the_person_rung_hangs_up_before_any_key(lab: Lab) -> None:
    hunting_application(lab.application, 0, 1)
    caller = await lab.call()
    first = await lab.artisan(0)
    assert await first.sound.hears(PITCHES["whisper"])
    first.hang_up()
    second = await lab.artisan(1, timeout=2)
    await second.sound.press("1")
    await lab.application.told("bridged", call_id=caller.call_id, step="1")


async def test_a_conversation_is_recorded_only_when_asked(lab: Lab) -> None:
    lab.application.plans[f"{BASE}/step/0"] = plan(HANGUP)
    record = {"upload": f"{BASE}/recording", "max_seconds": 60}
    lab.application.plans[f"{BASE}/start"] = plan(hunt(0, whisper=False, record=record))
    caller = await lab.call()
    artisan = await lab.artisan(0)
    await lab.application.told("bridged", call_id=caller.call_id)
    await asyncio.gather(caller.sound.speak(g711.tone(LOW, 1.0)), artisan.sound.speak(g711.tone(HIGH, 1.0)))
    artisan.hang_up()
    path, sound = (await lab.application.until(lambda: lab.application.uploads))[0]
    assert path == f"{BASE}/recording"
    heard = g711.wav_to_a_law(sound)
    middle = heard[3200:4800]
    assert strength(middle, LOW) > 0.3
    assert strength(middle, HIGH) > 0.3
    async with asyncio.timeout(3):
        while list((lab.voice.folder / "recordings").glob("*.wav")):
            await asyncio.sleep(0.02)


async def test_the_whisper_may_ask_twice(lab: Lab) -> None:
    """What the application answers to a key may be another question."""
    hunting_application(lab.application, 0)
    lab.application.plans[f"{BASE}/key/0"] = plan(gather("again", then=f"{BASE}/key/9"))
    lab.application.plans[f"{BASE}/key/9"] = plan()
    caller = await lab.call()
    artisan = await lab.artisan(0)
    assert await artisan.sound.hears(PITCHES["whisper"])
    await artisan.sound.press("7")
    assert await artisan.sound.hears(PITCHES["again"])
    await artisan.sound.press("1")
    await lab.application.told("bridged", call_id=caller.call_id, step="0")
