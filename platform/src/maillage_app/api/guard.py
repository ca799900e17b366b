"""Who may pass: a token issued for this cooperative's API, with the scope that the operation declares, not too often.

The audience of a token is `<public url>/api/v1/cooperatives/<slug>`: a token of one cooperative is nothing to another,
and is answered as if the other did not exist.
"""

import base64
import binascii
from datetime import timedelta
from math import ceil
from typing import Any

import msgspec
import structlog
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.api_access import ApiCaller, InvalidToken
from maillage_kit.context import CooperativeContext
from maillage_kit.errors import NotFound
from maillage_kit.rest import MissingScope, Operation, RateLimited, understand
from maillage_platform import identity

WINDOW = timedelta(minutes=1)
MAX_TOKEN = 8192
Connection = ASGIConnection[Any, Any, Any, Any]


class Bearer:
    """Checks the token of a request; puts the `caller` in the scope's state."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def check(self, connection: Connection, handler: BaseRouteHandler) -> None:
        """Raises InvalidToken, NotFound, RateLimited, MissingScope, then what `understand` raises, in this order."""
        assert isinstance(connection, Request)
        if connection.method == "OPTIONS":  # the framework's own answer: which methods there are
            return
        operation: Operation = handler.opt["operation"]
        cooperative: CooperativeContext | None = connection.scope["state"].get("cooperative")
        caller = await self._caller(_token(connection), cooperative)
        structlog.contextvars.bind_contextvars(api_client=caller.client_id)
        connection.scope["state"]["caller"] = caller
        await self._count(connection, caller)
        if operation.scope is not None and operation.scope not in caller.scopes:
            raise MissingScope(operation.scope)
        await understand(connection, operation)

    async def _caller(self, token: str, cooperative: CooperativeContext | None) -> ApiCaller:
        named = _audience_named(token)
        if cooperative is None:
            return await self._verified(token, named)
        here = self._root + cooperative.slug
        if named in ("", here):
            caller = await self._verified(token, here)
        else:  # genuine, but for another cooperative: this one does not exist for its holder
            await self._verified(token, named)
            raise NotFound
        if caller.cooperative_id != cooperative.id:
            raise NotFound
        return caller

    async def _verified(self, token: str, audience: str) -> ApiCaller:
        if not audience.startswith(self._root):
            raise InvalidToken
        return await self._runtime.tokens.verify(token, audience=audience)

    async def _count(self, connection: Connection, caller: ApiCaller) -> None:
        """One request more of this client, whichever process serves it; the headers say what is left."""
        quota = self._runtime.settings.api.requests_per_minute
        window = await identity.count_alone(self._runtime.database, key=f"api:{caller.client_id}", window=WINDOW)
        seconds = max(1, ceil((window.ends_at - clock.now()).total_seconds()))
        connection.scope["state"]["rate_limit"] = {
            "RateLimit-Policy": f'"client";q={quota};w={int(WINDOW.total_seconds())}',
            "RateLimit": f'"client";r={max(0, quota - window.count)};t={seconds}',
        }
        if window.count > quota:
            raise RateLimited(seconds)

    @property
    def _root(self) -> str:
        return f"{self._runtime.settings.web.public_url.rstrip('/')}/api/v1/cooperatives/"


def _token(connection: Connection) -> str:
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip() or len(token) > MAX_TOKEN:
        raise InvalidToken
    return token.strip()


class _Claims(msgspec.Struct):
    aud: str | list[str] = ""


def _audience_named(token: str) -> str:
    """The audience that a JWT says it has, "" for any other token: only a hint for which audience to verify."""
    parts = token.split(".")
    if len(parts) != 3:
        return ""
    try:
        raw = base64.urlsafe_b64decode(parts[1].encode() + b"==")
        said = msgspec.json.decode(raw, type=_Claims).aud
    except (binascii.Error, msgspec.DecodeError, msgspec.ValidationError, UnicodeError, ValueError):
        return ""
    named = [said] if isinstance(said, str) else said
    return named[0] if len(named) == 1 else ""
