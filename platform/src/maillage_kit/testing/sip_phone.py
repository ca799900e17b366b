"""Phones on asyncio for tests of SIP and sound: they place and take calls, speak, press keys, and hear.

As little SIP as an honest phone needs over UDP on loopback; it shares nothing with the parts it tests.
"""

import asyncio
import math
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from secrets import randbelow
from typing import Any

RATE = 8000
FRAME = 160
KEYS = "0123456789*#ABCD"
Headers = Sequence[tuple[str, str]]


@dataclass
class Message:
    """A SIP message. Names of headers are kept in lower case, in order, repeats included."""

    first: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @classmethod
    def read(cls, data: bytes) -> "Message":
        head, _, body = data.decode().partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return cls(first, [(name.strip().lower(), value.strip()) for name, _, value in pairs], body)

    def get(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def method(self) -> str:
        """Of a request, or of what a response answers."""
        return self.get("cseq").split()[1]

    @property
    def code(self) -> int:
        """0 for a request."""
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0") else 0

    def write(self) -> bytes:
        lines = [self.first, *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join([*lines, f"Content-Length: {len(self.body.encode())}", "", self.body]).encode()


class Sound(asyncio.DatagramProtocol):
    """The RTP side of a call: A-law 8 kHz, keys as RFC 4733 payload 101."""

    def __init__(self) -> None:
        self.remote: tuple[str, int] | None = None
        self.heard: list[bytes] = []
        self.payloads: set[int] = set()
        self.keys = ""
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._sequence, self._stamp = randbelow(60000), randbelow(2**30)
        self._ssrc = randbelow(2**32)
        self._last_key: int | None = None
        self._news = asyncio.Event()

    @classmethod
    async def open(cls, host: str) -> "Sound":
        _, sound = await asyncio.get_running_loop().create_datagram_endpoint(cls, local_addr=(host, 0))
        assert sound._transport is not None
        sound.port = sound._transport.get_extra_info("sockname")[1]
        return sound

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, _: Any) -> None:
        kind, stamp = data[1] & 0x7F, int.from_bytes(data[4:8], "big")
        self.payloads.add(kind)
        if kind == 101:
            if stamp != self._last_key:
                self._last_key = stamp
                self.keys += KEYS[data[12]]
        else:
            self.heard.append(data[12:])
        self._news.set()

    def _send(self, payload: bytes, kind: int, stamp: int, marker: int = 0) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        assert self._transport is not None and self.remote is not None
        header = struct.pack("!BBHII", 0x80, kind | marker << 7, self._sequence, stamp, self._ssrc)
        self._transport.sendto(header + payload, self.remote)

    async def press(self, keys: str, *, lose_end: bool = False) -> None:
        """Each key as a phone sends it, a little quicker. `lose_end`: the packets that say it is over never arrive."""
        for key in keys:
            self._stamp += FRAME
            for number in range(1, 9):
                over = number > 5
                if not (over and lose_end):
                    event = struct.pack("!BBH", KEYS.index(key), 0x8A if over else 10, min(number, 6) * FRAME)
                    self._send(event, 101, self._stamp, int(number == 1))
                await asyncio.sleep(0.01)
            self._stamp += 10 * FRAME

    async def speak(self, sound: bytes, *, kind: int = 8) -> None:
        """In real time."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for at in range(0, len(sound), FRAME):
            self._stamp += FRAME
            self._send(sound[at : at + FRAME], kind, self._stamp)
            due += 0.02
            await asyncio.sleep(max(0, due - loop.time()))

    async def hears(self, hertz: float, *, timeout: float = 5, frames: int = 3) -> bool:
        """Whether that pitch stands out in so many frames heard from now, in time."""
        seen, found = len(self.heard), 0
        try:
            async with asyncio.timeout(timeout):
                while True:
                    while seen < len(self.heard):
                        found += strength(self.heard[seen], hertz) > 0.5
                        seen += 1
                    if found >= frames:
                        return True
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def strength(frame: bytes, hertz: float) -> float:
    """The share of an A-law frame's energy at that pitch (Goertzel), 0 to about 1; silence is 0."""
    samples = [_LINEAR[code] for code in frame]
    energy = sum(sample * sample for sample in samples)
    if energy < 1e5 * len(samples):
        return 0.0
    turn = 2 * math.cos(math.tau * hertz / RATE)
    one = two = 0.0
    for sample in samples:
        one, two = sample + turn * one - two, one
    return 2 * (one * one + two * two - turn * one * two) / (energy * len(samples))


def _linear(code: int) -> int:
    code ^= 0x55
    value, segment = (code & 15) << 4, code >> 4 & 7
    value = (value + 0x108) << (segment - 1) if segment else value + 8
    return value if code & 0x80 else -value


_LINEAR = [_linear(code) for code in range(256)]


class Dialog:
    """One call of a phone. `code` is its final status (of a call we placed), `ended` is set when it is over."""

    def __init__(self, phone: "SipPhone", invite: Message, *, ours: bool, at: tuple[str, int]) -> None:
        self.phone, self.invite, self.ours, self.at = phone, invite, ours, at
        self.call_id = invite.get("call-id")
        self._sound: Sound | None = None
        self.code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.provisional: list[int] = []
        self.answer_message: Message | None = None
        self._tag = f"t{randbelow(10**9)}"
        self._number = int(invite.get("cseq").split()[0])
        self._accepted = False
        self.responses: asyncio.Queue[Message] = asyncio.Queue()

    @property
    def sound(self) -> Sound:
        """Once answered."""
        assert self._sound is not None
        return self._sound

    @property
    def is_up(self) -> bool:
        return not self.ended.is_set() and (self._accepted or (self.code.done() and self.code.result() == 200))

    def forget(self) -> None:
        """Hang up and listen to it no more."""
        if self.is_up:
            self.hang_up()
        if self._sound is not None:
            self._sound.close()

    @property
    def user(self) -> str:
        """Who was called: the user of the request's address."""
        found = re.match(r"\w+ sips?:([^@;>]+)@", self.invite.first)
        return found[1] if found else ""

    # ---- a call that came to us

    def _respond(self, request: Message, code: int, reason: str, *, headers: Headers = (), body: str = "") -> None:
        to = request.get("to")
        if code > 100 and "tag=" not in to:
            to += f";tag={self._tag}"
        lines = [("Via", via) for via in request.all("via")]
        lines += [("Record-Route", route) for route in request.all("record-route")]
        lines += [("From", request.get("from")), ("To", to), ("Call-ID", self.call_id), ("CSeq", request.get("cseq"))]
        lines += [("Contact", f"<sip:phone@{self.phone.host}:{self.phone.port}>"), *headers]
        lines += [("Content-Type", "application/sdp")] if body else []
        self.phone.send(Message(f"SIP/2.0 {code} {reason}", lines, body), self.at)

    def ring(self) -> None:
        self._respond(self.invite, 180, "Ringing")

    async def answer(self, *, headers: Headers = (), codec: int = 8) -> None:
        self._sound = await Sound.open(self.phone.host)
        self.sound.remote = _media(self.invite.body)
        self._accepted = True
        self._respond(self.invite, 200, "OK", headers=headers, body=_describe(self.phone.host, self.sound.port, codec))

    def reject(self, code: int) -> None:
        self._respond(self.invite, code, "No")
        self.ended.set()

    # ---- both

    def request(self, method: str, *, body: str = "", headers: Headers = ()) -> None:
        """Inside the call."""
        self._number += 1
        source = self.answer_message if self.ours else self.invite
        assert source is not None
        here, there = self.invite.get("from"), source.get("to")
        if not self.ours:
            here, there = f"{self.invite.get('to')};tag={self._tag}", self.invite.get("from")
        contact = re.search(r"sips?:[^>;\s]+", source.get("contact"))
        routes = source.all("record-route")
        lines = [("Via", self.phone.via()), ("Max-Forwards", "70"), ("From", here), ("To", there)]
        lines += [("Call-ID", self.call_id)]
        lines += [("CSeq", f"{self._number} {method}"), ("Contact", f"<sip:phone@{self.phone.host}:{self.phone.port}>")]
        lines += [("Route", route) for route in (reversed(routes) if self.ours else routes)] + list(headers)
        lines += [("Content-Type", "application/sdp")] if body else []
        assert contact is not None
        self.phone.send(Message(f"{method} {contact[0]} SIP/2.0", lines, body), self.at)

    async def reinvite(self, direction: str = "sendrecv", *, method: str = "INVITE") -> Message:
        """Change the media; the final response."""
        self.request(method, body=_describe(self.phone.host, self.sound.port, 8, direction))
        async with asyncio.timeout(5):
            while (response := await self.responses.get()).code < 200:
                pass
        if method == "INVITE":
            self._number -= 1
            self.request("ACK")
        return response

    def hang_up(self) -> None:
        if not self.ended.is_set():
            self.request("BYE")
            self.ended.set()

    def cancel(self) -> None:
        """Of a call we placed, not answered yet."""
        lines = [(name, value) for name, value in self.invite.headers if name in ("via", "from", "to", "call-id")]
        number = self.invite.get("cseq").split()[0]
        first = self.invite.first.replace("INVITE", "CANCEL", 1)
        self.phone.send(Message(first, [*lines, ("CSeq", f"{number} CANCEL"), ("Max-Forwards", "70")]), self.at)

    # ---- what came

    def request_came(self, message: Message) -> None:
        method = message.method
        if method == "BYE":
            self._respond(message, 200, "OK")
            self.ended.set()
        elif method == "CANCEL":
            self._respond(message, 200, "OK")
            if not self._accepted and not self.ended.is_set():
                self._respond(self.invite, 487, "Request Terminated")
            self.cancelled.set()
            self.ended.set()
        elif method not in ("ACK", "INVITE"):
            self._respond(message, 200, "OK")

    def response_came(self, message: Message) -> None:
        if message.method != "INVITE" or int(message.get("cseq").split()[0]) != int(self.invite.get("cseq").split()[0]):
            self.responses.put_nowait(message)
            return
        if message.code < 200:
            self.provisional.append(message.code)
            return
        if self.code.done():
            return
        self.answer_message = message
        if message.code < 300:
            self.sound.remote = _media(message.body)
            self._number -= 1
            late = "" if self.invite.body else _describe(self.phone.host, self.sound.port, 8)
            self.request("ACK", body=late)
        else:
            lines = [(name, value) for name, value in self.invite.headers if name in ("via", "from", "call-id")]
            number = self.invite.get("cseq").split()[0]
            first = self.invite.first.replace("INVITE", "ACK", 1)
            self.phone.send(Message(first, [*lines, ("To", message.get("to")), ("CSeq", f"{number} ACK")]), self.at)
            self.ended.set()
        self.code.set_result(message.code)


class SipPhone(asyncio.DatagramProtocol):
    """One SIP address. Calls that come are in `incoming`; INVITE is sent again until something answers."""

    def __init__(self) -> None:
        self.host, self.port = "", 0
        self.incoming: asyncio.Queue[Dialog] = asyncio.Queue()
        self.dialogs: dict[str, Dialog] = {}
        self.strays: asyncio.Queue[Message] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, host: str = "127.0.0.1", port: int = 0) -> "SipPhone":
        _, phone = await asyncio.get_running_loop().create_datagram_endpoint(cls, local_addr=(host, port))
        assert phone._transport is not None
        phone.host, phone.port = phone._transport.get_extra_info("sockname")
        return phone

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def via(self) -> str:
        return f"SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK{randbelow(10**12)}"

    def send(self, message: Message, to: tuple[str, int]) -> None:
        assert self._transport is not None
        self._transport.sendto(message.write(), to)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = Message.read(data)
        dialog = self.dialogs.get(message.get("call-id"))
        if message.code:
            (dialog.response_came if dialog else self.strays.put_nowait)(message)
        elif dialog is not None:
            dialog.request_came(message)
        elif message.method == "INVITE":
            dialog = Dialog(self, message, ours=False, at=addr)
            self.dialogs[dialog.call_id] = dialog
            dialog._respond(message, 100, "Trying")
            self.incoming.put_nowait(dialog)

    async def place(
        self,
        to: tuple[str, int],
        *,
        user: str = "voice",
        caller: str = "+33611223344",
        headers: Headers = (),
        codec: int = 8,
        offer: bool = True,
    ) -> Dialog:
        """Call; returns at once, `dialog.code` tells the outcome."""
        sound = await Sound.open(self.host)
        lines = [
            ("Via", self.via()),
            ("Max-Forwards", "70"),
            ("From", f"<sip:{caller}@{self.host}>;tag=f{randbelow(10**9)}"),
            ("To", f"<sip:{user}@{to[0]}:{to[1]}>"),
            ("Call-ID", f"{randbelow(10**12)}@{self.host}"),
            ("CSeq", "1 INVITE"),
            ("Contact", f"<sip:phone@{self.host}:{self.port}>"),
            *headers,
        ]
        body = _describe(self.host, sound.port, codec) if offer else ""
        lines += [("Content-Type", "application/sdp")] if body else []
        invite = Message(f"INVITE sip:{user}@{to[0]}:{to[1]} SIP/2.0", lines, body)
        invite = Message.read(invite.write())
        invite.headers = [(name, value) for name, value in invite.headers if name != "content-length"]
        dialog = Dialog(self, invite, ours=True, at=to)
        dialog._sound = sound
        self.dialogs[dialog.call_id] = dialog
        self.send(invite, to)
        return dialog

    async def call(self, to: tuple[str, int], **more: Any) -> Dialog:
        """Call and wait for a final answer; raises TimeoutError after ten seconds without."""
        dialog = await self.place(to, **more)
        async with asyncio.timeout(10):
            await dialog.code
        return dialog

    def forget(self) -> None:
        """Hang up everything and listen to none of it any more."""
        for dialog in self.dialogs.values():
            dialog.forget()
        self.dialogs.clear()
        while not self.incoming.empty():
            self.incoming.get_nowait()

    def close(self) -> None:
        self.forget()
        if self._transport is not None:
            self._transport.close()


def _describe(host: str, port: int, codec: int, direction: str = "sendrecv") -> str:
    name = {8: "PCMA", 0: "PCMU"}[codec]
    return (
        f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP {codec} 101\r\n"
        f"a=rtpmap:{codec} {name}/8000\r\na=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
    )


def _media(body: str) -> tuple[str, int]:
    host, port = re.search(r"c=IN IP4 (\S+)", body), re.search(r"m=audio (\d+)", body)
    assert host is not None and port is not None
    return host[1], int(port[1])
