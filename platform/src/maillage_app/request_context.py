"""For each request: which cooperative, who acts, and what every page needs. Nothing here decides a business rule."""

import dataclasses
import re
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import structlog
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from litestar.utils.scope.state import ScopeState

from maillage_app.navigation import navigation, user_links
from maillage_app.runtime import Runtime
from maillage_app.witnessing import witness_of
from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext, Visit
from maillage_kit.errors import NotFound, Unavailable
from maillage_kit.migrations import Tree
from maillage_kit.permissions import Role
from maillage_kit.web import FLASH_COOKIE, AnyRequest
from maillage_platform import identity, support

_TENANT_PATH = re.compile(r"^/(?:c|p|api/v1/cooperatives)/([a-z0-9-]+)(?:/|$)")
_API = "/api/"
_OUTSIDE_REFERENCE = re.compile(r"[A-Za-z0-9._-]{8,64}")
USER_LINKS = ({"href": "/account/sessions", "label": "Mes connexions", "icon": "shield"},)
_NEEDS_ACTOR = re.compile(r"^/(c|federation|account|signin|signout|events|oauth/authorize$|$)")


class RequestContextMiddleware(ASGIMiddleware):
    """Puts `cooperative`, `actor`, `request_id` and `page_context` in the scope's state; the answer carries the id."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._passkey_for = runtime.settings.passkey_required_for
        self._cookie = identity.session_cookie_name(runtime.settings)
        self._tenant_head = Tree("tenants").head
        self._witness = witness_of(runtime)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        state = scope["state"]
        state["request_id"] = request_id = request_reference(scope)
        state["page_context"] = page_context
        state["cooperative"] = None
        state["actor"] = None
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                headers["X-Request-Id"] = request_id
                if state.get("flash_shown"):
                    headers.add("Set-Cookie", f"{FLASH_COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=lax")
            await send(message)

        path = scope["path"]
        state["client_address"] = client_address(scope, self._runtime.settings.web.trusted_proxies)
        actor = await self._actor(scope) if _NEEDS_ACTOR.match(path) else None
        # with the first factor only, somebody of whom a second one is asked is nobody yet
        state["halfway"] = bool(actor and actor.role in self._passkey_for and not actor.has_second_factor)
        state["actor"] = None if state["halfway"] else actor
        found = _TENANT_PATH.match(path)
        if found:
            cooperative = await self._runtime.directory.by_slug(found[1])
            if cooperative is None:
                raise NotFound
            if self._runtime.directory.revision_of(cooperative) != self._tenant_head:
                raise Unavailable("Cette coopérative est en cours de mise à jour. Réessayez dans un instant.")
            if self._runtime.directory.is_suspended(cooperative):
                raise Unavailable("Cette coopérative est suspendue. Ses appels sont toujours pris.")
            state["cooperative"] = cooperative
            if state["actor"] is not None and state["actor"].role is Role.SUPPORT and path.startswith("/c/"):
                state["actor"] = await self._visitor(scope, state["actor"], cooperative)
            structlog.contextvars.bind_contextvars(cooperative=cooperative.slug)
        await next_app(scope, receive, send_with_id)

    async def _visitor(self, scope: Scope, actor: Actor, cooperative: CooperativeContext) -> Actor:
        """Somebody of the federation's support, as they are inside this cooperative: a visitor while their visit lasts.
        What they read is written in the cooperative's log first."""
        async with self._runtime.database.platform() as session:
            visit = await support.live_visit(
                session, cooperative_id=cooperative.id, account_id=actor.account_id, at=clock.now()
            )
        if visit is None:
            return actor
        if scope.get("method") in ("GET", "HEAD"):
            query = scope["query_string"].decode("latin-1")
            await self._witness(
                cooperative.id,
                actor=actor.display_name,
                action="support.read",
                subject_type="support_visit",
                subject_id=visit.id,
                detail={"page": unquote(f"{scope['path']}?{query}" if query else scope["path"])[:300]},
            )
        return dataclasses.replace(
            actor, cooperative_id=cooperative.id, visit=Visit(visit.id, visit.reason, visit.expires_at)
        )

    async def _actor(self, scope: Scope) -> Actor | None:
        token = _cookies(scope).get(self._cookie)
        if not token:
            return None
        async with self._runtime.database.platform() as session:
            return await identity.actor_of(session, token=token)


def page_context(request: AnyRequest) -> dict[str, Any]:
    """What the layouts need on every page."""
    state = request.scope["state"]
    cooperative: CooperativeContext | None = state.get("cooperative")
    actor: Actor | None = state.get("actor")
    allowed = request.app.state.route_book.allowed_to(actor)
    tone, _, message = unquote(request.cookies.get(FLASH_COOKIE, "")).partition("|")
    if message:
        state["flash_shown"] = True
    return {
        "cooperative": cooperative,
        "actor": actor,
        "allowed": allowed,
        "may": actor.may if actor else _nobody_may,
        "nav": navigation(cooperative, actor, request.url.path, allowed),
        "now": clock.now(),
        "csrf_token": ScopeState.from_scope(request.scope).csrf_token or "",
        "base_path": f"/c/{cooperative.slug}" if cooperative else "",
        "public_path": f"/p/{cooperative.slug}" if cooperative else "",
        "flashes": [{"tone": tone, "text": message}] if message else [],
        "request_id": state.get("request_id", ""),
        "path": request.url.path,
        "user_links": user_links(actor, cooperative, allowed),
        "sign_out_url": "/signout",
    }


def _nobody_may(*_permissions: str) -> bool:
    return False


def request_reference(scope: Scope) -> str:
    """What the log and the answer call this request: ours, or what a machine called it when it asked the API."""
    given = next((value for key, value in scope["headers"] if key == b"x-request-id"), b"").decode("latin-1")
    if scope["path"].startswith(_API) and _OUTSIDE_REFERENCE.fullmatch(given):
        return given
    return uuid4().hex[:12]


def client_address(scope: Scope, trusted: tuple[str, ...]) -> str:
    """Who asks: the peer, or, when the peer is one of our proxies, the last address that none of them has."""
    client = scope.get("client")
    peer = client[0] if client else ""
    if peer not in trusted:
        return peer
    said = b",".join(value for key, value in scope["headers"] if key == b"x-forwarded-for").decode("latin-1")
    named = [part.strip() for part in said.split(",") if part.strip()]
    return next((part for part in reversed(named) if part not in trusted), peer)


def _cookies(scope: Scope) -> dict[str, str]:
    header = next((value for key, value in scope["headers"] if key == b"cookie"), b"").decode("latin-1")
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return {key: value for key, _, value in pairs if key}
