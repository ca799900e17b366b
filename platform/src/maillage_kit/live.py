"""PostgreSQL NOTIFY → open pages: one LISTEN connection per process, fanned out in memory, reconnecting for ever."""

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass

import psycopg

CHANNEL = "maillage_live"
TOGETHER_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Notice:
    """Something changed in a cooperative: fetch again what shows `topic`. Topic `resync`: fetch everything again."""

    topic: str
    subject: str


class LiveBus:
    """Subscribers per cooperative role. A slow subscriber loses the oldest notices: it fetches the present anyway."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._queues: dict[str, set[asyncio.Queue[Notice]]] = defaultdict(set)
        self.connected = asyncio.Event()

    async def run(self) -> None:
        """Listen until cancelled. After a lost connection, reconnects and tells everybody to resync."""
        delay = 0.2
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, keepalives_idle=15, connect_timeout=5
                ) as connection:
                    await connection.execute(f"listen {CHANNEL}")
                    self.connected.set()
                    delay = 0.2
                    self._fan_out(None, Notice("resync", ""))
                    await self._pass_on(connection)
            except (psycopg.Error, OSError):
                pass
            self.connected.clear()
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)

    async def _pass_on(self, connection: psycopg.AsyncConnection) -> None:
        """Until the connection is lost (psycopg.Error). On a busy night every process hears of every call: what came
        together is read together, straight from libpq, and at most fifty times a second."""
        loop, arrived = asyncio.get_running_loop(), asyncio.Event()
        server = connection.pgconn
        socket = server.socket
        while True:
            server.consume_input()
            while notification := server.notifies():
                message = json.loads(notification.extra)
                self._fan_out(message["tenant"], Notice(message["topic"], message["subject"]))
            arrived.clear()
            loop.add_reader(socket, arrived.set)
            try:
                await arrived.wait()
            finally:
                loop.remove_reader(socket)
            await asyncio.sleep(TOGETHER_SECONDS)

    @contextlib.asynccontextmanager
    async def subscribe(self, role: str) -> AsyncIterator[asyncio.Queue[Notice]]:
        """Notices of one cooperative, while the context lasts."""
        queue: asyncio.Queue[Notice] = asyncio.Queue(maxsize=100)
        self._queues[role].add(queue)
        try:
            yield queue
        finally:
            self._queues[role].discard(queue)
            if not self._queues[role]:
                del self._queues[role]

    def _fan_out(self, role: str | None, notice: Notice) -> None:
        for tenant, queues in list(self._queues.items()):
            if role in (None, tenant):
                for queue in queues:
                    if queue.full():
                        queue.get_nowait()
                    queue.put_nowait(notice)
