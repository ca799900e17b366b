"""One page of a list that was computed, not asked of the database."""

from collections.abc import Sequence
from typing import TypeVar

from maillage_kit.errors import Invalid
from maillage_kit.pages import Page, PageRequest, cut_page

T = TypeVar("T")


def page_of(rows: Sequence[T], request: PageRequest) -> Page[T]:
    """The rows after the cursor, which is a place in the list. Raises Invalid when it was tampered with."""
    position = request.position() or ["0"]
    if len(position) != 1 or not str(position[0]).isdigit():
        raise Invalid("Ce marque-page n’est pas valable.", fields={"after": "Marque-page non valable."})
    start = int(position[0])
    numbered = list(enumerate(rows[start : start + request.limit + 1], start=start + 1))
    page = cut_page(numbered, request, lambda row: (row[0],))
    return Page(tuple(row for _, row in page.items), page.next_cursor, page.limit, page.is_first, page.base_url)
