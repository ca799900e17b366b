"""Cursor pagination, one shape for every list."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from maillage_kit.clock import require_aware
from maillage_kit.errors import Invalid

T = TypeVar("T")
DEFAULT_LIMIT = 25
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is asked for: `after` is an opaque cursor given by the page before.

    `base_url` is the list's address without cursor and limit, for the links of the next page.
    """

    after: str | None = None
    limit: int = DEFAULT_LIMIT
    base_url: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MAX_LIMIT:
            raise Invalid(f"Une page compte de 1 à {MAX_LIMIT} lignes.", fields={"limit": "Hors limites."})

    def position(self) -> list[Any] | None:
        """The decoded cursor, or None for the first page. Raises Invalid when it was tampered with."""
        if not self.after:
            return None
        try:
            value = json.loads(base64.urlsafe_b64decode(self.after.encode() + b"=="))
        except (binascii.Error, ValueError) as exc:
            raise Invalid("Ce marque-page n’est pas valable.", fields={"after": "Marque-page non valable."}) from exc
        if not isinstance(value, list):
            raise Invalid("Ce marque-page n’est pas valable.", fields={"after": "Marque-page non valable."})
        return value

    def instant_position(self) -> tuple[datetime, UUID] | None:
        """The cursor of a list sorted by an instant, then an id; None for the first page. Raises as `position`."""
        position = self.position()
        if position is None:
            return None
        try:
            at, row_id = position
            return require_aware(datetime.fromisoformat(str(at))), UUID(str(row_id))
        except (ValueError, TypeError) as exc:
            raise Invalid("Ce marque-page n’est pas valable.", fields={"after": "Marque-page non valable."}) from exc


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. `next_cursor` is None on the last one."""

    items: tuple[T, ...]
    next_cursor: str | None
    limit: int
    is_first: bool
    base_url: str = ""

    @property
    def has_next(self) -> bool:
        return self.next_cursor is not None


def cut_page(rows: Sequence[T], request: PageRequest, key: Callable[[T], Sequence[Any]]) -> Page[T]:
    """Make a page of rows fetched with `limit + 1`; `key` gives the sort values of a row for the next cursor."""
    items = tuple(rows[: request.limit])
    cursor = None
    if len(rows) > request.limit and items:
        raw = json.dumps([str(value) for value in key(items[-1])]).encode()
        cursor = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return Page(items, cursor, limit=request.limit, is_first=not request.after, base_url=request.base_url)


def slice_page(rows: Sequence[T], request: PageRequest) -> Page[T]:
    """A page of rows that are all known: the cursor says how many came before. Raises Invalid as `position`."""
    position = request.position() or ["0"]
    start = int(str(position[0])) if position and str(position[0]).isdigit() else 0
    ahead = list(enumerate(rows, start=1))[start : start + request.limit + 1]
    found = cut_page(ahead, request, lambda row: (row[0],))
    return Page(
        tuple(row for _, row in found.items), found.next_cursor, found.limit, found.is_first, base_url=found.base_url
    )
