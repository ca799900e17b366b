"""When the application is slow, wrong or down: nobody is hung up on, key 1 is judged here, everything is told later."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from maillage_voice import g711, words
from maillage_voice.testing import (
    BASE,
    HANGUP,
    PITCHES,
    Lab,
    gather,
    hunting_application,
    number,
    plan,
    say,
    steps,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")
RESCUE = steps(100, 101)


@pytest_asyncio.fixture(loop_scope="session")
async def calm(lab: Lab) -> AsyncIterator[Lab]:
    """Whatever failed before is forgotten: the voice asks again a few seconds after failures in a row."""
    if lab.application._server is None:
        await lab.application.start()
    async with asyncio.timeout(15):
        lab.application.plans[f"{BASE}/start"] = plan(HANGUP)
        while True:
            caller = await lab.call()
            await caller.ended.wait()
            if any(told.get("call_id") == caller.call_id for _, told in lab.application.asked):
                break
            await asyncio.sleep(0.2)
    lab.edge.forget()
    yield lab


@pytest.mark.parametrize("trouble", ["down", "broken", "absurd", "slow"])
async def test_at_the_start_the_rescue_people_are_rung(calm: Lab, trouble: str) -> None:
    lab, application = calm, calm.application
    if trouble == "down":
        await application.stop()
    application.mood = trouble
    caller = await lab.call(rescue=RESCUE)
    assert await caller.sound.hears(PITCHES[words.SAFETY_FIRST])
    assert await caller.sound.hears(PITCHES[words.PUT_THROUGH])
    rescuer = await lab.hunted()
    assert rescuer.invite.get("x-maillage-steps") == "100,101"
    await rescuer.answer(headers=[("X-Maillage-Position", "100")])
    assert await rescuer.sound.hears(PITCHES[words.WHISPER])
    await rescuer.sound.press("1")
    speaking = asyncio.create_task(caller.sound.speak(g711.tone(500, 1.0)))
    assert await rescuer.sound.hears(500, frames=5)
    await speaking
    if trouble == "down":
        await application.start()
    application.mood = "well"
    accepted = await application.told("accepted", call_id=caller.call_id, step="100")
    assert accepted["target"] == f"sip:{number(100)}@127.0.0.1:5070;user=phone"
    rescuer.hang_up()
    assert await caller.sound.hears(PITCHES[words.GOODBYE])
    await application.told("voice_ended", call_id=caller.call_id)
    assert application.kinds(caller.call_id) == [
        "voice_answered",
        "whispered",
        "key",
        "accepted",
        "bridged",
        "unbridged",
        "voice_ended",
    ]


async def test_a_call_that_the_edge_could_not_announce(calm: Lab) -> None:
    """No X-Maillage-Call: the application was down for the edge too. It is not even asked."""
    caller = await calm.call(known=False, rescue=RESCUE)
    assert await caller.sound.hears(PITCHES[words.SAFETY_FIRST])
    rescuer = await calm.artisan(100)
    await rescuer.sound.press("1")
    await calm.application.told("bridged", call_id=caller.call_id, step="100")
    assert [path for path, told in calm.application.asked if told.get("call_id") == caller.call_id] == []


async def test_in_the_menu(calm: Lab) -> None:
    calm.application.plans[f"{BASE}/start"] = plan(gather("menu", then=f"{BASE}/menu"))
    caller = await calm.call(rescue=RESCUE)
    assert await caller.sound.hears(PITCHES["menu"])
    await calm.application.stop()
    await caller.sound.press("1")
    assert await caller.sound.hears(PITCHES[words.SAFETY_FIRST])
    assert (await calm.hunted()).invite.get("x-maillage-steps") == "100,101"


async def test_in_the_middle_of_a_hunt(calm: Lab) -> None:
    """The ladder's own people first, those already rung left out, then the rescue numbers; a number is rung once."""
    hunting_application(calm.application, 0, 1, 2, accept=0.3)
    caller = await calm.call(rescue=[*RESCUE, {**steps(1)[0], "position": 102}])
    first = await calm.artisan(0)
    assert await first.sound.hears(PITCHES["whisper"])
    await calm.application.stop()
    await first.sound.press("2")
    assert await first.sound.hears(PITCHES[words.REFUSED])
    second = await calm.artisan(1)
    assert second.invite.get("x-maillage-steps") == "1,2"
    assert await second.sound.hears(PITCHES[words.WHISPER])  # no key: a voicemail
    third = await calm.hunted()
    assert third.invite.get("x-maillage-steps") == "2"
    third.reject(480)
    second.hang_up()  # else its line stays up a few seconds for a late key
    assert await caller.sound.hears(PITCHES[words.NEXT_ONE], timeout=8)
    rescuer = await calm.hunted()
    assert rescuer.invite.get("x-maillage-steps") == "100,101"
    await rescuer.answer(headers=[("X-Maillage-Position", "101")])
    await rescuer.sound.press("1")
    await calm.application.start()
    await calm.application.told("bridged", call_id=caller.call_id, step="101")
    told = [event for event in calm.application.events if event["call_id"] == caller.call_id]
    left = [(event["step"], event["detail"]) for event in told if event["type"] == "not_accepted"]
    assert left == [("0", "refused"), ("1", "no key")]


async def test_while_they_talk_and_after(calm: Lab) -> None:
    hunting_application(calm.application, 0)
    caller = await calm.call(rescue=RESCUE)
    artisan = await calm.artisan(0)
    await artisan.sound.press("1")
    await calm.application.told("bridged", call_id=caller.call_id)
    await calm.application.stop()
    speaking = asyncio.create_task(caller.sound.speak(g711.tone(500, 0.5)))
    assert await artisan.sound.hears(500, frames=5)
    await speaking
    artisan.hang_up()
    assert await caller.sound.hears(PITCHES[words.GOODBYE])
    async with asyncio.timeout(3):
        await caller.ended.wait()
    await calm.application.start()
    await calm.application.told("voice_ended", call_id=caller.call_id)


async def test_when_nobody_answers_the_rescue_either_a_message_is_taken_and_uploaded_later(calm: Lab) -> None:
    await calm.application.stop()
    caller = await calm.call(rescue=RESCUE)
    for _ in range(2):  # twice round
        (await calm.hunted()).reject(480)
    assert await caller.sound.hears(PITCHES[words.LEAVE_MESSAGE])
    assert await caller.sound.hears(1000)  # the beep
    await caller.sound.speak(g711.tone(500, 1.2))
    caller.hang_up()
    await calm.voice.idle()
    kept = list((calm.voice.folder / "recordings").glob("*.json"))
    assert len(kept) == 1
    await calm.application.start()
    path, sound = (await calm.application.until(lambda: calm.application.uploads))[0]
    assert path == f"{BASE}/message"
    with wave.open(io.BytesIO(sound)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, 2, 1)
        assert 0.8 < file.getnframes() / 8000 < 4


async def test_a_message_asked_for_by_a_plan_ends_with_a_key_or_a_silence(calm: Lab) -> None:
    calm.application.uploads.clear()
    calm.application.plans[f"{BASE}/start"] = plan(
        {"record": {"max_seconds": 30, "upload": f"{BASE}/message"}}, say("goodbye"), HANGUP
    )
    caller = await calm.call()
    assert await caller.sound.hears(1000)
    await caller.sound.speak(g711.tone(500, 0.8))
    await caller.sound.press("#")
    assert await caller.sound.hears(PITCHES["goodbye"])
    assert (await calm.application.until(lambda: calm.application.uploads))[0][0] == f"{BASE}/message"


async def test_a_fault_of_ours_is_no_reason_to_hang_up(calm: Lab, tmp_path: Path) -> None:
    """Here: no disk for a recording. The caller is put through to the rescue people."""
    calm.application.plans[f"{BASE}/start"] = plan({"record": {"max_seconds": 30, "upload": f"{BASE}/message"}})
    folder = calm.voice.folder / "recordings"
    aside = folder.rename(tmp_path / "recordings")
    try:
        caller = await calm.call(rescue=RESCUE)
        assert await caller.sound.hears(PITCHES[words.SAFETY_FIRST])
        rescuer = await calm.artisan(100)
        await rescuer.sound.press("1")
        await calm.application.told("bridged", call_id=caller.call_id, step="100")
        assert "FileNotFoundError" in (await calm.voice.health())["last_error"]
    finally:
        aside.rename(folder)
