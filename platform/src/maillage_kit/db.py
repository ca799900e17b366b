"""Database sessions that say what they may touch, and the one place where a transaction takes a cooperative's role.

The application's login role can do nothing in a cooperative's schema. `TenantSession` takes the cooperative's role and
search path at the start of each transaction (`SET LOCAL`, so both are gone when the connection returns to the pool).
A session without a cooperative fails closed. docs/tenancy.md.

A transaction is opened here, not by the driver: `begin` and the cooperative's role travel together, in one round trip.
"""

import functools
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NewType, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator
from sqlalchemy.util import greenlet_spawn

from maillage_kit.clock import require_aware
from maillage_kit.context import TenantRef
from maillage_kit.direct import OneTransaction, one_transaction
from maillage_kit.ids import new_id
from maillage_kit.money import Money

PlatformSession = NewType("PlatformSession", AsyncSession)
"""A transaction on the control plane's tables; sees no cooperative's data."""

TenantSession = NewType("TenantSession", AsyncSession)
"""A transaction on one cooperative's tables; sees neither the control plane's tables nor another cooperative's."""

S = TypeVar("S", PlatformSession, TenantSession)
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class UtcDateTime(TypeDecorator[datetime]):
    """timestamptz that refuses naive values and always gives back UTC."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else require_aware(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.astimezone(UTC)


class MoneyCents(TypeDecorator[Money]):
    """bigint cents in the database, `Money` in Python."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Money | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else value.cents

    def process_result_value(self, value: int | None, dialect: Dialect) -> Money | None:  # noqa: ARG002
        return None if value is None else Money(value)


NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
_TYPES: dict[Any, Any] = {
    datetime: UtcDateTime,
    Money: MoneyCents,
    str: sa.Text,
    dict[str, Any]: JSONB,
    list[str]: ARRAY(sa.Text),
    list[UUID]: ARRAY(sa.Uuid),
}


class PlatformBase(DeclarativeBase):
    """Control-plane tables: schema `platform`, named."""

    metadata = sa.MetaData(schema="platform", naming_convention=NAMING)
    type_annotation_map = _TYPES


class TenantBase(DeclarativeBase):
    """A cooperative's tables: no schema named, the search path of the transaction decides."""

    metadata = sa.MetaData(naming_convention=NAMING)
    type_annotation_map = _TYPES


def core(model: type[DeclarativeBase]) -> sa.Table:
    """The table of a mapped class: for statements that are made once, when the module is imported, and write rows
    without mapped objects. Making a statement costs more than sending it; hot paths do it once (bench/README.md)."""
    table = model.__table__
    assert isinstance(table, sa.Table)
    return table


class _TenantSyncSession(OneTransaction):
    """A session whose transaction begins by taking the cooperative's role."""

    def beginning(self) -> str:
        return _entering(self.info["tenant"])  # KeyError: no cooperative, no data


@functools.lru_cache(maxsize=1024)
def _entering(tenant: TenantRef) -> str:
    """Both names are written into the text: two statements at once take no parameters. Nothing but a name may be."""
    for name in (tenant.role, tenant.schema):
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"not the name of a role or a schema: {name!r}")
    return (
        f"begin; select set_config('role', '{tenant.role}', true), set_config('search_path', '{tenant.schema}', true)"
    )


class Database:
    """The connection pool of a process and its two kinds of session. Close it with `dispose`.

    The connection used last is taken first: a PostgreSQL process that has met a cooperative knows its tables, another
    one pays for learning them (bench/README.md).
    """

    def __init__(self, url: str, *, pool_size: int = 16, pool_recycle_seconds: int = 600) -> None:
        """`url`: a libpq URI for the application's login role. `pool_size`: the most connections; who comes next waits.
        A connection once opened is kept: opening one costs PostgreSQL a process, and more than a call's statements."""
        self.url = url
        self.engine: AsyncEngine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_use_lifo=True,
            pool_recycle=pool_recycle_seconds,
            connect_args={"prepare_threshold": None, "connect_timeout": 5},
            isolation_level="AUTOCOMMIT",  # of the driver: the sessions say `begin` themselves
        )
        self._platform = async_sessionmaker(self.engine, expire_on_commit=False, sync_session_class=OneTransaction)
        self._tenant = async_sessionmaker(self.engine, expire_on_commit=False, sync_session_class=_TenantSyncSession)

    def platform(self) -> AbstractAsyncContextManager[PlatformSession]:
        """One transaction on the control plane: committed on exit, rolled back on an exception."""
        return _transaction(PlatformSession(self._platform()))

    async def alone(self, statement: sa.Executable, values: Mapping[str, Any]) -> sa.Row[*tuple[Any, ...]]:
        """One statement on the control plane that gives one row, a transaction by itself: one round trip."""
        async with self.engine.connect() as connection:
            return (await connection.execute(statement, values)).one()

    def tenant(self, tenant: TenantRef) -> AbstractAsyncContextManager[TenantSession]:
        """One transaction in one cooperative: committed on exit, rolled back on an exception."""
        return _transaction(TenantSession(self._tenant(info={"tenant": tenant})))

    async def dispose(self) -> None:
        await self.engine.dispose()


@asynccontextmanager
async def _transaction(session: S) -> AsyncIterator[S]:
    """Commit on exit, roll back on an exception; the connection goes back to its pool, also when we are cancelled."""
    transaction = one_transaction(session)
    try:
        yield session
        await greenlet_spawn(transaction.finish)
    except BaseException:
        async with session:  # SQLAlchemy closes it to the end, whatever is cancelled meanwhile
            raise
    transaction.close()  # the connection is given back: nothing is sent any more


def sqlalchemy_url(url: str) -> sa.URL:
    """The SQLAlchemy form of a libpq URI, always with psycopg 3."""
    return sa.make_url(url).set(drivername="postgresql+psycopg")


def violated_constraint(error: sa.exc.IntegrityError) -> str | None:
    """The name of the constraint that refused a write: errors are mapped by it, never by message text."""
    diagnostic = getattr(error.orig, "diag", None)
    return getattr(diagnostic, "constraint_name", None)


async def insert_once(
    session: AsyncSession,
    model: type[Any],
    /,
    *,
    unique: Sequence[sa.orm.InstrumentedAttribute[Any]] | None = None,
    where: sa.ColumnElement[bool] | None = None,
    **values: Any,
) -> UUID | None:
    """Insert a row under a new id and return it; None, and nothing written, when there is one like it already.

    Like it: the same in the columns of a unique index, which `unique` (and `where`, of a partial index) may name. Safe
    against two transactions that insert at once.
    """
    added: UUID | None = await session.scalar(
        insert(model)
        .values(id=new_id(), **values)
        .on_conflict_do_nothing(index_elements=unique, index_where=where)
        .returning(model.id)
    )
    return added
