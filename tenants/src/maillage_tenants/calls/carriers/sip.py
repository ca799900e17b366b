"""The switchboard of our own: the edge (SIP) and the voice menu ask in JSON, and are answered with plans in JSON.

Both prove themselves by a shared secret (HTTP Basic, `edge:<secret>`). The edge asks where a call goes (`welcome`), the
voice what to say and whom to ring (`render`), and both tell afterwards what happened (`events`), at least once.
"""

import functools
import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

import httpx
import msgspec
import structlog

from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.crypto import basic_account
from maillage_kit.errors import Forbidden, Invalid, NotFound, Unavailable
from maillage_kit.http_client import http_client
from maillage_kit.phone import caller_number
from maillage_kit.settings import Settings, SipSettings
from maillage_tenants import recordings
from maillage_tenants.calls import rules
from maillage_tenants.calls.carriers import Heard, RunningCall
from maillage_tenants.calls.plan import (
    Dial,
    Gather,
    GoOn,
    Hangup,
    KeyTurn,
    MaskedTurn,
    MenuTurn,
    Next,
    NobodyElse,
    Plan,
    Record,
    RescueTurn,
    Say,
    StepTurn,
    Turn,
    TypeKeys,
    prompt_of,
)
from maillage_tenants.calls.signals import (
    AttemptOver,
    CallNews,
    Ending,
    InboundCall,
    KeysTyped,
    LegKey,
    News,
    Notice,
)

log = structlog.get_logger(__name__)
PROVIDER = "sip"
BASE = "/telephony/sip"
USER = "edge"
VOICE = "voice"
PATIENCE_SECONDS = 1.5
"""The edge goes on alone after 2 s, the voice after 3."""
RECORDING_SECONDS = 3600
RPC_TIMEOUT_SECONDS = 4.0
OLDEST = timedelta(days=30)
"""An event told later than this is dated by its arrival: its clock cannot be believed."""
MAX_TEXT = 512

_DECIDERS = frozenset({"app", "caller", "plan", "compiled"})
_LEG_NEWS = {
    "attempt": News.RUNG,
    "ringing": News.RUNG,
    "answered": News.ANSWERED,
    "no_answer": News.NO_ANSWER,
    "busy": News.BUSY,
    "declined": News.DECLINED,
    "unreachable": News.UNREACHABLE,
    "failed": News.UNREACHABLE,
    "relay_failed": News.UNREACHABLE,
    "caller_cancelled": News.WITHDRAWN,
    "ended": News.LEG_OVER,
    "whispered": News.ANSWERED,
    "accepted": News.ACCEPTED,
    "not_accepted": News.NOT_ACCEPTED,
    "unbridged": News.LEG_OVER,
}
_LINE_NEWS = {
    "received": News.ARRIVED,
    "decided": News.DECIDED_ALONE,
    "answered": News.VOICE,
    "voice_answered": News.VOICE,
    "voice_ended": News.TALK_OVER,
    "caller_hangup": News.LINE_OVER,
    "caller_cancelled": News.LINE_OVER,
    "not_established": News.LINE_OVER,
    "lost": News.LINE_OVER,
    "ended": News.LINE_OVER,
}


class EdgeEvent(msgspec.Struct, frozen=True):
    """One event of the contract. `step` is `voice`, a ladder position, or empty; `at` is Unix time."""

    id: str
    call_id: str
    type: str
    at: float
    attempt: int = 0
    step: str = ""
    target: str = ""
    code: int = 0
    detail: str = ""
    source: str = ""
    caller: str = ""
    called: str = ""


_NUMBER = re.compile(r"\+?\d{6,}")
"""Not for the log, which holds nobody's number."""
_EVENTS = msgspec.json.Decoder(list[msgspec.Raw])
_EVENT = msgspec.json.Decoder(EdgeEvent, strict=False)
_OBJECT = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True)
class Posted:
    """What the edge or the voice told, and where it was posted."""

    path: str
    body: bytes

    def fields(self) -> dict[str, Any]:
        """The one object of the body. Raises Invalid."""
        try:
            return _OBJECT.decode(_storable(self.body))
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            raise Invalid("Ce n’est pas un objet JSON.") from exc

    def inbound_call(self) -> InboundCall:
        told = self.fields()
        return InboundCall(self._notice("inbound", told), _number(told.get("called")), _caller(told.get("caller")))

    def keys_typed(self) -> KeysTyped:
        told = self.fields()
        digits = _text(told.get("digits")).strip()
        return KeysTyped(self._notice("menu", told), digits, told.get("gone") is True, at=_at(told.get("at")))

    def attempt_over(self) -> AttemptOver:
        told = self.fields()
        bridged = told.get("bridged")
        how = _text(told.get("ending"))
        return AttemptOver(
            notice=self._notice("step", told),
            ending=Ending(how) if how in set(Ending) else Ending.FAILED,
            leg=_text(told.get("leg")) or None,
            bridged=bridged if isinstance(bridged, bool) else None,
            gone=told.get("gone") is True,
            at=_at(told.get("at")),
        )

    def leg_key(self, kind: str) -> LegKey:
        told = self.fields()
        digits = _text(told.get("digits")).strip()
        return LegKey(self._notice(kind, told), _text(told.get("leg")), digits, at=_at(told.get("at")))

    def events(self) -> Sequence[CallNews]:
        """Every event of a batch, in its order. One that cannot be understood is kept as `TOLD`, or logged when it does
        not even say whose it is: it never holds back the others. Raises Invalid for what is no list."""
        try:
            items = _EVENTS.decode(_storable(self.body))
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            raise Invalid("Ce n’est pas une liste d’événements.") from exc
        found = []
        for item in items:
            try:
                found.append(_news(_EVENT.decode(item)))
            except (msgspec.MsgspecError, ValueError) as exc:
                kept = _refused(bytes(item))
                shown = _NUMBER.sub("…", bytes(item)[:1000].decode(errors="replace"))
                log.error("event_refused", error=str(exc)[:200], told=shown)
                found += [kept] if kept is not None else []
        return found

    def _notice(self, kind: str, told: Mapping[str, Any]) -> Notice:
        """Raises Invalid without the name of the call. The same id at the same address is the same thing told again."""
        call, said = _text(told.get("call_id")), _text(told.get("id"))
        if not call:
            raise Invalid("Il manque le nom de l’appel.")
        again = said or hashlib.sha256(self.body).hexdigest()
        return Notice(
            provider=PROVIDER,
            call=call,
            kind=kind,
            fingerprint=hashlib.sha256(f"{PROVIDER}\n{self.path}\n{call}\n{again}".encode()).hexdigest(),
            payload={"path": self.path, "body": dict(told)},
            caller=_caller(told.get("caller")),
        )


def _storable(body: bytes) -> bytes:
    """Without the one character that PostgreSQL cannot store, raw or escaped."""
    return body.replace(b"\x00", b"").replace(b"\\u0000", b"")


def _text(value: object) -> str:
    return value[:MAX_TEXT] if isinstance(value, str) else ""


@functools.lru_cache(maxsize=4096)
def _e164(told: str) -> str | None:
    """Remembered: every event of a call tells the same two numbers."""
    return caller_number(told)


def _number(value: object) -> str:
    told = _text(value).strip()
    return _e164(told) or told


def _caller(value: object) -> str | None:
    return _e164(_text(value).strip())


def _at(value: object) -> datetime:
    """When it happened, never later than now; now when the time told cannot be true."""
    now = clock.now()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return now
    try:
        told = datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return now
    return told if now - OLDEST < told <= now else now


def _news(event: EdgeEvent) -> CallNews:
    if not (0 < len(event.id) <= MAX_TEXT and 0 < len(event.call_id) <= MAX_TEXT and event.type):
        raise ValueError("an event names itself, its call and its type")
    position = int(event.step) if event.step.isascii() and event.step.isdecimal() and len(event.step) <= 4 else None
    by_edge = event.source in _DECIDERS
    news = (_LEG_NEWS if position is not None else _LINE_NEWS).get(event.type, News.TOLD)
    if news is News.DECIDED_ALONE and event.source == "app":
        news = News.DECIDED
    elif news is News.ANSWERED and event.type == "answered" and by_edge:
        news = News.DIRECT  # rung by the edge itself, without the voice: nobody asks for a key
    elif news is News.WITHDRAWN and by_edge:
        news = News.LINE_OVER  # the caller gave up while the edge was ringing for them
    return CallNews(
        notice=Notice(
            provider=PROVIDER,
            call=event.call_id,
            kind=event.type[:40],
            fingerprint=f"{PROVIDER}:{event.id}",
            payload={"event": msgspec.to_builtins(event)},
        ),
        news=news,
        at=_at(event.at),
        called=_number(event.called),
        caller=_caller(event.caller),
        position=position,
        phone=_phone_in(event.target),
    )


def _refused(item: bytes) -> CallNews | None:
    """What can be kept of an event that is not one."""
    try:
        told = _OBJECT.decode(item)
    except msgspec.MsgspecError:
        return None
    call, called = _text(told.get("call_id")), _number(told.get("called"))
    if not (call and called):
        return None
    digest = hashlib.sha256(item).hexdigest()
    notice = Notice(PROVIDER, call, "refused", f"{PROVIDER}:{digest}", payload={"refused": told})
    return CallNews(notice, News.TOLD, clock.now(), called, None)


def _phone_in(target: str) -> str | None:
    """The number of `sip:+33612345678@host;user=phone`."""
    user = target.partition(":")[2].partition("@")[0].partition(";")[0]
    return _e164(user) if user != VOICE else None


# -------------------------------------------------------------------------------------------------------- plans to JSON


@dataclass(frozen=True)
class SipCarrier:
    """The edge and the voice of one installation."""

    sip: SipSettings
    last_resort: str | None
    ring_seconds: int
    accept_seconds: int
    watch_number: str | None = None
    name: str = PROVIDER
    patience_seconds: float = PATIENCE_SECONDS
    tells_each_leg: bool = True

    @classmethod
    def of(cls, settings: Settings) -> "SipCarrier":
        telephony = settings.telephony
        return cls(
            telephony.sip,
            telephony.last_resort_number,
            telephony.ring_seconds,
            telephony.accept_seconds,
            telephony.watch.number,
            patience_seconds=PATIENCE_SECONDS,
        )

    def listen(self, heard: Heard) -> Posted:
        """Raises NotFound while no secret is configured, Forbidden for a wrong or missing one."""
        self.check(heard.headers)
        return Posted(heard.path, heard.body)

    def check(self, headers: Mapping[str, str]) -> None:
        """As `listen`, before anything of the body is read."""
        if not self.sip.secrets:
            raise NotFound
        accepted = [secret.get_secret_value() for secret in self.sip.secrets]
        if not basic_account(headers.get("authorization", ""), user=USER, accepted=accepted):
            raise Forbidden("Accès refusé.")

    async def hang_up(self, call: RunningCall) -> None:
        """End the dialogs of a Call-ID at the edge. Raises Unavailable when the edge does not answer, or has no such
        call."""
        async with http_client(timeout=RPC_TIMEOUT_SECONDS) as client:
            found = await self._rpc(client, "dlg.list_match", ("callid", "eq", call.provider_call_id))
            dialogs = [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
            if not dialogs:
                raise Unavailable("Le standard n’a plus cet appel : il est sans doute déjà terminé.")
            for dialog in dialogs:
                await self._rpc(client, "dlg.end_dlg", (dialog.get("h_entry"), dialog.get("h_id")))

    async def _rpc(self, client: httpx.AsyncClient, method: str, params: Sequence[Any]) -> Any:
        """What the edge answers; None for an error of its own (a dialog that has ended meanwhile)."""
        try:
            answer = await client.post(
                self.sip.edge_rpc, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
            )
            told = answer.json()
        except (httpx.HTTPError, ValueError) as exc:
            raise Unavailable("Le standard ne répond pas : l’appel n’a pas été raccroché.") from exc
        return told.get("result") if isinstance(told, dict) else None

    # ------------------------------------------------------------------------------------------- where a call goes

    def welcome(self, plan: Plan, *, cooperative: CooperativeContext | None, call_id: UUID | None) -> str:
        """The list that the edge goes down: the voice, then the humans of the cooperative should the voice be dead.

        The words of the plan are asked for by the voice; a plan that types keys is the test artisan of a watch call,
        one that only hangs up, or is a watch call's, has nobody to ring.
        """
        nobody = all(isinstance(verb, Hangup) for verb in plan) or any(isinstance(verb, NobodyElse) for verb in plan)
        document = self._document(cooperative, call_id=call_id, rescue=not nobody)
        if any(isinstance(verb, TypeKeys) for verb in plan):
            document = self._document(None, call_id=None, rescue=False) | {"answer": "press_1"}
        return msgspec.json.encode(document).decode()

    def plans(self, cooperatives: Sequence[CooperativeContext]) -> str:
        """What the edge keeps for when nobody answers it: a list for each number, and one for any other."""
        listed = [
            {"called": number, **self._document(cooperative, call_id=None, rescue=True)}
            for cooperative in cooperatives
            for number in (cooperative.public_number, *cooperative.pool_numbers)
        ]
        default = self._document(None, call_id=None, rescue=True)
        return msgspec.json.encode({"plans": listed, "default": default}).decode()

    def _document(
        self, cooperative: CooperativeContext | None, *, call_id: UUID | None, rescue: bool
    ) -> dict[str, Any]:
        caller_id = cooperative.public_number if cooperative else ""
        steps = self._rescue_steps(cooperative) if rescue else []
        headers = {"from": {"display": "", "uri": f"sip:{caller_id}@{self.sip.trunk}"}} if caller_id else {}
        humans = [
            {"uri": step["uri"], "fr_timer": 3000, "fr_inv_timer": step["ring_seconds"] * 1000, "headers": headers}
            for step in steps
        ]
        return {
            "version": "1.0",
            "routing": "serial",
            "call": str(call_id) if call_id else "",
            "cooperative": str(cooperative.id) if cooperative else "",
            "steps": ",".join([VOICE, *(str(step["position"]) for step in steps)]),
            "rescue": steps,
            "caller_id": caller_id,
            "routes": [{"uri": self.sip.voice, "fr_timer": 1500, "fr_inv_timer": 5000, "headers": {}}, *humans],
        }

    def _rescue_steps(self, cooperative: CooperativeContext | None) -> list[dict[str, Any]]:
        numbers = rules.rescue_numbers(cooperative, self.last_resort)
        return [
            {"position": rules.RESCUE_POSITION + index, "uri": self._uri(phone), "ring_seconds": self.ring_seconds}
            for index, (_, phone) in enumerate(numbers)
        ]

    def _uri(self, phone: str) -> str:
        return f"sip:{phone}@{self.sip.trunk};user=phone"

    # ------------------------------------------------------------------------------------------- what a line does

    def render(self, plan: Plan, *, cooperative: CooperativeContext | None, call_id: UUID | None) -> str:
        """`{"verbs":[…]}`. A plan that only speaks puts through afterwards: the voice is told by an empty one."""
        if all(isinstance(verb, Say) for verb in plan):
            plan = ()
        here = f"{BASE}/{cooperative.id if cooperative else UUID(int=0)}/{call_id or UUID(int=0)}"
        verbs = [found for verb in plan if (found := self._verb(verb, here, cooperative)) is not None]
        return msgspec.json.encode({"verbs": verbs}).decode()

    def _verb(self, verb: object, here: str, cooperative: CooperativeContext | None) -> dict[str, Any] | None:
        match verb:
            case Say(text):
                return {"say": self._sentence(text, cooperative)}
            case Gather(say, digits, timeout_seconds, then):
                said = [self._sentence(text, cooperative) for text in say]
                gather = {"say": said, "digits": digits, "timeout": timeout_seconds, "then": _address(here, then)}
                return {"gather": gather}
            case GoOn(then):
                return {"go_on": _address(here, then)}
            case Dial():
                return {"hunt": self._hunt(verb, here, cooperative)}
            case Record(max_seconds):
                return {"record": {"max_seconds": max_seconds, "upload": f"{here}/message"}}
            case Hangup():
                return {"hangup": True}
        return None

    def _sentence(self, text: str, cooperative: CooperativeContext | None) -> dict[str, Any]:
        prompt = prompt_of(text)
        sentence: dict[str, Any] = {"text": str(text), "prompt": prompt}
        version = recordings.version_for(cooperative, name=prompt, words=text)
        if version is not None and cooperative is not None:
            sentence["audio"] = f"{BASE}/{cooperative.id}/prompts/{prompt}?v={version}"
        return sentence

    def _hunt(self, dial: Dial, here: str, cooperative: CooperativeContext | None) -> dict[str, Any]:
        """The whole ladder from that step on. An emergency number is asked for a key too: it may be a machine."""
        match dial.then:
            case RescueTurn(position):
                rungs = [{**step, "whisper": True} for step in self._rescue_steps(cooperative)[position:]]
                then = f"{here}/step/{{position}}"
            case StepTurn(position, direct):
                rungs = self._rungs(dial, position)
                then = f"{here}/step/{{position}}{'?direct=1' if direct else ''}"
            case MaskedTurn():
                rungs = self._rungs(dial, 0)
                then = _address(here, dial.then)
            case never:
                assert_never(never)
        hunt: dict[str, Any] = {
            "caller_id": dial.caller_id,
            "steps": rungs,
            "then": then,
            "whisper": f"{here}/whisper/{{position}}",
            "accept_seconds": self.accept_seconds,
            "record": None,
        }
        if dial.record:
            hunt["record"] = {"upload": f"{here}/recording", "max_seconds": RECORDING_SECONDS}
        return hunt

    def _rungs(self, dial: Dial, position: int) -> list[dict[str, Any]]:
        return [
            {
                "position": rung.position,
                "uri": self._uri(rung.phone),
                "ring_seconds": rung.ring_seconds,
                "whisper": dial.whisper,
            }
            for rung in (Next(position, dial.phone, dial.ring_seconds), *dial.rest)
        ]


def _address(here: str, turn: Turn) -> str:
    match turn:
        case MenuTurn(ask, attempt):
            return f"{here}/menu?ask={ask}&attempt={attempt}"
        case StepTurn(position, direct):
            return f"{here}/step/{position}{'?direct=1' if direct else ''}"
        case KeyTurn(position):
            return f"{here}/key/{position}"
        case RescueTurn(position):
            return f"{here}/step/{rules.RESCUE_POSITION + position}"
        case MaskedTurn(masked_call):
            return f"{here}/masked/{masked_call}"
