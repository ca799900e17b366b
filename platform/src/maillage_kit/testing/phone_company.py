"""A phone company that lives in a test or in the demo and speaks to the real webhooks over real HTTP.

It signs its requests, obeys the TwiML that comes back, and rings scripted phones:

    company = PhoneCompany(client, public_url=…, token=…, clock=…)
    ana = company.phone("Ana", "+33611111111")
    ana.rings().presses("1")
    call = await company.calls("+33699999999", "+33232402727")
    await call.presses("1")            # the caller answers the menu
    assert call.talks_to is ana
    await call.hangs_up()
    company.is_quiet()                 # nothing expected is left, nothing unexpected happened

A number that rings without having been told to is an `UnexpectedCall`, a document this company cannot read a
`BadDocument`: both fail the test. Time passes on the clock that is given (a `MovableClock` in the same process, a
`SharedClock` for a server), never on the wall. `on_ring` may decide what a phone does, call by call.
"""

import base64
import hashlib
import hmac
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

import httpx

VOICE_PATH = "/telephony/twiml/inbound"
STATUS_PATH = "/telephony/twiml/status"
MASKED = "anonymous"
_MAX_DOCUMENTS = 60
_SPEECH_SECONDS = 4.0


class UnexpectedCall(AssertionError):
    """A phone rang that nobody told to expect a call."""


class BadDocument(AssertionError):
    """The answer to a webhook is not a document that a carrier could obey."""


class WebhookFailed(AssertionError):
    """A webhook was not answered properly."""


class Clock(Protocol):
    def now(self) -> datetime: ...

    def advance(self, **delta: float) -> datetime: ...


class People(Protocol):
    """Real persons at the phones, instead of what was said beforehand: both wait for one of them."""

    async def ring(self, phone: "Phone", patience: float) -> "Ring":
        """This phone rings, for `patience` seconds: what its owner, or the caller meanwhile, does."""
        ...

    async def listen(self, phone: "Phone", ring: "Ring", patience: float) -> str | None:
        """The key pressed on what was read out, None when nothing was. Who hangs up meanwhile is written on `ring`."""
        ...


class _Does(StrEnum):
    ANSWERS = "answers"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    DECLINES = "declines"
    UNREACHABLE = "failed"
    CALLER_LEAVES = "caller-leaves"


@dataclass
class Ring:
    """What a phone does the next time it rings. Without another word: it rings in vain."""

    does: _Does = _Does.NO_ANSWER
    after: float = 5.0
    key: str | None = None
    key_after: float = 3.0
    caller_leaves: bool = False
    hangs_up: bool = False

    def presses(self, key: str, *, after: float = 5.0, thinks: float = 3.0) -> None:
        """Pick up `after` seconds, listen, and press `key` after `thinks` seconds."""
        self.does, self.after, self.key, self.key_after = _Does.ANSWERS, after, key, thinks

    def is_a_machine(self, *, after: float = 12.0) -> None:
        """An answering machine picks up and never presses a key."""
        self.does, self.after, self.key = _Does.ANSWERS, after, None

    voicemail = is_a_machine

    def picks_up_and_hangs_up(self, *, after: float = 5.0) -> None:
        """Pick up, and hang up on hearing what it is about."""
        self.does, self.after, self.key, self.hangs_up = _Does.ANSWERS, after, None, True

    def is_busy(self) -> None:
        self.does = _Does.BUSY

    def does_not_answer(self) -> None:
        self.does = _Does.NO_ANSWER

    def declines(self) -> None:
        """Press the red button: the network says busy."""
        self.does = _Does.DECLINES

    def is_unreachable(self) -> None:
        """The number does not exist or the network has lost it."""
        self.does = _Does.UNREACHABLE

    def and_the_caller_hangs_up(self, *, after: float = 5.0) -> None:
        """The caller gives up while this phone rings."""
        self.does, self.after = _Does.CALLER_LEAVES, after

    def picks_up_and_the_caller_hangs_up(self, *, after: float = 5.0) -> None:
        """The caller gives up while this person listens to what it is about."""
        self.does, self.after, self.caller_leaves = _Does.ANSWERS, after, True


@dataclass
class Phone:
    """A phone of somebody who may be rung. `heard` is what was said to it, `rung_by` the number it displayed."""

    name: str
    number: str
    expected: deque[Ring] = field(default_factory=deque)
    habit: Ring | None = None
    heard: list[str] = field(default_factory=list)
    displayed: list[str] = field(default_factory=list)
    times_rung: int = 0
    engaged: bool = False

    def rings(self) -> Ring:
        """Expect one more call; say next what happens then."""
        ring = Ring()
        self.expected.append(ring)
        return ring

    def always(self) -> Ring:
        """From now on, any number of calls, all alike: for the demo and for load."""
        self.habit = Ring()
        return self.habit

    def _next(self) -> Ring:
        self.times_rung += 1
        if self.engaged:
            return self._engaged()
        if self.expected:
            return self.expected.popleft()
        if self.habit is not None:
            return self.habit
        raise UnexpectedCall(f"{self.name} ({self.number}) was rung and was not told to expect it")

    def _engaged(self) -> Ring:
        ring = Ring()
        ring.is_busy()
        return ring


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
        self._phones: dict[str, Phone] = {}
        self._sids = itertools.count(1)
        self._prefix = hashlib.sha256(f"{id(self)}{public_url}".encode()).hexdigest()[:12]
        self.calls_made: list[LiveCall] = []

    # ------------------------------------------------------------------------------------------------------ phones

    def phone(self, name: str, number: str) -> Phone:
        """The phone with that number, made the first time."""
        return self._phones.setdefault(number, Phone(name, number))

    def is_quiet(self) -> None:
        """Raise AssertionError unless every expected call came and every line is down."""
        left = [f"{p.name} expects {len(p.expected)} more" for p in self._phones.values() if p.expected]
        lines = [f"{c.caller} is still {c.state}" for c in self.calls_made if c.state is not CallPhase.OVER]
        if left or lines:
            raise AssertionError("; ".join(left + lines))

    # ------------------------------------------------------------------------------------------------------- calls

    def recording_url(self, sid: str) -> str:
        """Where a recording of this company is fetched."""
        return f"{self.recordings_at}/2010-04-01/Accounts/AC{'0' * 32}/Recordings/{sid}"

    async def calls(self, caller: str, number: str, *, message: int | None = None, **extra: str) -> "LiveCall":
        """`caller` dials `number`. Returns when they are asked something, talk to somebody, or the line is down.

        `message`: see `LiveCall`. `caller` may be `MASKED`; `extra` overrides fields of webhooks (a malformed From…).
        """
        call = LiveCall(self, caller, number, self._sid("CA"), extra)
        call.message = message
        self.calls_made.append(call)
        await call._obey(await self._post(self.voice_path, call.fields("ringing")))
        return call

    async def passes(self, seconds: float) -> None:
        """Let time pass: by moving the clock, or as `wait` says when several calls share one time line."""
        if seconds <= 0:
            return
        if self.wait is not None:
            await self.wait(seconds)
        elif self.clock is not None:
            self.clock.advance(seconds=seconds)

    def _sid(self, kind: str) -> str:
        return f"{kind}{self._prefix}{next(self._sids):020d}"

    # ---------------------------------------------------------------------------------------------------- webhooks

    def sign(self, url: str, form: dict[str, str], token: str | None = None) -> str:
        """The signature of a request, as the carriers document it."""
        text = url + "".join(name + form[name] for name in sorted(form))
        digest = hmac.new((token or self.token).encode(), text.encode(), hashlib.sha1).digest()
        return base64.b64encode(digest).decode()

    async def _post(self, path: str, form: dict[str, str]) -> ElementTree.Element:
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

    async def _tell(self, path: str, form: dict[str, str]) -> None:
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
            await self._tell(path, form)

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

    def _path(self, url: str) -> str:
        """The path of an address the document names; it must be under the public address."""
        if not url.startswith(self.public_url + "/"):
            raise BadDocument(f"{url} is not under {self.public_url}")
        parts = urlsplit(url)
        base = urlsplit(self.public_url).path
        path = parts.path[len(base) :] if base else parts.path
        return path + (f"?{parts.query}" if parts.query else "")


class CallPhase(StrEnum):
    """Where a caller is. ASKED: a menu waits for keys; TALKING: put through to somebody."""

    CONNECTING = "connecting"
    ASKED = "asked"
    TALKING = "talking"
    OVER = "over"


@dataclass
class _Leg:
    """A line to somebody, while the caller waits or talks."""

    sid: str
    phone: Phone
    number: ElementTree.Element
    dial: ElementTree.Element
    sequence: Iterator[int]
    held: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    over: bool = False


class LiveCall:
    """One caller's line. `said` is what they heard; `talks_to` whom they are put through to; `message`: for how many
    seconds they speak after a tone, None when they hang up then."""

    def __init__(self, company: PhoneCompany, caller: str, number: str, sid: str, extra: dict[str, str]) -> None:
        self.company = company
        self.caller = caller
        self.number = number
        self.sid = sid
        self.state = CallPhase.CONNECTING
        self.said: list[str] = []
        self.rung: list[str] = []
        self.talks_to: Phone | None = None
        self.message: int | None = None
        self.started: datetime | None = company.clock.now() if company.clock else None
        self._extra = extra
        self._gather: ElementTree.Element | None = None
        self._after_gather: list[ElementTree.Element] = []
        self._leg: _Leg | None = None
        self._documents = 0

    # ---------------------------------------------------------------------------------------- what the caller does

    async def presses(self, keys: str) -> "LiveCall":
        """Type keys on the question that is being asked."""
        gather = self._asked()
        self._gather = None
        await self.company.passes(_SPEECH_SECONDS)
        await self._obey(
            await self.company._post(
                self.company._path(_attribute(gather, "action")), self.fields("in-progress", Digits=keys)
            )
        )
        return self

    async def waits(self) -> "LiveCall":
        """Type nothing until the question gives up."""
        gather = self._asked()
        self._gather = None
        await self.company.passes(_SPEECH_SECONDS + float(gather.get("timeout", "5")))
        await self._verbs(self._after_gather)
        return self

    async def hangs_up(self) -> "LiveCall":
        """The caller hangs up, whatever is going on."""
        if self.state is CallPhase.TALKING and self._leg is not None:
            leg = self._leg
            await self._leg_over(leg, "completed")
            await self._recorded(leg)
            self._talk_ends()
            await self._dial_over(leg, "completed", bridged=True, call_status="completed")
        await self._line_down()
        return self

    async def is_left(self) -> "LiveCall":
        """The person the caller talks to hangs up first; the caller stays on the line."""
        if self._leg is None or self.state is not CallPhase.TALKING:
            raise AssertionError(f"{self.caller} talks to nobody")
        leg = self._leg
        await self._leg_over(leg, "completed")
        await self._recorded(leg)
        self._talk_ends()
        await self._dial_over(leg, "completed", bridged=True)
        return self

    def heard(self, words: str) -> bool:
        """Whether these words were said to the caller."""
        return any(words in said for said in self.said)

    # ------------------------------------------------------------------------------------------------ the documents

    def fields(self, status: str, **more: str) -> dict[str, str]:
        """The fields every webhook about this line carries."""
        return {
            "AccountSid": "AC" + "0" * 32,
            "ApiVersion": "2010-04-01",
            "CallSid": self.sid,
            "CallStatus": status,
            "Direction": "inbound",
            "From": self.caller,
            "To": self.number,
            **self._extra,
            **more,
        }

    def _asked(self) -> ElementTree.Element:
        if self._gather is None:
            raise AssertionError(f"{self.caller} is not asked anything: {self.state}, heard {self.said[-2:]}")
        return self._gather

    async def _obey(self, document: ElementTree.Element) -> None:
        self._documents += 1
        if self._documents > _MAX_DOCUMENTS:
            raise BadDocument("the call goes round in circles")
        self.state = CallPhase.CONNECTING
        await self._verbs(list(document))

    async def _verbs(self, verbs: list[ElementTree.Element]) -> None:
        for index, verb in enumerate(verbs):
            match verb.tag:
                case "Say":
                    self._hear(verb)
                case "Pause":
                    await self.company.passes(float(verb.get("length", "1")))
                case "Play":
                    self._hear(verb)
                case "Record":
                    await self._record(verb, verbs[index + 1 :])
                    return
                case "Gather":
                    for said in verb:
                        self._hear(said)
                    self._gather, self._after_gather = verb, verbs[index + 1 :]
                    self.state = CallPhase.ASKED
                    return
                case "Redirect":
                    path = self.company._path((verb.text or "").strip())
                    await self._obey(await self.company._post(path, self.fields("in-progress")))
                    return
                case "Dial":
                    await self._dial(verb, verbs[index + 1 :])
                    return
                case "Hangup":
                    await self._line_down()
                    return
                case other:
                    raise BadDocument(f"<{other}> is not a verb this company knows")
        await self._line_down()

    async def _record(self, verb: ElementTree.Element, rest: list[ElementTree.Element]) -> None:
        """The caller leaves a message when `message` holds one, else hangs up at the tone."""
        if self.message is None:
            await self._line_down()
            return
        seconds = min(self.message, int(_attribute(verb, "maxLength")))
        await self.company.passes(seconds)
        sid = self.company._sid("RE")
        told = self.fields(
            "in-progress",
            RecordingSid=sid,
            RecordingUrl=self.company.recording_url(sid),
            RecordingDuration=str(seconds),
        )
        ready = self.company._path(_attribute(verb, "recordingStatusCallback"))
        await self.company._tell(ready, {**told, "RecordingStatus": "completed"})
        if verb.get("action"):
            await self._obey(await self.company._post(self.company._path(_attribute(verb, "action")), told))
            return
        await self._verbs(rest)

    def _hear(self, verb: ElementTree.Element) -> None:
        if verb.tag == "Play" and (verb.text or "").strip():
            self.said.append(f"[{(verb.text or '').strip()}]")
            return
        if verb.tag != "Say":
            raise BadDocument(f"<{verb.tag}> inside a question")
        text = (verb.text or "").strip()
        if not text:
            raise BadDocument("<Say> without words")
        if not verb.get("language", "").startswith("fr"):
            raise BadDocument(f"not said in French: {text}")
        self.said.append(text)

    # ------------------------------------------------------------------------------------------------------- dialling

    async def _dial(self, dial: ElementTree.Element, rest: list[ElementTree.Element]) -> None:
        numbers = list(dial)
        if len(numbers) != 1 or numbers[0].tag != "Number":
            raise BadDocument("<Dial> holds one <Number>")
        number = numbers[0]
        digits = (number.text or "").strip()
        people = self.company.people
        if people is not None:
            self.company.phone(digits, digits)
        if digits not in self.company._phones:
            raise UnexpectedCall(f"{digits} was rung: nobody has that number")
        phone = self.company._phones[digits]
        leg = _Leg(self.company._sid("CA"), phone, number, dial, itertools.count())
        self._leg = leg
        self.rung.append(phone.name)
        phone.displayed.append(dial.get("callerId", ""))
        engaged = phone.engaged
        ring: Ring | None = None
        if people is None or engaged:
            chosen = None if engaged or self.company.on_ring is None else self.company.on_ring(self, phone)
            ring = chosen or phone._next()
        phone.engaged = True  # while it rings too: whoever else calls it now finds it busy
        patience = float(dial.get("timeout", "30"))
        await self._leg_news(leg, "initiated")
        await self._leg_news(leg, "ringing")
        if ring is None:
            assert people is not None
            ring = await people.ring(phone, patience)
        if ring.does is _Does.CALLER_LEAVES:
            await self.company.passes(min(ring.after, patience))
            phone.engaged = engaged and phone.engaged
            await self._leg_over(leg, "canceled")
            await self._dial_over(leg, "canceled", bridged=False, call_status="completed")
            await self._line_down()
            return
        if ring.does is _Does.ANSWERS and ring.after < patience:
            await self._answered(leg, ring, rest)
            return
        status = {_Does.BUSY: "busy", _Does.DECLINES: "busy", _Does.UNREACHABLE: "failed"}.get(ring.does, "no-answer")
        await self.company.passes({"no-answer": patience, "failed": 1.0}.get(status, 2.0))
        phone.engaged = engaged and phone.engaged
        await self._leg_over(leg, status)
        await self._dial_over(leg, status, bridged=False, rest=rest)

    async def _answered(self, leg: _Leg, ring: Ring, rest: list[ElementTree.Element]) -> None:
        await self.company.passes(ring.after)
        leg.phone.engaged = True
        await self._leg_news(leg, "in-progress")
        if not leg.number.get("url"):
            self._talk_begins(leg)
            return
        try:
            bridged = await self._whispered(leg, ring)
        except BaseException:
            leg.phone.engaged = False
            raise
        if ring.caller_leaves:
            leg.phone.engaged = False
            await self._leg_over(leg, "completed")
            await self._dial_over(leg, "completed", bridged=False, call_status="completed")
            await self._line_down()
            return
        if bridged:
            self._talk_begins(leg)
            return
        leg.phone.engaged = False
        await self._leg_over(leg, "completed")
        await self._dial_over(leg, "completed", bridged=False, rest=rest)

    async def _whispered(self, leg: _Leg, ring: Ring) -> bool:
        """Obey the document read to the person rung. True: put through; False: that line was hung up."""
        path = self.company._path(_attribute(leg.number, "url"))
        document = await self.company._post(path, self._leg_fields(leg, "in-progress"))
        pressed = False
        for _ in range(_MAX_DOCUMENTS):
            follow: tuple[str, dict[str, str]] | None = None
            for verb in document:
                if verb.tag in ("Say", "Play"):
                    self._overhear(leg, verb)
                elif verb.tag == "Hangup":
                    return False
                elif verb.tag == "Redirect":
                    follow = (self.company._path((verb.text or "").strip()), {})
                    break
                elif verb.tag == "Gather":
                    for said in verb:
                        self._overhear(leg, said)
                    people = self.company.people
                    if people is not None:
                        ring.key = await people.listen(leg.phone, ring, float(verb.get("timeout", "5")))
                        pressed = False
                    if ring.caller_leaves or ring.hangs_up:
                        return False
                    if ring.key is not None and not pressed:
                        pressed = True
                        await self.company.passes(_SPEECH_SECONDS + ring.key_after)
                        follow = (self.company._path(_attribute(verb, "action")), {"Digits": ring.key})
                        break
                    await self.company.passes(_SPEECH_SECONDS + float(verb.get("timeout", "5")))
                else:
                    raise BadDocument(f"<{verb.tag}> said to the person rung")
            if follow is None:
                return True
            document = await self.company._post(follow[0], self._leg_fields(leg, "in-progress", **follow[1]))
        raise BadDocument("the person rung goes round in circles")

    def _overhear(self, leg: _Leg, verb: ElementTree.Element) -> None:
        if verb.tag not in ("Say", "Play") or not (verb.text or "").strip():
            raise BadDocument(f"<{verb.tag}> said to the person rung")
        leg.phone.heard.append((verb.text or "").strip())

    def _talk_begins(self, leg: _Leg) -> None:
        leg.phone.engaged = True
        self.talks_to = leg.phone
        self.state = CallPhase.TALKING

    async def _recorded(self, leg: _Leg) -> None:
        """The conversation is over: when it was recorded, the company says where the recording is."""
        ready = leg.dial.get("recordingStatusCallback")
        if leg.dial.get("record", "do-not-record") == "do-not-record" or not ready:
            return
        sid = self.company._sid("RE")
        told = self.fields(
            "in-progress",
            RecordingSid=sid,
            RecordingUrl=self.company.recording_url(sid),
            RecordingDuration="60",
            RecordingStatus="completed",
        )
        await self.company._tell(self.company._path(ready), told)

    def _talk_ends(self) -> None:
        if self.talks_to is not None:
            self.talks_to.engaged = False
        self.talks_to = None
        self.state = CallPhase.CONNECTING

    def _leg_fields(self, leg: _Leg, status: str, **more: str) -> dict[str, str]:
        return {
            "AccountSid": "AC" + "0" * 32,
            "ApiVersion": "2010-04-01",
            "CallSid": leg.sid,
            "ParentCallSid": self.sid,
            "CallStatus": status,
            "Direction": "outbound-dial",
            "From": leg.dial.get("callerId", ""),
            "To": leg.phone.number,
            **more,
        }

    async def _leg_news(self, leg: _Leg, status: str, *, last: bool = False) -> None:
        url = leg.number.get("statusCallback")
        if not url:
            return
        wanted = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}.get(status, "completed")
        if wanted not in leg.number.get("statusCallbackEvent", "completed").split():
            return
        news = (
            self.company._path(url),
            self._leg_fields(
                leg, status, SequenceNumber=str(next(leg.sequence)), CallbackSource="call-progress-events"
            ),
        )
        if self.company.misbehaves.swap_leg_news and not last:
            leg.held.append(news)
            return
        await self.company._tell(*news)
        for path, form in leg.held:
            await self.company._tell(path, form)
        leg.held.clear()

    async def _leg_over(self, leg: _Leg, status: str) -> None:
        if not leg.over:
            leg.over = True
            await self._leg_news(leg, status, last=True)

    async def _dial_over(
        self,
        leg: _Leg,
        status: str,
        *,
        bridged: bool,
        call_status: str = "in-progress",
        rest: list[ElementTree.Element] | None = None,
    ) -> None:
        self._leg = None
        action = leg.dial.get("action")
        if not action:
            if call_status == "in-progress":
                await self._verbs(rest or [])
            return
        document = await self.company._post(
            self.company._path(action),
            self.fields(
                call_status,
                DialCallStatus=status,
                DialCallSid=leg.sid,
                DialBridged="true" if bridged else "false",
            ),
        )
        if call_status == "in-progress":
            await self._obey(document)

    async def _line_down(self) -> None:
        if self.state is CallPhase.OVER:
            return
        self.state = CallPhase.OVER
        self._gather = None
        seconds = 0
        if self.company.clock is not None and self.started is not None:
            seconds = round((self.company.clock.now() - self.started).total_seconds())
        await self.company._tell(
            self.company.status_path,
            self.fields(
                "completed",
                CallDuration=str(seconds),
                SequenceNumber="0",
                CallbackSource="call-progress-events",
            ),
        )


def _attribute(element: ElementTree.Element, name: str) -> str:
    value = element.get(name)
    if not value:
        raise BadDocument(f"<{element.tag}> without {name}")
    return value
