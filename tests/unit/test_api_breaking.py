"""What breaks a client, told one change at a time; and what does not."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from maillage_app.api import operations
from maillage_app.api.breaking import breaking_changes
from maillage_app.api.document import openapi_document

DOCUMENT = openapi_document(operations())
ROOT = "/api/v1/cooperatives/{slug}"
Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> tuple[str, ...]:
    after = copy.deepcopy(DOCUMENT)
    change(after)
    return breaking_changes(DOCUMENT, after)


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def operation(document: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][ROOT + path][method]
    return found


BREAKS: dict[str, tuple[Change, str]] = {
    "path": (lambda d: d["paths"].pop(f"{ROOT}/plans"), "GET /api/v1/cooperatives/{slug}/plans: removed"),
    "method": (lambda d: d["paths"][f"{ROOT}/customers"].pop("post"), "customers: removed"),
    "scope": (
        lambda d: operation(d, "get", "/plans").update(security=[{"bearer": ["oncall:read"]}]),
        "another scope is needed",
    ),
    "answered field": (lambda d: schema(d, "Intervention")["properties"].pop("status"), "the field status is gone"),
    "absent": (lambda d: schema(d, "Quote")["required"].remove("number"), "the field number may now be absent"),
    "null": (
        lambda d: schema(d, "Quote")["properties"].update(number={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        "number: may now be null",
    ),
    "answered type": (
        lambda d: schema(d, "Invoice")["properties"].update(gross_cents={"type": "string"}),
        "gross_cents: may now be string",
    ),
    "required field": (
        lambda d: schema(d, "NewRequest")["required"].append("reference"),
        "the field reference is now required",
    ),
    "sent field": (
        lambda d: schema(d, "NewSite")["properties"].pop("label"),
        "the field label is no longer accepted",
    ),
    "sent value": (lambda d: schema(d, "PremisesUse")["enum"].remove("mixed"), "mixed is no longer accepted"),
    "shorter": (
        lambda d: schema(d, "NewRequest")["properties"]["words"].update(maxLength=10),
        "maxLength is now 10",
    ),
    "higher": (lambda d: schema(d, "DwellingImport")["properties"]["rows"].update(minItems=2), "minItems is now 2"),
    "pattern": (
        lambda d: schema(d, "NewRequest")["properties"]["trade"].update(pattern="^a$"),
        "another pattern is needed",
    ),
    "parameter": (
        lambda d: operation(d, "get", "/quotes")["parameters"].append(
            {"name": "new", "in": "query", "required": True, "schema": {"type": "string"}}
        ),
        "parameter new: new and required",
    ),
    "parameter gone": (
        lambda d: operation(d, "get", "/quotes")["parameters"].pop(),
        "removed",
    ),
    "status": (
        lambda d: operation(d, "post", "/customers")["responses"].update(
            {"200": operation(d, "post", "/customers")["responses"].pop("201")}
        ),
        "no longer answers 201",
    ),
    "media": (
        lambda d: operation(d, "get", "/quotes/{quote_id}/document")["responses"]["200"].update(content={}),
        "no longer answers application/pdf",
    ),
    "header": (
        lambda d: operation(d, "get", "/plans/{plan_id}")["responses"]["200"]["headers"].pop("ETag"),
        "no longer answers the header ETag",
    ),
}
HARMLESS: dict[str, Change] = {
    "nothing": lambda d: d.copy(),
    "a path more": lambda d: d["paths"].update({f"{ROOT}/new": d["paths"][f"{ROOT}/plans"]}),
    "a field more answered": lambda d: schema(d, "Quote")["properties"].update(colour={"type": "string"}),
    "a field more, not required": lambda d: schema(d, "NewSite")["properties"].update(floor={"type": "string"}),
    "a value more": lambda d: schema(d, "Status")["enum"].append("open/new"),
    "longer": lambda d: schema(d, "NewRequest")["properties"]["words"].update(maxLength=5000),
    "less required": lambda d: schema(d, "NewRequest")["required"].remove("occupant"),
    "words": lambda d: d["info"].update(description="…"),
    "an optional parameter": lambda d: operation(d, "get", "/quotes")["parameters"].append(
        {"name": "new", "in": "query", "required": False, "schema": {"type": "string"}}
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_breaks_a_client_is_said(name: str) -> None:
    change, words = BREAKS[name]
    found = changed(change)
    assert any(words in said for said in found), found


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_adds_breaks_nobody(name: str) -> None:
    assert changed(HARMLESS[name]) == ()
