"""Cursor pagination, one shape for every list."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar, overload
from uuid import UUID

from maillage_kit.clock import require_aware
from maillage_kit.errors import Invalid

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
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

    @overload
    def position(self, first: Callable[[str], A], /) -> tuple[A] | None: ...

    @overload
    def position(self, first: Callable[[str], A], second: Callable[[str], B], /) -> tuple[A, B] | None: ...

    def position(self, *reads: Callable[[str], Any]) -> tuple[Any, ...] | None:
        """Where the page before ended: the sort values of its last row, each understood by one of `reads`. None for the
        first page. Raises Invalid when the cursor was made up, or comes from another list."""
        if not self.after:
            return None
        try:
            values = json.loads(base64.urlsafe_b64decode(self.after.encode() + b"=="))
            if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
                raise ValueError("a cursor is a list of texts")
            return tuple(read(value) for read, value in zip(reads, values, strict=True))
        except (ValueError, RecursionError) as exc:
            raise Invalid("Ce marque-page n’est pas valable.", fields={"after": "Marque-page non valable."}) from exc


def read_text(value: str) -> str:
    """A text that PostgreSQL can hold. Raises ValueError."""
    value.encode()
    if "\0" in value:
        raise ValueError("no text holds a zero byte")
    return value


def read_number(value: str) -> int:
    """A whole number that fits a bigint, not negative. Raises ValueError."""
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise ValueError("not a position")
    return int(value)


def read_instant(value: str) -> datetime:
    """An instant with its offset. Raises ValueError."""
    return require_aware(datetime.fromisoformat(value))


read_id = UUID
read_day = date.fromisoformat


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
    (start,) = request.position(read_number) or (0,)
    ahead = list(enumerate(rows[start : start + request.limit + 1], start=start + 1))
    found = cut_page(ahead, request, lambda row: (row[0],))
    return Page(
        tuple(row for _, row in found.items), found.next_cursor, found.limit, found.is_first, base_url=found.base_url
    )
