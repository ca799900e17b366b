"""Talking to the application: one question has three seconds, whatever happens on the way."""

import asyncio
import uuid
from pathlib import Path
from typing import Any, Final

import httpx
import structlog

from maillage_kit import clock
from maillage_voice import plans
from maillage_voice.plans import Plan

PATIENCE: Final = 3.0
_AGAIN: Final = 0.25
_OPEN_AFTER: Final = 3  # failures in a row
_OPEN_FOR: Final = 5.0
_MAX_SOUND: Final = 12 * 1024 * 1024
_log = structlog.get_logger("maillage.voice")


class Unreachable(Exception):
    """The application did not answer in time, or not with a plan."""


class Refused(Exception):
    """The application will never take this: sending it again is useless."""


class Application:
    """`secret` is sent with every request. After failures in a row nobody waits for it for a few seconds."""

    def __init__(self, url: str, secret: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=url,
            auth=httpx.BasicAuth("edge", secret),
            timeout=httpx.Timeout(PATIENCE, connect=1.5),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
        )
        self._failures = 0
        self._shut_until = 0.0
        self.last_error = ""

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(
        self, path: str, *, call_id: str, leg: str | None = None, digits: str = "", gone: bool = False, **more: Any
    ) -> Plan:
        """What to do next. Asked twice under one id when the connection breaks. Raises Unreachable."""
        body = {
            "id": str(uuid.uuid4()),
            "call_id": call_id,
            "leg": leg,
            "digits": digits,
            "gone": gone,
            "at": clock.now().timestamp(),
            **more,
        }
        loop = asyncio.get_running_loop()
        if loop.time() < self._shut_until:
            raise Unreachable("not asked: it failed just before")
        try:
            async with asyncio.timeout(PATIENCE):
                plan = plans.read(await self._post(path, body))
        except (TimeoutError, httpx.HTTPError, plans.Nonsense, Unreachable) as exc:
            self._failed(f"{path.split('?', maxsplit=1)[0]}: {type(exc).__name__} {exc}"[:300])
            raise Unreachable(str(exc)) from exc
        self._failures = 0
        return plan

    def _failed(self, error: str) -> None:
        self.last_error = error
        self._failures += 1
        if self._failures >= _OPEN_AFTER:
            self._shut_until = asyncio.get_running_loop().time() + _OPEN_FOR
        _log.warning("application failed", error=error)

    async def _post(self, path: str, body: dict[str, Any]) -> bytes:
        for last in (False, True):
            try:
                answer = await self._client.post(path, json=body)
            except httpx.TransportError:
                if last:
                    raise
            else:
                if answer.status_code == 200:
                    return answer.content
                if last or answer.status_code < 500:
                    raise Unreachable(f"status {answer.status_code}")
            await asyncio.sleep(_AGAIN)
        raise AssertionError  # pragma: no cover

    async def deliver(self, events: list[dict[str, Any]]) -> None:
        """Raises Unreachable to try again later, Refused when the batch will never be taken."""
        try:
            answer = await self._client.post(f"{plans.PATHS}events", json=events, timeout=10)
        except httpx.HTTPError as exc:
            raise Unreachable(str(exc)) from exc
        _taken(answer)

    async def report(self, path: str, body: dict[str, str]) -> None:
        """What came of something asked of us. Raises Unreachable to try again later, Refused when it is useless."""
        try:
            answer = await self._client.post(path, json=body)
        except httpx.HTTPError as exc:
            raise Unreachable(str(exc)) from exc
        _taken(answer)

    async def upload(self, path: str, file: Path, *, upload_id: str) -> None:
        """A WAV file. Raises Unreachable or Refused."""

        async def content() -> Any:
            with file.open("rb") as source:
                while chunk := source.read(65536):
                    yield chunk

        headers = {
            "content-type": "audio/wav",
            "content-length": str(file.stat().st_size),
            "x-maillage-id": upload_id,
        }
        try:
            answer = await self._client.post(path, content=content(), headers=headers, timeout=60)
        except httpx.HTTPError as exc:
            raise Unreachable(str(exc)) from exc
        _taken(answer)

    async def fetch(self, path: str) -> bytes:
        """A cooperative's own recording. Raises Unreachable."""
        try:
            async with asyncio.timeout(10), self._client.stream("GET", path) as answer:
                content = b""
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > _MAX_SOUND:
                        raise Unreachable("too long a recording")
        except (httpx.HTTPError, TimeoutError) as exc:
            raise Unreachable(str(exc)) from exc
        if answer.status_code != 200:
            raise Unreachable(f"status {answer.status_code}")
        return content


def _taken(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    if answer.status_code in (400, 409, 413, 415, 422):
        raise Refused(f"status {answer.status_code}")
    raise Unreachable(f"status {answer.status_code}")
