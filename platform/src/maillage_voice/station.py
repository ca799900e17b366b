"""What every call shares: the phone, the beat, the voice, the application, the spool, and the count of calls."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog

from maillage_voice import g711
from maillage_voice.application import Application
from maillage_voice.plans import Sentence
from maillage_voice.rtp import Beat, Endpoint
from maillage_voice.sip import Line, Phone
from maillage_voice.speech import Speech
from maillage_voice.spool import Outbox, Spool
from maillage_voice.waiting import first_of

_log = structlog.get_logger("maillage.voice")


@dataclass
class Station:
    """Made once by `service.py`. `watching`: the numbers from which this very process has a watch call under way."""

    host: str
    ports: tuple[int, int]
    phone: Phone
    beat: Beat
    speech: Speech
    application: Application
    spool: Spool
    outbox: Outbox
    max_call_seconds: float = 7200
    calls: int = 0
    last_error: str = ""
    watching: set[str] = field(default_factory=set)
    _tasks: set["asyncio.Task[Any]"] = field(default_factory=set)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """A task that outlives who starts it; what goes wrong in it is logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._spawned)

    async def close(self) -> None:
        """Whatever still goes on is cancelled: lines are hung up, recordings closed."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _spawned(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.failed("task", task.exception())

    def failed(self, where: str, exc: BaseException | None) -> None:
        """Remember and log a fault of ours."""
        self.last_error = f"{where}: {type(exc).__name__} {exc}"[:300]
        _log.error("voice failed", where=where, exc_info=exc)

    async def set_up(self) -> "Channel":
        """Sound for a line to be. Raises OSError when no port is free."""
        keys: asyncio.Queue[str] = asyncio.Queue(maxsize=64)

        def on_key(key: str) -> None:
            if not keys.full():
                keys.put_nowait(key)

        return Channel(self, await Endpoint.open(self.beat, self.host, self.ports, on_key), keys)


class Channel:
    """A line's sound and keys: what scripts speak to."""

    def __init__(self, station: Station, endpoint: Endpoint, keys: "asyncio.Queue[str]") -> None:
        self._station, self.endpoint, self._keys = station, endpoint, keys
        self.line: Line | None = None

    def attach(self, line: Line) -> None:
        self.line = line
        line.on_media = self.endpoint.connect
        line.on_key = self._key

    def _key(self, key: str) -> None:
        if not self._keys.full():
            self._keys.put_nowait(key)

    def forget_keys(self) -> None:
        """Keys typed at nobody (while it rang) answer no later question."""
        while not self._keys.empty():
            self._keys.get_nowait()

    async def say(self, sentence: Sentence) -> None:
        """To its last word."""
        await self.endpoint.play(await self._station.speech.sound(sentence))

    async def beep(self) -> None:
        await self.endpoint.play(g711.BEEP)

    async def key(self, timeout: float) -> str | None:
        """The next key, or None."""
        try:
            async with asyncio.timeout(timeout):
                return await self._keys.get()
        except TimeoutError:
            return None

    async def keys(self, sentences: tuple[Sentence, ...], *, digits: int, timeout: float) -> str:
        """Read out until a key is typed, then up to `digits` keys; `timeout` counts from the last word or key."""
        typed = await self._first_key(sentences, timeout)
        while typed and len(typed) < digits:
            key = await self.key(timeout)
            if key is None:
                break
            typed += key
        return typed

    async def _first_key(self, sentences: tuple[Sentence, ...], timeout: float) -> str:
        if not self._keys.empty():
            return self._keys.get_nowait()
        pressed = asyncio.ensure_future(self._keys.get())
        reading = asyncio.ensure_future(self._read(sentences))
        try:
            await first_of(pressed, reading)
            if not pressed.done():
                await first_of(pressed, timeout=timeout)
            return pressed.result() if pressed.done() else ""
        finally:
            reading.cancel()
            pressed.cancel()
            self.endpoint.hush()

    async def _read(self, sentences: tuple[Sentence, ...]) -> None:
        for sentence in sentences:
            await self.say(sentence)

    def close(self) -> None:
        """The line is hung up, its port freed. Idempotent."""
        if self.line is not None:
            self.line.hang_up()
        self.endpoint.close()
