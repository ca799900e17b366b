"""The carrier: its webhooks, signed, and the calls it carries."""

import base64
import hashlib
import hmac
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

import httpx

from maillage_kit.testing.phone_company.caller import CallPhase, LiveCall
from maillage_kit.testing.phone_company.documents import BadDocument
from maillage_kit.testing.phone_company.phones import People, Phone, Ring

VOICE_PATH = "/telephony/twiml/inbound"
STATUS_PATH = "/telephony/twiml/status"
MASKED = "anonymous"


class WebhookFailed(AssertionError):
    """A webhook was not answered properly."""


class Clock(Protocol):
    def now(self) -> datetime: ...

    def advance(self, **delta: float) -> datetime: ...


@dataclass(frozen=True)
class Webhook:
    """One request as it was sent and answered."""

    path: str
    form: dict[str, str]
    status: int
    body: str


@dataclass
class Misbehaviour:
    """What a carrier does on bad days. `swap_leg_news`: the end of a leg is told before its ringing."""

    repeat_everything: bool = False
    repeat_status: bool = False
    swap_leg_news: bool = False
    lose_status: bool = False
    does_not_mind_failed_news: bool = False


class PhoneCompany:
    """The carrier. `client` reaches the application; `public_url` is the address it signs, whatever that base is."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        public_url: str,
        token: str,
        clock: Clock | None = None,
        voice_path: str = VOICE_PATH,
        status_path: str = STATUS_PATH,
    ) -> None:
        self.client = client
        self.public_url = public_url.rstrip("/")
        self.token = token
        self.clock = clock
        self.voice_path = voice_path
        self.status_path = status_path
        self.misbehaves = Misbehaviour()
        self.webhooks: list[Webhook] = []
        self.failed_news: list[tuple[str, dict[str, str]]] = []
        self.before_webhook: Callable[[str], Awaitable[None]] | None = None
        self.wait: Callable[[float], Awaitable[None]] | None = None
        self.on_ring: Callable[[LiveCall, Phone], Ring | None] | None = None
        self.people: People | None = None
        self.retries = 0
        self.recordings_at = "https://api.twilio.com"
        self.phones: dict[str, Phone] = {}
        self._sids = itertools.count(1)
        self._prefix = hashlib.sha256(f"{id(self)}{public_url}".encode()).hexdigest()[:12]
        self.calls_made: list[LiveCall] = []

    # ------------------------------------------------------------------------------------------------------ phones

    def phone(self, name: str, number: str) -> Phone:
        """The phone with that number, made the first time."""
        return self.phones.setdefault(number, Phone(name, number))

    def is_quiet(self) -> None:
        """Raise AssertionError unless every expected call came and every line is down."""
        left = [f"{p.name} expects {len(p.expected)} more" for p in self.phones.values() if p.expected]
        lines = [f"{c.caller} is still {c.state}" for c in self.calls_made if c.state is not CallPhase.OVER]
        if left or lines:
            raise AssertionError("; ".join(left + lines))

    # ------------------------------------------------------------------------------------------------------- calls

    def recording_url(self, sid: str) -> str:
        """Where a recording of this company is fetched."""
        return f"{self.recordings_at}/2010-04-01/Accounts/AC{'0' * 32}/Recordings/{sid}"

    async def calls(self, caller: str, number: str, *, message: int | None = None, **extra: str) -> LiveCall:
        """`caller` dials `number`. Returns when they are asked something, talk to somebody, or the line is down.

        `message`: see `LiveCall`. `caller` may be `MASKED`; `extra` overrides fields of webhooks (a malformed From…).
        """
        call = LiveCall(self, caller, number, self.sid("CA"), extra)
        call.message = message
        self.calls_made.append(call)
        await call.obey(await self.ask(self.voice_path, call.fields("ringing")))
        return call

    async def passes(self, seconds: float) -> None:
        """Let time pass: by moving the clock, or as `wait` says when several calls share one time line."""
        if seconds <= 0:
            return
        if self.wait is not None:
            await self.wait(seconds)
        elif self.clock is not None:
            self.clock.advance(seconds=seconds)

    def sid(self, kind: str) -> str:
        """A name that nothing else of this company has: of a call, or of a recording."""
        return f"{kind}{self._prefix}{next(self._sids):020d}"

    # ---------------------------------------------------------------------------------------------------- webhooks

    def sign(self, url: str, form: dict[str, str], token: str | None = None) -> str:
        """The signature of a request, as the carriers document it."""
        text = url + "".join(name + form[name] for name in sorted(form))
        digest = hmac.new((token or self.token).encode(), text.encode(), hashlib.sha1).digest()
        return base64.b64encode(digest).decode()

    async def ask(self, path: str, form: dict[str, str]) -> ElementTree.Element:
        """A webhook that must be answered by a document."""
        answer = await self.send(path, form)
        if self.misbehaves.repeat_everything:
            again = await self.send(path, form)
            if again.text != answer.text:
                raise WebhookFailed(f"{path} answered a repeat differently: {again.text} after {answer.text}")
        if answer.status_code != 200:
            raise WebhookFailed(f"{path} answered {answer.status_code}: {answer.text[:300]}")
        try:
            root = ElementTree.fromstring(answer.text)  # noqa: S314 - our own documents
        except ElementTree.ParseError as exc:
            raise BadDocument(f"{path}: {exc}: {answer.text[:300]}") from exc
        if root.tag != "Response":
            raise BadDocument(f"{path} answered <{root.tag}>")
        return root

    async def tell(self, path: str, form: dict[str, str]) -> None:
        """Status news: nothing is expected back but a success."""
        if self.misbehaves.lose_status:
            return
        repeats = 2 if self.misbehaves.repeat_status or self.misbehaves.repeat_everything else 1
        for _ in range(repeats):
            answer = await self.send(path, form)
            if answer.status_code in (200, 204):
                continue
            if not self.misbehaves.does_not_mind_failed_news:
                raise WebhookFailed(f"{path} answered {answer.status_code}: {answer.text[:300]}")
            self.failed_news.append((path, form))

    async def tells_again(self) -> None:
        """Tell once more, in order, the news that could not be delivered."""
        waiting, self.failed_news = self.failed_news, []
        for path, form in waiting:
            await self.tell(path, form)

    async def send(self, path: str, form: dict[str, str]) -> httpx.Response:
        """Send one signed webhook; on a broken connection, again as often as `retries` says."""
        body = urlencode(form)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": self.sign(self.public_url + path, form),
        }
        for left in range(self.retries, -1, -1):
            if self.before_webhook is not None:
                await self.before_webhook(path)
            try:
                answer = await self.client.post(path, content=body, headers=headers)
            except httpx.TransportError:
                if not left:
                    raise
                continue
            self.webhooks.append(Webhook(path, form, answer.status_code, answer.text))
            return answer
        raise WebhookFailed(path)

    def path_of(self, url: str) -> str:
        """The path of an address the document names; it must be under the public address."""
        if not url.startswith(self.public_url + "/"):
            raise BadDocument(f"{url} is not under {self.public_url}")
        parts = urlsplit(url)
        base = urlsplit(self.public_url).path
        path = parts.path[len(base) :] if base else parts.path
        return path + (f"?{parts.query}" if parts.query else "")
