"""The SQL of the application, said again by pgbench: recorded from the engine, statement by statement, and written as a
pgbench script with the same text, the same transactions and the same round trips.

What differs between two calls (the cooperative, the keys that the application draws) is given by whoever replays, as
SQL for a value; every other value stays the literal that was recorded.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncEngine

_PLACE = re.compile(r"%\((\w+)\)s|%%")
_WRITTEN = re.compile(r"'([^']*)'")
_BEGIN = "begin; "
Words = Callable[[Any], str | None]
"""SQL for a value that varies, None for one that does not."""


@dataclass(frozen=True)
class Step:
    """`begin`, `commit`, `rollback`, or a statement with its values: several sets when the driver pipelines them."""

    text: str
    values: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_statement(self) -> bool:
        return bool(self.values)


@contextmanager
def recording(engine: AsyncEngine) -> Iterator[list[Step]]:
    """Everything that the engine's connections send meanwhile. One task at a time: connections are not told apart."""
    steps: list[Step] = []
    begun = False

    def execute(
        _connection: sa.Connection, _cursor: Any, statement: str, values: Any, _context: Any, many: bool
    ) -> None:
        nonlocal begun
        begun = begun or statement.startswith("begin")
        # rows that go as one `insert … values (…), (…)` are many to the ORM, and one set of values here
        several = many and not isinstance(values, Mapping)
        steps.append(Step(statement, tuple(values) if several else (values or {},)))

    def mark(word: str) -> Callable[[sa.Connection], None]:
        def end(_connection: sa.Connection) -> None:
            nonlocal begun
            if begun:  # a connection that is given back says so even when nothing was begun, and sends nothing
                steps.append(Step(word))
            begun = False

        return end

    # the engine's own « begin » sends nothing: the session says it (maillage_kit/db.py)
    listeners: tuple[tuple[str, Callable[..., None]], ...] = (
        ("before_cursor_execute", execute),
        *((word, mark(word)) for word in ("commit", "rollback")),
    )
    for name, listener in listeners:
        sa.event.listen(engine.sync_engine, name, listener)
    try:
        yield steps
    finally:
        for name, listener in listeners:
            sa.event.remove(engine.sync_engine, name, listener)


def round_trips(steps: list[Step]) -> int:
    """How many times the application waits for the database: a pipeline is one, so is `commit`, and so is `begin` with
    the cooperative's role. pgbench waits for those two one after the other."""
    return len(steps)


def script(steps: list[Step], words: Words, *, before: str = "", gather: Mapping[str, str] | None = None) -> str:
    """A pgbench script. `before`: its meta commands. `gather`: a piece of a statement's text → what the first statement
    with it returns besides, kept in variables by `\\gset` (nothing: what it returns anyway)."""
    lines = [before] if before else []
    gathers = dict(gather or {})
    for step in steps:
        if not step.is_statement:
            lines.append(f"{step.text};")
            continue
        text = step.text
        if text.startswith(_BEGIN):
            lines.append("begin;")
            text = text.removeprefix(_BEGIN)
        said = [_statement(text, values, words) for values in step.values]
        piece = next((piece for piece in gathers if piece in step.text), None)
        if piece is not None:
            more = gathers.pop(piece)
            lines.append(f"{said[0]}{', ' if more else ''}{more} \\gset")
        elif len(said) == 1:
            lines.append(f"{said[0]};")
        else:
            lines += ["\\startpipeline", *(f"{one};" for one in said), "\\endpipeline"]
    if gathers:
        raise ValueError(f"the application no longer says: {', '.join(gathers)}")
    return "\n".join(lines) + "\n"


def _statement(text: str, values: Mapping[str, Any], words: Words) -> str:
    def place(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        value = values[found[1]]
        varying = words(value)
        return literal(value) if varying is None else f"({varying})"

    def written(found: re.Match[str]) -> str:
        varying = words(found[1])
        return found[0] if varying is None else f"({varying})"

    said = _PLACE.sub(place, text) if values else _WRITTEN.sub(written, text)
    return said.strip().replace("\n", " ")


def literal(value: Any) -> str:
    """A value as SQL, without the colons that pgbench would read as variables, on one line."""
    if isinstance(value, str):
        return "E'" + _escaped(value.replace("\\", "\\\\").replace("'", "''")) + "'"
    text = sql.Literal(value).as_string().strip()
    if ":" not in text:
        return text
    quoted, _, kind = text.rpartition("'")
    prefix, _, inside = quoted.partition("'")
    if prefix not in ("", "E"):
        raise ValueError(f"no literal for {type(value).__name__}")
    if not prefix:
        inside = inside.replace("\\", "\\\\")
    return f"E'{_escaped(inside)}'{kind}"


def _escaped(text: str) -> str:
    return text.replace(":", "\\072").replace("\n", "\\n").replace("\r", "\\r")
