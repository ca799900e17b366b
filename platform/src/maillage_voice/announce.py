"""A message read aloud to one person: the last way of the chain, for an emergency that nobody has read."""

import asyncio
import re
from typing import Final

import msgspec
from msgspec import Struct

from maillage_voice.application import Refused, Unreachable
from maillage_voice.hunting import ending_of
from maillage_voice.plans import PATHS, Sentence
from maillage_voice.sip import Line
from maillage_voice.station import Channel, Station
from maillage_voice.waiting import first_of

RING: Final = 30.0
_BREATH: Final = 1.0
_AGAIN: Final = (0.0, 1.0, 5.0, 20.0, 60.0)  # seconds before each telling: then the message counts as not heard
_NUMBER: Final = r"\+?[0-9]{2,20}"


class Announcement(Struct, frozen=True):
    """What the application asks for: `text` is read twice; what came of it is told at the path `receipt`."""

    id: str
    to: str
    text: str
    receipt: str
    from_: str = msgspec.field(name="from", default="anonymous")

    def __post_init__(self) -> None:
        if not re.fullmatch(_NUMBER, self.to) or not re.fullmatch(f"{_NUMBER}|anonymous", self.from_):
            raise ValueError("not a number")
        if not 0 < len(self.text) <= 1000 or not self.receipt.startswith(PATHS.removesuffix("sip/")):
            raise ValueError("nothing to read, or nowhere to tell")


async def announce(station: Station, wanted: Announcement) -> None:
    """Ring, read, and tell `completed`, `cut`, `busy`, `no_answer` or `failed`. Heard once to the last word is
    `completed`, whoever or whatever picked up."""
    sentences = (Sentence(wanted.text), Sentence(f"Je répète. {wanted.text}"))
    station.speech.prepare(sentences)
    ended = "failed"
    try:
        channel = await station.set_up()
        line = station.phone.place(
            wanted.to,
            caller=wanted.from_,
            host=channel.endpoint.host,
            port=channel.endpoint.port,
            headers={},
            ring_seconds=RING,
        )
        channel.attach(line)
        try:
            ended = await _read(channel, line, sentences)
        finally:
            channel.close()
    finally:
        station.spawn(_tell(station, wanted, ended))


async def _read(channel: Channel, line: Line, sentences: tuple[Sentence, ...]) -> str:
    await first_of(line.answered, line.ended)
    if not line.answered.done():
        return ending_of(line.ended.result().code)
    channel.endpoint.connect(line.answered.result())
    heard = 0

    async def both() -> None:
        nonlocal heard
        for sentence in sentences:
            await asyncio.sleep(_BREATH)
            await channel.say(sentence)
            heard += 1

    reading = asyncio.ensure_future(both())
    try:
        await first_of(reading, line.ended)
    finally:
        reading.cancel()
    return "completed" if heard else "cut"


async def _tell(station: Station, wanted: Announcement, ended: str) -> None:
    for pause in _AGAIN:
        await asyncio.sleep(pause)
        try:
            await station.application.report(wanted.receipt, {"id": wanted.id, "ended": ended})
        except Unreachable:
            continue
        except Refused as exc:
            station.failed("receipt", exc)
        return
