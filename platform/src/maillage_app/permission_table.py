"""docs/permissions.md, made of the code: who holds which permission, and what each route asks for."""

from collections.abc import Iterator

from litestar import Router
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from maillage_app.routes import Handlers, platform_routes, tenant_routes
from maillage_kit.permissions import (
    COOPERATIVE_ROLES,
    GRANTS,
    PERMISSION_LABELS,
    ROLE_HINTS,
    ROLE_LABELS,
    VISITOR,
    Permission,
    Role,
)
from maillage_kit.settings import Settings
from maillage_kit.web import asked_of

HEAD = """# Permissions

Made by `./maillage permissions` from `platform/src/maillage_kit/permissions.py` and from the guard beside each route;
`tests/contract/test_permissions.py` compares, and tries every route with every role. Never edited by hand.
"""


def guarded_routes() -> list[tuple[str, str, frozenset[Permission]]]:
    """(method, address as declared, the permissions of which one is enough) of every route that has a guard."""
    return sorted(
        {
            *_of(platform_routes(Settings()), ""),
            *_of(tenant_routes(), "/c/{slug:str}"),
        },
        key=lambda row: (row[1], row[0]),
    )


def _of(handlers: Handlers, prefix: str) -> Iterator[tuple[str, str, frozenset[Permission]]]:
    for handler in handlers:
        if isinstance(handler, Router) and not handler.guards:  # handlers that share what they are given
            inside = (one for route in handler.routes if isinstance(route, HTTPRoute) for one in route.route_handlers)
            yield from _of(list(inside), prefix)
            continue
        if not isinstance(handler, HTTPRouteHandler):
            raise TypeError(f"{handler!r} is not a plain route: its guard would not be read")
        asked = asked_of(handler)
        if asked is None:
            continue
        for path in handler.paths:
            for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                yield method, f"{prefix}{path}", asked


def document() -> str:
    """The whole page."""
    return "\n".join((HEAD, *_roles(), *_matrix(), *_routes())) + "\n"


def _roles() -> Iterator[str]:
    yield from ("## Roles", "", "| role | shown as | what it is for |", "| --- | --- | --- |")
    for role in Role:
        yield f"| `{role}` | {ROLE_LABELS[role]} | {ROLE_HINTS[role]} |"
    yield ""


def _matrix() -> Iterator[str]:
    yield from ("## Who holds what", "", "A visitor is somebody of the federation’s support inside a cooperative that")
    yield from ("permits it: they read pages, and each page is written in the cooperative’s audit log.", "")
    yield from _table({**{role.value: GRANTS[role] for role in (*COOPERATIVE_ROLES, Role.PARTNER)}, "visitor": VISITOR})
    yield from _table({role.value: GRANTS[role] for role in Role if role.of_federation})


def _table(columns: dict[str, frozenset[Permission]]) -> Iterator[str]:
    yield f"| permission | {' | '.join(columns)} |"
    yield f"| --- |{' --- |' * len(columns)}"
    for permission in Permission:
        cells = ["yes" if permission in held else "" for held in columns.values()]
        if any(cells):
            yield f"| `{permission}`: {PERMISSION_LABELS[permission]} | {' | '.join(cells)} |"
    yield ""


def _routes() -> Iterator[str]:
    yield from (
        "## What each route asks for",
        "",
        "One of these is enough.",
        "",
        "| route | asks for |",
        "| --- | --- |",
    )
    for method, path, asked in guarded_routes():
        yield f"| {method} `{path}` | {', '.join(f'`{each}`' for each in sorted(asked))} |"
