"""How an operator brings a call back: a number of the same customer is rung by a call of its own.

Every operator's exchange stands between the two lines (a back-to-back user agent): each has its own Call-ID, Contact
and route, only keys, sound and tags pass. What leaves the edge for one of its own numbers comes in by the front door.
"""

import hashlib
import re
from dataclasses import dataclass, field

from maillage_kit.testing.sip_lab.processes import HOST

Address = tuple[str, int]
_BACK = "-back"
_LINE = re.compile(r"\A([^\s:]+)\s*:\s*(.*)\Z", re.DOTALL)
_SHORT = {"v": "via", "i": "call-id", "m": "contact", "t": "to", "f": "from"}


@dataclass
class _Message:
    start: str
    headers: list[tuple[str, str]]
    body: str

    @classmethod
    def read(cls, text: str) -> "_Message":
        head, _, body = text.partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        found = [match.groups() for line in lines if (match := _LINE.match(line))]
        return cls(start, [(name, value) for name, value in found], body)

    def all(self, *names: str) -> list[str]:
        return [value for name, value in self.headers if _SHORT.get(name.lower(), name.lower()) in names]

    def first(self, name: str) -> str:
        return next(iter(self.all(name)), "")

    def without(self, *names: str) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self.headers if _SHORT.get(name.lower(), name.lower()) not in names]


@dataclass
class _Line:
    """One side of a call: where its other end wants requests (`target`), by which way (`routes`), and the way that its
    own answers must name (`recorded`)."""

    uri: str = ""
    target: str = ""
    routes: list[str] = field(default_factory=list)
    recorded: list[str] = field(default_factory=list)


class Exchange:
    """Numbers whose calls come back to an edge, and the calls between. Keeps no time: ends repeat what is lost."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers: dict[str, Address] = {}
        self._lines: dict[str, _Line] = {}
        self._edges: dict[str, Address] = {}
        self._asked: dict[tuple[str, str], list[str]] = {}

    def serves(self, number: str, port: int) -> None:
        """Calls to that number come back to the edge on that port of the loopback."""
        self._numbers[number] = (HOST, port)

    def forgets(self, number: str) -> None:
        self._numbers.pop(number, None)

    def takes(self, text: str, number: str) -> tuple[str, Address] | None:
        """What is sent where for a message that arrived; None when it belongs to no such call."""
        message = _Message.read(text)
        call = message.first("call-id")
        if call not in self._lines:
            if not message.start.startswith("INVITE ") or number not in self._numbers:
                return None
            edge = self._numbers[number]
            uri = f"sip:{number}@{edge[0]}:{edge[1]}"
            self._lines[call] = _Line()
            self._lines[call + _BACK] = _Line(uri=uri)
            self._edges[call] = edge
        other = call.removesuffix(_BACK) if call.endswith(_BACK) else call + _BACK
        passed = self._answer if message.start.startswith("SIP/2.0 ") else self._request
        sent = passed(message, call, other)
        return (sent, self._edges[call.removesuffix(_BACK)]) if sent else None

    def _request(self, message: _Message, call: str, other: str) -> str:
        method = message.start.partition(" ")[0]
        mine, theirs = self._lines[call], self._lines[other]
        vias = message.all("via")
        within = "tag=" in message.first("to")
        if contact := message.first("contact"):
            mine.target = _address(contact)
        if method == "INVITE" and not within:
            mine.recorded = message.all("record-route")
            mine.routes = mine.recorded
        branch = "z9hG4bK-ex-" + hashlib.sha256(f"{vias[0]}{call}".encode()).hexdigest()[:24]
        self._asked[branch, method] = vias
        # The ACK of a refusal belongs to the INVITE: it goes where that went.
        uri, routes = (theirs.target, theirs.routes) if within and theirs.target else (theirs.uri, [])
        top = [("Via", f"SIP/2.0/UDP {HOST}:{self._port};branch={branch}"), *(("Route", route) for route in routes)]
        return self._written(f"{method} {uri} SIP/2.0", top, message, other)

    def _answer(self, message: _Message, call: str, other: str) -> str:
        via = message.first("via")
        branch = re.search(r"branch=([^;,\s]+)", via)
        method = message.first("cseq").split()[-1]
        vias = self._asked.get((branch[1], method)) if branch else None
        if vias is None:
            return ""
        line = self._lines[call]
        code = int(message.start.split()[1])
        if method == "INVITE" and 200 <= code < 300 and (contact := message.first("contact")):
            line.target = _address(contact)
            if not line.routes:
                line.routes = message.all("record-route")[::-1]
        top = [("Via", via) for via in vias]
        if method == "INVITE":
            top += [("Record-Route", route) for route in self._lines[other].recorded]
        return self._written(message.start, top, message, other)

    def _written(self, start: str, top: list[tuple[str, str]], message: _Message, other: str) -> str:
        kept = message.without("via", "route", "record-route", "call-id", "contact")
        own = [*top, ("Call-ID", other)]
        if message.first("contact"):
            own.append(("Contact", f"<sip:exchange@{HOST}:{self._port}>"))
        lines = [start, *(f"{name}: {value}" for name, value in [*own, *kept])]
        return "\r\n".join(lines) + "\r\n\r\n" + message.body


def _address(contact: str) -> str:
    found = re.search(r"<([^>]+)>", contact)
    return found[1] if found else contact.partition(";")[0].strip()
