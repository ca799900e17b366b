"""Statements of hot paths: compiled once, said to the driver itself, in the session's transaction.

A transaction of two statements costs 1.18 ms of processor through a session's statements, 0.60 said here; a call says
fourteen statements (bench/README.md, ADR 0017, ADR 0019). What is lost is what these statements do not use: mapped
objects, the flush of pending ones before a query, a cursor.
"""

import contextlib
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import abc
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.generators import execute
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.util import greenlet_spawn

Row = tuple[Any, ...]
Process = Callable[[Any], Any]

_NUMBERED: sa.Dialect = PGDialectAsync_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
_NAMED: sa.Dialect = PGDialectAsync_psycopg()  # type: ignore[no-untyped-call]


class OneTransaction(Session):
    """A session for one transaction, which a direct statement may begin without what only mapped objects need. Asked
    for anything else, the session joins what was begun.

    The driver begins nothing: `beginning` is said instead, in one round trip. Whoever opened the session ends it:
    anybody else who would, or who goes on after the end, is refused with sqlalchemy.exc.InvalidRequestError. What waits
    for the database runs in a greenlet of SQLAlchemy's.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(join_transaction_mode="control_fully", **settings)
        self.connected: sa.Connection | None = None
        """Where the transaction is, from its beginning."""
        self._begun: sa.RootTransaction | None = None
        """By a direct statement."""
        self._opened: sa.Connection | None = None
        """For a direct statement: the session closes only what it opened itself."""

    def beginning(self) -> str:
        """The SQL that begins the transaction. Raises what keeps it from beginning."""
        return "begin"

    def begin_directly(self) -> sa.Connection:
        """Begin the transaction for direct statements, when nothing has."""
        engine = self.get_bind()
        if not isinstance(engine, sa.Engine) or not self.autobegin:
            raise sa.exc.InvalidRequestError("this session has had its transaction")
        connection = self.bind = self._opened = engine.connect()
        transaction = connection.begin()
        self._begin_on(connection)
        self._begun = transaction
        return connection

    def take(self, connection: sa.Connection) -> None:
        """The session is given its connection: begin, unless a direct statement did."""
        if self._begun is None:
            self._begin_on(connection)

    def finish(self) -> None:
        """Commit what was begun, and give the connection back."""
        self.autobegin = False
        with contextlib.ExitStack() as ending:  # the session's own transaction ends first
            for context in (self._opened, self._begun, self.get_transaction()):
                if context is not None:
                    ending.enter_context(context)

    def commit(self) -> None:
        """Refused."""
        raise sa.exc.InvalidRequestError("whoever opened the transaction ends it")

    def rollback(self) -> None:
        """Refused: raise something, or begin a savepoint."""
        raise sa.exc.InvalidRequestError("whoever opened the transaction ends it")

    def close(self) -> None:
        """Roll back what is not committed, and give the connection back."""
        self.autobegin = False
        super().close()
        if self._opened is not None:
            self._opened.close()

    def _begin_on(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql(self.beginning())
        self.connected = connection


def one_transaction(session: AsyncSession) -> OneTransaction:
    """What stands behind each session of maillage_kit/db.py."""
    own = session.sync_session
    assert isinstance(own, OneTransaction)
    return own


@sa.event.listens_for(OneTransaction, "after_begin", propagate=True)
def _begin(session: OneTransaction, transaction: SessionTransaction, connection: sa.Connection) -> None:
    if not transaction.nested:
        session.take(connection)


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
        rows = await _said(connection, text, bound, told=self._named)
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
    transaction = one_transaction(session)
    connection = transaction.connected
    if connection is not None and connection.in_transaction() and not transaction.in_nested_transaction():
        return connection
    if not transaction.in_transaction():
        return await greenlet_spawn(transaction.begin_directly)
    return await greenlet_spawn(transaction.connection)


async def _said(connection: sa.Connection, text: bytes, values: list[Any], *, told: str) -> list[Row]:
    """The rows that the server answers, its words turned into values by the adapters of the connection. What a cursor
    does besides costs as much again. `told`: the text for who reads the error."""
    driver: psycopg.AsyncConnection[Row] = connection.connection.driver_connection  # type: ignore[assignment]
    adapters: abc.Transformer = Transformer(driver)
    try:
        async with driver.lock:
            result = await driver.wait(_asked(driver.pgconn, adapters, text, values))
    except psycopg.Error as error:
        if driver.closed:  # it leaves the pool
            await greenlet_spawn(connection.invalidate, error)
        raise sa.exc.DBAPIError.instance(
            told, values, error, psycopg.Error, hide_parameters=True, connection_invalidated=driver.closed
        ) from error
    except BaseException:  # cancelled: nobody knows what the server is doing for it
        await greenlet_spawn(connection.invalidate)
        raise
    adapters.set_pgresult(result)
    return adapters.load_rows(0, result.ntuples, tuple)


def _asked(server: PGconn, adapters: abc.Transformer, text: bytes, values: list[Any]) -> abc.PQGen[PGresult]:
    """One question in the extended protocol, as psycopg waits for it. Raises psycopg.Error."""
    written = adapters.dump_sequence(values, [PyFormat.AUTO] * len(values))
    server.send_query_params(text, written, param_types=adapters.types, param_formats=adapters.formats)
    result: PGresult
    (result,) = yield from execute(server)
    if result.status == ExecStatus.FATAL_ERROR:
        raise error_from_result(result, encoding=adapters.encoding)
    return result
