"""Both migration trees: up, down, up again; models equal the database; one broken cooperative never stops the fleet."""

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from maillage_app.fleet import Migrated, migrate_fleet
from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_kit.db import PlatformBase, TenantBase
from maillage_kit.migrations import Tree, drift, revision_of
from maillage_kit.permissions import Role
from maillage_kit.settings import Settings
from maillage_platform import provisioning

SNAPSHOT = """
select table_name, column_name, data_type, is_nullable, column_default
from information_schema.columns where table_schema = %(schema)s
union all
select conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
from pg_constraint where connamespace = to_regnamespace(%(schema)s)
union all
select tablename, indexname, indexdef, '', '' from pg_indexes where schemaname = %(schema)s
union all
select tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', '' from pg_trigger
where not tgisinternal and tgrelid in (select oid from pg_class where relnamespace = to_regnamespace(%(schema)s))
order by 1, 2, 3
"""


def owner(settings: Settings) -> str:
    assert settings.database.url is not None
    return settings.database.url


def snapshot(settings: Settings, schema: str) -> list[tuple[object, ...]]:
    with psycopg.connect(owner(settings)) as connection:
        connection.execute("select set_config('search_path', %s, true)", (schema,))
        return connection.execute(SNAPSHOT, {"schema": schema}).fetchall()


@pytest.fixture
def tenant_connection(settings: Settings) -> Iterator[sa.Connection]:
    with provisioning.owner_connection(owner(settings)) as connection:
        connection.execute(sa.text("set local search_path = t0001"))
        yield connection


def test_a_cooperative_goes_up_down_and_up_again(settings: Settings, tenant_connection: sa.Connection) -> None:
    tree = Tree("tenants")
    connection = tenant_connection
    before = snapshot(settings, "t0001")
    assert len(before) > 400
    tree.downgrade(connection, schema="t0001", to="base")
    left = connection.execute(sa.text("select table_name from information_schema.tables where table_schema = 't0001'"))
    assert left.scalars().all() == ["alembic_version"]
    tree.upgrade(connection, schema="t0001")
    connection.commit()
    assert snapshot(settings, "t0001") == before


def test_models_and_migrations_agree_in_a_cooperative(tenant_connection: sa.Connection) -> None:
    tenant_connection.dialect.default_schema_name = "t0001"
    assert drift(tenant_connection, TenantBase.metadata) == []


def test_models_and_migrations_agree_in_the_control_plane(settings: Settings) -> None:
    with provisioning.owner_connection(owner(settings)) as connection:
        found = drift(
            connection,
            PlatformBase.metadata,
            version_table_schema="platform",
            include_schemas=True,
            include_name=lambda name, kind, _parents: name == "platform" if kind == "schema" else True,
        )
    assert found == []


def test_the_control_plane_goes_up_down_and_up_again(postgres_url: str) -> None:
    name = "updownup"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"drop database if exists {name} with (force)")
        connection.execute(f"create database {name}")
    url = sa.make_url(postgres_url).set(database=name, drivername="postgresql").render_as_string(hide_password=False)
    try:
        provisioning.migrate_platform(url)
        with psycopg.connect(url) as connection:
            before = connection.execute(SNAPSHOT, {"schema": "platform"}).fetchall()
        with provisioning.owner_connection(url) as connection:
            Tree("platform").downgrade(connection, schema="platform", to="base")
            assert revision_of(connection, "platform") is None
        provisioning.migrate_platform(url)
        with psycopg.connect(url) as connection:
            assert connection.execute(SNAPSHOT, {"schema": "platform"}).fetchall() == before
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"drop database if exists {name} with (force)")
            for (role,) in connection.execute("select rolname from pg_roles where rolname like 'updownup%'").fetchall():
                connection.execute(f"drop role {role}")


def test_provisioning_twice_is_harmless(settings: Settings) -> None:
    before = snapshot(settings, "t0001")
    with psycopg.connect(owner(settings)) as connection:
        (role,) = connection.execute(
            "select role_name from platform.cooperative where schema_name = 't0001'"
        ).fetchone()  # type: ignore[misc]
    assert provisioning.provision_tenant(owner(settings), schema="t0001", role=role) == Tree("tenants").head
    assert snapshot(settings, "t0001") == before


async def test_one_broken_cooperative_is_reported_and_the_others_are_migrated(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext, sign_in
) -> None:
    """An unknown revision cannot be migrated: that cooperative alone answers 503, and its own people are told."""
    with psycopg.connect(runtime.owner_url) as connection:
        connection.execute(f"update {eure.tenant.schema}.alembic_version set version_num = 'unknown'")
        connection.execute("update platform.cooperative set schema_revision = 'unknown' where slug = 'eure'")
    lines: list[Migrated] = [line async for line in migrate_fleet(runtime)]
    outcome = {line.name: line.error is None for line in lines}
    assert outcome == {"platform": True, "eure": False, "seine-maritime": True}
    runtime.directory.forget()
    broken, sound = await sign_in(Role.MANAGER, eure), await sign_in(Role.MANAGER, seine_maritime)
    assert (await broken.get("/c/eure/members")).status_code == 503
    assert (await sound.get("/c/seine-maritime/members")).status_code == 200
