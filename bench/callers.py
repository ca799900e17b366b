"""Callers: a small HTTP client that plays the phone carrier, in a process of its own.

A call is two webhooks, as the carrier sends them: the ring, answered by the words and a menu; then the key, answered
by the number of the artisan to dial. Each is signed as the carrier signs. An answer is read and must be what routing
gives: a menu, then a `<Dial>` on a step of the ladder; anything else is an error.

`busy`: so many lines, each rings again as soon as it is answered: the highest rate. `steady`: calls arrive by chance at
a fixed mean rate, whatever the answers (open loop); a time counts from the instant the request was due, so that the
client's own delay counts too.
"""

import asyncio
import random
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import uvloop

from maillage_tenants.calls.carriers import twiml

RING, KEY = "ring", "key"
THINKS = (0.5, 1.5)
"""Seconds between the menu and the key, when calls arrive by chance."""
ENOUGH_ERRORS = 20
KEPT_LINES = 16


@dataclass(frozen=True)
class Target:
    """Where to ring. `public_url` is what webhooks are signed for; `called` the numbers of the cooperatives."""

    port: int
    public_url: str
    token: str
    called: tuple[str, ...]
    callers: tuple[str, ...]
    with_key: bool = True


@dataclass
class Heard:
    """What one process of callers measured. `calls` were answered whole; `errors` tells what else was heard."""

    seconds: float = 0.0
    cpu: float = 0.0
    calls: int = 0
    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)


def busy(target: Target, lines: int, seconds: float, seed: int) -> Heard:
    """In a process of its own: so many lines, for a while."""
    return uvloop.run(_Callers(target, seed).busy(lines, seconds))


def steady(target: Target, calls_per_second: float, seconds: float, seed: int) -> Heard:
    """In a process of its own: calls that arrive by chance, for a while."""
    return uvloop.run(_Callers(target, seed).steady(calls_per_second, seconds))


class _Callers:
    def __init__(self, target: Target, seed: int) -> None:
        self._target = target
        self._dice = random.Random(seed)
        self._name = f"CA{seed:06d}{random.SystemRandom().getrandbits(48):012x}"
        self._count = 0
        self._idle: deque[_Line] = deque()
        self.heard = Heard()

    async def busy(self, lines: int, seconds: float) -> Heard:
        begun, cpu = time.perf_counter(), time.process_time()

        async def again(line: _Line) -> None:
            while time.perf_counter() < begun + seconds and len(self.heard.errors) < ENOUGH_ERRORS:
                await self._call(_at_once, line=line)

        await asyncio.gather(*[again(await self._line()) for _ in range(lines)])
        return self._done(begun, cpu)

    async def steady(self, calls_per_second: float, seconds: float) -> Heard:
        """Kept lines are taken in turn, as a carrier's many machines would: always the last one would lead nearly every
        webhook to the same server process."""
        self._idle.extend([await self._line() for _ in range(KEPT_LINES)])
        begun, cpu = time.perf_counter(), time.process_time()
        due = begun
        async with asyncio.TaskGroup() as calls:
            while (due := due + self._dice.expovariate(calls_per_second)) < begun + seconds:
                await _until(due)
                calls.create_task(self._call(_after(due, self._dice.uniform(*THINKS))))
        return self._done(begun, cpu)

    def _done(self, begun: float, cpu: float) -> Heard:
        for line in self._idle:
            line.close()
        self.heard.seconds = time.perf_counter() - begun
        self.heard.cpu = time.process_time() - cpu
        return self.heard

    async def _call(self, due: Callable[[str], Awaitable[float]], *, line: "_Line | None" = None) -> None:
        """One call. `due` waits for the instant of each webhook and returns it."""
        self._count += 1
        fields = ring_fields(f"{self._name}{self._count:014d}", self._dice.choice(self._target.callers), self._called())
        try:
            answer = await self._ask(RING, f"{twiml.BASE}/inbound", fields, due, line)
            menu = _between(answer, 'action="', '"')
            if "/menu?" not in menu:
                raise _WrongAnswer(answer)
            if self._target.with_key:
                parts = urlsplit(menu.replace("&amp;", "&"))
                answer = await self._ask(KEY, f"{parts.path}?{parts.query}", key_fields(fields), due, line)
                if "<Dial" not in answer or "/rescue/" in answer:
                    raise _WrongAnswer(answer)
        except (_WrongAnswer, OSError, EOFError, ValueError) as wrong:
            self.heard.errors.append(f"{type(wrong).__name__}: {wrong}"[:300])
        else:
            self.heard.calls += 1

    async def _ask(
        self,
        kind: str,
        path: str,
        fields: dict[str, str],
        due: Callable[[str], Awaitable[float]],
        line: "_Line | None",
    ) -> str:
        since = await due(kind)
        signature = twiml.signature(self._target.token, self._target.public_url + path, tuple(fields.items()))
        used = line or (self._idle.popleft() if self._idle else await self._line())
        answer = await used.post(path, urlencode(fields).encode(), signature)
        self.heard.took[kind].append(time.perf_counter() - since)
        if line is None:
            self._idle.append(used)
        return answer

    async def _line(self) -> "_Line":
        return _Line(*await asyncio.open_connection("127.0.0.1", self._target.port))

    def _called(self) -> str:
        return self._dice.choice(self._target.called)


class _WrongAnswer(Exception):
    pass


class _Line:
    """A kept-alive HTTP/1.1 connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def post(self, path: str, body: bytes, signature: str) -> str:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\nX-Twilio-Signature: {signature}\r\nUser-Agent: TwilioProxy/1.1\r\n"
            "I-Twilio-Idempotency-Token: 6f1f8a4c\r\nAccept: */*\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        answered = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(_between(answered, "content-length: ", "\r\n"))
        text = (await self._reader.readexactly(length)).decode()
        if not answered.startswith("http/1.1 200"):
            raise _WrongAnswer(f"{answered[:20]} {text}")
        return text

    def close(self) -> None:
        self._writer.close()


def ring_fields(call: str, caller: str, called: str) -> dict[str, str]:
    """What the carrier posts when somebody rings."""
    return {
        "AccountSid": "AC00000000000000000000000000000000",
        "ApiVersion": "2010-04-01",
        "CallSid": call,
        "CallStatus": "ringing",
        "CallToken": "%7B%22parentCallInfoToken%22%3A%22eyJhbGciOiJFUzI1NiJ9%22%7D",
        "Called": called,
        "CalledCountry": "FR",
        "Caller": caller,
        "CallerCountry": "FR",
        "Direction": "inbound",
        "From": caller,
        "FromCountry": "FR",
        "StirVerstat": "TN-Validation-Passed-A",
        "To": called,
        "ToCountry": "FR",
    }


def key_fields(fields: dict[str, str]) -> dict[str, str]:
    """What the carrier posts when the caller has pressed 1."""
    return {**fields, "CallStatus": "in-progress", "Digits": "1", "FinishedOnKey": "", "msg": "Gather End"}


def _between(text: str, start: str, end: str) -> str:
    found = text.partition(start)[2].partition(end)[0]
    if not found:
        raise _WrongAnswer(text)
    return found


async def _at_once(_: str) -> float:
    return time.perf_counter()


def _after(due: float, thinks: float) -> Callable[[str], Awaitable[float]]:
    """The ring is due when it is due, the key some time after the menu was heard."""

    async def wait(kind: str) -> float:
        if kind == RING:
            return due
        instant = time.perf_counter() + thinks
        await _until(instant)
        return instant

    return wait


async def _until(instant: float) -> None:
    delay = instant - time.perf_counter()
    if delay > 0:
        await asyncio.sleep(delay)
