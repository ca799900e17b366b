"""Real PostgreSQL for every test that asks: a template with two cooperatives, cloned for each test.

`MAILLAGE_TEST_DATABASE_URL` (an owner's URL, or one for each worker) runs the same tests on servers of yours instead of
the embedded one.
"""

import asyncio
import contextlib
import gc
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import jsonschema_rs
import psycopg
import pytest
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from maillage_app.api import operations
from maillage_app.api.document import openapi_document
from maillage_app.logs import readable
from maillage_app.onboarding import open_cooperative
from maillage_app.runtime import Runtime
from maillage_app.testing.applications import Lent, application_of, made_anew
from maillage_app.testing.cooperatives import EURE, SEINE_MARITIME
from maillage_hooks import TradeRegistry
from maillage_kit import clock, db
from maillage_kit.api_access import Scope
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.embedded_postgres import EmbeddedPostgres
from maillage_kit.ids import new_id
from maillage_kit.permissions import Role
from maillage_kit.settings import DatabaseSettings, Settings
from maillage_kit.testing.api_tokens import TokenIssuer
from maillage_kit.testing.webhook_receiver import Receiver, receiving
from maillage_platform import identity, provisioning
from maillage_tenants import territory
from maillage_tenants.members import models as member_models
from maillage_tenants.rota import models as rota_models

SignIn = Callable[..., Awaitable["Browser"]]


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


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """A folder of this run alone: every start of pytest closes the folder that runs share by default, and a database
    server that runs there under another account can then no longer be stopped. And errors are logged as they are in
    development."""
    structlog.configure(processors=[structlog.processors.add_log_level, readable])
    if config.option.basetemp is None and not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="maillage-tests-")
        config.option.basetemp = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_collection_finish() -> None:
    """What was imported and collected stays until the end, as what a process of the product loads does
    (`maillage_kit.loading`): the garbage collector no longer walks through it. A tenth of the time of a run."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def statements_are_compiled_once() -> Iterator[None]:
    """Each test has an engine of its own, on a database of its own; the engines of a run share the dialect and what was
    compiled for it, as a process of the product does with its only engine."""
    make, first = create_async_engine, list[sa.Engine]()

    def made(*arguments: Any, **options: Any) -> AsyncEngine:
        engine = make(*arguments, **options)
        ours = engine.sync_engine
        if first:
            ours.dialect = ours.pool._dialect = first[0].dialect
            ours._compiled_cache = first[0]._compiled_cache
        else:  # of one that has met the server, and knows its version
            sa.event.listen(ours, "connect", lambda *_: first.extend([ours][len(first) :]))
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "create_async_engine", made)
        yield


@pytest.fixture(scope="session")
def trades() -> TradeRegistry:
    """The installed trades."""
    return TradeRegistry.from_entry_points()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """An owner's URL on a server of this test run, in memory where the machine has room for it."""
    given = os.environ.get("MAILLAGE_TEST_DATABASE_URL", "").split()
    if given:
        worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        yield given[worker % len(given)]
        return
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 2**30
    with tempfile.TemporaryDirectory(
        prefix="maillage-", dir=memory if roomy else None, ignore_cleanup_errors=True
    ) as at:
        server = EmbeddedPostgres(Path(at) / "postgres", fast=True)
        try:
            yield server.start()
        finally:
            server.stop(force=True)


@pytest.fixture(scope="session")
def template(postgres_url: str, trades: TradeRegistry) -> Iterator[Template]:
    """Two provisioned cooperatives, Eure and Seine-Maritime, on 1 March 2027."""
    name = f"tmpl_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
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
        connection.execute(f"drop database {name} with (force)")
        roles = connection.execute("select rolname from pg_roles where rolname like %s", (f"{name}%",)).fetchall()
        for (role,) in roles:
            connection.execute(f"drop role if exists {role}")


@pytest.fixture
def settings(template: Template, postgres_url: str) -> Iterator[Settings]:
    """Settings of a fresh clone of the template, dropped afterwards."""
    name = f"clone_{uuid4().hex[:10]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template.name} strategy file_copy")
    owner = sa.make_url(template.owner_url).set(database=name).render_as_string(hide_password=False)
    yield Settings(
        environment="test",
        database=DatabaseSettings(url=owner, app_url=template.app_url(name), pool_size=8),
    )
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


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


class Browser:
    """A person at a browser: keeps cookies, sends the CSRF token with every form, follows no redirect by itself."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, headers={"accept": "text/html"}, **options)

    async def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> httpx.Response:
        token = self.client.cookies.get("maillage_csrf")
        if token is None:
            await self.get("/signin")
            token = self.client.cookies["maillage_csrf"]
        headers = {"accept": "text/html", "x-csrftoken": token, **options.pop("headers", {})}
        return await self.client.post(path, data=data or {}, headers=headers, **options)


@pytest.fixture
async def visitor(runtime: Runtime) -> AsyncIterator[Browser]:
    """Somebody who is not signed in."""
    async with new_client(runtime) as client:
        yield Browser(client)


@pytest.fixture
async def sign_in(runtime: Runtime) -> AsyncIterator[SignIn]:
    """Sign a new person in: `await sign_in(Role.MANAGER, eure)`, `await sign_in(Role.MEMBER, eure, member_id=…)`."""
    async with contextlib.AsyncExitStack() as stack:

        async def enter(role: Role, cooperative: CooperativeContext | None = None, **hat: UUID) -> Browser:
            if role is Role.PARTNER:
                hat.setdefault("customer_id", new_id())
            async with runtime.database.platform() as session:
                account = await identity.add_account(
                    session, email=f"{uuid4().hex}@tests.example", display_name="Camille Test"
                )
                membership = await identity.add_membership(
                    session,
                    account=account,
                    role=role,
                    cooperative_id=cooperative.id if cooperative else None,
                    **hat,
                )
                token = await identity.open_session(session, membership=membership)
            client = await stack.enter_async_context(new_client(runtime))
            client.cookies.set("maillage_session", token)
            return Browser(client)

        yield enter


def new_client(runtime: Runtime) -> httpx.AsyncClient:
    """A client on the application in this process, over ASGI."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=application_of(runtime)), base_url="http://localhost:8027"
    )


@pytest.fixture
def application(runtime: Runtime) -> Lent:
    """The web application of this test."""
    return application_of(runtime)


@pytest.fixture
def own_application() -> Iterator[None]:
    """For tests of what an application remembers by itself: nothing is left of, or for, another test."""
    with made_anew():
        yield


# --- people ------------------------------------------------------


@dataclass(frozen=True)
class Artisan:
    """A technician with his business, in order with his papers and on call."""

    member_id: UUID
    technician_id: UUID
    duty_id: UUID
    name: str
    phone: str


@dataclass(frozen=True)
class Crew:
    """Plumbers on call around Pont-Audemer (27467) for March 2027, in the order of the ladder."""

    sector_id: UUID
    insee: str
    artisans: tuple[Artisan, ...]


@pytest.fixture
async def crew(runtime: Runtime, eure: CooperativeContext) -> Crew:
    """Rank 1 and rank 2 of Pont-Audemer's sector, plumbing."""
    async with runtime.database.tenant(eure.tenant) as session:
        sector = await territory.sector_of(session, insee="27467", trade="plumbing", at=TEMPLATE_NOW)
        assert sector is not None
        rota = rota_models.Rota(semester="2027-S1", state="published")
        session.add(rota)
        await session.flush()
        artisans = []
        people = (("Karim", "Benali", "+33612345701"), ("Sophie", "Leroux", "+33612345702"))
        for rank, (first, last, phone) in enumerate(people, start=1):
            member = member_models.Member(
                name=f"{last} Plomberie",
                legal_form="SARL",
                siret=f"7328293200007{rank}",
                email=f"{last}@eure.example",
                phone=phone,
                address="1 rue des Carmes",
                postcode="27500",
                city="Pont-Audemer",
                joined_on=date(2020, 1, 1),
            )
            session.add(member)
            await session.flush()
            technician = member_models.Technician(member_id=member.id, first_name=first, last_name=last, phone=phone)
            post = rota_models.OnCallPost(sector_id=sector.id, trade="plumbing", rank=rank)
            session.add_all((technician, post, member_models.MemberTrade(member_id=member.id, trade="plumbing")))
            for kind, trade in (("liability", None), ("decennial", "plumbing"), ("qualification", "plumbing")):
                session.add(
                    member_models.MemberDocument(
                        member_id=member.id,
                        kind=kind,
                        trade=trade,
                        reference="P-1",
                        issuer="Assureur Normand",
                        issuer_contact="Évreux",
                        coverage="France",
                        valid_from=date(2027, 1, 1),
                        valid_to=date(2027, 12, 31),
                    )
                )
            await session.flush()
            duty = rota_models.Duty(
                rota_id=rota.id,
                post_id=post.id,
                member_id=member.id,
                technician_id=technician.id,
                starts_at=datetime(2027, 3, 1, tzinfo=UTC),
                ends_at=datetime(2027, 4, 1, tzinfo=UTC),
                live=True,
                recorded_by="tests",
            )
            session.add(duty)
            await session.flush()
            artisans.append(Artisan(member.id, technician.id, duty.id, f"{first} {last}", phone))
    return Crew(sector.id, "27467", tuple(artisans))


# --- numbers -----------------------------------------------------


@pytest.fixture(scope="session")
def python_of_benches() -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """`python_of_benches("-c", "…")`: what it said and printed, on databases kept from one run to the next."""
    # Not under pytest's folder, which another run closes to the account that PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="maillage-bench-") as folder:

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            done = subprocess.run(
                [sys.executable, *arguments],
                cwd=Path(__file__).resolve().parents[1],
                env={**os.environ, "MAILLAGE_BENCH_DIR": folder},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr[-3000:]
            return done

        yield run


@pytest.fixture(scope="session")
def bench(python_of_benches: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., str]:
    """`bench("oncall", "--years", "1")`: that bench as a process; what it printed."""

    def run(*arguments: str) -> str:
        return python_of_benches("-m", "maillage_app.cli", "bench", *arguments).stdout

    return run


@pytest.fixture(scope="session")
def over_http(bench: Callable[..., str]) -> Callable[[str], dict[str, Any]]:
    """`over_http("api")`: the figures of that bench, as small as it can be."""
    sizes = "--tenants 2 --customers 120 --seconds 1 --warm-up 1 --rounds 1 --recorded 30"

    def run(name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(bench(name, "--json", *sizes.split()))
        return found

    return run


# --- two workers -------------------------------------------------


WHOLE = ("tests/sip/", "tests/voice/", "tests/scenarios/test_demo_once")
BENCHES = ("tests/integration/test_bench_",)
DRILLS = "tests/sip/test_sip_drills"
COMPILED = ("tests/unit/test_rota_annealing", "tests/unit/test_rota_solver_bench")


class _WholeFiles(LoadScopeScheduling):  # type: ignore[misc] # xdist is not typed
    """Files that start a whole installation stay on one worker. So do the benches together, which find each other's
    databases, and what needs compiled code, for which one worker shall wait. Any other test goes where there is room.
    The drills, which mostly wait, are two such files: those that break the switchboard, and those that break what
    stands behind."""

    def _split_scope(self, nodeid: str) -> str:
        path, _, test = nodeid.partition("::")
        if path.startswith(DRILLS):
            return f"{path} {'switchboard' if 'edge' in test or 'voice' in test else 'behind'}"
        for together in (BENCHES, COMPILED):
            if path.startswith(together):
                return together[0]
        return path if path.startswith(WHOLE) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _WholeFiles:
    """How pytest-xdist shares the tests out."""
    return _WholeFiles(config, log)


# --- software that comes by the API ------------------------------


@cache
def _promises() -> tuple[dict[str, Any], list[tuple[re.Pattern[str], dict[str, Any]]]]:
    document = openapi_document(operations())
    paths = [
        (re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) + "/?"), methods)
        for path, methods in document["paths"].items()
    ]
    return document["components"], paths


def as_promised(answer: httpx.Response) -> httpx.Response:
    """The answer, held to what the document of the API promises for that operation and status."""
    components, paths = _promises()
    if answer.headers.get("content-type") != "application/json":
        return answer
    methods = next(methods for pattern, methods in paths if pattern.fullmatch(answer.request.url.path))
    promised = methods[answer.request.method.lower()]["responses"][str(answer.status_code)]
    if answer.content:
        schema = promised["content"]["application/json"]["schema"]
        jsonschema_rs.validate({**schema, "components": components}, answer.json(), validate_formats=True)
    return answer


@dataclass(frozen=True)
class Software:
    """A client of the REST API in one cooperative; `get`, `post` and `patch` take paths under the cooperative's."""

    client: httpx.AsyncClient
    base: str

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return as_promised(await self.client.get(self.base + path, **options))

    async def post(self, path: str, json: Any, *, key: str | None = None, **options: Any) -> httpx.Response:
        headers = {"idempotency-key": key or uuid4().hex, **options.pop("headers", {})}
        return as_promised(await self.client.post(self.base + path, json=json, headers=headers, **options))

    async def patch(self, path: str, json: Any, *, etag: str | None = None) -> httpx.Response:
        headers = {"if-match": etag} if etag else {}
        return as_promised(await self.client.patch(self.base + path, json=json, headers=headers))


@pytest.fixture
def issuer() -> TokenIssuer:
    """Who gives tokens in tests."""
    return TokenIssuer()


@pytest.fixture
async def software(runtime: Runtime, issuer: TokenIssuer) -> AsyncIterator[Callable[..., Software]]:
    """A client with a token: `software(eure)`, `software(eure, Scope.ONCALL_READ, client="other")`."""
    object.__setattr__(runtime, "tokens", issuer)
    opened: list[httpx.AsyncClient] = []

    def enter(cooperative: CooperativeContext, *scopes: Scope, **who: Any) -> Software:
        client = new_client(runtime)
        client.headers["authorization"] = f"Bearer {issuer.token(cooperative, *scopes, **who)}"
        opened.append(client)
        return Software(client, f"/api/v1/cooperatives/{cooperative.slug}")

    yield enter
    for client in opened:
        await client.aclose()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Whoever receives webhooks, on this machine."""
    with receiving() as found:
        yield found
