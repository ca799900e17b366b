"""What the REST API answers: JSON with its version (ETag), pages with their cursor, files."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from litestar.response import Response

from maillage_kit.pages import Page
from maillage_kit.rest.cursors import Cursors
from maillage_kit.rest.problems import ChangedMeanwhile, VersionRequired
from maillage_kit.web import AnyRequest

T = TypeVar("T")
JSON = "application/json"


class Listing(msgspec.Struct, Generic[T], kw_only=True):
    """One page of a list. `next` is the cursor of the page after, null on the last one."""

    items: list[T]
    next: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """A page as a handler gives it back: the wrapper seals its cursor."""

    items: Sequence[T]
    page: Page[Any]
    purpose: str


@dataclass(frozen=True, slots=True)
class File:
    """Bytes with their name: `inline`, never kept by anything on the way."""

    content: bytes
    filename: str
    media_type: str


def etag_of(value: Any) -> str:
    """The version of what is answered: the same bytes, the same version."""
    return f'"{hashlib.sha256(msgspec.json.encode(value)).hexdigest()[:32]}"'


def must_match(request: AnyRequest, current: Any) -> None:
    """A change names the version that it changes. Raises VersionRequired without If-Match, ChangedMeanwhile."""
    asked = request.headers.get("if-match")
    if asked is None:
        raise VersionRequired
    if not _names(asked, etag_of(current)):
        raise ChangedMeanwhile


def answered(request: AnyRequest, value: Any, *, status: int, cursors: Cursors) -> Response[bytes]:
    """The response for what a handler gave back: a struct, a page, a file, or nothing."""
    if value is None:
        return Response(b"", status_code=status, media_type=JSON)
    if isinstance(value, File):
        return Response(
            value.content,
            status_code=status,
            media_type=value.media_type,
            headers={
                "Content-Disposition": f"inline; filename*=UTF-8''{quote(value.filename, safe='')}",
                "Cache-Control": "private, no-store",
            },
        )
    headers: dict[str, str] = {}
    if isinstance(value, Listed):
        following = value.page.next_cursor
        sealed = cursors.seal(following, purpose=value.purpose) if following else None
        value = Listing(items=list(value.items), next=sealed, limit=value.page.limit)
        if sealed:
            query = urlencode({**dict(request.query_params), "cursor": sealed})
            headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
    elif request.method != "POST":
        headers["ETag"] = etag_of(value)
        if request.method == "GET" and _names(request.headers.get("if-none-match", ""), headers["ETag"]):
            return Response(b"", status_code=304, media_type=JSON, headers=headers)
    if request.method == "GET":
        headers["Cache-Control"] = "private, no-cache"
    return Response(msgspec.json.encode(value), status_code=status, media_type=JSON, headers=headers)


def _names(header: str, etag: str) -> bool:
    """Whether an `If-Match` or `If-None-Match` header names this version (weak or not), or any."""
    named = [part.strip().removeprefix("W/") for part in header.split(",")]
    return "*" in named or etag in named
