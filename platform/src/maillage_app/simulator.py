"""The fake phone company of the tests as something to play with in development: call, hear, pick up, press keys.

A call runs in this process against the real webhooks, signed like a carrier's. It is forgotten when the process ends:
with several web workers a call is known to one of them only.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpx
import structlog

from maillage_kit.context import CooperativeContext
from maillage_kit.crypto import new_token
from maillage_kit.settings import Settings
from maillage_kit.testing.phone_company import CallPhase, LiveCall, Phone, PhoneCompany, Ring

log = structlog.get_logger(__name__)
MOST_LINES = 20
THINKING_SECONDS = 30.0
"""At least that long is waited for a key: what a phone says in a moment is read here."""


class Doing(StrEnum):
    """What a phone does, as the page shows it."""

    RINGING = "ringing"
    LISTENING = "listening"
    TALKING = "talking"
    DOWN = "down"


@dataclass
class Handset:
    """A phone that was rung during the call. `waits` is what its owner is expected to do."""

    name: str
    number: str
    displayed: str = ""
    doing: Doing = Doing.DOWN
    heard: list[str] = field(default_factory=list)
    waits: "asyncio.Future[str] | None" = None


class Line:
    """One call: what the caller hears, the phones that ring, and what each person does."""

    def __init__(self, client: httpx.AsyncClient, settings: Settings, cooperative: CooperativeContext) -> None:
        self.id = new_token()[:16]
        self.cooperative = cooperative
        self.number = cooperative.public_number
        self.handsets: dict[str, Handset] = {}
        self.trouble = ""
        self._client = client
        token = settings.telephony.auth_tokens[0].get_secret_value()
        self.company = PhoneCompany(client, public_url=settings.web.public_url, token=token)
        self.company.people = self
        self._names: dict[str, str] = {}
        self._doing: asyncio.Task[None] | None = None
        self._patience: asyncio.Task[None] | None = None

    @property
    def call(self) -> LiveCall | None:
        return self.company.calls_made[0] if self.company.calls_made else None

    @property
    def over(self) -> bool:
        return bool(self.trouble) or (self.call is not None and self.call.state is CallPhase.OVER)

    @property
    def said(self) -> list[str]:
        return self.call.said if self.call else []

    @property
    def asked(self) -> bool:
        return self.call is not None and self.call.state is CallPhase.ASKED

    @property
    def talks_to(self) -> str:
        phone = self.call.talks_to if self.call else None
        return self._names.get(phone.number, phone.number) if phone else ""

    @property
    def version(self) -> str:
        """Changes whenever the page would."""
        state = self.call.state if self.call else ""
        phones = "|".join(f"{h.number}{h.doing}{len(h.heard)}{h.waits is not None}" for h in self.handsets.values())
        return f"{state}.{len(self.said)}.{abs(hash((phones, self.trouble, self.talks_to)))}"

    # ------------------------------------------------------------------------------------------- what people do

    def dial(self, caller: str, number: str, names: dict[str, str]) -> None:
        """`caller` rings `number`. `names`: whose phone a number is."""
        self.number, self._names = number, names
        self._do(lambda: self.company.calls(caller, number))

    def press(self, keys: str) -> None:
        """The caller types keys on the question being asked."""
        call = self.call
        if call is not None and self.asked and keys and set(keys) <= set("0123456789*#"):
            self._do(lambda: call.presses(keys))

    def hang_up(self) -> None:
        """The caller hangs up, whatever is going on."""
        call = self.call
        if call is None or self.over:
            return
        waiting = next((h for h in self.handsets.values() if h.waits is not None and not h.waits.done()), None)
        if waiting is not None and waiting.waits is not None:
            waiting.waits.set_result("caller_left")
        elif call.state in (CallPhase.ASKED, CallPhase.TALKING):
            self._do(call.hangs_up)

    def act(self, number: str, what: str) -> None:
        """Somebody picks up (`answer`), refuses (`decline`), presses a key (`key:1`) or hangs up (`hang_up`)."""
        handset = self.handsets.get(number)
        if handset is None:
            return
        if handset.waits is not None and not handset.waits.done():
            handset.waits.set_result(what)
        elif handset.doing is Doing.TALKING and what == "hang_up" and self.call is not None:
            self._do(self.call.is_left)

    async def close(self) -> None:
        for task in (self._doing, self._patience):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self._client.aclose()

    async def settled(self) -> None:
        """Returns once nothing moves by itself: a question is asked, a phone rings, the two talk, or it is over."""
        for _ in range(500):
            waits = any(h.waits is not None and not h.waits.done() for h in self.handsets.values())
            if waits or self._doing is None or self._doing.done():
                return
            await asyncio.sleep(0.01)

    # ------------------------------------------------------------------------------------- what the company asks

    async def ring(self, phone: Phone, patience: float) -> Ring:
        """A phone rings until its owner, or the caller, does something."""
        handset = self.handsets.setdefault(
            phone.number, Handset(self._names.get(phone.number, "Téléphone inconnu"), phone.number)
        )
        handset.displayed = phone.displayed[-1] if phone.displayed else ""
        did = await self._wait(handset, Doing.RINGING, patience)
        ring = Ring()
        match did:
            case "answer":
                ring.presses("", after=0, thinks=0)
            case "decline":
                ring.declines()
            case "caller_left":
                ring.and_the_caller_hangs_up(after=0)
        return ring

    async def listen(self, phone: Phone, ring: Ring, patience: float) -> str | None:
        """Somebody has picked up and hears what it is about."""
        handset = self.handsets[phone.number]
        handset.heard = list(phone.heard)
        did = await self._wait(handset, Doing.LISTENING, max(THINKING_SECONDS, patience))
        ring.caller_leaves, ring.hangs_up = did == "caller_left", did == "hang_up"
        return did.removeprefix("key:") if did.startswith("key:") else None

    async def _wait(self, handset: Handset, doing: Doing, patience: float) -> str:
        handset.waits, handset.doing = asyncio.get_running_loop().create_future(), doing
        try:
            return await asyncio.wait_for(handset.waits, patience)
        except TimeoutError:
            return ""
        finally:
            handset.waits, handset.doing = None, Doing.DOWN

    # ---------------------------------------------------------------------------------------------------- running

    def _do(self, act: Callable[[], Awaitable[Any]]) -> None:
        if self._doing is not None and not self._doing.done():
            return
        if self._patience is not None:
            self._patience.cancel()
        self._doing = asyncio.create_task(self._run(act))

    async def _run(self, act: Callable[[], Awaitable[Any]]) -> None:
        try:
            await act()
        except Exception as exc:
            log.exception("simulated_call_failed")
            self.trouble = f"{type(exc).__name__} : {exc}"[:500]
        call = self.call
        for handset in self.handsets.values():
            talking = call is not None and call.talks_to is not None and call.talks_to.number == handset.number
            handset.doing = Doing.TALKING if talking else Doing.DOWN
            handset.heard = list(self.company.phone(handset.name, handset.number).heard)
        if call is not None and call.state is CallPhase.ASKED:
            self._patience = asyncio.create_task(self._give_up(call))

    async def _give_up(self, call: LiveCall) -> None:
        """Nothing is typed for a while: the menu goes on by itself, as on a real line."""
        await asyncio.sleep(THINKING_SECONDS)
        if call.state is CallPhase.ASKED:
            self._patience = None
            self._do(call.waits)


class Simulator:
    """The calls being played in this process, the newest last."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque()

    async def open(self, app: Any, settings: Settings, cooperative: CooperativeContext) -> Line:
        """A new line to the application itself."""
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
            base_url=settings.web.public_url,
            timeout=60,
        )
        while len(self._lines) >= MOST_LINES:
            await self._lines.popleft().close()
        line = Line(client, settings, cooperative)
        self._lines.append(line)
        return line

    def find(self, line_id: str) -> Line | None:
        return next((line for line in self._lines if line.id == line_id), None)
