"""Every route of the product: who may open it, and that another cooperative's object is not there.

A new route is covered by itself. A new kind of id in an address must be named in OBJECTS, or a test fails. The
operations of the REST API, which no role opens, are held to the same in `test_api_routes.py`.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from litestar import Litestar
from litestar.routes import HTTPRoute

from maillage_app.app import build_app
from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_kit.db import PlatformBase, TenantBase
from maillage_kit.ids import new_id
from maillage_kit.permissions import COOPERATIVE_ROLES, Role, roles_with
from maillage_kit.web import asked_of
from maillage_platform import models as _every_platform_model  # noqa: F401 - completes the metadata
from maillage_platform.provisioning import owner_connection
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


async def test_each_role_is_held_to_its_pages(
    table: list[tuple[str, str, frozenset[Role] | None]], eure: CooperativeContext, sign_in
) -> None:
    """A role that the route does not name is refused before anything is looked up."""
    ids = dict.fromkeys(OBJECTS | PLATFORM_OBJECTS, new_id())
    people = {role: await sign_in(role, None if role.of_federation else eure) for role in Role}
    for method, path, roles in table:
        for role, person in people.items():
            if roles and role not in roles:
                answer = await _ask(person, method, _address(path, eure, ids))
                expected = 404 if role.of_federation and path.startswith("/c/") else 403
                assert answer.status_code == expected, (role, method, path)


async def test_another_cooperatives_object_is_not_there(
    table: list[tuple[str, str, frozenset[Role] | None]],
    runtime: Runtime,
    eure: CooperativeContext,
    seine_maritime: CooperativeContext,
    sign_in,
) -> None:
    """Rule 2: real objects of the Eure are 404 for Seine-Maritime, on its own addresses and on the Eure's."""
    ids = _one_of_each(runtime.owner_url, eure)
    neighbours = {role: await sign_in(role, seine_maritime) for role in COOPERATIVE_ROLES}
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


def _one_of_each(owner_url: str, cooperative: CooperativeContext) -> dict[str, UUID]:
    """One row in each table that an address can name, whatever its other columns: it only has to exist."""
    ids = {}
    with owner_connection(owner_url) as connection:
        connection.execute(sa.text("set local session_replication_role = replica"))
        connection.execute(sa.text(f"set local search_path = {cooperative.tenant.schema}"))
        tables = {name: TenantBase.metadata.tables[table] for name, table in OBJECTS.items()}
        tables |= {name: PlatformBase.metadata.tables[f"platform.{table}"] for name, table in PLATFORM_OBJECTS.items()}
        for name, wanted in tables.items():
            row = {
                column.name: _value(wanted, column)
                for column in wanted.columns
                if not column.nullable and not column.identity
            }
            ids[name] = row["id"] = new_id()
            if name in PLATFORM_OBJECTS:
                row["cooperative_id"] = cooperative.id
            connection.execute(sa.insert(wanted), row)
            found = connection.execute(sa.select(sa.func.count()).where(wanted.c.id == ids[name])).scalar_one()
            assert found == 1
    return ids


def _value(table: sa.Table, column: sa.Column[Any]) -> Any:
    """A value that the column's type and its CHECK accept."""
    for constraint in table.constraints:
        if isinstance(constraint, sa.CheckConstraint):
            listed = re.fullmatch(rf"{column.name} in \('(\w+)'.*\)", str(constraint.sqltext))
            if listed:
                return listed[1]
    samples: dict[type, Any] = {
        datetime: datetime(2027, 3, 1, tzinfo=UTC) if "end" not in column.name else datetime(2027, 3, 2, tzinfo=UTC),
        date: date(2027, 3, 1),
        int: 1,
        bool: False,
        Decimal: Decimal(1),
        bytes: b"x",
        dict: {},
        list: [],
        UUID: new_id(),
    }
    kind = column.type.impl_instance if isinstance(column.type, sa.types.TypeDecorator) else column.type
    if isinstance(column.type, sa.types.TypeDecorator) and "Money" in type(column.type).__name__:
        from maillage_kit.money import Money

        return Money(1)
    try:
        return samples[kind.python_type]
    except (KeyError, NotImplementedError):
        return {} if "JSON" in type(kind).__name__ else "x"
