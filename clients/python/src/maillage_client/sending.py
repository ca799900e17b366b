"""A request of the API from its first attempt to its typed answer: token, key, version, patience."""

import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx
import msgspec

from maillage_client.errors import NotUnderstood, Unreachable, refusal, token_refusal

T = TypeVar("T")
Params = Mapping[str, object]

_BUSY = frozenset({429, 502, 503, 504})
_UNREAD = frozenset({429, 503})
"""Answers that say that nothing was done."""
_EARLY = 30.0
"""Seconds before its end at which a token is no longer used."""


@dataclass(frozen=True)
class Versioned(Generic[T]):
    """What was read, and its version: given back to read again, or to change it."""

    value: T
    etag: str


class Page(Protocol[T]):
    """A page of a list."""

    @property
    def items(self) -> list[T]: ...
    @property
    def next(self) -> str | None: ...


@dataclass(frozen=True)
class Patience:
    """How long to insist: so many attempts, waiting 0.5 s, 1 s, 2 s… or what the server asks, within `longest`."""

    attempts: int = 5
    longest: float = 90.0
    wait: Callable[[float], None] = time.sleep

    def pause(self, attempt: int, answer: httpx.Response | None) -> float | None:
        """Seconds before the next attempt, None when there is none left or the server asks for too long."""
        if attempt >= self.attempts:
            return None
        asked = "" if answer is None else answer.headers.get("retry-after", "")
        seconds = float(asked) if asked.isdecimal() else 0.5 * 2.0 ** (attempt - 1)
        return seconds if seconds <= self.longest else None


class _Token(msgspec.Struct):
    access_token: str
    expires_in: int


class Sender:
    """Sends for one application to one cooperative. Not to be shared between threads."""

    def __init__(
        self,
        http: httpx.Client,
        *,
        cooperative: str,
        client_id: str,
        secret: str,
        scope: str | None,
        patience: Patience,
    ) -> None:
        self._http = http
        self._cooperative = cooperative
        self._client_id, self._secret, self._scope = client_id, secret, scope
        self._patience = patience
        self._bearer, self._good_until = "", 0.0

    # -- what operations call ------------------------------------------------

    def read(self, kind: type[T], path: str, places: Params, query: Params, known: Versioned[T] | None) -> Versioned[T]:
        """`known` itself when it is still the present version."""
        headers = {"if-none-match": known.etag} if known is not None else {}
        answer = self._send("GET", self._path(path, places), query=query, headers=headers)
        if answer.status_code == httpx.codes.NOT_MODIFIED and known is not None:
            return known
        return Versioned(_decoded(kind, answer), answer.headers.get("etag", ""))

    def walk(self, page: type[Page[T]], path: str, places: Params, query: Params) -> Iterator[T]:
        """Every item, page after page, each page asked for when it is reached."""
        cursor: str | None = None
        while True:
            answer = self._send("GET", self._path(path, places), query={"limit": 200, **query, "cursor": cursor})
            found = _decoded(page, answer)
            yield from found.items
            cursor = found.next
            if cursor is None:
                return

    def download(self, path: str, places: Params) -> bytes:
        return self._send("GET", self._path(path, places)).content

    def act(self, kind: type[T], path: str, places: Params, body: msgspec.Struct, key: str | None) -> T:
        """Done once, however often it must be sent: every attempt carries the same key."""
        headers = {"idempotency-key": key or uuid4().hex}
        return _decoded(kind, self._send("POST", self._path(path, places), body=body, headers=headers))

    def change(self, kind: type[T], path: str, places: Params, body: msgspec.Struct, version: str) -> Versioned[T]:
        """Raises ChangedMeanwhile when `version` is no longer the present one."""
        answer = self._send("PATCH", self._path(path, places), body=body, headers={"if-match": version})
        return Versioned(_decoded(kind, answer), answer.headers.get("etag", ""))

    def remove(self, path: str, places: Params) -> None:
        """Gone when this returns."""
        self._send("DELETE", self._path(path, places))

    # -- attempts ------------------------------------------------------------

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Params | None = None,
        body: msgspec.Struct | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        sent = dict(headers or {})
        content = None
        if body is not None:
            content = msgspec.json.encode(body)
            sent["content-type"] = "application/json"
        params = {name: _written(value) for name, value in (query or {}).items() if value is not None}
        # done but unheard, these would be refused the second time: changed meanwhile, not there
        repeatable = method not in ("PATCH", "DELETE")
        renewed = False
        while True:
            sent["authorization"] = f"Bearer {self._token()}"
            request = self._http.build_request(method, path, params=params, content=content, headers=sent)
            answer = self._attempts(request, repeatable=repeatable)
            if answer.status_code == httpx.codes.UNAUTHORIZED and not renewed:
                self._bearer, renewed = "", True
                continue
            if answer.is_success or answer.status_code == httpx.codes.NOT_MODIFIED:
                return answer
            raise refusal(answer)

    def _attempts(self, request: httpx.Request, *, repeatable: bool) -> httpx.Response:
        """The last answer. Raises Unreachable when there was none."""
        attempt = 0
        while True:
            attempt += 1
            answer: httpx.Response | None = None
            try:
                answer = self._http.send(request)
            except httpx.TransportError as error:
                seconds = self._patience.pause(attempt, None)
                if seconds is None or not (repeatable or isinstance(error, httpx.ConnectError)):
                    raise Unreachable(str(error), request.headers.get("idempotency-key")) from error
            else:
                if answer.status_code not in (_BUSY if repeatable else _UNREAD):
                    return answer
                seconds = self._patience.pause(attempt, answer)
                if seconds is None:
                    return answer
            self._patience.wait(seconds)

    def _token(self) -> str:
        if not self._bearer or time.monotonic() >= self._good_until:
            form = {"grant_type": "client_credentials", **({"scope": self._scope} if self._scope else {})}
            request = self._http.build_request("POST", "/oauth/token", data=form)
            request.headers["authorization"] = (
                f"Basic {b64encode(f'{self._client_id}:{self._secret}'.encode()).decode()}"
            )
            asked = time.monotonic()
            answer = self._attempts(request, repeatable=True)
            if not answer.is_success:
                raise token_refusal(answer)
            token = _decoded(_Token, answer)
            self._bearer, self._good_until = token.access_token, asked + token.expires_in - _EARLY
        return self._bearer

    def _path(self, path: str, places: Params) -> str:
        filled = {name: quote(str(value), safe="") for name, value in places.items()}
        return path.format(slug=quote(self._cooperative, safe=""), **filled)


def _decoded(kind: type[T], answer: httpx.Response) -> T:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.MsgspecError as error:
        raise NotUnderstood(f"{answer.request.method} {answer.url}: {error}") from error


def _written(value: Any) -> str:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("an instant has an offset: datetime with tzinfo")
        return value.isoformat()
    return str(value)
