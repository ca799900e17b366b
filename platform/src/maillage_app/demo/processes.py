"""The demo's own server, worker and PostgreSQL, in `.maillage/demo/`: nothing else of this checkout is touched."""

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
import psutil

from maillage_kit.clock import SharedClock
from maillage_kit.embedded_postgres import EmbeddedPostgres
from maillage_kit.http_client import authorities

START_TIMEOUT_S = 60
COMMANDS = {"server": ("serve", "--without-worker"), "worker": ("worker",)}


class DemoError(RuntimeError):
    """The demo cannot go on; the message, in French, is for the person who started it."""


@dataclass(frozen=True, slots=True)
class DemoPlace:
    """Where one run of the demo keeps everything, and the settings its processes share."""

    folder: Path
    port: int
    telephony_token: str

    @property
    def clock_file(self) -> Path:
        return self.folder / "clock"

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        return self.folder / f"{name}.pid"

    def environment(self) -> dict[str, str]:
        """The MAILLAGE_… variables of the demo's processes, and no other of ours."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MAILLAGE_")}
        return {
            **kept,
            "MAILLAGE_ENVIRONMENT": "development",
            "MAILLAGE_DATABASE__DATA_DIR": str(self.postgres),
            "MAILLAGE_WEB__PORT": str(self.port),
            "MAILLAGE_WEB__WORKERS": "2",
            "MAILLAGE_WEB__PUBLIC_URL": self.url,
            "MAILLAGE_TELEPHONY__AUTH_TOKENS": f'["{self.telephony_token}"]',
            "MAILLAGE_CLOCK_FILE": str(self.clock_file),
            "PYTHONUNBUFFERED": "1",
        }


@contextmanager
def demo_place(folder: Path, *, port: int | None, keep: bool, starts_at: datetime) -> Iterator[DemoPlace]:
    """The folder of one run, held until the end: emptied first unless `keep`; the clock stands at `starts_at` or,
    when kept, where it was. Raises DemoError while another demo holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError("Une démonstration tourne déjà dans ce dossier : arrêtez-la d’abord.") from None
        _end_orphans(folder)
        if not keep:
            _empty(folder)
        place = DemoPlace(folder, port or _free_port(), secrets.token_urlsafe(24))
        if not place.clock_file.exists():
            SharedClock(place.clock_file).move_to(starts_at)
        yield place


@contextmanager
def database(place: DemoPlace) -> Iterator[str]:
    """The demo's PostgreSQL, stopped at the end. Gives its owner's URL. Fast: a power cut may lose the demo's data."""
    server = EmbeddedPostgres(place.postgres, fast=True)
    try:
        yield server.start()
    finally:
        server.stop(force=True)


class Application:
    """The web server and the worker, as in production two processes: each is started when it is named."""

    def __init__(self, place: DemoPlace) -> None:
        self._place = place
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start one of `COMMANDS`; its output goes to its log."""
        with self._place.log(name).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "maillage_app.cli", *COMMANDS[name]],
                env=self._place.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; we stop them in order
            )
        self._processes[name] = process
        self._place.pid_file(name).write_text(str(process.pid))

    def wait_until_ready(self) -> None:
        """Wait for the server's first answer. Raises DemoError with the end of its log when a process has ended."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            self.check()
            with suppress(httpx.TransportError):
                if httpx.get(f"{self._place.url}/health", timeout=2, verify=authorities()).status_code == 200:
                    return
            time.sleep(0.1)
        raise DemoError(f"Le serveur ne répond pas.\n{_tail(self._place.log('server'))}")

    def check(self) -> None:
        """Raises DemoError with the end of its log when a process that was started has ended."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise DemoError(f"Le processus {name} s’est arrêté.\n{_tail(self._place.log(name))}")

    def stop(self) -> None:
        """Stop what was started, all at once; who does not want to is killed. May be called again."""
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for name, process in self._processes.items():
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=5)
            self._place.pid_file(name).unlink(missing_ok=True)


@contextmanager
def application(place: DemoPlace) -> Iterator[Application]:
    """What is started in the context is stopped with it."""
    processes = Application(place)
    try:
        yield processes
    finally:
        processes.stop()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:] if log.exists() else ""


def _end_orphans(folder: Path) -> None:
    """End what a killed demo left: only processes that our own pid files name and that are our command line."""
    for pid_file in folder.glob("*.pid"):
        with suppress(psutil.NoSuchProcess, ValueError):
            process = psutil.Process(int(pid_file.read_text()))
            if "maillage_app.cli" in process.cmdline():
                process.terminate()
                process.wait(timeout=10)
        pid_file.unlink(missing_ok=True)


def _empty(folder: Path) -> None:
    """Forget the previous run, its PostgreSQL included, whoever still uses it."""
    if (folder / "postgres" / "data").exists():
        EmbeddedPostgres(folder / "postgres").stop(force=True)
    for path in folder.iterdir():
        if path.name == "lock":
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
