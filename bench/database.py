"""The cooperatives that the programs measure: real ones, made by the product's own opening and migrations, then filled.

The first cooperative is opened like any other (`open_cooperative`) and filled with every constraint and trigger in
force. The others get their role, schema and rights from the real migrations (`provision_tenant`) and their rows by
`insert … select` from the first, without checking again what the first one's constraints have shown. So every
cooperative holds the same rows under the same keys, each in its own schema, tables, indexes
and files.

The databases stay under `.maillage/bench` and serve the next run as long as what they were made from is the same: the
sizes asked for, the migrations, this file and rows.py, the semester.
"""

import asyncio
import hashlib
import json
import multiprocessing
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from bench import rows
from bench.common import DATA_DIR, ROOT, say
from bench.rows import Size, public_number
from psycopg import sql

from maillage_app.onboarding import open_cooperative
from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.context import TenantRef
from maillage_kit.embedded_postgres import EmbeddedPostgres
from maillage_kit.semester import Semester
from maillage_kit.settings import DatabaseSettings, Settings
from maillage_platform import provisioning
from maillage_platform.cooperatives import NewCooperative, activate, by_slug, register_cooperative
from maillage_tenants.models import TenantBase

_CHUNK = 20


@dataclass(frozen=True)
class BenchDatabase:
    """A filled database on the running bench server."""

    name: str
    owner_url: str
    app_url: str
    tenants: tuple[TenantRef, ...]

    @property
    def settings(self) -> DatabaseSettings:
        return DatabaseSettings(url=self.owner_url, app_url=self.app_url)


@contextmanager
def running() -> Iterator[EmbeddedPostgres]:
    """The bench server, with the settings of every embedded server of the product: fsync on."""
    server = EmbeddedPostgres(DATA_DIR)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def prepare(family: str, size: Size, counts: Sequence[int], *, fresh: bool) -> dict[int, str]:
    """Make sure that a database exists for each number of cooperatives; returns their names. The
    server must not be running.

    One database grows and is copied at each count, so the smaller ones are what the larger ones were.
    """
    made_from = fingerprint(size)
    names = {count: f"{family}_{count}" for count in sorted(counts)}
    with running() as server:
        if not fresh and all(_remark(server.uri, name) == made_from for name in names.values()):
            return names
    say(f"making {', '.join(names.values())}: {size}")
    # Throw-away until it is whole: filled without waiting for the disk, then served with fsync on.
    server = EmbeddedPostgres(DATA_DIR, fast=True)
    owner = server.start()
    try:
        _make_room(owner, family, names.values(), made_from)
        _sql(owner, sql.SQL("create database {}").format(sql.Identifier(family)))
        url = _on(owner, family)
        provisioning.migrate_platform(url)
        there = 0
        for count, name in names.items():
            _grow(url, size, have=there, want=count)
            there = count
            _sql(owner, sql.SQL("create database {} template {} strategy file_copy").format(*_ids(name, family)))
            _sql(owner, sql.SQL("comment on database {} is {}").format(sql.Identifier(name), sql.Literal(made_from)))
            say(f"{name} is ready")
        _sql(owner, sql.SQL("drop database {}").format(sql.Identifier(family)))
    finally:
        server.stop()
    return names


def opened(server: EmbeddedPostgres, family: str, name: str) -> BenchDatabase:
    """A prepared database, with the cooperatives it holds. Roles carry the family's name in every copy."""
    owner = _on(server.uri, name)
    app = sa.make_url(provisioning.app_url(_on(server.uri, family))).set(database=name)
    with psycopg.connect(owner) as connection:
        rows = connection.execute(
            "select id, schema_name, role_name from platform.cooperative order by number"
        ).fetchall()
    return BenchDatabase(name, owner, app.render_as_string(hide_password=False), tuple(TenantRef(*row) for row in rows))


def fingerprint(size: Size) -> str:
    """What a database was made from."""
    digest = hashlib.sha256(json.dumps(asdict(size)).encode())
    migrations = sorted(path for path in (ROOT / "migrations").rglob("*") if path.suffix in {".py", ".sql"})
    for path in (Path(__file__), Path(rows.__file__), *migrations):
        digest.update(path.read_bytes())
    return f"{Semester.containing(clock.now()).code} {digest.hexdigest()[:16]}"


# --- growing ----------------------------------------------------------------


def _grow(owner_url: str, size: Size, *, have: int, want: int) -> None:
    """Open and fill cooperatives until there are `want`."""
    if have == 0:
        asyncio.run(_first(owner_url, size))
        rows.fill(owner_url, size)
        vacuum(owner_url, "t0001", _filled_tables(owner_url))
        have = 1
    first_added = have
    added = asyncio.run(_register(owner_url, size, range(have, want)))
    tables = _filled_tables(owner_url)
    chunks = [added[start : start + _CHUNK] for start in range(0, len(added), _CHUNK)]
    if len(chunks) == 1:
        _make_like_first(owner_url, chunks[0], tables)
    elif chunks:
        _make_side_by_side(owner_url, chunks, tables, have=have, want=want)
    asyncio.run(_activate(owner_url, range(first_added, want)))
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("vacuum (analyze) platform.cooperative")
        connection.execute("checkpoint")


def _make_side_by_side(
    owner_url: str, chunks: Sequence[Sequence[TenantRef]], tables: Sequence[str], *, have: int, want: int
) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=os.cpu_count() or 1, mp_context=context) as pool:
        making = [pool.submit(_make_like_first, owner_url, chunk, tables) for chunk in chunks]
        for made in as_completed(making):
            made.result()
            have += _CHUNK
            if have % (5 * _CHUNK) < _CHUNK:
                say(f"about {min(have, want)} cooperatives")


def _make_like_first(owner_url: str, added: Sequence[TenantRef], tables: Sequence[str]) -> None:
    """Schemas by the migrations, rows from the first cooperative."""
    for tenant in added:
        provisioning.provision_tenant(owner_url, schema=tenant.schema, role=tenant.role)
        with psycopg.connect(owner_url) as connection:
            _copy_rows(connection, "t0001", tenant.schema, tables)
        vacuum(owner_url, tenant.schema, tables)


def vacuum(owner_url: str, schema: str, tables: Iterable[str]) -> None:
    """Clean these tables and count them anew for the planner, now rather than when PostgreSQL finds the time."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for table in tables:
            connection.execute(sql.SQL("vacuum (analyze) {}.{}").format(*_ids(schema, table)))


def _copy_rows(connection: psycopg.Connection[Any], source: str, target: str, tables: Sequence[str]) -> None:
    connection.execute("set local session_replication_role = replica")
    connection.execute("set local maintenance_work_mem = '256MB'")
    connection.execute(sql.SQL("set local search_path = {}").format(sql.Identifier(target)))
    # Checking 16 000 duties against each other takes most of the time, and these were checked in the first cooperative:
    # the copies keep the index of the constraint without the constraint.
    index = connection.execute("select pg_get_indexdef('ex_duty_no_overlap'::regclass)").fetchone()
    if index is None:
        raise RuntimeError("ex_duty_no_overlap is gone: what the copies hold would not be what the product keeps")
    connection.execute("alter table duty drop constraint ex_duty_no_overlap")
    for table in tables:
        # a migration may have made a row, such as the beginning of the audit log
        connection.execute(sql.SQL("delete from {}.{}").format(*_ids(target, table)))
        connection.execute(
            sql.SQL("insert into {1}.{2} overriding system value select * from {0}.{2}").format(
                *_ids(source, target, table)
            )
        )
        for (column,) in connection.execute(
            "select column_name from information_schema.columns"
            " where table_schema = %s and table_name = %s and is_identity = 'YES'",
            (target, table),
        ).fetchall():
            connection.execute(
                sql.SQL("select setval(pg_get_serial_sequence({0}, {1}), (select max({2}) from {3}))").format(
                    sql.Literal(table), sql.Literal(column), *_ids(column, table)
                )
            )
    connection.execute(index[0])


def _filled_tables(owner_url: str) -> list[str]:
    """Tables of the first cooperative that hold rows, parents first."""
    with psycopg.connect(owner_url) as connection:
        return [
            table.name
            for table in TenantBase.metadata.sorted_tables
            if connection.execute(
                sql.SQL("select 1 from t0001.{} limit 1").format(sql.Identifier(table.name))
            ).fetchone()
        ]


# --- the directory ----------------------------------------------------------


def cooperative(number: int, trades: tuple[str, ...]) -> NewCooperative:
    """The cooperative of that place, from 0. Its public number is `public_number(number)`."""
    return NewCooperative(
        slug=f"bench-{number:03d}",
        name=f"Dépannage {number:03d}",
        legal_name=f"Coopérative des artisans dépanneurs {number:03d}",
        siren=_siren(73_000_000 + number),
        department="27",
        address="12 rue de la Harpe, 27000 Évreux",
        email=f"contact@bench-{number:03d}.example",
        public_number=public_number(number),
        manager_name="Hélène Marchand",
        manager_phone=f"+33612{340_000 + number}",
        fallback_phone=f"+33232{500_000 + number}",
        mediator_name="Médiation de la consommation Normandie",
        mediator_contact="https://mediateur.example",
        trades=trades,
    )


def _siren(eight: int) -> str:
    digits = [int(digit) for digit in f"{eight:08d}"]
    doubled = [sum(divmod(digit * 2, 10)) if place % 2 else digit for place, digit in enumerate(digits)]
    return f"{eight:08d}{-sum(doubled) % 10}"


async def _first(owner_url: str, size: Size) -> None:
    runtime = _runtime(owner_url)
    try:
        await open_cooperative(runtime, cooperative(0, size.trades), actor="bench")
    finally:
        await runtime.close()


async def _register(owner_url: str, size: Size, numbers: range) -> list[TenantRef]:
    runtime = _runtime(owner_url)
    try:
        async with runtime.database.platform() as session:
            prefix = await provisioning.role_prefix(session)
            return [
                (
                    await register_cooperative(
                        session, new=cooperative(number, size.trades), role_prefix=prefix, actor="bench"
                    )
                ).tenant()
                for number in numbers
            ]
    finally:
        await runtime.close()


async def _activate(owner_url: str, numbers: range) -> None:
    runtime = _runtime(owner_url)
    try:
        async with runtime.database.platform() as session:
            first = await by_slug(session, "bench-000")
            for number in numbers:
                row = await by_slug(session, f"bench-{number:03d}")
                if row is None or first is None or first.schema_revision is None:
                    raise RuntimeError("a cooperative of the bench is missing from the directory")
                await activate(session, row, revision=first.schema_revision, actor="bench")
    finally:
        await runtime.close()


def _runtime(owner_url: str) -> Runtime:
    return Runtime.start(Settings(environment="test", database=DatabaseSettings(url=owner_url)))


# --- databases --------------------------------------------------------------


def _remark(owner_url: str, name: str) -> str | None:
    with psycopg.connect(owner_url) as connection:
        row = connection.execute(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = %s", (name,)
        ).fetchone()
    return row[0] if row else None


def _make_room(owner_url: str, family: str, names: Collection[str], made_from: str) -> None:
    """Drop what is about to be made, and what was made from something else. Roles are shared by the family: they go
    when no database of theirs is left."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        databases = connection.execute(
            "select datname, shobj_description(oid, 'pg_database') from pg_database where datname ~ %s",
            (f"^{family}(_[0-9]+)?$",),
        ).fetchall()
        kept = [name for name, remark in databases if remark == made_from and name not in names]
        for name, _ in databases:
            if name not in kept:
                connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        if kept:
            return
        roles = connection.execute("select rolname from pg_roles where rolname like %s", (f"{family}\\_%",)).fetchall()
        for (role,) in roles:
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def _sql(owner_url: str, statement: sql.Composed) -> None:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(statement)


def _on(url: str, database: str) -> str:
    return sa.make_url(url).set(database=database, drivername="postgresql").render_as_string(hide_password=False)


def _ids(*names: str) -> tuple[sql.Identifier, ...]:
    return tuple(sql.Identifier(name) for name in names)
