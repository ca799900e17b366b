"""The real server on a real port, over the database of a test, at the time of a clock file."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from maillage_kit.settings import Settings


class Server:
    """The application as it runs in production, in its own processes; its public URL is its own unless given."""

    def __init__(self, settings: Settings, clock_file: Path, log: Path, *, public_url: str | None = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.log = log
        self.environment = {
            **os.environ,
            "MAILLAGE_ENVIRONMENT": "test",
            "MAILLAGE_DATABASE__URL": settings.database.url or "",
            "MAILLAGE_DATABASE__APP_URL": settings.database.app_url or "",
            "MAILLAGE_WEB__PUBLIC_URL": public_url or self.url,
            "MAILLAGE_CLOCK_FILE": str(clock_file),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.killed = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    async def start(self) -> None:
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "maillage_app.asgi:create"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(self.port), "--no-ws"],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        async with httpx.AsyncClient(base_url=self.url) as client:
            patience = time.monotonic() + 60
            while True:
                with contextlib.suppress(httpx.TransportError):
                    await client.get("/static/favicon.svg")
                    return
                assert self.running, self.log.read_text()[-2000:]
                assert time.monotonic() < patience
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL to the server and its workers."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.killed += 1
        self.process = None
