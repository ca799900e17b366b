"""The voice process killed, restarted, told to stop: what it had to tell is told."""

import asyncio
import io
import signal
import wave
from pathlib import Path

from maillage_voice import g711, words
from maillage_voice.testing import BASE, PITCHES, Lab, gather, laboratory, plan, steps

RESCUE = steps(100, 101)


async def test_killed_restarted_and_stopped(tmp_path: Path) -> None:
    async with laboratory(tmp_path, up=False) as lab:
        await _killed(lab)
        await _stopped(lab)


async def _killed(lab: Lab) -> None:
    """kill -9: what was told while the application was away is delivered in order by the next process, recordings
    included."""
    caller = await lab.call(rescue=RESCUE)
    rescuer = await lab.artisan(100)
    await rescuer.sound.press("1")
    assert await _spooled(lab, 5)
    other = await lab.call(rescue=[])
    assert await other.sound.hears(PITCHES[words.LEAVE_MESSAGE])
    assert await other.sound.hears(1000)
    await other.sound.speak(g711.tone(500, 1.5))  # and the process dies before the end of the message
    lab.voice.kill()
    await lab.application.start()
    await lab.voice.start()
    await lab.application.told("bridged", call_id=caller.call_id)
    kinds = lab.application.kinds(caller.call_id)
    assert kinds == ["voice_answered", "whispered", "key", "accepted", "bridged"]
    times = [event["at"] for event in lab.application.events]
    assert times == sorted(times)
    path, sound = (await lab.application.until(lambda: lab.application.uploads))[0]
    assert path == f"{BASE}/message"
    with wave.open(io.BytesIO(sound)) as file:
        assert file.getnframes() >= 8000
    async with asyncio.timeout(5):
        while (await lab.voice.health())["spool"]:
            await asyncio.sleep(0.02)


async def _stopped(lab: Lab) -> None:
    """SIGTERM: new calls are refused; those in progress are waited for (one second here), then hung up, not left
    silent."""
    lab.application.plans[f"{BASE}/start"] = plan(gather("long", then=f"{BASE}/menu"))
    caller = await lab.call()
    assert await caller.sound.hears(PITCHES["long"])
    process = lab.voice.process
    assert process is not None
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(3):
        while not (await lab.voice.health())["leaving"]:
            await asyncio.sleep(0.02)
    refused = await lab.edge.call(lab.voice.address, headers=lab.headers())
    assert refused.code.result() == 503
    assert process.poll() is None
    async with asyncio.timeout(8):
        await caller.ended.wait()
        while process.poll() is None:
            await asyncio.sleep(0.05)
    assert process.returncode == 0
    ended = await lab.application.told("voice_ended", call_id=caller.call_id)
    assert ended["detail"] == "voice"


async def _spooled(lab: Lab, count: int) -> bool:
    async with asyncio.timeout(10):
        while (await lab.voice.health())["spool"] < count:
            await asyncio.sleep(0.05)
    return True
