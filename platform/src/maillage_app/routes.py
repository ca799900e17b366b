"""Every route of the product, by who meets it. A new domain adds its handlers here."""

from typing import Any

from litestar import Router
from litestar.handlers import BaseRouteHandler

from maillage_kit.settings import Settings

Handlers = list[type[Any] | BaseRouteHandler | Router]


def platform_routes(_settings: Settings) -> Handlers:
    """Sign-in, the federation's console, health."""
    return []


def tenant_routes() -> Handlers:
    """A cooperative's signed-in pages, under `/c/<slug>`."""
    return []


def public_routes() -> Handlers:
    """A cooperative's public pages, under `/p/<slug>`."""
    return []


def telephony_routes() -> Router:
    """Webhooks of the phone carriers, under `/telephony`."""
    return Router(path="/telephony", route_handlers=[])
