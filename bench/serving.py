"""Servers of the product that run as long as a measure lasts, with the database of a bench."""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import psycopg
from bench.common import DATA_DIR, ROOT
from bench.database import BenchDatabase
from psycopg import sql

PUBLIC_URL = "https://bench.example"
SECRET = secrets.token_urlsafe(24)
"""Of the account `edge`, for one run."""


def production(database: BenchDatabase, port: int, **settings: str) -> dict[str, str]:
    """The environment of `./maillage serve` in production settings, the switchboard of our own open."""
    return {
        "MAILLAGE_ENVIRONMENT": "production",
        "MAILLAGE_DATABASE__URL": database.owner_url,
        "MAILLAGE_DATABASE__APP_URL": database.app_url,
        "MAILLAGE_WEB__PORT": str(port),
        "MAILLAGE_WEB__WORKERS": "2",
        "MAILLAGE_WEB__PUBLIC_URL": PUBLIC_URL,
        "MAILLAGE_WEB__SECRET_KEY": secrets.token_urlsafe(48),
        "MAILLAGE_TELEPHONY__AUTH_TOKENS": json.dumps([secrets.token_urlsafe(24)]),
        "MAILLAGE_TELEPHONY__SIP__SECRETS": json.dumps([SECRET]),
        "MAILLAGE_TELEPHONY__LAST_RESORT_NUMBER": "+33232599999",
        "MAILLAGE_CRYPTO__FIELD_KEYS": json.dumps([urlsafe_b64encode(secrets.token_bytes(32)).decode()]),
        **settings,
    }


SERVE = [sys.executable, "-m", "maillage_app.cli", "serve", "--without-worker"]


class Server:
    """One server process; it may be stopped and started again in the middle of a measure."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], ready: Callable[[], bool]) -> None:
        self._command, self._ready = list(command), ready
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MAILLAGE_")}
        self._environment = {**clean, **environment}
        self._log = DATA_DIR.parent / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    def start(self) -> None:
        """Come back once it answers. Raises RuntimeError with its last words when it does not."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the server did not start:\n{self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], ready: Callable[[], bool]) -> Iterator[Server]:
    server = Server(command, environment, ready)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2):
            return True
    except OSError:
        return False


def empty(bench: BenchDatabase) -> None:
    """Take away the calls of the run before."""
    with psycopg.connect(bench.owner_url, autocommit=True) as connection:
        for tenant in bench.tenants:
            name = sql.Identifier(tenant.schema)
            connection.execute(sql.SQL("truncate {0}.call, {0}.call_event, {0}.alarm cascade").format(name))
        connection.execute("truncate platform.outbox_event")
        connection.execute("truncate tasks.procrastinate_jobs cascade")
        connection.execute("checkpoint")


def everywhere(bench: BenchDatabase, query: str) -> sql.Composed:
    """One query over every cooperative; `{}` in it is the schema."""
    return sql.SQL(" union all ").join(sql.SQL(query).format(sql.Identifier(tenant.schema)) for tenant in bench.tenants)
