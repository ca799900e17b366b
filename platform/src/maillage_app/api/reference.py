"""Where the document is read: as JSON for machines, as a page for people, both open to everybody."""

from collections.abc import Sequence

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from maillage_app.api.document import openapi_document
from maillage_kit.rest import Operation
from maillage_kit.web import AnyRequest, page


def document_bytes(operations: Sequence[tuple[str, Operation]]) -> bytes:
    """The document as it is served and kept in the repository."""
    return msgspec.json.format(msgspec.json.encode(openapi_document(operations)), indent=2) + b"\n"


def reference_routes(operations: Sequence[tuple[str, Operation]]) -> list[HTTPRouteHandler]:
    """`/openapi.json` and `/docs`, made once."""
    document = openapi_document(operations)
    raw = document_bytes(operations)

    @get("/openapi.json")
    async def openapi_json() -> Response[bytes]:
        """The OpenAPI 3.1 document."""
        return Response(raw, media_type="application/json", headers={"Cache-Control": "public, max-age=300"})

    @get("/docs")
    async def reference(request: AnyRequest) -> Template:
        """The same for people, made by the server: no script, nothing from elsewhere."""
        return page(request, "api/reference.html", document=document)

    return [openapi_json, reference]
