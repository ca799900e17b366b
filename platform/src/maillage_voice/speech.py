"""Sentences as sound: made once by a process of its own, kept on disk by text and voice. At worst a beep."""

import asyncio
import hashlib
import sys
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, Final

import structlog

from maillage_voice import g711
from maillage_voice.application import Application, Unreachable
from maillage_voice.plans import Sentence

VOICE: Final = "fr"
_PATIENCE: Final = 8.0
_AT_ONCE: Final = 3
_IN_MEMORY: Final = 256
_Maker = Callable[[str, Path], Coroutine[Any, Any, None]]
_log = structlog.get_logger("maillage.voice")


class Speech:
    """`folder` holds `<sha256>.al` files. A sentence being made is made once, however many ask."""

    def __init__(self, folder: Path, application: Application | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder, self._application = folder, application
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._making: dict[str, asyncio.Task[bytes | None]] = {}
        self._recent: OrderedDict[str, bytes] = OrderedDict()

    async def sound(self, sentence: Sentence) -> bytes:
        """The cooperative's own recording if there is one, else the synthetic voice, else a beep."""
        if sentence.audio is not None and self._application is not None:
            own = await self._once(_name("audio", sentence.audio), self._fetched, sentence.audio)
            if own:
                return own
        if not sentence.text.strip():
            return b""
        made = await self._once(_name(VOICE, sentence.text), self._spoken, sentence.text)
        return made or g711.BEEP

    def prepare(self, sentences: Iterable[Sentence]) -> None:
        """Begin making what is not there yet, without waiting."""
        for sentence in sentences:
            if sentence.audio is not None and self._application is not None:
                _ = self._begin(_name("audio", sentence.audio), self._fetched, sentence.audio)
            elif sentence.text.strip():
                _ = self._begin(_name(VOICE, sentence.text), self._spoken, sentence.text)

    async def warm(self, texts: Iterable[str]) -> list[str]:
        """Make these one after the other, so that a call in progress never waits long. Returns those without sound."""
        return [text for text in texts if not await self._begin(_name(VOICE, text), self._spoken, text)]

    # ------------------------------------------------------------------------------------------------------- making

    async def _once(self, name: str, make: _Maker, of: str) -> bytes | None:
        if name in self._recent:
            self._recent.move_to_end(name)
            return self._recent[name]
        task = self._begin(name, make, of)
        try:
            async with asyncio.timeout(_PATIENCE):
                return await asyncio.shield(task)
        except TimeoutError:
            return None

    def _begin(self, name: str, make: _Maker, of: str) -> "asyncio.Task[bytes | None]":
        task = self._making.get(name)
        if task is None:
            task = asyncio.create_task(self._found_or_made(name, make(of, self._folder / name)))
            self._making[name] = task
            task.add_done_callback(lambda _: self._making.pop(name, None))
        return task

    async def _found_or_made(self, name: str, make: Coroutine[Any, Any, None]) -> bytes | None:
        path = self._folder / name
        try:
            if path.exists():
                make.close()
            else:
                async with self._slots:
                    await make
            sound = path.read_bytes()
        except Exception as exc:
            _log.warning("no sound", why=f"{type(exc).__name__} {exc}"[:300])
            return None
        self._recent[name] = sound
        if len(self._recent) > _IN_MEMORY:
            self._recent.popitem(last=False)
        return sound

    async def _spoken(self, text: str, target: Path) -> None:
        await _run("speak", VOICE, target, given=text.encode())

    async def _fetched(self, path: str, target: Path) -> None:
        if self._application is None:
            raise Unreachable("no application")
        await _run("convert", target, given=await self._application.fetch(path))


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
