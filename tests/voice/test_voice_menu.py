"""Menus: what is read out, the keys that are typed, and what the application is asked."""

import asyncio
import io
import struct
import wave

import pytest

from maillage_voice import g711
from maillage_voice.testing import BASE, HANGUP, PITCHES, Lab, gather, plan, say

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_keys_typed_in_the_menu_go_to_the_application(lab: Lab) -> None:
    lab.application.plans[f"{BASE}/start"] = plan(gather("menu", then=f"{BASE}/menu?ask=start&attempt=1"))
    lab.application.plans[f"{BASE}/menu"] = plan(gather("again", then=f"{BASE}/postcode", digits=5))
    lab.application.plans[f"{BASE}/postcode"] = plan(say("goodbye"), HANGUP)
    caller = await lab.call()
    assert await caller.sound.hears(PITCHES["menu"])
    await caller.sound.press("1")
    assert await caller.sound.hears(PITCHES["again"])
    await caller.sound.press("27000")
    assert await caller.sound.hears(PITCHES["goodbye"])
    async with asyncio.timeout(3):
        await caller.ended.wait()
    first = await lab.application.posted(f"{BASE}/menu?ask=start&attempt=1", call_id=caller.call_id)
    assert (first["digits"], first["leg"], first["gone"]) == ("1", None, False)
    assert (await lab.application.posted(f"{BASE}/postcode", call_id=caller.call_id))["digits"] == "27000"
    await lab.application.told("voice_ended", call_id=caller.call_id)
    told = [event for event in lab.application.events if event["call_id"] == caller.call_id]
    assert [event["type"] for event in told] == ["voice_answered", "voice_ended"]
    assert {(event["caller"], event["called"]) for event in told} == {("+33611223344", "+33232402727")}


async def test_a_key_interrupts_what_is_read_out(lab: Lab) -> None:
    lab.application.plans[f"{BASE}/start"] = plan(gather("long", then=f"{BASE}/menu"))
    lab.application.plans[f"{BASE}/menu"] = plan(gather("again", then=f"{BASE}/end"))
    caller = await lab.call()
    assert await caller.sound.hears(PITCHES["long"])
    begun = asyncio.get_running_loop().time()
    await caller.sound.press("2")
    assert await caller.sound.hears(PITCHES["again"])
    assert asyncio.get_running_loop().time() - begun < 2  # the sentence lasts five seconds
    assert (await lab.application.posted(f"{BASE}/menu", call_id=caller.call_id))["digits"] == "2"


async def test_keys_typed_ahead_are_kept_for_the_next_question(lab: Lab) -> None:
    lab.application.plans[f"{BASE}/start"] = plan(gather("menu", then=f"{BASE}/menu"))
    lab.application.plans[f"{BASE}/menu"] = plan(gather("again", then=f"{BASE}/postcode", digits=5))
    caller = await lab.call()
    await caller.sound.press("127000")
    assert (await lab.application.posted(f"{BASE}/postcode", call_id=caller.call_id))["digits"] == "27000"


async def test_nothing_typed_goes_on_with_the_next_verb(lab: Lab) -> None:
    lab.application.plans[f"{BASE}/start"] = plan(
        gather("menu", then=f"{BASE}/never", timeout=0.3),
        gather("again", then=f"{BASE}/never", timeout=0.3),
        {"go_on": f"{BASE}/menu?ask=start&attempt=2"},
    )
    lab.application.plans[f"{BASE}/menu"] = plan(say("goodbye"), HANGUP)
    caller = await lab.call()
    assert await caller.sound.hears(PITCHES["menu"])
    assert await caller.sound.hears(PITCHES["again"])
    assert await caller.sound.hears(PITCHES["goodbye"])
    asked = [path for path, told in lab.application.asked if told.get("call_id") == caller.call_id]
    assert asked == [f"{BASE}/start", f"{BASE}/menu?ask=start&attempt=2"]


async def test_a_key_whose_end_is_lost_is_heard_once(lab: Lab) -> None:
    lab.application.plans[f"{BASE}/start"] = plan(gather("menu", then=f"{BASE}/menu", digits=3))
    caller = await lab.call()
    assert await caller.sound.hears(PITCHES["menu"])
    await caller.sound.press("775", lose_end=True)
    assert (await lab.application.posted(f"{BASE}/menu", call_id=caller.call_id))["digits"] == "775"


async def test_a_caller_of_the_other_law_hears_and_is_heard(lab: Lab) -> None:
    lab.application.plans[f"{BASE}/start"] = plan(gather("menu", then=f"{BASE}/menu"))
    caller = await lab.call(codec=0)
    assert caller.answer_message is not None and "RTP/AVP 0 101" in caller.answer_message.body
    async with asyncio.timeout(3):
        while not any(g711.is_loud(frame.translate(g711.MU_TO_A)) for frame in caller.sound.heard):
            await asyncio.sleep(0.02)
    assert caller.sound.payloads == {0}


async def test_keys_sent_by_info_are_heard(lab: Lab) -> None:
    lab.application.plans[f"{BASE}/start"] = plan(gather("menu", then=f"{BASE}/menu"))
    caller = await lab.call()
    assert await caller.sound.hears(PITCHES["menu"])
    caller.request("INFO", body="Signal=4\r\nDuration=160\r\n", headers=[("Content-Type", "application/dtmf-relay")])
    assert (await lab.application.posted(f"{BASE}/menu", call_id=caller.call_id))["digits"] == "4"


async def test_a_call_without_an_offer_is_served(lab: Lab) -> None:
    """The offer is then ours, in the 200."""
    lab.application.plans[f"{BASE}/start"] = plan(gather("menu", then=f"{BASE}/menu"))
    caller = await lab.call(offer=False)
    assert caller.answer_message is not None and "PCMA/8000" in caller.answer_message.body
    assert await caller.sound.hears(PITCHES["menu"])


async def test_the_hang_up_in_the_menu_is_told(lab: Lab) -> None:
    lab.application.plans[f"{BASE}/start"] = plan(gather("long", then=f"{BASE}/menu"))
    caller = await lab.call()
    assert await caller.sound.hears(PITCHES["long"])
    caller.hang_up()
    gone = await lab.application.posted(f"{BASE}/menu", call_id=caller.call_id, gone=True)
    assert gone["digits"] == ""
    assert (await lab.application.told("voice_ended", call_id=caller.call_id))["detail"] == "caller"


async def test_hold_resume_and_refresh_are_answered(lab: Lab) -> None:
    lab.application.plans[f"{BASE}/start"] = plan(gather("long", then=f"{BASE}/menu"))
    caller = await lab.call()
    assert await caller.sound.hears(PITCHES["long"])
    held = await caller.reinvite("sendonly")
    assert held.code == 200 and "a=recvonly" in held.body
    await asyncio.sleep(0.1)
    count = len(caller.sound.heard)
    await asyncio.sleep(0.3)
    assert len(caller.sound.heard) == count  # nobody is spoken to while on hold
    assert (await caller.reinvite("sendrecv")).code == 200
    assert await caller.sound.hears(PITCHES["long"])
    assert (await caller.reinvite("sendrecv", method="UPDATE")).code == 200
    caller.request("OPTIONS")
    async with asyncio.timeout(3):
        while (answer := await caller.responses.get()).method != "OPTIONS":
            pass
    assert answer.code == 200
    await caller.sound.press("3")
    assert (await lab.application.posted(f"{BASE}/menu", call_id=caller.call_id))["digits"] == "3"


async def test_a_cooperatives_own_recording_replaces_the_sentence(lab: Lab) -> None:
    """Fetched once; anything but a WAV file falls back on the synthetic voice."""
    hertz, wav = 1100.0, io.BytesIO()
    with wave.open(wav, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        tone = g711.from_a_law(g711.tone(hertz, 0.5))
        file.writeframes(b"".join(struct.pack("<hh", value, value) for value in tone))
    good, bad = f"{BASE}/prompts/menu?v=1", f"{BASE}/prompts/menu?v=2"
    lab.application.sounds = {good: wav.getvalue(), bad: b"not a sound"}
    lab.application.plans[f"{BASE}/start"] = plan(
        {"say": {"text": "menu", "prompt": "menu", "audio": good}},
        {"say": {"text": "goodbye", "prompt": "goodbye", "audio": bad}},
        {"say": {"text": "again", "prompt": "again", "audio": good}},
        HANGUP,
    )
    caller = await lab.call()
    assert await caller.sound.hears(hertz)
    assert await caller.sound.hears(PITCHES["goodbye"])
    lab.application.sounds.clear()  # the second time it is in the cache
    assert await caller.sound.hears(hertz)
