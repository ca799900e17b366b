"""Every operation of the REST API, and the document that describes them. A new domain adds its handlers here."""

import re
from typing import Any

from litestar import Request, Router
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler

from maillage_app.api.guard import Bearer, Connection
from maillage_app.api.reference import reference_routes
from maillage_app.api.transport import ApiTransport
from maillage_app.runtime import Runtime
from maillage_kit.api_access import ApiCaller
from maillage_kit.db import TenantSession
from maillage_kit.rest import Cursors, Operation, Reach, Rest
from maillage_platform.cooperatives import Directory
from maillage_platform.cooperatives import routes_api as cooperatives
from maillage_platform.webhooks import routes_api as webhooks
from maillage_tenants import partners
from maillage_tenants.customers import routes_api as customers
from maillage_tenants.interventions import routes_api as interventions
from maillage_tenants.invoices import routes_api as invoices
from maillage_tenants.quotes import routes_api as quotes
from maillage_tenants.reviews import routes_api as reviews
from maillage_tenants.rota import routes_api as rota
from maillage_tenants.subscriptions import routes_api as subscriptions
from maillage_tenants.territory import routes_api as territory

PREFIX = "/api/v1"
PLATFORM: tuple[HTTPRouteHandler, ...] = (*cooperatives.API_ROUTES,)
TENANT: tuple[HTTPRouteHandler, ...] = (
    *cooperatives.TENANT_API_ROUTES,
    *territory.API_ROUTES,
    *interventions.API_ROUTES,
    *subscriptions.API_ROUTES,
    *customers.API_ROUTES,
    *quotes.API_ROUTES,
    *invoices.API_ROUTES,
    *reviews.API_ROUTES,
    *rota.API_ROUTES,
    *webhooks.TENANT_API_ROUTES,
)


def operations() -> tuple[tuple[str, Operation], ...]:
    """(path as declared, operation), in the order of the reference."""
    here = [(PREFIX, handler) for handler in PLATFORM]
    here += [(f"{PREFIX}/cooperatives/{{slug:str}}", handler) for handler in TENANT]
    return tuple(
        ((prefix + handler.opt["operation"].path).rstrip("/"), handler.opt["operation"]) for prefix, handler in here
    )


def _methods() -> dict[str, str]:
    """Address without types → the methods it knows."""
    found: dict[str, list[str]] = {}
    for path, operation in operations():
        found.setdefault(re.sub(r"\{(\w+):\w+\}", r"{\1}", path), []).append(operation.method)
    return {path: ", ".join([*methods, "OPTIONS"]) for path, methods in found.items()}


def api_router(runtime: Runtime) -> Router:
    """The whole API over a runtime."""
    rest = Rest(cursors=Cursors(runtime.settings.web.secret_key), answers=partners.Answers())

    def the_caller(request: Request[Any, Any, Any]) -> ApiCaller:
        caller: ApiCaller = request.scope["state"]["caller"]
        return caller

    def the_directory() -> Directory:
        return runtime.directory

    async def the_reach(session: TenantSession, caller: ApiCaller) -> Reach:
        return await partners.reach_of(session, client_id=caller.client_id)

    bearer = Bearer(runtime)

    async def with_a_token(connection: Connection, handler: BaseRouteHandler) -> None:
        await bearer.check(connection, handler)

    guarded = Router(
        path="/",
        route_handlers=[*PLATFORM, Router(path="/cooperatives/{slug:str}", route_handlers=list(TENANT))],
        guards=[with_a_token],
    )
    return Router(
        path=PREFIX,
        route_handlers=[guarded, *reference_routes(operations())],
        middleware=[ApiTransport(rest, _methods())],
        dependencies={
            "caller": Provide(the_caller, sync_to_thread=False),
            "directory": Provide(the_directory, sync_to_thread=False),
            "reach": Provide(the_reach),
        },
    )
