"""Roles, schemas and migrations: how the control plane and each cooperative come to exist in PostgreSQL.

Everything here runs with the owner's connection (`MAILLAGE_DATABASE__URL`), never with the application's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from psycopg import sql
from pydantic import SecretStr

from maillage_kit.db import PlatformSession, sqlalchemy_url
from maillage_kit.migrations import Tree, revision_of

PLATFORM_LOCK = 270_001
_TENANT_LOCK = 270_100


@dataclass(frozen=True, slots=True)
class RoleNames:
    """Roles are shared by a whole server, so their names start with the database's."""

    app: str
    tenants: str

    @classmethod
    def of(cls, connection: sa.Connection) -> "RoleNames":
        return cls.with_prefix(str(connection.execute(sa.text("select current_database()")).scalar_one()))

    @classmethod
    def beside(cls, tenant_role: str) -> "RoleNames":
        """The shared roles that go with a cooperative's role, `<prefix>_t0001`."""
        return cls.with_prefix(tenant_role.rpartition("_")[0])

    @classmethod
    def with_prefix(cls, prefix: str) -> "RoleNames":
        return cls(app=f"{prefix}_app", tenants=f"{prefix}_tenants")


@contextmanager
def owner_connection(owner_url: str) -> Iterator[sa.Connection]:
    """One transaction with the owner's rights."""
    engine = sa.create_engine(
        sqlalchemy_url(owner_url), poolclass=sa.NullPool, connect_args={"prepare_threshold": None}
    )
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def app_url(owner_url: str, *, password: SecretStr | None = None) -> str:
    """The URL of the application's login role, made from the owner's: same server, same database."""
    url = sa.make_url(owner_url)
    secret = password.get_secret_value() if password else url.password
    changed = url.set(drivername="postgresql", username=f"{url.database}_app", password=secret)
    return changed.render_as_string(hide_password=False)


def migrate_platform(owner_url: str, *, app_password: SecretStr | None = None) -> str:
    """Create or update the control plane: roles, schemas `platform` and `tasks`, rights. Returns its revision."""
    tree = Tree("platform")
    with owner_connection(owner_url) as connection:
        connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": PLATFORM_LOCK})
        names = RoleNames.of(connection)
        secret = app_password.get_secret_value() if app_password else sa.make_url(owner_url).password
        _ensure_role(connection, names.app, "login noinherit", secret)
        _ensure_role(connection, names.tenants, "nologin", None)
        connection.execute(sa.text("create schema if not exists platform"))
        connection.execute(sa.text("create schema if not exists tasks"))
        tree.upgrade(connection, schema="platform")
        for statement in _PLATFORM_RIGHTS:
            _run(connection, statement, app=names.app, tenants=names.tenants)
    return tree.head


def provision_tenant(owner_url: str, *, schema: str, role: str) -> str:
    """Create a cooperative's role and schema and run its migrations, in one transaction. Repeating it is harmless.

    Returns the revision reached.
    """
    names = RoleNames.beside(role)
    with owner_connection(owner_url) as connection:
        _ensure_role(connection, role, "nologin", None)
        for statement in _TENANT_RIGHTS:
            _run(connection, statement, app=names.app, tenants=names.tenants, role=role, schema=schema)
        return _upgrade_tenant(connection, schema)


def migrate_tenant(owner_url: str, *, schema: str) -> str:
    """Bring one cooperative's schema to the newest revision under its own lock. Returns that revision."""
    with owner_connection(owner_url) as connection:
        return _upgrade_tenant(connection, schema)


def tenant_revision(owner_url: str, *, schema: str) -> str | None:
    with owner_connection(owner_url) as connection:
        return revision_of(connection, schema)


def drop_tenant(owner_url: str, *, schema: str, role: str) -> None:
    """Erase a cooperative's schema and role, for good."""
    with owner_connection(owner_url) as connection:
        _run(connection, "drop schema if exists {schema} cascade", schema=schema)
        _run(connection, "drop owned by {role}", role=role)
        _run(connection, "drop role if exists {role}", role=role)


def _upgrade_tenant(connection: sa.Connection, schema: str) -> str:
    tree = Tree("tenants")
    connection.execute(
        sa.text("select pg_advisory_xact_lock(:space, hashtext(:schema))"), {"space": _TENANT_LOCK, "schema": schema}
    )
    connection.execute(
        sa.text("select set_config('search_path', :schema, true), set_config('lock_timeout', '4s', true)"),
        {"schema": schema},
    )
    tree.upgrade(connection, schema=schema)
    return tree.head


def _ensure_role(connection: sa.Connection, name: str, options: str, password: str | None) -> None:
    exists = connection.execute(sa.text("select 1 from pg_roles where rolname = :name"), {"name": name}).scalar()
    if not exists:
        _run(connection, "create role {role} " + options, role=name)
    if password:
        statement = sql.SQL("alter role {} password {}").format(sql.Identifier(name), sql.Literal(password))
        _raw(connection, statement)


_PLATFORM_RIGHTS = (
    "revoke all on schema public from public",
    "grant usage on schema platform, tasks to {app}",
    "grant select, insert, update, delete on all tables in schema platform, tasks to {app}",
    "grant usage, select on all sequences in schema platform, tasks to {app}",
    "revoke all on all functions in schema platform from public",
    "grant execute on all functions in schema tasks to {app}",
    "grant usage on schema platform to {tenants}",
    "grant execute on all functions in schema platform to {tenants}",
)
_TENANT_RIGHTS = (
    "grant {role} to {app}",
    "grant {tenants} to {role}",
    "create schema if not exists {schema}",
    "grant usage on schema {schema} to {role}",
    "alter default privileges in schema {schema} grant select, insert, update, delete on tables to {role}",
    "alter default privileges in schema {schema} grant usage, select on sequences to {role}",
)


def _run(connection: sa.Connection, template: str, **names: str) -> None:
    _raw(connection, sql.SQL(template).format(**{key: sql.Identifier(value) for key, value in names.items()}))


def _raw(connection: sa.Connection, statement: sql.Composed) -> None:
    raw = connection.connection.driver_connection
    assert raw is not None
    raw.execute(statement)


async def role_prefix(session: PlatformSession) -> str:
    """What the names of this database's roles start with: read from the application's own role, `<prefix>_app`."""
    user = str((await session.execute(sa.text("select session_user"))).scalar_one())
    return user.removesuffix("_app")
