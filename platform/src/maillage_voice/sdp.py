"""Session descriptions, as far as one G.711 audio stream with typed keys needs them. Pure."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from typing import Final

PCMU: Final = 0
PCMA: Final = 8
KEYS: Final = 101
_FLIPPED: Final = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


class Unacceptable(ValueError):
    """No audio stream that we speak."""


@dataclass(frozen=True, slots=True)
class Media:
    """Where the other side listens and what it takes. `keys` is None when it takes no RFC 4733 keys."""

    host: str
    port: int
    codec: int = PCMA
    keys: int | None = KEYS
    direction: str = "sendrecv"

    @property
    def listens(self) -> bool:
        return self.direction in ("sendrecv", "recvonly") and self.host != "0.0.0.0" and self.port != 0  # noqa: S104


def read(text: str) -> Media:
    """The first audio stream of an offer or an answer. PCMA is chosen over PCMU. Raises Unacceptable."""
    session_host = host = ""
    direction = "sendrecv"
    port: int | None = None
    offered: list[int] = []
    keys: int | None = None
    inside = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("m="):
            if port is not None:
                break
            parts = line[2:].split()
            inside = parts[0] if parts else ""
            if inside == "audio" and len(parts) >= 4 and parts[2] == "RTP/AVP":
                port = int(parts[1].split("/")[0]) if parts[1].split("/")[0].isdigit() else 0
                offered = [int(part) for part in parts[3:] if part.isdigit()]
        elif inside not in ("", "audio"):
            continue
        elif line.startswith("c=IN IP4 "):
            address = line[9:].split("/")[0].strip()
            if inside:
                host = address
            else:
                session_host = address
        elif line[2:] in _FLIPPED and line.startswith("a="):
            direction = line[2:]
        elif found := re.match(r"a=rtpmap:(\d+) telephone-event/8000", line, re.IGNORECASE):
            keys = int(found[1])
    if port is None or port > 65535:
        raise Unacceptable("no RTP/AVP audio")
    codec = next((code for code in (PCMA, PCMU) if code in offered), None)
    if codec is None:
        raise Unacceptable("neither PCMA nor PCMU")
    host = host or session_host
    try:
        IPv4Address(host)  # a name would have to be looked up while everybody waits
    except AddressValueError as exc:
        raise Unacceptable("no address") from exc
    return Media(host, port, codec, keys, direction)


def offer(host: str, port: int, *, session: int) -> str:
    """PCMA, PCMU and keys, both ways."""
    return _text(host, port, session, 1, (PCMA, PCMU), KEYS, "sendrecv")


def answer(to: Media, host: str, port: int, *, session: int, version: int = 1) -> str:
    """The one codec we chose from the offer `to`, its key payload, its direction seen from here."""
    return _text(host, port, session, version, (to.codec,), to.keys, _FLIPPED[to.direction])


def _text(host: str, port: int, session: int, version: int, codecs: tuple[int, ...], keys: int | None, way: str) -> str:
    names = {PCMA: "PCMA", PCMU: "PCMU"}
    payloads = [*codecs, *([keys] if keys is not None else [])]
    lines = [
        "v=0",
        f"o=maillage {session} {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(map(str, payloads))}",
        *(f"a=rtpmap:{code} {names[code]}/8000" for code in codecs),
    ]
    if keys is not None:
        lines += [f"a=rtpmap:{keys} telephone-event/8000", f"a=fmtp:{keys} 0-15"]
    return "\r\n".join([*lines, "a=ptime:20", f"a={way}"]) + "\r\n"
