"""The OpenAPI 3.1 document, made from what the operations declare: nothing is written twice."""

import re
from collections.abc import Sequence
from typing import Any, get_args, get_origin

import msgspec

from maillage_kit.api_access import Scope
from maillage_kit.rest import Listing, Operation

VERSION = "1.0.0"
PROBLEM = {"$ref": "#/components/responses/Problem"}
_PARAMETER = re.compile(r"\{(\w+):(\w+)\}")
_TEMPLATE = "#/components/schemas/{name}"
_SCOPES = {
    Scope.REQUESTS_WRITE: "Ouvrir et annuler des interventions. / Open and call off interventions.",
    Scope.INTERVENTIONS_READ: "Suivre les interventions. / Follow interventions.",
    Scope.QUOTES_APPROVE: "Lire, approuver et refuser les devis. / Read, approve and refuse quotes.",
    Scope.ONCALL_READ: "Savoir qui est d’astreinte. / Know who is on call.",
    Scope.CUSTOMERS_READ: "Lire vos clients et leurs lieux. / Read your customers and their places.",
    Scope.CUSTOMERS_WRITE: "Inscrire et corriger clients et lieux. / Register and correct customers and places.",
    Scope.DOCUMENTS_READ: "Lire photos et documents. / Read photos and documents.",
    Scope.INVOICES_READ: "Lire notes et factures. / Read notes and invoices.",
    Scope.REVIEWS_READ: "Lire les avis. / Read reviews.",
    Scope.WEBHOOKS_MANAGE: "Gérer ses webhooks. / Manage one’s webhooks.",
    Scope.COVERAGE_READ: "Territoire, métiers, formules, prix. / Territory, trades, plans, prices.",
}
_INTRODUCTION = (
    "**FR** Ouvrez des interventions pour vos logements, suivez-les, décidez des devis, lisez vos factures. Un jeton "
    "OAuth vaut pour une coopérative ; un logiciel voit ce qui touche ses clients. Chaque POST accepte une clé "
    "`Idempotency-Key`, gardée 24 heures. Les refus sont des problèmes RFC 9457. Les montants sont en centimes d’euro, "
    "les instants en UTC (RFC 3339).\n\n"
    "**EN** Open interventions for your dwellings, follow them, decide on quotes, read your invoices. An OAuth token "
    "is good for one cooperative; a client sees what concerns its customers. Every POST takes an `Idempotency-Key`, "
    "kept 24 hours. Refusals are RFC 9457 problems. Amounts are euro cents, instants UTC (RFC 3339)."
)


class Problem(msgspec.Struct, kw_only=True):
    """Un refus (RFC 9457). `code` est stable ; `fields` dit quel champ et pourquoi. / A refusal; `code` is stable."""

    type: str
    title: str
    status: int
    code: str
    instance: str
    fields: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


def openapi_document(operations: Sequence[tuple[str, Operation]]) -> dict[str, Any]:
    """The whole document. The order is that of the operations; the same declarations give the same bytes."""
    models = [model for _, operation in operations for model in (operation.body, operation.answer) if model is not None]
    _, components = msgspec.json.schema_components([*models, Problem], ref_template=_TEMPLATE)
    paths: dict[str, Any] = {}
    for path, operation in operations:
        paths.setdefault(_PARAMETER.sub(r"{\1}", path), {})[operation.method.lower()] = _operation(path, operation)
    tags = list(dict.fromkeys(operation.tag for _, operation in operations))
    return _renamed(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Maillage",
                "version": VERSION,
                "summary": "L’API des coopératives d’artisans dépanneurs / The API of the repair cooperatives",
                "description": _INTRODUCTION,
            },
            "servers": [{"url": "/"}],
            "tags": [{"name": tag} for tag in tags],
            "paths": paths,
            "components": {
                "schemas": dict(sorted(components.items())),
                "headers": _headers(),
                "responses": {
                    "Problem": {
                        "description": "Refus / Refusal (RFC 9457)",
                        "headers": _refs("X-Request-Id"),
                        "content": {"application/problem+json": {"schema": {"$ref": _TEMPLATE.format(name="Problem")}}},
                    }
                },
                "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": _scopes_text()}},
            },
        }
    )


def _operation(path: str, operation: Operation) -> dict[str, Any]:
    described = f"**FR** {operation.words.fr}\n\n**EN** {operation.words.en}"
    if operation.scope is not None:
        described += f"\n\nScope : `{operation.scope}`"
    made: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.words.fr,
        "x-summary-en": operation.words.en,
        "description": described,
        "security": [{"bearer": [str(operation.scope)] if operation.scope else []}],
        "parameters": [*_path_parameters(path), *_query_parameters(operation), *_header_parameters(operation)],
        "responses": _responses(operation),
    }
    if operation.body is not None:
        made["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": _TEMPLATE.format(name=operation.body.__name__)},
                    "example": operation.example,
                }
            },
        }
    return made


def _responses(operation: Operation) -> dict[str, Any]:
    success: dict[str, Any] = {
        "description": "Fait / Done" if operation.method != "GET" else "Trouvé / Found",
        "headers": _refs("X-Request-Id", "RateLimit", "RateLimit-Policy"),
    }
    if operation.answer is None and operation.status != 204:
        kind = operation.media_type if operation.media_type == "application/pdf" else "*/*"
        success["content"] = {kind: {"schema": {"type": "string", "format": "binary"}}}
    elif operation.answer is not None:
        success["content"] = {"application/json": {"schema": {"$ref": _TEMPLATE.format(name=_name(operation.answer))}}}
        if _listed(operation):
            success["headers"] |= _refs("Link")
        elif operation.method != "POST":
            success["headers"] |= _refs("ETag")
    found: dict[str, Any] = {str(operation.status): success}
    if operation.method == "GET" and operation.answer is not None and not _listed(operation):
        found["304"] = {"description": "Inchangé / Not modified"}
    refusals = ["401", "403", "404", "422", "429"]
    refusals += ["400", "409", "415"] if operation.body is not None else []
    refusals += ["412", "428"] if operation.versioned else []
    found |= dict.fromkeys(sorted(refusals), PROBLEM)
    found["default"] = PROBLEM
    return found


def _path_parameters(path: str) -> list[dict[str, Any]]:
    made = []
    for name, kind in _PARAMETER.findall(path):
        schema = (
            {"type": "string", "format": "uuid"} if kind == "uuid" else {"type": "string", "pattern": "^[a-z0-9-]+$"}
        )
        made.append({"name": name, "in": "path", "required": True, "schema": schema})
    return made


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    _, components = msgspec.json.schema_components([operation.query], ref_template=_TEMPLATE)
    own = components[operation.query.__name__]
    required = set(own.get("required", ()))
    made = []
    for name, found in own["properties"].items():
        shape = _without_null(_inlined(found, components))
        parameter = {"name": name, "in": "query", "required": name in required, "schema": shape}
        if "description" in shape:
            parameter["description"] = shape.pop("description")
        made.append(parameter)
    return made


def _header_parameters(operation: Operation) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    if operation.key is not None:
        made.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": operation.key == "required",
                "description": "Une par effet voulu, gardée 24 heures. / One for each effect wanted, kept 24 hours.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[A-Za-z0-9._~-]+$"},
            }
        )
    if operation.versioned:
        made.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": True,
                "description": "L’ETag de la version que vous modifiez. / The ETag of the version you change.",
                "schema": {"type": "string"},
            }
        )
    return made


def _headers() -> dict[str, Any]:
    said = {
        "X-Request-Id": "La référence de la demande, la vôtre si vous en donnez une. / The reference of the request.",
        "RateLimit": "Ce qui reste (draft-ietf-httpapi-ratelimit-headers). / What is left.",
        "RateLimit-Policy": "Ce que votre client peut demander. / What your client may ask.",
        "ETag": "La version. / The version.",
        "Link": 'La page suivante, `rel="next"`. / The next page.',
    }
    return {name: {"description": words, "schema": {"type": "string"}} for name, words in said.items()}


def _refs(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _scopes_text() -> str:
    return "\n".join(f"- `{scope}` : {words}" for scope, words in _SCOPES.items())


def _listed(operation: Operation) -> bool:
    return get_origin(operation.answer) is Listing


def _name(answer: Any) -> str:
    """The name that msgspec gives to a component."""
    if get_origin(answer) is Listing:
        return f"Listing_{get_args(answer)[0].__name__}_"
    return str(answer.__name__)


def _inlined(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema without references: readers of parameters follow them badly."""
    if "$ref" in schema:
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        found = dict(components[schema["$ref"].rpartition("/")[2]])
        found.pop("description", None) if "description" in rest else None
        return {**found, **rest}
    if "anyOf" in schema:
        return {**schema, "anyOf": [_inlined(part, components) for part in schema["anyOf"]]}
    return dict(schema)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is not given is absent, never null."""
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    if "anyOf" in schema:
        (kept,) = [part for part in schema["anyOf"] if part.get("type") != "null"]
        return {**kept, **rest}
    if schema.get("default") is not None:
        rest["default"] = schema["default"]
    return rest


def _renamed(document: dict[str, Any]) -> dict[str, Any]:
    """Names as developers read them: `QuoteList` rather than `Listing_QuoteOut_`, `Quote` for what is shown."""
    names = {}
    for name in document["components"]["schemas"]:
        short = re.sub(r"^Listing_(\w+?)(?:Out)?_$", r"\1List", name)
        names[name] = short.removesuffix("Out")
    assert len(set(names.values())) == len(names), sorted(names.items())

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: _TEMPLATE.format(name=names[inner.rpartition("/")[2]])
                if key == "$ref" and "/schemas/" in inner
                else walk(inner)
                for key, inner in value.items()
            }
        return [walk(inner) for inner in value] if isinstance(value, list) else value

    walked: dict[str, Any] = walk(document)
    shapes = walked["components"]["schemas"]
    walked["components"]["schemas"] = {
        names[name]: {**shape, "title": names[name]} for name, shape in sorted(shapes.items())
    }
    return walked
