"""The composition root: everything that is wired is visible here."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.config.csrf import CSRFConfig
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.plugins.htmx import HTMXPlugin
from litestar.static_files import create_static_files_router

from maillage_app import error_pages
from maillage_app.api import api_router
from maillage_app.permitted import RouteBook
from maillage_app.request_context import RequestContextMiddleware
from maillage_app.routes import platform_routes, public_routes, telephony_routes, tenant_routes
from maillage_app.runtime import Runtime
from maillage_app.web.templating import WEB, template_config
from maillage_app.witnessing import technician_finder, witness_of
from maillage_hooks import TradeRegistry
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import PlatformSession, TenantSession
from maillage_kit.errors import AppError, NotFound, SignInRequired
from maillage_kit.guarded_http import GuardedHttp
from maillage_kit.settings import Settings
from maillage_kit.web import content_security_policy
from maillage_kit.witness import Witness
from maillage_platform import identity
from maillage_platform.identity.people import TechnicianFinder

CONTENT_SECURITY_POLICY = content_security_policy()


def build_app(runtime: Runtime) -> Litestar:
    """The web application over a started runtime."""

    async def tenant_session(request: Request[Any, Any, Any]) -> AsyncIterator[TenantSession]:
        async with runtime.database.tenant(_cooperative(request).tenant) as session:
            yield session

    async def platform_session() -> AsyncIterator[PlatformSession]:
        async with runtime.database.platform() as session:
            yield session

    def enabled_trades(request: Request[Any, Any, Any]) -> TradeRegistry:
        return runtime.trades.enabled(_cooperative(request).trades)

    def all_trades() -> TradeRegistry:
        return runtime.trades

    def the_runtime() -> Runtime:
        return runtime

    def the_cipher() -> FieldCipher:
        return runtime.cipher

    def the_settings() -> Settings:
        return runtime.settings

    witness = witness_of(runtime)

    def the_witness() -> Witness:
        return witness

    def the_technicians(request: Request[Any, Any, Any]) -> TechnicianFinder:
        return technician_finder(runtime, _cooperative(request))

    openid = identity.OpenIdClient(GuardedHttp.of(runtime.settings))

    def the_openid_client() -> identity.OpenIdClient:
        return openid

    @contextlib.asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        listening = asyncio.create_task(runtime.live.run())
        try:
            yield
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
            await runtime.close()

    app = Litestar(
        route_handlers=[
            create_static_files_router(path="/static", directories=[WEB / "static"], cache_control=None),
            *platform_routes(runtime.settings),
            telephony_routes(),
            Router(path="/c/{slug:str}", route_handlers=tenant_routes()),
            Router(path="/p/{slug:str}", route_handlers=public_routes()),
            api_router(runtime),
        ],
        dependencies={
            "session": Provide(tenant_session),
            "platform_session": Provide(platform_session),
            "cooperative": Provide(_cooperative, sync_to_thread=False),
            "actor": Provide(_actor, sync_to_thread=False),
            "trades": Provide(enabled_trades, sync_to_thread=False),
            "all_trades": Provide(all_trades, sync_to_thread=False),
            "runtime": Provide(the_runtime, sync_to_thread=False),
            "cipher": Provide(the_cipher, sync_to_thread=False),
            "settings": Provide(the_settings, sync_to_thread=False),
            "witness": Provide(the_witness, sync_to_thread=False),
            "technician": Provide(the_technicians, sync_to_thread=False),
            "openid": Provide(the_openid_client, sync_to_thread=False),
        },
        middleware=[RequestContextMiddleware(runtime)],
        after_request=_secure,
        csrf_config=CSRFConfig(
            secret=runtime.settings.web.secret_key.get_secret_value(),
            cookie_name=identity.cookie_name(runtime.settings, "maillage_csrf"),
            header_name="X-CSRFToken",
            cookie_secure=identity.is_https(runtime.settings),
            cookie_httponly=True,
            exclude=["^/telephony/", "^/api/", "^/oauth/(token|revoke|introspect)$"],
        ),
        template_config=template_config(),
        plugins=[HTMXPlugin()],
        exception_handlers={
            AppError: error_pages.on_app_error,
            HTTPException: error_pages.on_http_exception,
            Exception: error_pages.on_any_exception,
        },
        request_max_body_size=runtime.settings.web.max_body_bytes,
        lifespan=[lifespan],
        openapi_config=None,
        debug=False,
    )
    app.state.route_book = RouteBook(app.routes)
    return app


def _cooperative(request: Request[Any, Any, Any]) -> CooperativeContext:
    cooperative: CooperativeContext | None = request.scope["state"].get("cooperative")
    if cooperative is None:
        raise NotFound
    return cooperative


def _actor(request: Request[Any, Any, Any]) -> Actor:
    actor: Actor | None = request.scope["state"].get("actor")
    if actor is None:
        raise SignInRequired
    return actor


async def _secure(response: Response[Any]) -> Response[Any]:
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Permissions-Policy", "camera=(self), geolocation=(self), microphone=()")
    return response
