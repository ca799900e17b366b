"""Cursors: what a list gave out is understood, what was made up is refused."""

import base64
import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from maillage_kit.errors import Invalid
from maillage_kit.ids import new_id
from maillage_kit.pages import (
    PageRequest,
    cut_page,
    read_day,
    read_id,
    read_instant,
    read_number,
    read_text,
    slice_page,
)

AT, ROW = datetime(2027, 3, 1, 8, tzinfo=UTC), UUID(int=27)


def cursor(values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def test_the_sort_values_of_the_last_row_come_back_as_they_were() -> None:
    first = cut_page([(AT, ROW), (AT, new_id())], PageRequest(limit=1), lambda row: row)
    assert first.has_next and first.items == ((AT, ROW),)
    assert PageRequest(after=first.next_cursor).position(read_instant, read_id) == (AT, ROW)
    assert PageRequest().position(read_instant, read_id) is None
    assert PageRequest(after=cursor(["12", "Évreux"])).position(read_number, read_text) == (12, "Évreux")
    assert PageRequest(after=cursor(["2027-03-01"])).position(read_day) == (date(2027, 3, 1),)


@pytest.mark.parametrize(
    ("read", "values"),
    [
        (read_id, ["x"]),
        (read_id, []),
        (read_id, [str(ROW), str(ROW)]),
        (read_id, [None]),
        (read_id, {"id": str(ROW)}),
        (read_id, str(ROW)),
        (read_number, ["-1"]),
        (read_number, ["²"]),
        (read_number, ["9" * 19]),
        (read_number, [12]),
        (read_instant, ["2027-03-01T08:00:00"]),
        (read_instant, ["yesterday"]),
        (read_day, ["2027-02-30"]),
        (read_text, ["a\0"]),
        (read_text, ["\ud800"]),
    ],
)
def test_a_cursor_that_was_made_up_is_refused(read: Any, values: Any) -> None:
    with pytest.raises(Invalid) as refused:
        PageRequest(after=cursor(values)).position(read)
    assert refused.value.fields == {"after": "Marque-page non valable."}


@pytest.mark.parametrize("after", ["!", "é", "A", "=", cursor(None)[:-1], "W1tb" * 20000])
def test_what_is_no_cursor_at_all_is_refused(after: str) -> None:
    with pytest.raises(Invalid):
        PageRequest(after=after).position(read_text)


def test_rows_that_are_all_known_are_cut_in_pages_too() -> None:
    rows = list(range(5))
    seen: list[int] = []
    asked = PageRequest(limit=2)
    while True:
        page = slice_page(rows, asked)
        seen += page.items
        if page.next_cursor is None:
            break
        asked = PageRequest(after=page.next_cursor, limit=2)
    assert seen == rows
    assert slice_page(rows, PageRequest(after=cursor(["9"]))).items == ()
