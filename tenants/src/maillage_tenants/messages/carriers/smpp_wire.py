"""SMPP 3.4 on the wire: the few documents a sender needs. Pure."""

import re
import struct
from dataclasses import dataclass
from enum import IntEnum

from maillage_tenants.messages.rules import is_gsm7

MAX_PDU = 64 * 1024
_GSM7 = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_TWICE = {"^": 20, "{": 40, "}": 41, "\\": 47, "[": 60, "~": 61, "]": 62, "|": 64, "€": 101, "\f": 10}
_ESCAPE = 27
_UCS2 = 8
_LATIN1 = 3
_UDH = 0x40
_RECEIPT = 0x04
_TYPE_BITS = 0x3C


class Command(IntEnum):
    GENERIC_NACK = 0x80000000
    SUBMIT = 0x00000004
    SUBMIT_RESP = 0x80000004
    DELIVER = 0x00000005
    DELIVER_RESP = 0x80000005
    UNBIND = 0x00000006
    UNBIND_RESP = 0x80000006
    BIND = 0x00000009
    BIND_RESP = 0x80000009
    ENQUIRE = 0x00000015
    ENQUIRE_RESP = 0x80000015


class Malformed(ValueError):
    """These bytes are no SMPP document."""


@dataclass(frozen=True, slots=True)
class Pdu:
    """One document: what it asks or answers, and its body as bytes."""

    command: int
    status: int
    sequence: int
    body: bytes = b""

    def packed(self) -> bytes:
        return struct.pack(">IIII", 16 + len(self.body), self.command, self.status, self.sequence) + self.body


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a `deliver_sm` brings: a receipt for `message_id` with its `state` and `error`, or a text."""

    source: str
    text: str
    receipt: bool
    message_id: str = ""
    state: str = ""
    error: str = ""


def head(raw: bytes) -> tuple[int, int, int, int]:
    """Length of the body that follows, command, status, sequence. Raises Malformed."""
    length, command, status, sequence = struct.unpack(">IIII", raw)
    if not 16 <= length <= MAX_PDU:
        raise Malformed(f"length {length}")
    return length - 16, command, status, sequence


def bind(sequence: int, *, user: str, password: str) -> bytes:
    body = _cstring(user) + _cstring(password) + _cstring("") + b"\x34\x00\x00" + _cstring("")
    return Pdu(Command.BIND, 0, sequence, body).packed()


def parts(text: str, *, number: int) -> list[tuple[int, int, bytes]]:
    """(esm_class, data_coding, bytes) of each short message of a text; `number` ties the parts of a long one."""
    if is_gsm7(text):
        coding, units, one, many = 0, [_septets(sign) for sign in text], 160, 153
    else:
        coding, units, one, many = _UCS2, [sign.encode("utf-16-be") for sign in text], 140, 134
    if sum(map(len, units)) <= one:
        return [(0, coding, b"".join(units))]
    cut: list[bytes] = [b""]
    for unit in units:  # neither an escape and its letter nor two surrogates are ever torn apart
        if len(cut[-1]) + len(unit) > many:
            cut.append(b"")
        cut[-1] += unit
    udh = bytes((5, 0, 3, number % 256, len(cut)))
    return [(_UDH, coding, udh + bytes((place,)) + piece) for place, piece in enumerate(cut, start=1)]


def submit(sequence: int, *, source: str, to: str, part: tuple[int, int, bytes], receipt: bool, urgent: bool) -> bytes:
    esm_class, coding, message = part
    digits = source.lstrip("+")
    ton, npi = (1, 1) if source.startswith("+") else (0, 1) if digits.isdecimal() else (5, 0)
    body = b"".join(
        (
            _cstring(""),
            bytes((ton, npi)),
            _cstring(digits),
            b"\x01\x01",
            _cstring(to.lstrip("+")),
            bytes((esm_class, 0, 1 if urgent else 0)),
            _cstring(""),
            _cstring(""),
            bytes((1 if receipt else 0, 0, coding, 0, len(message))),
            message,
        )
    )
    return Pdu(Command.SUBMIT, 0, sequence, body).packed()


def answered_id(body: bytes) -> str:
    """The message id of a `submit_sm_resp`."""
    return body.split(b"\x00", 1)[0].decode("ascii", errors="replace")


def delivered(body: bytes) -> Delivered:
    """Read a `deliver_sm`. Raises Malformed."""
    try:
        _, at = _read(body, 0)
        source_ton = body[at]
        source, at = _read(body, at + 2)
        _, at = _read(body, at + 2)
        esm_class, at = body[at], at + 3
        _, at = _read(body, at)
        _, at = _read(body, at)
        coding, length = body[at + 2], body[at + 4]
        message = body[at + 5 : at + 5 + length]
        optional = _optional(body[at + 5 + length :])
    except (IndexError, struct.error) as exc:
        raise Malformed("deliver_sm") from exc
    message = message or optional.get(0x0424, b"")
    if esm_class & _UDH and message:
        message = message[1 + message[0] :]
    if esm_class & _TYPE_BITS == _RECEIPT:
        return _receipt(message.decode("latin-1"), optional)
    sender = f"+{source}" if source_ton == 1 and source.isdecimal() else source
    return Delivered(sender, _decoded(message, coding), receipt=False)


def _receipt(text: str, optional: dict[int, bytes]) -> Delivered:
    def told(name: str) -> str:
        found = re.search(rf"\b{name}:(\S*)", text, re.IGNORECASE)
        return found[1] if found else ""

    named = optional.get(0x001E, b"").rstrip(b"\x00").decode("ascii", errors="replace")
    return Delivered("", text, True, message_id=named or told("id"), state=told("stat").upper(), error=told("err"))


def _optional(raw: bytes) -> dict[int, bytes]:
    found = {}
    while len(raw) >= 4:
        tag, length = struct.unpack(">HH", raw[:4])
        found[tag], raw = raw[4 : 4 + length], raw[4 + length :]
    return found


def _decoded(message: bytes, coding: int) -> str:
    if coding == _UCS2:
        return message.decode("utf-16-be", errors="replace")
    if coding == _LATIN1:
        return message.decode("latin-1")
    back = {place: sign for sign, place in _GSM7_TWICE.items()}
    text, escaped = "", False
    for place in message:
        if escaped:
            text, escaped = text + back.get(place, " "), False
        elif place == _ESCAPE:
            escaped = True
        else:
            text += _GSM7[place] if place < len(_GSM7) else "?"
    return text


def _septets(sign: str) -> bytes:
    twice = _GSM7_TWICE.get(sign)
    return bytes((_ESCAPE, twice)) if twice is not None else bytes((_GSM7.index(sign),))


def _cstring(text: str) -> bytes:
    return text.encode("ascii", errors="replace").replace(b"\x00", b"") + b"\x00"


def _read(body: bytes, at: int) -> tuple[str, int]:
    end = body.find(b"\x00", at)
    if end < 0:
        raise IndexError
    return body[at:end].decode("ascii", errors="replace"), end + 1
