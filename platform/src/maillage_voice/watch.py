"""The two ends of a watch call: the caller that types keys, and the artisan that presses 1. Real SIP, real sound."""

import asyncio
import re
from typing import Final

import msgspec
from msgspec import Struct

from maillage_voice import g711
from maillage_voice.sip import Line
from maillage_voice.station import Channel, Station
from maillage_voice.waiting import first_of

RING: Final = 60.0
_SPEAKS: Final = 10  # frames of speech: 0.2 s
_NEXT_MENU: Final = 1.0  # seconds in which a key silences the menu and brings the next one
_PATIENCE: Final = 20.0
_LONGEST: Final = 60.0
_STAYS: Final = 3.0  # after its key, so that the two are put through


class WatchCall(Struct, frozen=True):
    """What the application asks for: `keys` are typed one group after the other, each once a menu speaks; then the
    caller waits for the other end to hang up, `hold_seconds` at most."""

    id: str
    to: str
    keys: str = ""
    hold_seconds: float = 90
    from_: str = msgspec.field(name="from", default="anonymous")

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\+?[0-9]{2,20}", self.to) or not re.fullmatch(r"\+?[0-9]{2,20}|anonymous", self.from_):
            raise ValueError("not a number")
        if not re.fullmatch(r"[0-9*# ]{0,100}", self.keys) or not 0 <= self.hold_seconds <= 300:
            raise ValueError("not keys")


class Ear:
    """Whether the other side speaks now, by the last frames heard."""

    def __init__(self, channel: Channel) -> None:
        self._run = 0
        self._news = asyncio.Event()
        channel.endpoint.tap = self._heard

    def _heard(self, frame: bytes) -> None:
        self._run = self._run + 1 if g711.is_loud(frame) else 0
        if self._run >= _SPEAKS:
            self._news.set()

    async def speech(self, *, timeout: float) -> bool:
        """Whether something is said, from now, in time."""
        self._run = 0
        self._news.clear()
        try:
            async with asyncio.timeout(timeout):
                await self._news.wait()
        except TimeoutError:
            return False
        return True


async def press_1(station: Station, line: Line) -> None:
    """The test artisan: answers, waits to be spoken to, presses 1, and hangs up soon after, which ends the watch call.
    Not spoken to, it stays until hung up (a minute at most)."""
    channel = await station.set_up()
    channel.attach(line)
    if line.offer is not None:
        channel.endpoint.connect(line.offer)
    ear = Ear(channel)
    line.answer(channel.endpoint.host, channel.endpoint.port)
    typing = asyncio.ensure_future(_press(channel, ear))
    try:
        await first_of(typing, line.ended, timeout=_LONGEST)
    finally:
        typing.cancel()
        channel.close()


async def _press(channel: Channel, ear: Ear) -> None:
    if not await ear.speech(timeout=_PATIENCE):
        await asyncio.sleep(_LONGEST)
    await channel.endpoint.type("1")
    await asyncio.sleep(_STAYS)


async def place(station: Station, wanted: WatchCall) -> None:
    """The test caller: each step is told to the application, `detail` carries the watch call's id."""
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
    code = 0

    def tell(kind: str) -> None:
        station.spool.tell(
            kind,
            call_id=line.call_id or wanted.id,
            caller=wanted.from_,
            called=wanted.to,
            detail=wanted.id,
            code=code,
            source="watch",
        )

    station.watching.add(wanted.from_)
    try:
        await first_of(line.ringing, line.answered, line.ended)
        if line.ringing.done():
            tell("watch_ringing")
        await first_of(line.answered, line.ended)
        if not line.answered.done():
            code = line.ended.result().code
            return
        code = 200
        channel.endpoint.connect(line.answered.result())
        ear = Ear(channel)
        tell("watch_answered")
        talking = asyncio.ensure_future(_talk(channel, ear, wanted))
        try:
            await first_of(talking, line.ended)
        finally:
            talking.cancel()
    finally:
        station.watching.discard(wanted.from_)
        channel.close()
        tell("watch_ended")


async def _talk(channel: Channel, ear: Ear, wanted: WatchCall) -> None:
    for group in wanted.keys.split():
        await ear.speech(timeout=_PATIENCE)  # without any, the keys are typed all the same
        await channel.endpoint.type(group)
        await asyncio.sleep(_NEXT_MENU)
    await asyncio.sleep(wanted.hold_seconds)
