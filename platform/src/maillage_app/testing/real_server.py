"""The real server on a real port, over the database of a test, at the time of a clock file."""

import asyncio
import os
import socket
from pathlib import Path

from maillage_app.testing.processes import Process
from maillage_kit.settings import Settings


def free_port() -> int:
    """A port of this machine that nobody listened to a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Server:
    """The application as it runs in production, in its own processes; its public URL is its own unless given."""

    def __init__(self, settings: Settings, clock_file: Path, log: Path, *, public_url: str | None = None) -> None:
        self.port = free_port()
        environment = {
            **os.environ,
            "MAILLAGE_ENVIRONMENT": "test",
            "MAILLAGE_DATABASE__URL": settings.database.url or "",
            "MAILLAGE_DATABASE__APP_URL": settings.database.app_url or "",
            "MAILLAGE_WEB__PUBLIC_URL": public_url or self.url,
            "MAILLAGE_CLOCK_FILE": str(clock_file),
        }
        command = ["granian", "--interface", "asgi", "--factory", "maillage_app.asgi:create"]
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--no-ws"]
        self._process = Process([*command, *where], environment, log, answers=f"{self.url}/static/favicon.svg")
        self.killed = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self._process.running

    async def start(self) -> None:
        await asyncio.to_thread(self._process.start)

    def kill(self) -> None:
        """SIGKILL to the server and its workers."""
        self.killed += self.running
        self._process.kill()
