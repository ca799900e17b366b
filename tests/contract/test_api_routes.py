"""Every operation of the REST API: its scope, its words in both languages, another cooperative's object 404."""

import re
from typing import Any

import pytest
import sqlalchemy as sa
from litestar.routes import HTTPRoute

from maillage_app.api import operations
from maillage_app.app import build_app
from maillage_app.runtime import Runtime
from maillage_app.testing.rows import one_of_each
from maillage_kit.api_access import Scope
from maillage_kit.context import CooperativeContext
from maillage_kit.ids import new_id
from maillage_kit.rest import Operation
from maillage_platform import models as _every_platform_model  # noqa: F401 - completes the metadata
from maillage_platform.provisioning import owner_connection
from maillage_tenants import models as _every_model  # noqa: F401 - completes the metadata

OBJECTS = {
    "attachment_id": "attachment",
    "case_id": "intervention",
    "customer_id": "customer",
    "invoice_id": "invoice",
    "plan_id": "plan",
    "quote_id": "quote",
    "review_id": "review",
    "site_id": "site",
}
# the same, of the control plane: rows that belong to a cooperative
PLATFORM_OBJECTS = {"endpoint_id": "webhook_endpoint"}
# what any token of the cooperative opens
WITHOUT_SCOPE = {"list_cooperatives", "get_cooperative"}
OPERATIONS = operations()
NAMES = [operation.name for _, operation in OPERATIONS]


def test_every_route_of_the_api_is_an_operation_that_was_declared(runtime: Runtime) -> None:
    served = {
        (sorted(handler.http_methods - {"OPTIONS", "HEAD"})[0], route.path.rstrip("/"))
        for route in build_app(runtime).routes
        if isinstance(route, HTTPRoute) and route.path.startswith("/api/")
        for handler in route.route_handlers
        if "operation" in handler.opt
    }
    open_to_all = {
        route.path
        for route in build_app(runtime).routes
        if route.path.startswith("/api/")
        and isinstance(route, HTTPRoute)
        and not any("operation" in handler.opt for handler in route.route_handlers)
    }
    assert served == {(operation.method, path) for path, operation in OPERATIONS}
    assert open_to_all == {"/api/v1/openapi.json", "/api/v1/docs"}
    assert len(set(NAMES)) == len(NAMES) > 30


@pytest.mark.parametrize(("path", "operation"), OPERATIONS, ids=NAMES)
def test_every_operation_says_its_scope_its_words_and_an_example(path: str, operation: Operation) -> None:
    assert (operation.scope is None) == (operation.name in WITHOUT_SCOPE)
    assert len(operation.words.fr) > 5 and len(operation.words.en) > 5
    assert operation.words.fr != operation.words.en
    assert (operation.key is not None) == (operation.method == "POST"), "every POST takes an Idempotency-Key"
    assert operation.versioned == (operation.method in ("PATCH", "PUT")), "what changes has a version"
    assert bool(operation.example) == (operation.body is not None)
    assert set(re.findall(r"\{(\w+):uuid\}", path)) <= set(OBJECTS) | set(PLATFORM_OBJECTS)
    if operation.scope in (Scope.INTERVENTIONS_READ, Scope.CUSTOMERS_READ, Scope.DOCUMENTS_READ, Scope.INVOICES_READ):
        assert operation.method == "GET", "a scope that reads changes nothing"


async def test_another_cooperatives_object_is_not_there(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext, software: Any
) -> None:
    """Rule 2: real objects of the Eure are 404 for Seine-Maritime's token, on its own addresses and on the Eure's, even
    when that client sees everything at home."""
    ids = one_of_each(runtime.owner_url, eure, OBJECTS, PLATFORM_OBJECTS)
    neighbour = software(seine_maritime)
    with owner_connection(runtime.owner_url) as connection:
        connection.execute(
            sa.text(
                f"insert into {seine_maritime.tenant.schema}.partner_client "
                "values ('habitat-eure', 'Habitat', true, now(), 'tests')"
            )
        )
    tried = 0
    for path, operation in OPERATIONS:
        if "_id:uuid}" not in path:
            continue
        for place in (seine_maritime, eure):
            filled = path.replace("{slug:str}", place.slug)
            for name, found in ids.items():
                filled = filled.replace(f"{{{name}:uuid}}", str(found))
            answer = await neighbour.client.request(
                operation.method,
                filled,
                json=operation.example if operation.body is not None else None,
                headers={"idempotency-key": new_id().hex, "if-match": '"x"'},
            )
            tried += 1
            assert answer.status_code == 404, (operation.name, place.slug, answer.status_code, answer.text)
    assert tried > 30
