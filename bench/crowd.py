"""A crowd: kept HTTP connections that ask again as soon as they are answered, or by chance at a mean rate; in a process
of its own.

`busy`: so many lines, each asks again as soon as it is answered: the highest rate. `steady`: stories begin by chance at
a fixed mean rate, whatever the answers (open loop); a time counts from the instant the request was due, so that the
client's own delay counts too. What one story asks, and what it must be answered, its program says (callers.py,
software.py); a wrong answer is an error, and stops the run.
"""

import asyncio
import random
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import uvloop

THINKS = (0.5, 1.5)
"""Seconds between an answer and the next request of the same story, when stories begin by chance."""
ENOUGH_ERRORS = 20
KEPT_LINES = 64
"""At half the rate. The system gives each line to a server process by chance: of 16, twelve or more are the same
process's in one run of thirteen, which is then measured nearly alone."""


@dataclass
class Heard:
    """What one crowd measured. `stories` were answered whole; `errors` tells what else was heard."""

    seconds: float = 0.0
    cpu: float = 0.0
    stories: int = 0
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Message:
    """One HTTP request. `kind` names it among the figures, `headers` come with their line ends."""

    kind: str
    method: str
    path: str
    headers: str
    body: bytes = b""
    status: int = 200


Ask = Callable[[Message], Awaitable[str]]
"""Sends a request when it is due; gives the body of its answer. Raises WrongAnswer for another status."""


class Member(Protocol):
    """Who asks: one of them for each crowd."""

    async def story(self, ask: Ask) -> None:
        """Ask what belongs together, one after the other. Raises WrongAnswer."""


class Target(Protocol):
    """Where a crowd asks, and what. Goes from process to process."""

    @property
    def port(self) -> int: ...
    def member(self, dice: random.Random, name: str) -> Member:
        """`name`: hexadecimal, of this crowd alone."""


class WrongAnswer(Exception):
    pass


def busy(target: Target, lines: int, seconds: float, seed: int) -> Heard:
    """In a process of its own: so many lines, for a while."""
    return uvloop.run(_Crowd(target, seed).busy(lines, seconds))


def steady(target: Target, stories_per_second: float, seconds: float, seed: int) -> Heard:
    """In a process of its own: stories that begin by chance, for a while."""
    return uvloop.run(_Crowd(target, seed).steady(stories_per_second, seconds))


class _Crowd:
    def __init__(self, target: Target, seed: int) -> None:
        self._dice = random.Random(seed)
        self._member = target.member(self._dice, f"{seed:06d}{random.SystemRandom().getrandbits(48):012x}")
        self._port = target.port
        self._idle: deque[_Line] = deque()
        self.heard = Heard()

    async def busy(self, lines: int, seconds: float) -> Heard:
        begun, cpu = time.perf_counter(), time.process_time()

        async def again(line: _Line) -> None:
            async def ask(message: Message) -> str:
                return await self._send(message, line, time.perf_counter())

            while time.perf_counter() < begun + seconds and len(self.heard.errors) < ENOUGH_ERRORS:
                await self._told(ask)

        await asyncio.gather(*[again(await self._line()) for _ in range(lines)])
        return self._done(begun, cpu)

    async def steady(self, stories_per_second: float, seconds: float) -> Heard:
        """Kept lines are taken in turn, as a carrier's many machines would: always the last one would lead nearly every
        request to the same server process."""
        self._idle.extend([await self._line() for _ in range(KEPT_LINES)])
        begun, cpu = time.perf_counter(), time.process_time()
        due = begun
        async with asyncio.TaskGroup() as stories:
            while (due := due + self._dice.expovariate(stories_per_second)) < begun + seconds:
                await _until(due)
                stories.create_task(self._told(self._in_time(due, self._dice.uniform(*THINKS))))
        return self._done(begun, cpu)

    def _in_time(self, due: float, thinks: float) -> Ask:
        """The first request is due when the story is, each other one some time after the answer before it."""
        first = True

        async def ask(message: Message) -> str:
            nonlocal first
            instant = due if first else time.perf_counter() + thinks
            first = False
            await _until(instant)
            line = self._idle.popleft() if self._idle else await self._line()
            answer = await self._send(message, line, instant)
            self._idle.append(line)
            return answer

        return ask

    async def _told(self, ask: Ask) -> None:
        try:
            await self._member.story(ask)
        except (WrongAnswer, OSError, EOFError, ValueError) as wrong:
            self.heard.errors.append(f"{type(wrong).__name__}: {wrong}"[:300])
        else:
            self.heard.stories += 1

    async def _send(self, message: Message, line: "_Line", since: float) -> str:
        answer = await line.send(message)
        self.heard.took[message.kind].append(time.perf_counter() - since)
        return answer

    async def _line(self) -> "_Line":
        return _Line(*await asyncio.open_connection("127.0.0.1", self._port))

    def _done(self, begun: float, cpu: float) -> Heard:
        for line in self._idle:
            line.close()
        self.heard.seconds = time.perf_counter() - begun
        self.heard.cpu = time.process_time() - cpu
        return self.heard


class _Line:
    """A kept-alive HTTP/1.1 connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, message: Message) -> str:
        length = f"Content-Length: {len(message.body)}\r\n" if message.body else ""
        head = f"{message.method} {message.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}{message.headers}\r\n"
        self._writer.write(head.encode() + message.body)
        answered = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        size = int(between(answered, "content-length: ", "\r\n"))
        text = (await self._reader.readexactly(size)).decode()
        if not answered.startswith(f"http/1.1 {message.status}"):
            raise WrongAnswer(f"{answered[:20]} {text}")
        return text

    def close(self) -> None:
        self._writer.close()


def between(text: str, start: str, end: str) -> str:
    """What stands between two pieces of an answer. Raises WrongAnswer when nothing does."""
    found = text.partition(start)[2].partition(end)[0]
    if not found:
        raise WrongAnswer(text)
    return found


async def _until(instant: float) -> None:
    delay = instant - time.perf_counter()
    if delay > 0:
        await asyncio.sleep(delay)
