"""The real product in a real browser: server and worker as processes, one Saturday evening in the Eure, Chromium.

One world serves the whole run: what a test adds stays, so every test looks for its own case by its name. Every screen
that a test opens is watched: an error in the console, something the content security policy refused, a request to
another host or a failed request fails the test, unless it said so with `forgives`.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio
import sqlalchemy as sa
from playwright.async_api import (
    Browser,
    async_playwright,
    expect,
)

from maillage_app.demo import founding
from maillage_app.demo.founding import Colleague
from maillage_app.demo.plans import EURE
from maillage_app.demo.stage import OPENED_AT
from maillage_app.runtime import Runtime
from maillage_app.testing.evening import PICTURE, Evening, spend_evening
from maillage_app.testing.processes import Process
from maillage_app.testing.real_server import free_port
from maillage_app.testing.screens import CHROMIUM_OPTIONS, DESK, PHONE, Screen
from maillage_app.testing.world import World
from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import MovableClock, SharedClock
from maillage_kit.http_client import http_client
from maillage_kit.permissions import Role
from maillage_kit.settings import DatabaseSettings, Settings, TelephonySettings, WebSettings
from maillage_kit.testing.phone_company import PhoneCompany
from maillage_platform import provisioning

HERE = Path(__file__).parent
PATIENCE_MS = 60_000
"""How long anything may take to be there; a loaded machine is slow, not wrong."""
EVENING = datetime(2027, 3, 6, 19, 40, tzinfo=UTC)  # a Saturday, 20:40 in Paris: the night rate runs


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", action="store_true", help="take the pictures of docs/screenshots again")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")


# --- the product -------------------------------------------------


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is. Without one the tests are skipped, and fail under CI."""
    named = os.environ.get("MAILLAGE_TEST_CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        reason = "no Chromium here (apt-get install chromium, or MAILLAGE_TEST_CHROMIUM=/path)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def own_database(chromium: str, postgres_url: str) -> Iterator[str]:
    """A database of this run, dropped afterwards with its roles."""
    name = f"browser_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    yield sa.make_url(postgres_url).set(database=name, drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")
        for (role,) in connection.execute("select rolname from pg_roles where rolname like %s", (f"{name}%",)):
            connection.execute(f"drop role if exists {role}")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world(
    own_database: str, trades: TradeRegistry, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """The Eure founded as the demo founds it, its rota published; server and worker run; it is Saturday evening."""
    folder = tmp_path_factory.mktemp("browser")
    port = free_port()
    provisioning.migrate_platform(own_database)
    url, token = f"http://localhost:{port}", secrets.token_urlsafe(16)  # a passkey is bound to a name, not an address
    app_url = provisioning.app_url(own_database)
    settings = Settings(
        database=DatabaseSettings(url=own_database, app_url=app_url, pool_size=8),
        web=WebSettings(port=port, public_url=url),
        telephony=TelephonySettings(auth_tokens=(token,)),  # type: ignore[arg-type]
    )
    runtime = Runtime.start(settings, trades=trades)
    moved = MovableClock(OPENED_AT)
    with clock.using(moved):
        founded = await founding.found(runtime, EURE)
        await founding.find_customers(runtime, founded, count=60)
        moved.move_to(founding.PUBLISHED_AT)
        await founding.publish_rota(runtime, founded)
        await founding.found_federation(runtime)
    shared = SharedClock(folder / "clock")
    shared.move_to(EVENING)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MAILLAGE_")},
        "MAILLAGE_ENVIRONMENT": "development",  # the mailbox shows the one-time links
        "MAILLAGE_DATABASE__URL": own_database,
        "MAILLAGE_DATABASE__APP_URL": app_url,
        "MAILLAGE_WEB__PORT": str(port),
        "MAILLAGE_WEB__PUBLIC_URL": url,
        "MAILLAGE_TELEPHONY__AUTH_TOKENS": f'["{token}"]',
        "MAILLAGE_CLOCK_FILE": str(folder / "clock"),
    }
    worker = Process(("maillage_app.cli", "worker"), environment, folder / "worker.log")
    serve = ("maillage_app.cli", "serve", "--without-worker")
    server = Process(serve, environment, folder / "server.log", answers=f"{url}/health")
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(runtime.close)
        for process in (worker, server):
            stack.callback(process.kill)
            await asyncio.to_thread(process.start)
        carrier = await stack.enter_async_context(http_client(base_url=url, timeout=30))
        company = PhoneCompany(carrier, public_url=url, token=token, clock=shared)
        world = World(runtime, founded.context, url, server, shared, company, stack)
        for colleague in founded.colleagues:
            world.colleagues[colleague.technician_id] = colleague
        for row in await world.rows("select first_name || ' ' || last_name as name, phone from technician"):
            company.phone(row["name"], row["phone"]).always().does_not_answer()
        company.phone("Responsable", founded.context.manager_phone).always().does_not_answer()
        company.phone("Repli", founded.context.fallback_phone).always().does_not_answer()
        yield world


# --- the browser -------------------------------------------------


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_OPTIONS))
        yield started
        await started.close()


Open = Callable[..., Awaitable[Screen]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_screen(world: World, browser: Browser) -> AsyncIterator[Open]:
    """`await open_screen(Role.MANAGER)`, `(Role.MEMBER, colleague, PHONE)`, `()`: nobody. All are clean at the end."""
    opened: list[Screen] = []
    host = urlsplit(world.url).netloc

    async def enter(
        role: Role | None = None, colleague: Colleague | None = None, device: Mapping[str, Any] = DESK, **options: Any
    ) -> Screen:
        context = await browser.new_context(**{"locale": "fr-FR", "reduced_motion": "reduce", **device, **options})
        context.set_default_timeout(PATIENCE_MS)
        if role is not None:
            value = await world.token(role, colleague)
            await context.add_cookies([{"name": "maillage_session", "value": value, "url": world.url}])
        screen = Screen(context, await context.new_page(), host)
        screen.watch()
        opened.append(screen)
        return screen

    yield enter
    for screen in opened:
        await screen.context.close()
    for screen in opened:
        screen.is_clean()


# --- an evening --------------------------------------------------


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def evening(world: World) -> Evening:
    """What happened before a screen is looked at."""
    return await spend_evening(world)


@pytest.fixture
def phone_device() -> dict[str, Any]:
    """A small phone, with touch."""
    return PHONE


@pytest.fixture
def picture() -> bytes:
    """A small PNG."""
    return PICTURE
