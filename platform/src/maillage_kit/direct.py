"""Statements of hot paths: compiled once, said to the driver itself, in the session's transaction.

A transaction of two statements cost 1.18 ms of processor through a session, 0.48 through the driver; a call says
fourteen statements (bench/README.md, ADR 0017). What is lost is what these statements do not use: mapped objects, and
the flush of pending ones before a query.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.raw_cursor import AsyncRawCursor
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.ext.asyncio import AsyncSession

Row = tuple[Any, ...]
Process = Callable[[Any], Any]

CONNECTION = "connection"
"""Where a session keeps the connection of its transaction (maillage_kit/db.py)."""

_NUMBERED: sa.Dialect = PGDialectAsync_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_NAMED: sa.Dialect = PGDialectAsync_psycopg()  # type: ignore[no-untyped-call]


class DirectStatement:
    """A Core statement for every transaction of this process.

    Values are given by name and converted by the types of the statement, as a session does; errors are SQLAlchemy's,
    and engine listeners of `before_cursor_execute` hear it like any other.
    """

    def __init__(self, statement: sa.ClauseElement) -> None:
        """Raises ValueError, when it is first used, for an `in_` with a list: its text would change with the values."""
        self._statement = statement

    async def all(self, session: AsyncSession, values: Mapping[str, Any]) -> list[Row]:
        """Say it; every row. Raises KeyError for a value that is not given, sqlalchemy.exc.DBAPIError for what the
        database refuses."""
        connection = await _connection(session)
        text, names, fixed, readers = self._compiled
        given = {**fixed, **values}
        if connection.dispatch.before_cursor_execute:
            self._tell(connection, given)
        bound = [given[name] if process is None else process(given[name]) for name, process in names]
        driver: psycopg.AsyncConnection[Row] = connection.connection.driver_connection  # type: ignore[assignment]
        cursor = AsyncRawCursor(driver)
        try:
            await cursor.execute(text, bound)
            rows = await cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise await _refused(session, error, self._named, bound, broken=driver.closed) from error
        except BaseException:  # cancelled: nobody knows what the server is doing for it
            await (await session.connection()).invalidate()
            raise
        if readers is None:
            return rows
        return [
            tuple(value if read is None else read(value) for value, read in zip(row, readers, strict=True))
            for row in rows
        ]

    async def one_or_none(self, session: AsyncSession, values: Mapping[str, Any]) -> Row | None:
        """Say it; its only row. Raises what `all` raises, sqlalchemy.exc.MultipleResultsFound for a second row."""
        rows = await self.all(session, values)
        if len(rows) > 1:
            raise sa.exc.MultipleResultsFound(f"{len(rows)} rows where one was expected")
        return rows[0] if rows else None

    @cached_property
    def _compiled(
        self,
    ) -> tuple[bytes, list[tuple[str, Process | None]], dict[str, Any], list[Process | None] | None]:
        """Its text; the values in their order and how each is written; those it brings; how columns are read."""
        compiled = self._statement.compile(dialect=_NUMBERED)
        assert isinstance(compiled, sa.sql.compiler.SQLCompiler)
        if compiled.post_compile_params:
            raise ValueError("the text of a direct statement is the same for all values")
        kinds = {name: bind.type.dialect_impl(_NUMBERED) for name, bind in compiled.binds.items()}
        names: list[tuple[str, Process | None]] = [
            (name, kinds[name].bind_processor(_NUMBERED)) for name in compiled.positiontup or ()
        ]
        fixed = {name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required}
        columns = getattr(self._statement, "exported_columns", ())
        readers: list[Process | None] = [
            column.type.dialect_impl(_NUMBERED).result_processor(_NUMBERED, None) for column in columns
        ]
        return compiled.string.encode(), names, fixed, readers if any(readers) else None

    @cached_property
    def _named(self) -> str:
        return str(self._statement.compile(dialect=_NAMED))

    def _tell(self, connection: sa.Connection, given: Mapping[str, Any]) -> None:
        said = {name: given[name] if process is None else process(given[name]) for name, process in self._compiled[1]}
        for listener in connection.dispatch.before_cursor_execute:
            listener(connection, None, self._named, said, None, False)


async def _connection(session: AsyncSession) -> sa.Connection:
    """The connection of the session's transaction, which begins with it; a savepoint is set by asking for it."""
    connection: sa.Connection | None = session.info.get(CONNECTION)
    if connection is None or connection.closed or session.in_nested_transaction():
        connection = (await session.connection()).sync_connection
        assert connection is not None
    return connection


async def _refused(
    session: AsyncSession, error: psycopg.Error, text: str, values: list[Any], *, broken: bool
) -> BaseException:
    """The error as sessions raise it; a connection that is gone leaves the pool."""
    if broken:
        await (await session.connection()).invalidate(error)
    return sa.exc.DBAPIError.instance(
        text, values, error, psycopg.Error, hide_parameters=True, connection_invalidated=broken
    )
