"""What every domain's web routes share: the page shape, guards, redirects with a message, typed parameters.

Routes receive by name: `session` (TenantSession), `platform_session`, `cooperative` (CooperativeContext), `actor`,
`trades` (TradeRegistry, the cooperative's enabled ones), `cipher` (FieldCipher). The composition root provides them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.errors import Forbidden, NotFound, SignInRequired
from maillage_kit.pages import MAX_LIMIT, PageRequest
from maillage_kit.permissions import Permission

FLASH_COOKIE = "maillage_flash"
AnyRequest = Request[Any, Any, Any]
Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], None]


@dataclass(frozen=True, slots=True)
class NavItem:
    href: str
    label: str
    icon: str
    current: bool = False
    badge: int | None = None


def requires(*permissions: Permission) -> Guard:
    """A guard, named beside its route: the actor holds one of `permissions`, in this cooperative.

    Not signed in: 401 (the browser is sent to sign in). Another cooperative's person: 404, as if nothing were there.
    A visitor of the federation's support only reads, whatever the permission.
    """

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        actor: Actor | None = connection.scope["state"].get("actor")
        cooperative: CooperativeContext | None = connection.scope["state"].get("cooperative")
        if actor is None:
            raise SignInRequired
        if cooperative is not None and actor.cooperative_id != cooperative.id:
            raise NotFound
        if not actor.may(*permissions) or (actor.visit and connection.scope.get("method") not in ("GET", "HEAD")):
            raise Forbidden

    guard.permissions = frozenset(permissions)  # type: ignore[attr-defined]
    return guard


def asked_of(handler: BaseRouteHandler) -> frozenset[Permission] | None:
    """The permissions that a route's guard asks for, one of them being enough; None for a route open to all."""
    found = (getattr(guard, "permissions", None) for guard in handler.guards or ())
    return next((permissions for permissions in found if permissions), None)


def page(request: AnyRequest, template: str, *, status_code: int = 200, **context: Any) -> Template:
    """A full page or a fragment; what the layouts need (cooperative, actor, nav, now, CSRF token) is added."""
    shared: Mapping[str, Any] = request.scope["state"]["page_context"](request)
    return Template(template_name=template, context={**shared, **context}, status_code=status_code)


def see_other(path: str, *, flash: str | None = None, tone: str = "success") -> Redirect:
    """Answer a successful POST: go to `path` (303) and show `flash` there once."""
    response = Redirect(path, status_code=HTTP_303_SEE_OTHER)
    if flash:
        response.cookies.append(
            Cookie(
                key=FLASH_COOKIE, value=quote(f"{tone}|{flash}"), max_age=60, httponly=True, samesite="lax", path="/"
            )
        )
    return response


def address_of(request: AnyRequest) -> str:
    """The network address that asks, as the server or its proxy says (MAILLAGE_WEB__TRUSTED_PROXIES)."""
    found: str | None = request.scope["state"].get("client_address")
    return found or (request.client.host if request.client else "")


def content_security_policy(*, form_targets: str = "") -> str:
    """What our pages may do. `form_targets`: another site to which the answer to a form of this page may lead."""
    return (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
        f"form-action 'self'{f' {form_targets}' if form_targets else ''}; frame-ancestors 'none'"
    )


def base_path(cooperative: CooperativeContext) -> str:
    """Where a cooperative's signed-in pages live."""
    return f"/c/{cooperative.slug}"


def public_path(cooperative: CooperativeContext) -> str:
    """Where a cooperative's public pages live."""
    return f"/p/{cooperative.slug}"


def page_request(request: AnyRequest, *, limit: int = 25) -> PageRequest:
    """The `after` and `limit` of the query string. Raises Invalid when they make no sense."""
    asked = request.query_params.get("limit", "")
    return PageRequest(
        after=request.query_params.get("after") or None,
        limit=min(int(asked), MAX_LIMIT) if asked.isdigit() and int(asked) > 0 else limit,
        base_url=url_with(request, after=None, limit=None),
    )


def url_with(request: AnyRequest, **changes: str | None) -> str:
    """The current address with query parameters changed or removed (None)."""
    query: dict[str, str] = {key: value for key, value in request.query_params.items() if key not in changes}
    query.update({key: value for key, value in changes.items() if value})
    return f"{request.url.path}?{urlencode(query)}" if query else request.url.path


def own_technician(actor: Actor) -> UUID:
    """The technician who is signed in. Raises Forbidden for a member's account that is not tied to one."""
    if actor.technician_id is None:
        raise Forbidden("Votre compte n’est pas relié à un intervenant. Prévenez la coopérative.")
    return actor.technician_id


def own_customer(actor: Actor) -> UUID:
    """The customer whose person is signed in. Raises Forbidden for an account that is tied to none."""
    if actor.customer_id is None:
        raise Forbidden("Votre compte n’est relié à aucun client. Prévenez la coopérative.")
    return actor.customer_id


def text(form: Mapping[str, Any], name: str) -> str:
    """A form field as stripped text, empty when absent."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def every(form: Mapping[str, Any], name: str) -> list[str]:
    """All values of a group of checkboxes."""
    values = form.getall(name, []) if hasattr(form, "getall") else []
    return [value for value in values if isinstance(value, str)]


class Sent(dict[str, Any]):
    """The fields of a form as templates read them: one that was not sent is None."""

    def __missing__(self, name: str) -> None:
        return None
