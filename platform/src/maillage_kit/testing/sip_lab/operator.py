"""The operator behind the trunk: hands each number's calls to the telephone registered for it, and keeps what passed.

It is the network as the edge sees it: one address, a great many numbers. It forwards without state what the edge sends,
keeps the Via lines of the edge to itself (a telephone sees one network), and stays out of the conversation.
"""

import hashlib
import re
import socket
import threading
from dataclasses import dataclass
from uuid import uuid4

from maillage_kit import clock
from maillage_kit.testing.sip_lab.exchange import Exchange
from maillage_kit.testing.sip_lab.processes import HOST

_VIA = re.compile(r"^(?:Via|v)\s*:\s*([^\r\n]+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Seen:
    """One message that passed, with the second it passed (Unix time)."""

    at: float
    number: str
    text: str

    @property
    def start(self) -> str:
        return self.text.partition("\r\n")[0]

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        for line in self.text.partition("\r\n\r\n")[0].split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.strip().lower() == name.lower():
                return value.strip()
        return None


class Operator:
    """A UDP port that a thread serves from `start` to `stop`."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.settimeout(0.2)
        self.port: int = self._socket.getsockname()[1]
        self._exchange = Exchange(self.port)
        self._telephones: dict[str, int] = {}
        self._dead: set[str] = set()
        self._vias: dict[tuple[str, str], tuple[list[str], tuple[str, int], str]] = {}
        self._seen: list[Seen] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="operator", daemon=True)

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(5)
        self._socket.close()

    # ------------------------------------------------------------------------------------------------------ numbers

    def connect(self, number: str, port: int) -> None:
        """Calls to that number go to a telephone on that port of the loopback."""
        with self._lock:
            self._telephones[number] = port
            self._dead.discard(number)

    def brings_back(self, number: str, port: int) -> None:
        """Calls to that number come back, each as a call of its own, to the edge on that port of the loopback."""
        with self._lock:
            self._exchange.serves(number, port)
            self._telephones.pop(number, None)
            self._dead.discard(number)

    def disconnect(self, number: str) -> None:
        with self._lock:
            self._telephones.pop(number, None)
            self._exchange.forgets(number)

    def loses(self, number: str) -> None:
        """The network says nothing at all to calls for that number."""
        with self._lock:
            self._telephones.pop(number, None)
            self._dead.add(number)

    def nudge(self, number: str, invite: Seen) -> None:
        """Send the telephone of that number an INFO inside the call that this INVITE began. Nothing answers it."""
        with self._lock:
            port = self._telephones[number]
        kept = "".join(f"{name}: {invite.header(name)}\r\n" for name in ("From", "To", "Call-ID"))
        via = f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK-op-{uuid4().hex}"
        text = f"INFO sip:{number}@{HOST}:{port} SIP/2.0\r\n{via}\r\n{kept}CSeq: 9 INFO\r\nContent-Length: 0\r\n\r\n"
        self._socket.sendto(text.encode(), (HOST, port))

    # ------------------------------------------------------------------------------------------------- what passed

    def messages(self, number: str | None = None) -> list[Seen]:
        """What passed to and from a number, or everything, in order."""
        with self._lock:
            return [seen for seen in self._seen if number is None or seen.number == number]

    def invites(self, number: str) -> list[Seen]:
        """Each time that number was rung (repeats of one INVITE count once)."""
        found: dict[str, Seen] = {}
        for seen in self.messages(number):
            if seen.start.startswith("INVITE "):
                found.setdefault(f"{seen.header('Call-ID')} {seen.header('Via')}", seen)
        return list(found.values())

    def rung(self) -> list[str]:
        """The numbers rung, in order."""
        with self._lock:
            numbers = list(dict.fromkeys(seen.number for seen in self._seen))
        first = [(invite.at, number) for number in numbers for invite in self.invites(number)]
        return [number for _, number in sorted(first)]

    # ------------------------------------------------------------------------------------------------------- inside

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                data, source = self._socket.recvfrom(65535)
            except TimeoutError:
                continue
            except OSError:
                return
            text = data.decode("utf-8", "replace")
            if text.strip():
                self._handle(text, source)

    def _handle(self, text: str, source: tuple[str, int]) -> None:
        start = text.partition("\r\n")[0]
        request = not start.startswith("SIP/2.0 ")
        method, uri = start.split(" ", 2)[:2]
        number = uri.partition(":")[2].partition("@")[0].partition(";")[0] if request else ""
        with self._lock:
            brought = self._exchange.takes(text, number)
            if brought is not None:
                self._seen.append(Seen(clock.now().timestamp(), number, text))
        if brought is not None:
            self._socket.sendto(brought[0].encode(), brought[1])
            return
        if not request:
            self._back(text)
            return
        with self._lock:
            own_number = next((known for known, port in self._telephones.items() if port == source[1]), None)
        if own_number is not None:
            self._forward(text, method, own_number, _next_hop(text, uri), source)
            return
        with self._lock:
            self._seen.append(Seen(clock.now().timestamp(), number, text))
            port, dead = self._telephones.get(number), number in self._dead
        if dead:
            return
        if port is None:
            if method == "INVITE":
                self._socket.sendto(_refusal(text, "404 Not Found").encode(), source)
            return
        self._forward(text, method, number, (HOST, port), source)

    def _forward(self, text: str, method: str, number: str, to: tuple[str, int], source: tuple[str, int]) -> None:
        vias = _VIA.findall(text)
        branch = "z9hG4bK-op-" + hashlib.sha256(f"{vias[0]}{number}".encode()).hexdigest()[:24]
        self._vias[branch, "INVITE" if method == "ACK" else method] = (vias, source, number)
        own = f"Via: SIP/2.0/UDP {HOST}:{self.port};branch={branch}"
        head, _, body = text.partition("\r\n\r\n")
        lines = [line for line in head.split("\r\n") if not _VIA.match(line)]
        forwarded = "\r\n".join([lines[0], own, *lines[1:]]) + "\r\n\r\n" + body
        self._socket.sendto(forwarded.encode(), to)

    def _back(self, text: str) -> None:
        """An answer goes back with the Via lines that its request came with."""
        via = _VIA.search(text)
        branch = re.search(r"branch=([^;,\s]+)", via[1]) if via else None
        method = re.search(r"^CSeq\s*:\s*\d+\s+(\w+)", text, re.IGNORECASE | re.MULTILINE)
        kept = self._vias.get((branch[1], method[1])) if branch and method else None
        if kept is None:
            # Inside a conversation the edge asks the telephone itself, which answers where its first message came from
            hop = re.match(r"SIP/2\.0/UDP\s+([^;\s:]+):(\d+)", via[1]) if via else None
            if hop:
                self._socket.sendto(text.encode(), (hop[1], int(hop[2])))
            return
        vias, source, number = kept
        with self._lock:
            self._seen.append(Seen(clock.now().timestamp(), number, text))
        head, _, body = text.partition("\r\n\r\n")
        lines = [line for line in head.split("\r\n") if not _VIA.match(line)]
        answer = "\r\n".join([lines[0], *(f"Via: {via}" for via in vias), *lines[1:]]) + "\r\n\r\n" + body
        self._socket.sendto(answer.encode(), source)


def _next_hop(text: str, uri: str) -> tuple[str, int]:
    """Where a request inside a conversation goes: the first Route, else who is asked."""
    route = re.search(r"^Route\s*:\s*<([^>]+)>", text, re.IGNORECASE | re.MULTILINE)
    address = re.sub(r"^sips?:(?:[^@]*@)?", "", route[1] if route else uri).partition(";")[0]
    host, _, port = address.partition(":")
    return host, int(port or 5060)


def _refusal(text: str, status: str) -> str:
    wanted = ("via", "v", "from", "f", "to", "t", "call-id", "i", "cseq")
    lines = [
        line
        for line in text.partition("\r\n\r\n")[0].split("\r\n")[1:]
        if line.partition(":")[0].strip().lower() in wanted
    ]
    lines = [f"{line};tag=operator" if line.lower().startswith(("to:", "t:")) else line for line in lines]
    return "\r\n".join([f"SIP/2.0 {status}", *lines, "Content-Length: 0", "", ""])
