"""What a page may offer: an address leads somewhere for this person when its route's guard would let them through.

Buttons, forms, tabs and the navigation ask here, so that a permission is written once, beside its route.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from litestar.routes import BaseRoute, HTTPRoute

from maillage_kit.context import Actor
from maillage_kit.permissions import Permission
from maillage_kit.web import asked_of

Allowed = Callable[[str, str], bool]


class RouteBook:
    """The routes of an application by method and shape, with what their guards ask for."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._by_shape: dict[tuple[str, int], list[tuple[tuple[str | None, ...], frozenset[Permission] | None]]] = (
            defaultdict(list)
        )
        for route in routes:
            if not isinstance(route, HTTPRoute):
                continue
            parts = tuple(None if part.startswith("{") else part for part in _parts(route.path))
            for handler in route.route_handlers:
                for method in handler.http_methods:
                    self._by_shape[method, len(parts)].append((parts, asked_of(handler)))
        for found in self._by_shape.values():  # an address written out wins over one with a parameter
            found.sort(key=lambda each: each[0].count(None))

    def asked(self, method: str, address: str) -> frozenset[Permission] | None:
        """What the route of that address asks for; None when it asks for nothing, or when there is no such route."""
        parts = _parts(urlsplit(address).path)
        for shape, permissions in self._by_shape.get((method.upper(), len(parts)), ()):
            if all(wanted is None or wanted == part for wanted, part in zip(shape, parts, strict=True)):
                return permissions
        return None

    def allowed_to(self, actor: Actor | None) -> Allowed:
        """`allowed(method, address)` for one person. Nobody signed in: the pages they see offer what is open."""

        def allowed(method: str, address: str) -> bool:
            if actor is None or not address.startswith("/"):
                return True
            asked = self.asked(method, address)
            return asked is None or actor.may(*asked)

        return allowed


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part)
