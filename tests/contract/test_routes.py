"""Every route of the product: it says who may open it (`test_permissions.py` tries), another cooperative's object is
not there, a cursor that was made up is refused.

A new route is covered by itself. A new kind of id in an address must be named in OBJECTS, or a test fails. The
operations of the REST API, which no role opens, are held to the same in `test_api_routes.py`.
"""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from maillage_app.app import build_app
from maillage_app.runtime import Runtime
from maillage_app.testing.rows import one_of_each
from maillage_kit.context import CooperativeContext
from maillage_kit.ids import new_id
from maillage_kit.permissions import COOPERATIVE_ROLES, Role, roles_with
from maillage_kit.web import asked_of
from maillage_platform import models as _every_platform_model  # noqa: F401 - completes the metadata
from maillage_tenants import models as _every_model  # noqa: F401 - completes the metadata

# the name of an id in an address → the table it is a key of
OBJECTS = {
    "absence_id": "absence",
    "alarm_id": "alarm",
    "attachment_id": "attachment",
    "break_id": "school_break",
    "call_id": "call",
    "case_id": "intervention",
    "customer_id": "customer",
    "duty_id": "duty",
    "feed_id": "calendar_feed",
    "forward_id": "forward_list",
    "invoice_id": "invoice",
    "member_id": "member",
    "number_id": "masked_number",
    "message_id": "message",
    "offer_id": "offer",
    "payment_id": "payment",
    "phone_id": "customer_phone",
    "plan_id": "plan",
    "quote_id": "quote",
    "recording_id": "call_recording",
    "rota_id": "rota",
    "run_id": "solve_run",
    "sector_id": "sector",
    "site_id": "site",
    "subscription_id": "subscription",
    "swap_id": "swap",
    "tariff_id": "tariff",
    "technician_id": "technician",
    "wish_id": "duty_wish",
}
# the same, of the control plane: rows that belong to a cooperative
PLATFORM_OBJECTS = {
    "provider_id": "identity_provider",
    "client_id": "oauth_client",
    "endpoint_id": "webhook_endpoint",
}
# pages that anybody may open: sign-in, health, the front page, the carrier's webhooks (signed), public pages, assets,
# the authorization server: its metadata and keys, what machines ask with a proof, and the consent page, which looks at
# what is asked before it asks who is there; what describes the API
OPEN_TO_ALL = re.compile(
    r"^/($|signin|signout|health|static|telephony/|p/\{slug:str\}|dev/|oauth/|\.well-known/oauth-)"
    r"|^/api/v1/(openapi\.json|docs)$"
)

# sort values that no list gave out, each wrong for some of them
MADE_UP = [
    base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")
    for values in (
        [],
        [1],
        ["x"],
        ["x", "y"],
        ["9" * 30],
        ["2027-03-01T00:00:00", str(new_id())],
        ["\0", str(new_id())],
        ["\0"],
    )
]


def routes(app: Litestar) -> Iterator[tuple[str, str, frozenset[Role] | None]]:
    """(method, path as declared, the roles that hold what its guard asks for)."""
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            if "operation" in handler.opt:
                continue
            asked = asked_of(handler)
            roles = roles_with(asked) if asked else None
            for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                yield method, route.path, roles


@pytest.fixture
def table(runtime: Runtime) -> list[tuple[str, str, frozenset[Role] | None]]:
    return sorted(routes(build_app(runtime)), key=lambda row: (row[1], row[0]))


def test_every_route_says_who_may_open_it(table: list[tuple[str, str, frozenset[Role] | None]]) -> None:
    assert [f"{method} {path}" for method, path, roles in table if not roles and not _open(path)] == []
    assert len(table) > 100


def test_every_id_in_an_address_is_known_here(table: list[tuple[str, str, frozenset[Role] | None]]) -> None:
    used = {name for _, path, _ in table if path.startswith("/c/") for name in _ids(path)}
    assert used - set(OBJECTS) - set(PLATFORM_OBJECTS) == set()


async def test_a_stranger_is_sent_to_sign_in(
    table: list[tuple[str, str, frozenset[Role] | None]], eure: CooperativeContext, visitor
) -> None:
    ids = dict.fromkeys(OBJECTS | PLATFORM_OBJECTS, new_id())
    for method, path, roles in table:
        if roles:
            answer = await _ask(visitor, method, _address(path, eure, ids))
            assert (answer.status_code, answer.headers.get("location", "")[:7]) == (303, "/signin"), (method, path)


async def test_another_cooperatives_object_is_not_there(
    table: list[tuple[str, str, frozenset[Role] | None]],
    runtime: Runtime,
    eure: CooperativeContext,
    seine_maritime: CooperativeContext,
    sign_in,
) -> None:
    """Rule 2: real objects of the Eure are 404 for Seine-Maritime, on its own addresses and on the Eure's."""
    ids = one_of_each(runtime.owner_url, eure, OBJECTS, PLATFORM_OBJECTS)
    neighbours = {role: await sign_in(role, seine_maritime) for role in (*COOPERATIVE_ROLES, Role.PARTNER)}
    tried, leaks = 0, []
    for method, path, roles in table:
        if not path.startswith("/c/") or not _ids(path):
            continue
        for role in (roles or frozenset()) & set(neighbours):
            for place in (seine_maritime, eure):
                answer = await _ask(neighbours[role], method, _address(path, place, ids))
                tried += 1
                if answer.status_code != 404:
                    leaks.append(f"{answer.status_code} {role} {method} {path} on {place.slug}")
    assert not leaks, "\n".join(leaks)
    assert tried > 150


async def test_a_cursor_that_was_made_up_is_refused_and_breaks_nothing(
    table: list[tuple[str, str, frozenset[Role] | None]], runtime: Runtime, eure: CooperativeContext, sign_in
) -> None:
    ids = one_of_each(runtime.owner_url, eure, OBJECTS, PLATFORM_OBJECTS)
    people = {role: await sign_in(role, None if role.of_federation else eure) for role in Role}
    lists, broken = 0, []
    for method, path, roles in table:
        if method != "GET" or not roles or path.endswith("/events"):  # what never ends is no list
            continue
        address = _address(path, eure, ids)
        person = people[min(roles)]
        refused = await person.get(f"{address}?after=%21")
        if refused.status_code != 422:
            continue
        lists += 1
        for cursor in MADE_UP:
            answer = await person.get(f"{address}?after={cursor}")
            if answer.status_code not in (200, 422):
                broken.append(f"{answer.status_code} {path} {cursor}")
    assert not broken, "\n".join(broken)
    assert lists > 25


def _open(path: str) -> bool:
    return bool(OPEN_TO_ALL.match(path)) or path.startswith("/p/")


def _ids(path: str) -> list[str]:
    return re.findall(r"\{(\w+):uuid\}", path)


def _address(path: str, cooperative: CooperativeContext, ids: dict[str, UUID]) -> str:
    def fill(found: re.Match[str]) -> str:
        name = found[1]
        return cooperative.slug if name == "slug" else str(ids.get(name, "x"))

    return re.sub(r"\{(\w+)(?::\w+)?\}", fill, path)


async def _ask(person: Any, method: str, address: str) -> Any:
    return await (person.get(address) if method == "GET" else person.post(address))
