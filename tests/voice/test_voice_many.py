"""Many calls at once: no key is lost, and beyond the limit the refusal is immediate."""

import asyncio

import pytest

from maillage_kit.testing.sip_phone import SipPhone
from maillage_voice.testing import BASE, HANGUP, MANY, PITCHES, Lab, gather, plan

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_fifty_callers_at_once_and_not_one_key_is_lost(lab: Lab) -> None:
    lab.application.plans[f"{BASE}/start"] = plan(gather("menu", then=f"{BASE}/menu", digits=6, timeout=30))
    lab.application.plans[f"{BASE}/menu"] = plan(gather("again", then=f"{BASE}/never", timeout=30))
    callers = await asyncio.gather(*(lab.call(caller=f"+336990000{number:02}") for number in range(MANY)))
    assert (await lab.voice.health())["calls"] == MANY

    refused = await lab.edge.call(lab.voice.address, headers=lab.headers())
    assert refused.code.result() == 503

    typed = {caller.call_id: f"{number:02}7{number * 37 % 1000:03}" for number, caller in enumerate(callers)}
    answers = [asyncio.create_task(caller.sound.hears(PITCHES["again"], timeout=30)) for caller in callers]
    await asyncio.gather(*(caller.sound.press(typed[caller.call_id]) for caller in callers))
    wanted = set(typed.items())

    def heard() -> bool:
        told = {(said["call_id"], said["digits"]) for path, said in lab.application.asked if path == f"{BASE}/menu"}
        return told == wanted

    assert await lab.application.until(heard, timeout=30)
    assert all(await asyncio.gather(*answers))


async def test_sound_keeps_its_pace(lab: Lab) -> None:
    """Fifty frames a second on each of many lines: none is left behind, none is sent ahead of its time."""
    lab.application.plans[f"{BASE}/start"] = plan(gather("long", then=f"{BASE}/menu"), HANGUP)
    begun = asyncio.get_running_loop().time()
    callers = await asyncio.gather(*(lab.call() for _ in range(20)))
    async with asyncio.timeout(20):
        while any(len(caller.sound.heard) < 100 for caller in callers):
            await asyncio.sleep(0.05)
    most = (asyncio.get_running_loop().time() - begun) * 50
    assert all(len(caller.sound.heard) <= most + 30 for caller in callers)


async def test_only_the_edge_is_believed(lab: Lab) -> None:
    """Another host of the machine (the loopback has sixteen million) is refused, whatever its headers say."""
    stranger = await SipPhone.open("127.0.0.2")
    try:
        dialog = await stranger.call(lab.voice.address, headers=lab.headers())
        assert dialog.code.result() == 403
    finally:
        stranger.close()
