"""For tests: the real voice process, spoken to by real SIP and sound on loopback; a scripted application; a small edge.

Nothing here is imported by the running service.

Sentences are tones: each text of a test is put in the voice's cache as a pitch of its own, so that a test hears which
one is played (and nobody waits for a synthetic voice).
"""

import asyncio
import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from maillage_kit.http_client import http_client
from maillage_kit.testing.sip_lab import free_port, own_range
from maillage_kit.testing.sip_phone import Dialog, SipPhone
from maillage_voice import g711, words

SECRET = "a-secret-of-the-edge-for-tests"  # noqa: S105 - of no installation
CALLED = "+33232402727"
BASE = "/telephony/sip/coop/call"
MANY = 50
RINGING = 440.0
BEEP = 1000.0
PITCHES = {  # Hz; far enough from each other, from the ringing tone and from the beep
    "menu": 600.0,
    "again": 700.0,
    "whisper": 800.0,
    "goodbye": 900.0,
    "long": 1200.0,
    words.SAFETY_FIRST: 1300.0,
    words.PUT_THROUGH: 1400.0,
    words.NEXT_ONE: 1500.0,
    words.WHISPER: 1600.0,
    words.REFUSED: 1700.0,
    words.ALREADY_TAKEN: 1800.0,
    words.GOODBYE: 1900.0,
    words.LEAVE_MESSAGE: 2000.0,
    words.NOBODY: 2100.0,
}
SECONDS = {"long": 5.0}


_T = TypeVar("_T")


@dataclass
class ScriptedApplication:
    """Answers as told, over real HTTP. `mood`: `well`, `slow`, `broken` (500), `absurd`; `stop` is down."""

    port: int
    plans: dict[str, Any] = field(default_factory=dict)
    mood: str = "well"
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    uploads: list[tuple[str, bytes]] = field(default_factory=list)
    sounds: dict[str, bytes] = field(default_factory=dict)
    wrong_secret: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._writers):
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                method, path, _ = head[0].split()
                headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:])}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                status, said = await self._answer(method, path, headers, body)
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(said)}\r\n\r\n".encode() + said)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if headers.get("authorization") != "Basic " + base64.b64encode(f"edge:{SECRET}".encode()).decode():
            self.wrong_secret += 1
            return 401, b""
        if self.mood == "slow" and not path.endswith("/events"):
            await asyncio.sleep(30)
        if self.mood == "broken":
            return 500, b""
        async with self._news:
            self._news.notify_all()
            if method == "GET":
                return (200, self.sounds[path]) if path in self.sounds else (404, b"")
            if headers.get("content-type") == "audio/wav":
                self.uploads.append((path, body))
                return 204, b""
            told = json.loads(body)
            if path == "/telephony/sip/events":
                self.events += told
                return 204, b""
            self.asked.append((path, told))
        if self.mood == "absurd":
            return 200, b'{"verbs": [{"dance": true}]}'
        plan = self.plans.get(path, self.plans.get(path.split("?", maxsplit=1)[0], {"verbs": [{"hangup": True}]}))
        if callable(plan):
            plan = plan(told)
            if isinstance(plan, Awaitable):
                plan = await plan
        return 200, json.dumps(plan).encode()

    async def until(self, condition: Callable[[], _T], *, timeout: float = 10) -> _T:
        """Waits for something to have been told."""
        async with asyncio.timeout(timeout):
            async with self._news:
                return await self._news.wait_for(condition)

    async def told(self, kind: str, *, call_id: str, timeout: float = 10, **more: Any) -> dict[str, Any]:
        """The first such event of that call."""

        wanted = {"type": kind, "call_id": call_id, **more}
        found = await self.until(lambda: [e for e in self.events if wanted.items() <= e.items()], timeout=timeout)
        return found[0]

    async def posted(self, path: str, *, timeout: float = 10, **more: Any) -> dict[str, Any]:
        """The first such question."""
        found = await self.until(
            lambda: [told for at, told in self.asked if at == path and more.items() <= told.items()], timeout=timeout
        )
        return found[0]

    def kinds(self, call_id: str) -> list[str]:
        return [event["type"] for event in self.events if event["call_id"] == call_id]


def put_sound(folder: Path, text: str, hertz: float, seconds: float = 0.3) -> None:
    """In the cache of a voice whose data folder that is."""
    cache = folder / "speech"
    cache.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(f"fr\n{text}".encode()).hexdigest() + ".al"
    (cache / name).write_bytes(g711.tone(hertz, seconds))


class Voice:
    """The process. `kill` is kill -9."""

    def __init__(self, folder: Path, edge_port: int, application_port: int, settings: Mapping[str, str]) -> None:
        self.folder, self.port, self.control_port = folder, free_port(), free_port()
        self.address = ("127.0.0.1", self.port)
        media = own_range(34_000, 2_600)
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MAILLAGE_")},
            "MAILLAGE_TELEPHONY__SIP__SECRETS": json.dumps([SECRET]),
            "MAILLAGE_VOICE__PORT": str(self.port),
            "MAILLAGE_VOICE__CONTROL_PORT": str(self.control_port),
            "MAILLAGE_VOICE__EDGE": f"127.0.0.1:{edge_port}",
            "MAILLAGE_VOICE__APPLICATION_URL": f"http://127.0.0.1:{application_port}",
            "MAILLAGE_VOICE__DATA_DIR": str(folder),
            "MAILLAGE_VOICE__RTP_PORTS": json.dumps([media[0], media[-2]]),
            "MAILLAGE_VOICE__DRAIN_SECONDS": "1",
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None
        for text, hertz in PITCHES.items():
            put_sound(folder, text, hertz, SECONDS.get(text, 0.3))

    async def start(self) -> None:
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "maillage_app.cli", "voice"], env=self._environment, stdout=log, stderr=log
        )
        log.close()
        async with asyncio.timeout(30):
            while True:
                with suppress(httpx.TransportError):
                    await self.health()
                    return
                assert self.process.poll() is None, self.log()
                await asyncio.sleep(0.05)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    async def health(self) -> dict[str, Any]:
        async with http_client() as client:
            return dict((await client.get(f"http://127.0.0.1:{self.control_port}/health")).json())

    async def order(self, body: dict[str, Any], *, secret: str = SECRET, path: str = "/calls") -> int:
        async with http_client(auth=("edge", secret)) as client:
            return (await client.post(f"http://127.0.0.1:{self.control_port}{path}", json=body)).status_code

    async def idle(self) -> None:
        """Until no call is left."""
        await self._none_left("calls")

    async def uploaded(self) -> None:
        """Until no recording waits for the application."""
        await self._none_left("recordings")

    async def _none_left(self, what: str) -> None:
        async with asyncio.timeout(15):
            while (await self.health())[what]:
                await asyncio.sleep(0.05)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.is_running:
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(8)
            except subprocess.TimeoutExpired:
                self.kill()


@dataclass
class Lab:
    """Everything around the voice. `edge` is the only SIP address that the voice believes."""

    edge: SipPhone
    application: ScriptedApplication
    voice: Voice

    async def call(self, *, known: bool = True, rescue: Any = (), **more: Any) -> Dialog:
        """A caller, brought by the edge; answered when this returns."""
        dialog = await self.edge.call(self.voice.address, headers=self.headers(known=known, rescue=rescue), **more)
        assert dialog.code.result() == 200
        return dialog

    def headers(self, *, known: bool = True, rescue: Any = ()) -> list[tuple[str, str]]:
        headers = [
            ("X-Maillage-Rescue", json.dumps(list(rescue))),
            ("X-Maillage-Caller-Id", CALLED),
            ("X-Maillage-Source", "app"),
            ("X-Maillage-Caller", "+33611223344"),
            ("X-Maillage-Called", CALLED),
        ]
        if known:
            headers += [("X-Maillage-Call", "call"), ("X-Maillage-Cooperative", "coop")]
        return headers

    async def hunted(self, *, timeout: float = 10) -> Dialog:
        """The next call that the voice sends to the edge."""
        async with asyncio.timeout(timeout):
            return await self.edge.incoming.get()

    async def artisan(self, position: int, *, timeout: float = 10) -> Dialog:
        """Somebody of the next hunt answers, as the edge says it."""
        dialog = await self.hunted(timeout=timeout)
        dialog.ring()
        await dialog.answer(headers=[("X-Maillage-Position", str(position))])
        return dialog


def number(position: int) -> str:
    return f"+33612345{position:03}"


def steps(*positions: int, ring: int = 20, whisper: bool = True) -> list[dict[str, Any]]:
    return [
        {"position": at, "uri": f"sip:{number(at)}@127.0.0.1:5070;user=phone", "ring_seconds": ring, "whisper": whisper}
        for at in positions
    ]


def say(text: str) -> dict[str, Any]:
    return {"say": {"text": text, "prompt": None}}


def gather(*texts: str, then: str, digits: int = 1, timeout: float = 6) -> dict[str, Any]:
    sentences = [{"text": text, "prompt": None} for text in texts]
    return {"gather": {"say": sentences, "digits": digits, "timeout": timeout, "then": then}}


def hunt(
    *positions: int, accept: float = 3, ring: int = 20, whisper: bool = True, record: Any = None
) -> dict[str, Any]:
    return {
        "hunt": {
            "caller_id": CALLED,
            "steps": steps(*positions, ring=ring, whisper=whisper),
            "then": f"{BASE}/step/{{position}}",
            "whisper": f"{BASE}/whisper/{{position}}",
            "accept_seconds": accept,
            "record": record,
        }
    }


def plan(*verbs: dict[str, Any]) -> dict[str, Any]:
    return {"verbs": list(verbs)}


HANGUP = {"hangup": True}


def hunting_application(application: ScriptedApplication, *positions: int, **more: Any) -> None:
    """The usual evening: a hunt at once, press 1 to accept, goodbye at the end."""
    application.plans[f"{BASE}/start"] = plan(hunt(*positions, **more))
    for position in range(10):
        application.plans[f"{BASE}/whisper/{position}"] = plan(gather("whisper", then=f"{BASE}/key/{position}"))
        application.plans[f"{BASE}/key/{position}"] = lambda told: (
            plan() if told["digits"] == "1" else plan(say("again"), HANGUP)
        )
        application.plans[f"{BASE}/step/{position}"] = plan(say("goodbye"), HANGUP)


@asynccontextmanager
async def laboratory(folder: Path, settings: Mapping[str, str] | None = None, *, up: bool = True) -> AsyncIterator[Lab]:
    edge = await SipPhone.open()
    application = ScriptedApplication(free_port())
    if up:
        await application.start()
    voice = Voice(folder, edge.port, application.port, settings or {})
    try:
        await voice.start()
        yield Lab(edge, application, voice)
    finally:
        voice.stop()
        edge.close()
        await application.stop()
