"""A telephone laboratory on the loopback: real SIP, from a caller (sipp) through the edge (Kamailio) to phones (sipp).

    with SipLab(folder, secret=…, source=…) as lab:
        edge = lab.edge(application_port=…, voice_port=…).start()
        ana = lab.telephone("+33611111101", PhoneScript(keys=(Keys("1", after=2),)))
        call = lab.caller(CallerScript("+33699999999", "+33232402727"))
        call.must_end_well()
        assert ana.rung == 1

Nothing here knows the product: what must happen is asserted by whoever uses it. Ports are free ones, so several
laboratories may run side by side. `missing()` says why a machine cannot run one.
"""

import csv
import itertools
import json
import re
import sqlite3
import time
import urllib.error
import urllib.request
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from maillage_kit import clock
from maillage_kit.edge_config import EdgeConfig
from maillage_kit.testing.sip_lab.operator import Operator, Seen
from maillage_kit.testing.sip_lab.processes import (
    HOST,
    Child,
    LabError,
    free_port,
    listens,
    missing,
    own_range,
    wait_until,
)
from maillage_kit.testing.sip_lab.scripts import BUSY, DECLINES, RINGS_IN_VAIN, CallerScript, Keys, PhoneScript

__all__ = [
    "BUSY",
    "DECLINES",
    "HOST",
    "RINGS_IN_VAIN",
    "Caller",
    "CallerScript",
    "Child",
    "Edge",
    "Keys",
    "LabError",
    "Operator",
    "PhoneScript",
    "Seen",
    "SipLab",
    "Telephone",
    "free_port",
    "listens",
    "missing",
    "own_range",
    "received",
    "wait_until",
]


class Edge:
    """One Kamailio, configured as in production by `EdgeConfig`."""

    def __init__(self, folder: Path, config: EdgeConfig, source: Path, memory_mb: int = 64) -> None:
        self.config = config
        self.folder = folder
        self.port = int(config.sip_listen.rpartition(":")[2])
        self.rpc_url = f"http://{config.rpc_listen}/RPC"
        main = config.write(folder, source=source)
        command = ["kamailio", "-DD", "-E", "-f", str(main), "-m", str(memory_mb), "-M", "24", "-Y", str(folder)]
        self.child = Child("edge", command, folder / "kamailio.log")

    def start(self) -> "Edge":
        self.child.start().must_run_until(self._answers)
        return self

    def restart(self, *, kill: bool = False) -> None:
        """Stop, orderly or by SIGKILL, and start again with what is on disk."""
        if kill:
            self.child.kill()
        else:
            self.child.stop()
        self.start()

    def _answers(self) -> bool:
        with suppress(OSError, ValueError):
            return "result" in self.rpc("core.uptime")
        return False

    def rpc(self, method: str, *parameters: object) -> dict[str, Any]:
        """A JSON-RPC command, as the application sends them. Returns the whole answer."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}).encode()
        request = urllib.request.Request(self.rpc_url, data=body, headers={"Content-Type": "application/json"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=3) as answer:  # noqa: S310 - the loopback
                text = answer.read()
        except urllib.error.HTTPError as refused:  # an error of JSON-RPC comes as 500, with its document
            text = refused.read()
        found: dict[str, Any] = json.loads(text)
        return found

    def knows_plans(self, *numbers: str) -> bool:
        """Whether the plans of these numbers were learnt."""
        return all("result" in self.rpc("htable.get", "plan", number) for number in numbers)

    def undelivered(self) -> list[dict[str, Any]]:
        """The events on disk that the application has not committed yet, in order."""
        return self._kept("select batch from outgoing order by id")

    def refused(self) -> list[dict[str, Any]]:
        """The events that the application could not understand, kept for a human."""
        return self._kept("select batch from refused order by id")

    def _kept(self, query: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.config.database, timeout=5)) as connection:
            rows = connection.execute(query).fetchall()
        return [event for (batch,) in rows for event in json.loads(batch)]


@dataclass
class Telephone:
    """Somebody's telephone: a number of the operator's and a sipp that answers it as its script says.

    What an earlier telephone of that number was sent is not this one's: it has been there `since` (Unix time).
    """

    number: str
    child: Child
    operator: Operator
    since: float

    @property
    def invites(self) -> list[Seen]:
        return [seen for seen in self.operator.invites(self.number) if seen.at >= self.since]

    @property
    def rung(self) -> int:
        """How often it was rung."""
        return len(self.invites)

    def answers(self, status: str) -> list[Seen]:
        """What it answered, such as "200" or "180", in order."""
        told = [seen for seen in self.operator.messages(self.number) if seen.at >= self.since]
        return [seen for seen in told if seen.start.startswith(f"SIP/2.0 {status}")]

    def tell(self) -> None:
        """Now: the one who has picked up types the keys that wait for this (`Keys.once_told`)."""
        self.operator.nudge(self.number, self.invites[-1])


@dataclass
class Caller:
    """A call being made by sipp."""

    script: CallerScript
    child: Child
    started: float
    call_id: str

    @property
    def over(self) -> bool:
        return not self.child.running

    def wait(self, within: float = 60.0) -> int:
        """How sipp ended: 0 when every message was as the script says. Raises LabError when it takes too long."""
        wait_until(lambda: self.over, within=within, what=f"the call of {self.script.caller} is over")
        return self.child.process.returncode if self.child.process else 99

    def received(self, status: str) -> list[str]:
        """The answers of that status that came, whole, in order; also "BYE", for the request."""
        start = status if status.isalpha() else f"SIP/2.0 {status}"
        return [text for text in received(self.child) if text.startswith(start)]

    def must_end_well(self, within: float = 60.0) -> "Caller":
        """Raises LabError with what sipp saw when the call did not go as its script says."""
        code = self.wait(within)
        if code != 0:
            seen = self.child.errors()[-2500:] or self.child.tail(1500)
            raise LabError(f"the call of {self.script.caller} ended with {code}:\n{seen}")
        return self


@dataclass
class Load:
    """What sipp counted of many calls. `errors`: what it said of those that failed, from the first one on."""

    made: int
    answered: int
    failed: int
    retransmissions: int
    seconds: float
    errors: str = ""
    row: dict[str, str] = field(default_factory=dict, repr=False)


class SipLab:
    """Starts and stops everything of one laboratory in one folder."""

    def __init__(self, folder: Path, *, secret: str, source: Path) -> None:
        """`source`: the checkout's `deploy/kamailio`. `secret`: of the account `edge`."""
        self.folder = folder
        self.secret = secret
        self.source = source
        self.operator = Operator()
        self.voice_port = free_port()
        self.children: list[Child] = []
        self._made = 0
        self._media = itertools.cycle(own_range(20_000, 1_500)[::20])

    def __enter__(self) -> "SipLab":
        self.folder.mkdir(parents=True, exist_ok=True)
        self.operator.start()
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self.children):
            child.stop(within=3.0)
        self.operator.stop()

    # -------------------------------------------------------------------------------------------------------- parts

    def edge(
        self, *, application_port: int, last_resort: str | None = None, memory_mb: int = 64, **options: Any
    ) -> Edge:
        """An edge between this laboratory's operator, voice and the application on that port; not started yet."""
        folder = self._folder("edge")
        given: dict[str, Any] = {
            "application": f"http://{HOST}:{application_port}",
            "secret": self.secret,
            "voice": f"sip:voice@{HOST}:{self.voice_port}",
            "trunk": self.operator.address,
            "trunk_addresses": (f"{HOST}/32",),
            "data_dir": folder / "data",
            "sip_listen": f"{HOST}:{free_port()}",
            "rpc_listen": f"{HOST}:{free_port()}",
            "last_resort": last_resort,
            "sip_workers": 2,
            **options,
        }
        edge = Edge(folder, EdgeConfig(**given), self.source, memory_mb)
        self.children.append(edge.child)
        return edge

    def telephone(self, number: str, script: PhoneScript) -> Telephone:
        """Give that number a telephone; the one it had is gone."""
        port = free_port()
        child = self._sipp(f"phone-{number}", script, port, [])
        child.must_run_until(lambda: _udp_bound(port), within=10)
        self.operator.connect(number, port)
        return Telephone(number, child, self.operator, clock.now().timestamp())

    def caller(
        self, script: CallerScript, edge: Edge, *, address: str = HOST, port: int | None = None, timeout: int = 290
    ) -> Caller:
        """Dial, and come back at once."""
        call_id = f"{uuid4().hex}@laboratory"
        options = [f"{HOST}:{edge.port}", "-m", "1", "-cid_str", call_id, "-timeout", f"{timeout}s", "-timeout_error"]
        options += [word for name, value in script.values for word in ("-key", name, value)]
        child = self._sipp("caller", script, port or free_port(), options, address=address)
        return Caller(script, child, clock.now().timestamp(), call_id)

    def answering(self, port: int, xml: str, *, quiet: bool = False) -> Child:
        """A sipp that answers every call on a port, in the voice's place for instance. `quiet`: keeps no messages."""
        child = self._sipp(f"answering-{port}", xml, port, ["-buff_size", "4194304"] if quiet else [])
        return child.must_run_until(lambda: _udp_bound(port), within=10)

    def load(self, edge: Edge, xml: str, *, callers: list[str], rate: float, calls: int, within: float) -> Load:
        """Many calls, `rate` a second. The scenario's [field0] is the caller."""
        folder = self._folder("load")
        listed = folder / "callers.csv"
        listed.write_text("SEQUENTIAL\n" + "".join(f"{caller}\n" for caller in callers))
        statistics = folder / "statistics.csv"
        options = [
            f"{HOST}:{edge.port}",
            "-inf",
            str(listed),
            "-m",
            str(calls),
            "-r",
            f"{rate:g}",
            "-timeout",
            f"{round(within)}s",
        ]
        options += ["-trace_stat", "-stf", str(statistics), "-fd", "1", "-l", "20000", "-buff_size", "4194304"]
        began = time.monotonic()
        child = self._sipp("load", xml, free_port(), options)
        wait_until(lambda: not child.running, within=within + 30, what="the load is over", every=0.1)
        seconds = time.monotonic() - began
        text = statistics.read_text() if statistics.exists() else ""
        rows = list(csv.DictReader(text.splitlines(), delimiter=";"))
        if not rows:
            raise LabError(f"sipp counted nothing:\n{child.tail()}")
        last = rows[-1]

        def count(name: str) -> int:
            return int(last.get(name) or 0)

        return Load(
            made=count("TotalCallCreated"),
            answered=count("SuccessfulCall(C)"),
            failed=count("FailedCall(C)"),
            retransmissions=count("Retransmissions(C)"),
            seconds=seconds,
            errors=child.errors(),
            row=last,
        )

    def process(self, name: str, command: list[str], environment: dict[str, str]) -> Child:
        """Any other process of the laboratory; not started yet."""
        child = Child(name, command, self._folder(name) / f"{name}.log", environment)
        self.children.append(child)
        return child

    # ------------------------------------------------------------------------------------------------------- inside

    def _sipp(
        self, name: str, script: CallerScript | PhoneScript | str, port: int, options: list[str], *, address: str = HOST
    ) -> Child:
        folder = self._folder(name)
        scenario = folder / "scenario.xml"
        scenario.write_text(script if isinstance(script, str) else script.xml(folder))
        command = ["sipp", *options, "-sf", str(scenario), "-i", address, "-mi", address, "-p", str(port)]
        command += [
            "-mp",
            str(next(self._media)),
            "-cp",  # else one of the sixty from 8888, which all laboratories of the machine would share
            str(free_port()),
            "-nostdin",
            "-skip_rlimit",
            "-trace_err",
            "-error_file",
            str(folder / "sipp.err"),
        ]
        if "-buff_size" not in options:
            command += ["-trace_msg", "-message_file", str(folder / "messages.log")]
        child = Child(name, command, folder / "sipp.log")
        self.children.append(child)
        return child.start()

    def _folder(self, name: str) -> Path:
        self._made += 1
        folder = self.folder / f"{self._made:03d}-{name.strip('+')}"
        folder.mkdir(parents=True)
        return folder


def received(child: Child) -> list[str]:
    """The messages that a sipp received, in order."""
    log = child.log.parent / "messages.log"
    if not log.exists():
        return []
    found = re.split(r"^-{10,}.*$", log.read_text(errors="replace"), flags=re.MULTILINE)
    return [text.partition(":\n\n")[2].lstrip() for text in found if "message received" in text]


def _udp_bound(port: int) -> bool:
    """Whether some process has that UDP port."""
    wanted = f":{port:04X} "
    return any(wanted in line for line in Path("/proc/net/udp").read_text().splitlines()[1:])
