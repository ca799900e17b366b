"""Every route × every role, against the one table of `maillage_kit.permissions`; and the page made of it."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from maillage_app.app import build_app
from maillage_app.permission_table import document, guarded_routes
from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_kit.ids import new_id
from maillage_kit.permissions import (
    COOPERATIVE_ROLES,
    GRANTS,
    PERMISSION_LABELS,
    ROLE_HINTS,
    ROLE_LABELS,
    VISITOR,
    Permission,
    Role,
    roles_with,
)
from maillage_kit.web import asked_of

ROOT = Path(__file__).resolve().parents[2]
REFUSED = "Vous n’avez pas le droit de faire cela."


def test_the_page_is_what_the_code_says() -> None:
    """A new route without its row, or a changed grant, fails until `./maillage permissions` has written the page."""
    assert (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8") == document()


def test_every_role_and_every_permission_has_its_line() -> None:
    assert set(GRANTS) == set(ROLE_LABELS) == set(ROLE_HINTS) == set(Role)
    assert set(PERMISSION_LABELS) == set(Permission)
    assert all(roles_with([permission]) for permission in Permission)
    asked = {permission for _, _, permissions in guarded_routes() for permission in permissions}
    assert set(Permission) - asked == set()


def test_the_page_knows_every_guarded_route_of_the_application(runtime: Runtime) -> None:
    served = {
        (method, route.path)
        for route in build_app(runtime).routes
        for handler in getattr(route, "route_handlers", ())
        if asked_of(handler)
        for method in handler.http_methods - {"OPTIONS", "HEAD"}
    }
    assert served == {(method, path) for method, path, _ in guarded_routes()}
    assert len(served) > 150


def test_what_the_roles_promise() -> None:
    """Said once more in words, so that a slip in the table does not pass for a decision."""
    changing = {permission for permission in Permission if permission.endswith((".write", ".publish", ".manage"))}
    assert not (GRANTS[Role.AUDITOR] | VISITOR) & changing
    secret = Permission.CUSTOMERS_ACCESS_CODES  # R72
    assert {role for role in Role if secret in GRANTS[role]} == {Role.MANAGER, Role.DISPATCHER}
    assert secret not in VISITOR
    assert roles_with([Permission.PEOPLE_MANAGE]) == {Role.MANAGER}
    assert roles_with([Permission.FEDERATION_PEOPLE]) == {Role.OPERATOR}
    assert roles_with([Permission.SUPPORT_ENTER]) == {Role.SUPPORT}
    assert GRANTS[Role.TECHNICIAN] == {Permission.ACCOUNT_OWN, Permission.LIVE_FOLLOW, Permission.FIELD_WORK}
    # who is no colleague follows nothing of the whole cooperative as it happens
    assert GRANTS[Role.PARTNER] == {Permission.ACCOUNT_OWN, Permission.PARTNER_OWN}
    assert Permission.LIVE_FOLLOW not in VISITOR
    # the federation's own roles reach nothing of a cooperative (R73)
    cooperative = set().union(*(GRANTS[role] for role in COOPERATIVE_ROLES)) - {Permission.ACCOUNT_OWN}
    assert not any(GRANTS[role] & cooperative for role in Role if role.of_federation)


@pytest.mark.parametrize("role", list(Role))
async def test_every_route_lets_in_whom_the_table_says(role: Role, eure: CooperativeContext, crew, sign_in) -> None:
    """Refused: 403, or 404 for somebody of the federation in a cooperative. Let in: anything but that refusal."""
    artisan = crew.artisans[0]
    hat = {"member_id": artisan.member_id, "technician_id": artisan.technician_id}
    person = await sign_in(role, None if role.of_federation else eure, **({} if role.of_federation else hat))
    wrong, tried = [], 0
    for method, path, asked in guarded_routes():
        if path.endswith(("/events", "/revoke-all")):  # a stream that never ends; the end of this very session
            continue
        answer = await _ask(person, method, _address(path, eure, new_id()))
        tried += 1
        allowed = not GRANTS[role].isdisjoint(asked)
        stranger = role.of_federation and path.startswith("/c/")
        refused = answer.status_code == 404 if stranger else answer.status_code == 403 and REFUSED in answer.text
        if refused is not (stranger or not allowed):
            wrong.append(f"{role} {method} {path}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    assert tried > 150


def _address(path: str, cooperative: CooperativeContext, unknown: UUID) -> str:
    def fill(found: re.Match[str]) -> str:
        name, kind = found[1], found[2]
        return cooperative.slug if name == "slug" else str(unknown) if kind == "uuid" else "x"

    return re.sub(r"\{(\w+):(\w+)\}", fill, path)


async def _ask(person: Any, method: str, address: str) -> Any:
    return await (person.get(address) if method == "GET" else person.post(address))
