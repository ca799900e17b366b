"""Typed keys on RTP (RFC 4733): heard once each, however many packets are lost or repeated; and typed by us."""

import struct
from collections.abc import Iterator
from typing import Final

SIGNS: Final = "0123456789*#ABCD"
_FRAME: Final = 160
_OLD: Final = 8000 * 3  # a packet that late belongs to a key already told
_PAUSE: Final = 0.05  # between two keys of a sender that reuses its time stamp


class Keypad:
    """Turns event packets into keys. A key is told at its first packet: the end may never come."""

    def __init__(self) -> None:
        self._source: int | None = None
        self._stamp = 0
        self._sign = -1
        self._ended = False
        self._last = 0.0

    def heard(self, payload: bytes, *, source: int, stamp: int, at: float) -> str | None:
        """The key that this packet begins, or None. `source` is the SSRC, `at` seconds of a steady clock."""
        if len(payload) < 4 or payload[0] >= len(SIGNS):
            return None
        sign, over = payload[0], bool(payload[1] & 0x80)
        if source == self._source:
            late = (self._stamp - stamp) & 0xFFFFFFFF
            if 0 < late < _OLD and at - self._last < 3:
                return None
            if late == 0 and sign == self._sign:
                again = self._ended and not over and at - self._last > _PAUSE
                self._ended = over or (self._ended and not again)
                self._last = at
                return SIGNS[sign] if again else None
        self._source, self._stamp, self._sign, self._ended, self._last = source, stamp, sign, over, at
        return SIGNS[sign]


def packets(sign: str, *, frames: int = 6) -> Iterator[tuple[bytes, bool]]:
    """The payloads of one key, one for each 20 ms: (payload, marker). The end is said three times."""
    code = SIGNS.index(sign)
    for number in range(1, frames + 1):
        yield struct.pack("!BBH", code, 10, number * _FRAME), number == 1
    for _ in range(3):
        yield struct.pack("!BBH", code, 0x80 | 10, (frames + 1) * _FRAME), False
