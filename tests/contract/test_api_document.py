"""The document of the REST API: what was published stays true, in both languages, and the examples are good."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from click.testing import CliRunner

from maillage_app.api import operations
from maillage_app.api.breaking import breaking_changes
from maillage_app.api.document import openapi_document
from maillage_app.cli import cli
from maillage_kit.api_access import Scope

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "docs" / "api" / "openapi-v1.json"
DOCUMENT = openapi_document(operations())
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
NAMES = [name for name, _ in OPERATIONS]


def test_nothing_that_was_published_breaks() -> None:
    """What software was written against stays: docs/api/README.md says what to do instead of breaking it."""
    assert breaking_changes(json.loads(KEPT.read_text(encoding="utf-8")), DOCUMENT) == ()


def test_the_document_in_the_repository_is_the_one_that_is_served() -> None:
    """After a change: `./maillage openapi > docs/api/openapi-v1.json`, and a line in docs/api/changelog.md."""
    ran = CliRunner().invoke(cli, ["openapi"])
    assert ran.exit_code == 0
    assert ran.output == KEPT.read_text(encoding="utf-8")
    version = json.loads(ran.output)["info"]["version"]
    assert f"## {version}" in (ROOT / "docs" / "api" / "changelog.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=NAMES)
def test_every_operation_is_written_for_both_readers(name: str, operation: dict[str, Any]) -> None:
    assert "**FR** " in operation["description"] and "**EN** " in operation["description"]
    assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
    (scopes,) = (scheme["bearer"] for scheme in operation["security"])
    assert [Scope(scope) for scope in scopes] == scopes and len(scopes) <= 1
    for body in operation.get("requestBody", {}).get("content", {}).values():
        whole = {**body["schema"], "components": DOCUMENT["components"]}
        jsonschema_rs.validate(whole, body["example"])


def test_every_schema_says_what_it_is() -> None:
    silent = [
        name
        for name, schema in DOCUMENT["components"]["schemas"].items()
        if "properties" in schema and "description" not in schema
    ]
    assert silent == []


async def test_the_document_and_the_reference_are_open_to_everybody(visitor: Any) -> None:
    served = await visitor.client.get("/api/v1/openapi.json")
    assert served.json() == json.loads(KEPT.read_text(encoding="utf-8"))
    page = await visitor.get("/api/v1/docs")
    assert page.status_code == 200
    for operation in (operation for _, operation in OPERATIONS):
        assert f'id="{operation["operationId"]}"' in page.text
    assert "<script>" not in page.text and "style=" not in page.text
