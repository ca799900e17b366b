"""A message read aloud to one person, as the application asks for it (`VoiceCaller`) and hears of it."""

import asyncio
from uuid import uuid4

import pytest

from maillage_tenants.calls.carriers.speaking import VoiceCaller
from maillage_tenants.messages import CarrierRefused, CarrierUnavailable, SpokenCall
from maillage_voice.testing import PITCHES, SECRET, Lab

pytestmark = pytest.mark.asyncio(loop_scope="session")
NUMBER, ARTISAN = "+33232402727", "+33612345678"


@pytest.fixture
def caller(lab: Lab) -> VoiceCaller:
    return VoiceCaller(f"http://127.0.0.1:{lab.voice.control_port}", secret=SECRET, number=NUMBER)


def message(text: str = "long") -> SpokenCall:
    key = uuid4()
    return SpokenCall(ARTISAN, text, key, f"/telephony/messages/voice/cooperative/{key}")


async def test_it_rings_with_our_number_reads_twice_and_tells_that_it_was_heard(lab: Lab, caller: VoiceCaller) -> None:
    asked = message()
    assert await caller.call(asked) == str(asked.key)
    phone = await lab.hunted()
    assert (phone.user, NUMBER in phone.invite.get("from")) == (ARTISAN, True)
    phone.ring()
    await phone.answer()
    assert await phone.sound.hears(PITCHES["long"])
    told = await lab.application.posted(asked.receipt_path, id=str(asked.key), timeout=20)
    assert told["ended"] == "completed"
    assert phone.ended.is_set()  # we hang up after the last word


async def test_who_hangs_up_before_the_last_word_has_not_heard_it(lab: Lab, caller: VoiceCaller) -> None:
    asked = message()
    await caller.call(asked)
    phone = await lab.hunted()
    await phone.answer()
    assert await phone.sound.hears(PITCHES["long"])
    phone.hang_up()
    assert (await lab.application.posted(asked.receipt_path))["ended"] == "cut"


@pytest.mark.parametrize(("status", "ended"), [(486, "busy"), (480, "no_answer"), (404, "failed")])
async def test_who_is_not_reached_is_told(lab: Lab, caller: VoiceCaller, status: int, ended: str) -> None:
    asked = message()
    await caller.call(asked)
    (await lab.hunted()).reject(status)
    assert (await lab.application.posted(asked.receipt_path))["ended"] == ended


async def test_an_application_that_is_away_is_told_when_it_is_back(lab: Lab, caller: VoiceCaller) -> None:
    asked = message()
    lab.application.mood = "broken"
    await caller.call(asked)
    (await lab.hunted()).reject(486)
    await asyncio.sleep(0.5)
    lab.application.mood = "well"
    assert (await lab.application.posted(asked.receipt_path))["ended"] == "busy"


async def test_what_is_refused(lab: Lab, caller: VoiceCaller) -> None:
    with pytest.raises(CarrierRefused):
        await caller.call(SpokenCall(ARTISAN, "", uuid4(), "/telephony/messages/voice/x/y"))
    with pytest.raises(CarrierRefused):
        await caller.call(SpokenCall(ARTISAN, "long", uuid4(), "https://elsewhere.example/"))
    elsewhere = VoiceCaller(f"http://127.0.0.1:{lab.voice.control_port}", secret="wrong", number=NUMBER)
    with pytest.raises(CarrierUnavailable):
        await elsewhere.call(message())
    nobody = VoiceCaller("http://127.0.0.1:1", secret=SECRET, number=NUMBER)
    with pytest.raises(CarrierUnavailable):
        await nobody.call(message())
    assert lab.edge.incoming.empty()
