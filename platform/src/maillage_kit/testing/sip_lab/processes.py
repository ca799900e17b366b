"""Processes that a laboratory starts and is sure to stop, and ports that nobody else uses."""

import contextlib
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
NEEDED = {"kamailio": "kamailio", "sipp": "sip-tester"}
MODULES = ("http_client.so", "jansson.so", "uuid.so", "db_sqlite.so", "rtjson.so", "textopsx.so")
_MODULE_FOLDERS = ("/usr/lib/*/kamailio/modules", "/usr/lib64/kamailio/modules", "/usr/local/lib*/kamailio/modules")


class LabError(AssertionError):
    """Something in the laboratory did not do what it must: said with the end of its log."""


def missing() -> str | None:
    """Why SIP cannot be tried on this machine, in a sentence; None when it can."""
    lacking = [package for program, package in NEEDED.items() if shutil.which(program) is None]
    if lacking:
        return f"{' and '.join(lacking)} not installed"
    folders = [folder for pattern in _MODULE_FOLDERS for folder in Path("/").glob(pattern[1:])]
    absent = [name for name in MODULES if not any((folder / name).is_file() for folder in folders)]
    if absent:
        return f"Kamailio without {', '.join(absent)} (kamailio-utils-, -extra- and -sqlite-modules)"
    if os.geteuid() != 0:
        return "sipp needs root to send the sound of keys"
    return None


def own_range(first: int, width: int) -> range:
    """Ports of this process of tests alone, among those of eight side by side from `first`: a port that is free now is
    still free when the program that will listen there starts. Below 32 768 if it must be sure: the system lends the
    others to outgoing connections."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    mine = (int(worker) if worker.isdecimal() else 4 + os.getpid() % 4) % 8
    return range(first + mine * width, first + (mine + 1) * width)


_ports = itertools.cycle(own_range(10_000, 1_200))


def free_port() -> int:
    """A port of the loopback that is free, for UDP and TCP, and that this process was not given lately."""
    for port in _ports:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as first,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second,
            contextlib.suppress(OSError),
        ):
            first.bind((HOST, port))
            second.bind((HOST, port))
            return port
    raise LabError("no port is free")


def wait_until(true: Callable[[], bool], *, within: float, what: str, every: float = 0.05) -> None:
    """Wait for a condition. Raises LabError with `what` when it does not come true in time."""
    patience = time.monotonic() + within
    while not true():
        if time.monotonic() > patience:
            raise LabError(f"not within {within:g} s: {what}")
        time.sleep(every)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0


def _alive(group: int) -> bool:
    """Is any process of that group left, but for those that nobody has buried yet?"""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _parent, own = stat.read_text().rpartition(")")[2].split()[:3]
            if int(own) == group and state not in "ZX":
                return True
    return False


@dataclass
class Child:
    """A process in a group of its own, with its log."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> "Child":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(self.command),
                cwd=self.log.parent,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        if self.process is None:
            raise LabError(f"{self.name} was never started")
        return self.process.pid

    def signal(self, number: int) -> None:
        """To the whole group."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """SIGKILL, as a machine that loses its power."""
        if self.process is not None:
            self._end(self.process)

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        """The whole group: its children hold the ports until the last one is gone, which may be after the first."""
        self.signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: not _alive(process.pid), within=10, what=f"all of {self.name} is gone")

    def stop(self, within: float = 10.0) -> None:
        """An orderly stop; by force when it does not come."""
        if self.process is None:
            return
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(within)
        self._end(self.process)

    def freeze(self) -> None:
        """It hangs: alive, and silent."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def errors(self) -> str:
        """What it wrote of errors in a file of their own beside its log (sipp does); empty when it wrote none.

        Of what sipp writes there, a wait that its scenario expects to end (`ontimeout`) and a message repeated for a
        call that is over are none.
        """
        written = self.log.with_suffix(".err")
        if not written.exists():
            return ""
        entries = re.split(r"(?=\d{4}-\d\d-\d\d\t\d\d:\d\d:\d\d\.\d+\t)", written.read_text(errors="replace"))
        return "".join(entry for entry in entries if not re.search(r"jumping to label|Dead call", entry))

    def tail(self, characters: int = 3000) -> str:
        """The end of its log, after its errors."""
        said = [self.errors(), self.log.read_text(errors="replace") if self.log.exists() else ""]
        return "\n".join(words[-characters:] for words in said if words)

    def must_run_until(self, true: Callable[[], bool], *, within: float = 30.0) -> "Child":
        """Wait until it is ready. Raises LabError with its log when it stops or takes too long."""

        def ready() -> bool:
            if not self.running:
                raise LabError(f"{self.name} stopped:\n{self.tail()}")
            return true()

        try:
            wait_until(ready, within=within, what=f"{self.name} is ready")
        except LabError as exc:
            raise LabError(f"{exc}\n{self.tail()}") from exc
        return self
