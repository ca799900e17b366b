"""SIP signalling, on sippy. Its loop owns the main thread; a `Line` is what the asyncio side sees of one call.

Only the edge is answered. Everything a Line does to sippy goes through `callFromThread`; everything sippy tells a Line
comes back through `call_soon_threadsafe`.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from sippy.CCEvents import (
    CCEventConnect,
    CCEventDisconnect,
    CCEventFail,
    CCEventInfo,
    CCEventPreConnect,
    CCEventRedirect,
    CCEventRing,
    CCEventTry,
)
from sippy.Core.EventDispatcher import ED2
from sippy.MsgBody import MsgBody
from sippy.SipAddress import SipAddress
from sippy.SipConf import SipConf
from sippy.SipContact import SipContact
from sippy.SipHeader import SipHeader
from sippy.SipTransactionManager import SipTransactionManager
from sippy.SipURL import SipURL
from sippy.UA import UA

from maillage_voice import sdp
from maillage_voice.sdp import Media

_log = structlog.get_logger("maillage.voice")
_EDGE_PATIENCE: Final = 5  # seconds without any reply, not even 100
_OURS: Final = (
    "x-maillage-call",
    "x-maillage-cooperative",
    "x-maillage-rescue",
    "x-maillage-caller-id",
    "x-maillage-source",
    "x-maillage-caller",
    "x-maillage-called",
    "x-maillage-answer",
    "x-maillage-position",
)


@dataclass(frozen=True, slots=True)
class End:
    """How a line ended: by the other side (`theirs`) or by us; `code` is the last SIP status of one never answered."""

    theirs: bool
    code: int = 0


class Line:
    """One phone line, seen from the asyncio loop. `ended` is done exactly once, whoever ends it."""

    def __init__(self, phone: "Phone", *, call_id: str, caller: str, called: str, headers: Mapping[str, str]) -> None:
        self._phone = phone
        self.call_id, self.caller, self.called = call_id, caller, called
        self.headers = headers
        self.offer: Media | None = None
        self.ringing: asyncio.Future[None] = phone.loop.create_future()
        self.answered: asyncio.Future[Media] = phone.loop.create_future()
        self.ended: asyncio.Future[End] = phone.loop.create_future()
        self.on_media: Callable[[Media], None] | None = None
        self.on_key: Callable[[str], None] | None = None
        self._dialog: _Dialog | None = None

    @property
    def is_over(self) -> bool:
        return self.ended.done()

    def answer(self, host: str, port: int) -> None:
        """200 with our side of the media."""
        self._phone.call(self._answer, host, port)

    def refuse(self, code: int, reason: str) -> None:
        """Before an answer only."""
        self._phone.call(self._send, CCEventFail((code, reason)))
        self._over(End(theirs=False, code=code))

    def hang_up(self) -> None:
        """BYE, or CANCEL of what still rings. Idempotent."""
        if not self.ended.done():
            self._phone.call(self._send, CCEventDisconnect())
            self._over(End(theirs=False))

    # ------------------------------------------------------------------------------------- on sippy's side of the wall

    def _answer(self, host: str, port: int) -> None:
        dialog = self._dialog
        assert dialog is not None
        dialog.host, dialog.port = host, port
        said = (200, "OK", _body(dialog.describe(self.offer)))
        # without an offer, ours goes out and theirs comes with the ACK
        self._send(CCEventConnect(said, origin="callee") if self.offer else CCEventPreConnect(said, origin="callee"))

    def _send(self, event: Any) -> None:
        if self._dialog is not None:
            self._dialog.recvEvent(event)

    # ------------------------------------------------------------------------------------------ on asyncio's side

    def _rings(self) -> None:
        if not self.ringing.done():
            self.ringing.set_result(None)

    def _answers(self, media: Media, headers: Mapping[str, str]) -> None:
        self.headers = headers
        if not self.answered.done():
            self.answered.set_result(media)
        elif self.on_media is not None:
            self.on_media(media)

    def _media(self, media: Media) -> None:
        self.offer = self.offer or media
        if self.on_media is not None:
            self.on_media(media)

    def _key(self, key: str) -> None:
        if self.on_key is not None:
            self.on_key(key)

    def _over(self, end: End) -> None:
        if not self.ended.done():
            self.ended.set_result(end)
        self.on_media = self.on_key = None


class _Dialog(UA):  # type: ignore[misc] # sippy is not typed
    """sippy's user agent, and what it lacks: UPDATE, re-INVITE answered at once, headers of the answer."""

    rCSeq: Any  # noqa: N815 - sippy's name

    def __init__(self, phone: "Phone", **more: Any) -> None:
        super().__init__(phone.config, self._told, **more)
        self.phone = phone
        self.line: Line | None = None
        self.host, self.port = "", 0
        self.session, self.version = random.randrange(1, 2**31), 0  # noqa: S311
        self.headers: dict[str, str] = {}
        self.lContact = phone.contact()

    def describe(self, offer: Media | None) -> str:
        """Our side of the media: an answer to their offer, or an offer when they made none."""
        self.version += 1
        if offer is None:
            return sdp.offer(self.host, self.port, session=self.session)
        return sdp.answer(offer, self.host, self.port, session=self.session, version=self.version)

    def recvRequest(self, request: Any, transaction: Any) -> Any:  # noqa: N802 - sippy's name
        if self.isConnected() and request.getMethod() in ("INVITE", "UPDATE"):
            number = request.getHFBody("cseq").getCSeqNum()
            if self.rCSeq is not None and self.rCSeq >= number:
                return (request.genResponse(500, "Server Internal Error"), None, None)
            self.rCSeq = number
            return self._renegotiate(request)
        return super().recvRequest(request, transaction)

    def _renegotiate(self, request: Any) -> Any:
        """Hold, resume, a new address, a session refresh: answered at once, the sound follows."""
        body = request.getBody()
        media = None  # without an offer ours goes in the answer, and things stay as they are
        if body is not None:
            try:
                media = sdp.read(str(body))
            except sdp.Unacceptable:
                return (request.genResponse(488, "Not Acceptable Here"), None, None)
        if request.countHFs("contact") > 0:
            self.rTarget = request.getHFBody("contact").getUrl().getCopy()
        wants_body = media is not None or request.getMethod() == "INVITE"
        answer = request.genResponse(200, "OK", _body(self.describe(media)) if wants_body else None)
        answer.appendHeader(SipHeader(name="contact", body=self.lContact))
        if media is not None and self.line is not None:
            self.phone.tell(self.line._media, media)
        return (answer, None, None)

    def recvResponse(self, response: Any, transaction: Any) -> Any:  # noqa: N802 - sippy's name
        if response.getSCode()[0] // 100 == 2:
            self.headers = _headers(response)
        return super().recvResponse(response, transaction)

    def _told(self, event: Any, _ua: Any) -> None:
        line = self.line
        if line is None:
            return
        if isinstance(event, CCEventConnect):
            body = event.getData()[2]
            if body is None:
                return
            try:
                media = sdp.read(str(body))
            except sdp.Unacceptable:
                self.phone.tell(line.hang_up)
                return
            self.phone.tell(line._answers, media, self.headers)
        elif isinstance(event, CCEventRing):
            if event.getData()[0] > 100:
                self.phone.tell(line._rings)
        elif isinstance(event, CCEventInfo):
            key = _info_key(event.getData())
            if key:
                self.phone.tell(line._key, key)
        elif isinstance(event, CCEventFail | CCEventRedirect):
            self.phone.tell(line._over, End(theirs=True, code=int(event.getData()[0])))
        elif isinstance(event, CCEventDisconnect):
            self.phone.tell(line._over, End(theirs=True))


class _Transactions(SipTransactionManager):  # type: ignore[misc] # sippy is not typed
    """A message that is not UTF-8 (a name in Latin-1) is read all the same: its call would go unanswered."""

    def handleIncoming(self, data: Any, address: Any, server: Any, at: Any) -> None:  # noqa: N802 - sippy's name
        if isinstance(data, bytes):
            try:
                data.decode()
            except UnicodeDecodeError:
                data = data.decode("latin-1").encode()
        super().handleIncoming(data, address, server, at)


class _Silence:
    """sippy logs whole messages, with numbers of callers: not here."""

    def write(self, *_: Any, **__: Any) -> None: ...


class Phone:
    """Our SIP address. `on_call` is called on the asyncio loop for each new call; `full` tells when to refuse them.

    `edge` is the only address that is believed, and where every call of ours goes.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        edge: tuple[str, int],
        loop: asyncio.AbstractEventLoop,
        on_call: Callable[[Line], None],
        full: Callable[[], bool],
    ) -> None:
        self.host, self.port, self.edge, self.loop = host, port, edge, loop
        self._on_call, self._full = on_call, full
        SipConf.my_address, SipConf.my_port, SipConf.my_uaname = host, port, "Maillage"
        self.config: dict[str, Any] = {"_sip_address": host, "_sip_port": port, "_sip_logger": _Silence()}
        self._transactions = _Transactions(self.config, self._request)
        self.config["_sip_tm"] = self._transactions

    def run(self) -> None:
        """Until `stop`. In the main thread."""
        ED2.loop()

    def stop(self) -> None:
        """From any thread."""
        ED2.callFromThread(ED2.breakLoop)

    def call(self, work: Callable[..., None], *arguments: Any) -> None:
        """Run on sippy's loop."""
        ED2.callFromThread(work, *arguments)

    def tell(self, work: Callable[..., None], *arguments: Any) -> None:
        """Run on the asyncio loop."""
        self.loop.call_soon_threadsafe(work, *arguments)

    def contact(self) -> Any:
        """Without a display name: some peers cannot read one here."""
        return SipContact(
            address=SipAddress(url=SipURL(username="voice", host=self.host, port=self.port), hadbrace=True)
        )

    def place(
        self, user: str, *, caller: str, host: str, port: int, headers: Mapping[str, str], ring_seconds: float
    ) -> Line:
        """Call `user` at the edge, from the asyncio side. The line's `answered` or `ended` tells what came of it."""
        line = Line(self, call_id="", caller=caller, called=user, headers={})
        self.call(self._place, line, user, caller, (host, port), dict(headers), ring_seconds)
        return line

    # ------------------------------------------------------------------------------------- on sippy's side of the wall

    def _place(
        self, line: Line, user: str, caller: str, at: tuple[str, int], headers: dict[str, str], ring_seconds: float
    ) -> None:
        if line.is_over:
            return
        dialog = _Dialog(self, nh_address=self.edge, expire_time=ring_seconds)
        dialog.no_reply_time = _EDGE_PATIENCE
        dialog.line, line._dialog = line, dialog
        dialog.host, dialog.port = at
        event = CCEventTry((None, caller, user, _body(dialog.describe(None)), None, None))
        event.extra_headers = tuple(SipHeader(f"{name}: {value}") for name, value in headers.items())
        try:
            dialog.recvEvent(event)
        except Exception:
            _log.exception("call not placed")
            self.tell(line._over, End(theirs=True, code=500))
            return
        line.call_id = str(dialog.cId)

    def _request(self, request: Any, transaction: Any) -> Any:
        """Requests outside any call. A fault of ours is answered too: the edge rings people at once."""
        try:
            return self._judge(request, transaction)
        except Exception:
            _log.exception("request failed")
            return (request.genResponse(500, "Server Internal Error"), None, None)

    def _judge(self, request: Any, transaction: Any) -> Any:
        method = request.getMethod()
        if request.getSource()[0] != self.edge[0]:
            _log.warning("SIP from a stranger", method=method, source=str(request.getSource()))
            return (request.genResponse(403, "Forbidden"), None, None)
        if request.getHFBody("to").getTag() is not None:
            return (request.genResponse(481, "Call Leg/Transaction Does Not Exist"), None, None)
        if method == "OPTIONS":
            return (request.genResponse(200, "OK"), None, None)
        if method != "INVITE":
            return (request.genResponse(501, "Not Implemented"), None, None)
        if self._full():
            return (request.genResponse(503, "Service Unavailable"), None, None)
        body = request.getBody()
        offer = None
        if body is not None:
            try:
                offer = sdp.read(str(body))
            except sdp.Unacceptable as exc:
                _log.warning("offer refused", why=str(exc))
                return (request.genResponse(488, "Not Acceptable Here"), None, None)
        headers = _headers(request)
        user = request.getHFBody("from").getUrl().username or "anonymous"
        line = Line(
            self,
            call_id=str(request.getHFBody("call-id")),
            caller=headers.get("x-maillage-caller") or user,
            called=headers.get("x-maillage-called") or request.getHFBody("to").getUrl().username or "",
            headers=headers,
        )
        line.offer = offer
        dialog = _Dialog(self)
        dialog.line, line._dialog = line, dialog
        outcome = dialog.recvRequest(request, transaction)
        self.tell(self._on_call, line)
        return outcome


def _headers(message: Any) -> dict[str, str]:
    return {name: str(message.getHFBody(name)) for name in _OURS if message.countHFs(name) > 0}


def _body(text: str) -> Any:
    """sippy leaves it as it is."""
    body = MsgBody(text)
    body.needs_update = False
    return body


def _info_key(body: Any) -> str:
    """The key of an INFO (application/dtmf-relay or application/dtmf), as some exchanges still send."""
    for line in str(body or "").splitlines():
        name, _, value = line.partition("=")
        sign = (value if name.strip().lower() == "signal" else line).strip().upper()
        if len(sign) == 1 and sign in "0123456789*#ABCD":
            return sign
    return ""
