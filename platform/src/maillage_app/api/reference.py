"""Where the document is read: as JSON for machines, as a page for people, both open to everybody."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from maillage_app.api.document import openapi_document
from maillage_kit.rest import Operation
from maillage_kit.web import AnyRequest, page


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a field, as a person reads it. `schema` is the name of the schema it leads to, or ""; `place` is
    where a parameter goes: path, query or header."""

    name: str
    kind: str
    schema: str
    required: bool
    words: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation of the page."""

    name: str
    method: str
    path: str
    scope: str
    fr: str
    en: str
    parameters: tuple[Field, ...]
    body: str
    example: str
    answer: str
    status: str


@dataclass(frozen=True, slots=True)
class Shape:
    """One schema of the page; `values` for a closed list."""

    name: str
    words: str
    fields: tuple[Field, ...]
    values: tuple[str, ...]


def document_bytes(operations: Sequence[tuple[str, Operation]]) -> bytes:
    """The document as it is served and kept in the repository."""
    return msgspec.json.format(msgspec.json.encode(openapi_document(operations)), indent=2) + b"\n"


def reference_routes(operations: Sequence[tuple[str, Operation]]) -> list[HTTPRouteHandler]:
    """`/openapi.json` and `/docs`, made once."""
    document = openapi_document(operations)
    raw = document_bytes(operations)
    entries, shapes = entries_of(document), shapes_of(document)

    @get("/openapi.json")
    async def openapi_json() -> Response[bytes]:
        """The OpenAPI 3.1 document."""
        return Response(raw, media_type="application/json", headers={"Cache-Control": "public, max-age=300"})

    @get("/docs")
    async def reference(request: AnyRequest) -> Template:
        """The same for people, made by the server, each operation ready to be tried with a token (`reference.js`)."""
        return page(request, "api/reference.html", entries=entries, shapes=shapes, version=document["info"]["version"])

    return [openapi_json, reference]


def entries_of(document: Mapping[str, Any]) -> dict[str, list[Entry]]:
    """The operations under their headings, in the order of the document."""
    found: dict[str, list[Entry]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            (scopes,) = operation["security"][0].values()
            status = next(code for code in operation["responses"] if code.startswith("2"))
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            content = operation["responses"][status].get("content", {})
            parameters = (
                _field(item["name"], item["schema"], item["required"], item.get("description", ""), item["in"])
                for item in operation["parameters"]
                if item["name"] != "slug"
            )
            found[operation["tags"][0]].append(
                Entry(
                    name=operation["operationId"],
                    method=method.upper(),
                    path=path,
                    scope=", ".join(scopes),
                    fr=operation["summary"],
                    en=operation["x-summary-en"],
                    parameters=tuple(parameters),
                    body=_name(body.get("schema", {})),
                    example=json.dumps(body["example"], ensure_ascii=False, indent=2) if body else "",
                    answer=_name(content.get("application/json", {}).get("schema", {})),
                    status=status,
                )
            )
    return found


def shapes_of(document: Mapping[str, Any]) -> tuple[Shape, ...]:
    """Every schema, by name."""
    return tuple(
        Shape(
            name=name,
            words=schema.get("description", ""),
            fields=tuple(
                _field(key, value, key in schema.get("required", ()), "")
                for key, value in schema.get("properties", {}).items()
            ),
            values=tuple(schema.get("enum", ())),
        )
        for name, schema in document["components"]["schemas"].items()
    )


def _field(name: str, schema: Mapping[str, Any], required: bool, words: str, place: str = "") -> Field:
    return Field(name, _kind(schema), _name(schema), required, words or schema.get("description", ""), place)


def _kind(schema: Mapping[str, Any]) -> str:
    """`string (uuid)`, `integer`, `[Site]`, `string | null`."""
    if "anyOf" in schema:
        return " | ".join(_kind(part) for part in schema["anyOf"])
    if "$ref" in schema:
        return _name(schema)
    if schema.get("type") == "array":
        return f"[{_kind(schema['items'])}]"
    if "enum" in schema and "type" not in schema:
        return " | ".join(schema["enum"])
    kind = str(schema.get("type", "object"))
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _name(schema: Mapping[str, Any]) -> str:
    """The schema that this one leads to, "" for a plain value."""
    parts = [schema, *schema.get("anyOf", ()), schema.get("items", {})]
    named = [part["$ref"].rpartition("/")[2] for part in parts if "$ref" in part]
    return named[0] if named else ""
