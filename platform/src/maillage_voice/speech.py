"""Sentences as sound: made once by a process of its own, kept on disk by text and voice. At worst a beep."""

import asyncio
import hashlib
import sys
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import structlog

from maillage_kit import clock
from maillage_voice import g711
from maillage_voice.application import Application, Unreachable
from maillage_voice.plans import Sentence

VOICE: Final = "fr"
_PATIENCE: Final = 8.0
_FETCH_PATIENCE: Final = 2.0
_FETCH_AGAIN: Final = 60.0  # seconds before a recording that could not be had is asked for again
_AT_ONCE: Final = 3
_IN_MEMORY: Final = 256
_PASSING_SECONDS: Final = 24 * 3600
_Maker = Callable[[str], Coroutine[Any, Any, Path]]
_log = structlog.get_logger("maillage.voice")


class Speech:
    """`folder` holds fixed sentences as `<sha256>.al`; those made for one call (a name, an address) are in `passing`
    and deleted the next day. A sentence being made is made once, however many ask."""

    def __init__(self, folder: Path, application: Application | None = None) -> None:
        self._folder, self._passing, self._application = folder, folder / "passing", application
        self._passing.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._making: dict[str, asyncio.Task[bytes | None]] = {}
        self._recent: OrderedDict[str, bytes] = OrderedDict()
        self._not_before: dict[str, float] = {}

    async def sound(self, sentence: Sentence) -> bytes:
        """The cooperative's own recording if there is one, else the synthetic voice, else a beep."""
        if sentence.audio is not None and self._application is not None:
            name = _name("audio", sentence.audio)
            if clock.now().timestamp() >= self._not_before.get(name, 0):
                own = await self._in_time(name, self._own(sentence.audio), _FETCH_PATIENCE)
                if own:
                    return own
        if not sentence.text.strip():
            return b""
        name = _name(VOICE, sentence.text)
        return await self._in_time(name, self._spoken(sentence), _PATIENCE) or g711.BEEP

    def prepare(self, sentences: Iterable[Sentence]) -> None:
        """Begin making what is not there yet, without waiting."""
        for sentence in sentences:
            if sentence.audio is not None and self._application is not None:
                _ = self._begin(_name("audio", sentence.audio), self._own(sentence.audio))
            elif sentence.text.strip():
                _ = self._begin(_name(VOICE, sentence.text), self._spoken(sentence))

    async def warm(self, fixed: Mapping[str, str]) -> list[str]:
        """Make these, texts by name, one after the other, so that a call in progress never waits long. Returns the
        names of those without sound."""
        silent = []
        for name, text in fixed.items():
            if not await self._begin(_name(VOICE, text), self._spoken(Sentence(text, prompt=name))):
                silent.append(name)
        return silent

    async def run(self) -> None:
        """Cleans every hour, for ever."""
        while True:
            self.clean()
            await asyncio.sleep(3600)

    def clean(self) -> None:
        """Delete what was made for one call a day ago."""
        self._not_before.clear()
        oldest = clock.now().timestamp() - _PASSING_SECONDS
        for made in self._passing.glob("*"):
            if made.stat().st_mtime < oldest:
                made.unlink(missing_ok=True)

    # ------------------------------------------------------------------------------------------------------- making

    def _own(self, path: str) -> _Maker:
        async def make(name: str) -> Path:
            if self._application is None:
                raise Unreachable("no application")
            target = self._folder / name
            await _run("convert", target, given=await self._application.fetch(path))
            return target

        return make

    def _spoken(self, sentence: Sentence) -> _Maker:
        async def make(name: str) -> Path:
            target = (self._folder if sentence.prompt else self._passing) / name
            await _run("speak", VOICE, target, given=sentence.text.encode())
            return target

        return make

    async def _in_time(self, name: str, make: _Maker, patience: float) -> bytes | None:
        if name in self._recent:
            self._recent.move_to_end(name)
            return self._recent[name]
        task = self._begin(name, make)
        try:
            async with asyncio.timeout(patience):
                return await asyncio.shield(task)
        except TimeoutError:
            return None

    def _begin(self, name: str, make: _Maker) -> "asyncio.Task[bytes | None]":
        task = self._making.get(name)
        if task is None:
            task = asyncio.create_task(self._found_or_made(name, make))
            self._making[name] = task
            task.add_done_callback(lambda _: self._making.pop(name, None))
        return task

    async def _found_or_made(self, name: str, make: _Maker) -> bytes | None:
        try:
            path = next((at / name for at in (self._folder, self._passing) if (at / name).exists()), None)
            if path is None:
                async with self._slots:
                    path = await make(name)
            sound = path.read_bytes()
        except Exception as exc:
            _log.warning("no sound", why=f"{type(exc).__name__} {exc}"[:300])
            self._not_before[name] = clock.now().timestamp() + _FETCH_AGAIN
            return None
        self._recent[name] = sound
        if len(self._recent) > _IN_MEMORY:
            self._recent.popitem(last=False)
        return sound


def _name(kind: str, what: str) -> str:
    return hashlib.sha256(f"{kind}\n{what}".encode()).hexdigest() + ".al"


async def _run(*arguments: object, given: bytes) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "maillage_voice.synthesis",
        *map(str, arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, told = await process.communicate(given)
    except asyncio.CancelledError:
        process.kill()
        raise
    if process.returncode:
        raise OSError(told.decode(errors="replace").strip() or f"exit status {process.returncode}")
