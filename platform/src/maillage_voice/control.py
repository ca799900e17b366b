"""The control port, on loopback: `GET /health`, and with the edge's secret (HTTP Basic) `POST /calls` for a watch call
and `POST /announcements` for a message read aloud."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import structlog

from maillage_kit.crypto import basic_account
from maillage_voice.announce import Announcement
from maillage_voice.watch import WatchCall

Order = WatchCall | Announcement

_MAX_HEAD: Final = 16 * 1024
_MAX_BODY: Final = 64 * 1024
_PATIENCE: Final = 5.0
_ORDERS: Final[dict[str, type[Order]]] = {"/calls": WatchCall, "/announcements": Announcement}
_REASONS: Final = {
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}
_log = structlog.get_logger("maillage.voice")


class Control:
    """`health` says how we are; `place` starts a call of ours, False when there is no room for it."""

    def __init__(
        self, secrets: Sequence[str], *, health: Callable[[], dict[str, Any]], place: Callable[[Order], bool]
    ) -> None:
        self._secrets = [secret for secret in secrets if secret]
        self._health, self._place = health, place

    async def start(self, host: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._serve, host, port, limit=_MAX_HEAD)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                status, said = await self._answer(reader)
        except (TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            status, said = 400, {}
        body = msgspec.json.encode(said)
        challenge = 'WWW-Authenticate: Basic realm="voice"\r\n' if status == 401 else ""
        head = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n{challenge}"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        try:
            writer.write(head.encode() + body)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        except OSError:
            return

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, dict[str, Any]]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
        }
        if path == "/health":
            return (200, self._health()) if method == "GET" else (405, {})
        order = _ORDERS.get(path)
        if order is None:
            return 404, {}
        if method != "POST":
            return 405, {}
        if not basic_account(headers.get("authorization", ""), user="edge", accepted=self._secrets):
            _log.warning("control refused")
            return 401, {}
        length = int(headers.get("content-length", "0"))
        if not 0 < length <= _MAX_BODY:
            return 400, {}
        try:
            wanted = msgspec.json.decode(await reader.readexactly(length), type=order)
        except msgspec.MsgspecError as exc:
            return 400, {"error": str(exc)[:200]}
        return (202, {}) if self._place(wanted) else (503, {})
