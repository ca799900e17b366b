"""Sound on UDP: one endpoint for each phone line, and one 20 ms beat for all of them."""

import asyncio
import random
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol, cast

import structlog

from maillage_voice import dtmf, g711, sdp
from maillage_voice.sdp import Media

BEAT: Final = 0.02
_KEY_GAP: Final = 6  # beats of silence between two keys we type
_STALE: Final = 12  # beats without a relayed packet before we fill with silence
_log = structlog.get_logger("maillage.voice")


class Beating(Protocol):
    def beat(self) -> None: ...


class Beat:
    """The shared clock: every 20 ms it calls `beat` on each member. One that fails does not stop the others."""

    def __init__(self) -> None:
        self._members: dict[Beating, None] = {}

    def join(self, member: Beating) -> None:
        self._members[member] = None

    def leave(self, member: Beating) -> None:
        self._members.pop(member, None)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += BEAT
            wait = due - loop.time()
            if wait < -0.5:  # the machine was asleep: go on from here, without a burst
                due = loop.time()
            await asyncio.sleep(max(wait, 0))
            for member in tuple(self._members):
                try:
                    member.beat()
                except Exception:
                    _log.exception("beat failed")


class Endpoint(asyncio.DatagramProtocol):
    """One RTP stream each way. Plays sound, else a background, else silence; relays its peer's sound when bridged.

    Symmetric: sound goes back to the port it comes from. Packets of a stranger host are dropped once the host that
    the signalling named (or, before it, the first one heard) has spoken.
    """

    def __init__(self, beat: Beat, on_key: Callable[[str], None]) -> None:
        self._beat, self._on_key = beat, on_key
        self._transport: asyncio.DatagramTransport | None = None
        self._loop = asyncio.get_running_loop()
        self.host, self.port = "", 0
        self.media: Media | None = None
        self._remote: tuple[str, int] | None = None
        self._heard_from: str | None = None
        self._sequence, self._stamp = random.randrange(0x10000), random.randrange(0x80000000)  # noqa: S311
        self._ssrc = random.randrange(0x100000000)  # noqa: S311
        self._keypad = dtmf.Keypad()
        self._typing: deque[str] = deque()
        self._key: deque[tuple[bytes, bool]] = deque()
        self._key_stamp = 0
        self._gap = 0
        self._typed: asyncio.Future[None] | None = None
        self._sound, self._at = b"", 0
        self._played: asyncio.Future[None] | None = None
        self._background, self._background_at = b"", 0
        self._peer: Endpoint | None = None
        self._relayed: tuple[int, int] | None = None  # (their SSRC, our stamp minus theirs)
        self._idle = 0
        self.tap: Callable[[bytes], None] | None = None
        self.received = 0

    @classmethod
    async def open(cls, beat: Beat, host: str, ports: tuple[int, int], on_key: Callable[[str], None]) -> "Endpoint":
        """On a free even port of the range. Raises OSError when there is none."""
        loop = asyncio.get_running_loop()
        first, last = ports
        candidates = range(first + first % 2, last + 1, 2)
        for port in random.sample(candidates, k=len(candidates)):
            with_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                with_socket.setblocking(False)
                with_socket.bind((host, port))
            except OSError:
                with_socket.close()
                continue
            _, endpoint = await loop.create_datagram_endpoint(lambda: cls(beat, on_key), sock=with_socket)
            endpoint.host, endpoint.port = host, port
            return endpoint
        raise OSError("no free RTP port")

    # -------------------------------------------------------------------------------------------------- what we do

    def connect(self, media: Media) -> None:
        """Where the other side listens; again after a re-INVITE."""
        if self.media is None or (media.host, media.port) != (self.media.host, self.media.port):
            self._remote = (media.host, media.port)
            self._heard_from = None
        self.media = media

    def play(self, sound: bytes) -> "asyncio.Future[None]":
        """A-law, from now, instead of what was playing. Done when the last frame has left or `hush` was called."""
        self.hush()
        done: asyncio.Future[None] = self._loop.create_future()
        if not sound or self._transport is None:
            done.set_result(None)
            return done
        self._sound, self._at, self._played = sound, 0, done
        return done

    def hush(self) -> None:
        """Stop what is playing; the background goes on."""
        self._sound, self._at = b"", 0
        played, self._played = self._played, None
        if played is not None and not played.done():
            played.set_result(None)

    def background(self, sound: bytes) -> None:
        """Repeated whenever nothing else plays; b"" for none."""
        self._background, self._background_at = sound, 0

    def bridge(self, peer: "Endpoint | None") -> None:
        """What this line says goes to `peer` (and nowhere else). Each side is bridged on its own."""
        self._peer = peer
        if peer is not None:
            peer._relayed = None

    def type(self, signs: str) -> "asyncio.Future[None]":
        """Type keys, 120 ms each with 120 ms between. Done after the last one."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._typing.extend(signs)
        self._typed = done
        return done

    def close(self) -> None:
        """Idempotent."""
        self._beat.leave(self)
        self.hush()
        self._peer = None
        if self._typed is not None and not self._typed.done():
            self._typed.set_result(None)
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    # ------------------------------------------------------------------------------------------------ on the network

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self._beat.join(self)

    def error_received(self, exc: Exception) -> None:
        """The other side closed its port: the signalling will say so."""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) < 12 or data[0] >> 6 != 2 or self.media is None:
            return
        if addr[0] != self._heard_from:
            if self._heard_from is not None and addr[0] != self.media.host:
                return
            self._heard_from = addr[0]
        self._remote = addr
        self.received += 1
        start = 12 + 4 * (data[0] & 0x0F)
        if data[0] & 0x10:  # a header extension
            if len(data) < start + 4:
                return
            start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
        payload = data[start : len(data) - data[-1] if data[0] & 0x20 else len(data)]
        stamp, source = struct.unpack("!II", data[4:12])
        kind = data[1] & 0x7F
        if self.media.keys is not None and kind == self.media.keys:
            key = self._keypad.heard(payload, source=source, stamp=stamp, at=self._loop.time())
            if key is not None:
                self._on_key(key)
            return
        if kind == sdp.PCMU:
            payload = payload.translate(g711.MU_TO_A)
        elif kind != sdp.PCMA:
            return
        if self.tap is not None:
            self.tap(payload)
        if self._peer is not None:
            self._peer._relay(payload, source, stamp)

    def _relay(self, payload: bytes, source: int, stamp: int) -> None:
        """A frame of the peer leaves at once, its timing kept: the phones' own buffers smooth it."""
        if self._sound or self._key or self._typing:
            return
        if self._relayed is None or self._relayed[0] != source:
            self._relayed = (source, (self._stamp + g711.FRAME - stamp) & 0xFFFFFFFF)
        self._idle = 0
        self._stamp = (stamp + self._relayed[1]) & 0xFFFFFFFF
        self._send(payload)

    def beat(self) -> None:
        if self.media is None:
            return
        if self._key or self._typing:
            self._beat_key()
            return
        if self._sound:
            frame = self._sound[self._at : self._at + g711.FRAME]
            self._at += g711.FRAME
            over = self._at >= len(self._sound)
            self._own(frame.ljust(g711.FRAME, g711.QUIET))
            if over:
                self.hush()
            return
        if self._relayed is not None:
            self._idle += 1
            if self._idle < _STALE:
                return
            self._relayed = None
        if self._background:
            at = self._background_at
            self._background_at = (at + g711.FRAME) % len(self._background)
            self._own(self._background[at : at + g711.FRAME].ljust(g711.FRAME, g711.QUIET))
            return
        self._own(g711.QUIET * g711.FRAME)  # keeps doors open on the way

    def _beat_key(self) -> None:
        self._relayed = None
        if self._gap:
            self._gap -= 1
            self._own(g711.QUIET * g711.FRAME)
            return
        if not self._key:
            self._key.extend(dtmf.packets(self._typing.popleft()))
            self._key_stamp = (self._stamp + g711.FRAME) & 0xFFFFFFFF
        payload, marker = self._key.popleft()
        self._stamp = (self._stamp + g711.FRAME) & 0xFFFFFFFF
        assert self.media is not None
        if self.media.keys is not None:
            self._packet(payload, self.media.keys, self._key_stamp, marker)
        if not self._key:
            self._gap = _KEY_GAP
            if not self._typing and self._typed is not None and not self._typed.done():
                self._typed.set_result(None)

    def _own(self, frame: bytes) -> None:
        self._relayed = None
        self._stamp = (self._stamp + g711.FRAME) & 0xFFFFFFFF
        self._send(frame)

    def _send(self, frame: bytes) -> None:
        assert self.media is not None
        if self.media.codec == sdp.PCMU:
            frame = frame.translate(g711.A_TO_MU)
        self._packet(frame, self.media.codec, self._stamp, False)

    def _packet(self, payload: bytes, kind: int, stamp: int, marker: bool) -> None:
        if self._transport is None or self._remote is None or self.media is None or not self.media.listens:
            return
        self._sequence = (self._sequence + 1) & 0xFFFF
        header = struct.pack("!BBHII", 0x80, kind | marker << 7, self._sequence, stamp, self._ssrc)
        self._transport.sendto(header + payload, self._remote)
