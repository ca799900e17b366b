"""Real PostgreSQL for every test that asks: a template with two cooperatives, cloned for each test.

`MAILLAGE_TEST_DATABASE_URL` (an owner's URL) runs the same tests on a server of yours instead of the embedded one.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa

from maillage_app.onboarding import open_cooperative
from maillage_app.runtime import Runtime
from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.embedded_postgres import EmbeddedPostgres
from maillage_kit.settings import DatabaseSettings, Settings
from maillage_platform import provisioning
from maillage_platform.cooperatives import NewCooperative

EURE = NewCooperative(
    slug="eure",
    name="Dépannage Eure",
    legal_name="Coopérative des artisans dépanneurs de l’Eure",
    siren="732829320",
    department="27",
    address="12 rue de la Harpe, 27000 Évreux",
    email="contact@eure.example",
    public_number="02 32 40 27 27",
    manager_name="Hélène Marchand",
    manager_phone="06 12 34 56 01",
    fallback_phone="02 32 40 27 00",
    mediator_name="Médiation de la consommation Normandie",
    mediator_contact="https://mediateur.example",
    trades=("plumbing", "locksmith", "glazing"),
)
SEINE_MARITIME = NewCooperative(
    slug="seine-maritime",
    name="Dépannage Seine-Maritime",
    legal_name="Coopérative des artisans dépanneurs de Seine-Maritime",
    siren="404833048",
    department="76",
    address="3 quai du Havre, 76000 Rouen",
    email="contact@seine-maritime.example",
    public_number="02 35 40 76 76",
    manager_name="Paul Lemoine",
    manager_phone="06 12 34 56 02",
    fallback_phone="02 35 40 76 00",
    mediator_name="Médiation de la consommation Normandie",
    mediator_contact="https://mediateur.example",
    trades=("plumbing", "locksmith"),
)
TEMPLATE_NOW = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Template:
    """A database to clone: its owner's URL and the application's URL."""

    owner_url: str
    name: str

    def app_url(self, database: str) -> str:
        """Roles carry the template's name in every clone."""
        url = sa.make_url(provisioning.app_url(self.owner_url)).set(database=database)
        return url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def trades() -> TradeRegistry:
    """The installed trades."""
    return TradeRegistry.from_entry_points()


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An owner's URL on a server of this test run."""
    given = os.environ.get("MAILLAGE_TEST_DATABASE_URL")
    if given:
        yield given
        return
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), fast=True)
    try:
        yield server.start()
    finally:
        server.stop(force=True)


@pytest.fixture(scope="session")
def template(postgres_url: str, trades: TradeRegistry) -> Iterator[Template]:
    """Two provisioned cooperatives, Eure and Seine-Maritime, on 1 March 2027."""
    name = f"tmpl_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")  # type: ignore[arg-type]
    owner = sa.make_url(postgres_url).set(database=name, drivername="postgresql").render_as_string(hide_password=False)
    provisioning.migrate_platform(owner)

    async def fill() -> None:
        runtime = Runtime.start(Settings(environment="test", database=DatabaseSettings(url=owner)), trades=trades)
        try:
            for new in (EURE, SEINE_MARITIME):
                await open_cooperative(runtime, new, actor="tests")
        finally:
            await runtime.close()

    with clock.using(MovableClock(TEMPLATE_NOW)):
        asyncio.run(fill())
    yield Template(owner, name)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")  # type: ignore[arg-type]
        roles = connection.execute("select rolname from pg_roles where rolname like %s", (f"{name}%",)).fetchall()
        for (role,) in roles:
            connection.execute(f"drop role if exists {role}")


@pytest.fixture
def settings(template: Template, postgres_url: str) -> Iterator[Settings]:
    """Settings of a fresh clone of the template, dropped afterwards."""
    name = f"clone_{uuid4().hex[:10]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template.name} strategy file_copy")  # type: ignore[arg-type]
    owner = sa.make_url(template.owner_url).set(database=name).render_as_string(hide_password=False)
    yield Settings(
        environment="test",
        database=DatabaseSettings(url=owner, app_url=template.app_url(name), pool_size=4),
    )
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")  # type: ignore[arg-type]


@pytest.fixture
def moved_clock() -> Iterator[MovableClock]:
    """The clock of the test: stands at 1 March 2027, 09:00 in Paris, and moves when told."""
    movable = MovableClock(TEMPLATE_NOW)
    with clock.using(movable, whole_process=True):
        yield movable


@pytest.fixture
async def runtime(settings: Settings, trades: TradeRegistry, moved_clock: MovableClock) -> AsyncIterator[Runtime]:
    """A process on that clone, with the test's clock."""
    started = Runtime.start(settings, trades=trades)
    yield started
    await started.close()


@pytest.fixture
async def eure(runtime: Runtime) -> CooperativeContext:
    found = await runtime.directory.by_slug("eure")
    assert found is not None
    return found


@pytest.fixture
async def seine_maritime(runtime: Runtime) -> CooperativeContext:
    found = await runtime.directory.by_slug("seine-maritime")
    assert found is not None
    return found
