"""The real product in a real browser: server and worker as processes, one Saturday evening in the Eure, Chromium.

One world serves the whole run: what a test adds stays, so every test looks for its own case by its name. Every screen
that a test opens is watched: an error in the console, something the content security policy refused, a request to
another host or a failed request fails the test, unless it said so with `forgives`.
"""

import asyncio
import base64
import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import pytest_asyncio
import sqlalchemy as sa
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    async_playwright,
    expect,
)

from maillage_app.demo import founding
from maillage_app.demo.founding import Colleague
from maillage_app.demo.plans import EURE
from maillage_app.demo.signature import drawn_signature
from maillage_app.runtime import Runtime
from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import MovableClock, SharedClock
from maillage_kit.context import CooperativeContext
from maillage_kit.crypto import token_hash
from maillage_kit.permissions import Role
from maillage_kit.settings import DatabaseSettings, Settings, TelephonySettings, WebSettings
from maillage_kit.testing.phone_company import Phone, PhoneCompany
from maillage_platform import identity, provisioning, webhooks
from maillage_platform.identity.models import IdentityProvider
from maillage_platform.oauth.models import ApiClient
from maillage_platform.oauth.rules import AuthMethod, GrantKind
from maillage_platform.webhooks.models import WebhookDelivery, WebhookEndpoint
from maillage_platform.webhooks.rules import DeliveryState, Problem
from maillage_tenants import reviews, rota, territory

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
EVENING = datetime(2027, 3, 6, 19, 40, tzinfo=UTC)  # a Saturday, 20:40 in Paris: the night rate runs
PONT_AUDEMER = "27467"
PICTURE = base64.b64decode(drawn_signature("photo").partition(",")[2])
CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
DESK = {"viewport": {"width": 1280, "height": 860}}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", action="store_true", help="take the pictures of docs/screenshots again")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")


# --- the product -------------------------------------------------


@dataclass
class Processes:
    """The web server and the worker, with the settings of a deployment in their environment."""

    folder: Path
    port: int
    environment: dict[str, str]
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"  # a passkey is bound to a name, never to an address

    def start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "maillage_app.cli", *command],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start_server(self) -> None:
        """Returns when it answers."""
        self.start("server", "serve", "--without-worker")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.running["server"].poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/health", timeout=2).status_code == 200:
                    return
            time.sleep(0.1)
        raise AssertionError((self.folder / "server.log").read_text()[-3000:])

    def kill(self, name: str) -> None:
        """Without warning, with everything it started."""
        process = self.running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)

    def kill_all(self) -> None:
        for name in tuple(self.running):
            self.kill(name)


class Hand:
    """Somebody signed in, over plain HTTP: what the world needs done before a browser looks at it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str) -> str:
        answer = await self.client.get(path, headers={"accept": "text/html"})
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text

    async def post(self, path: str, form: Mapping[str, str] | None = None, **more: Any) -> str:
        """Returns where the answer leads."""
        if "maillage_csrf" not in self.client.cookies:
            await self.client.get("/signin", headers={"accept": "text/html"})
        headers = {"accept": "text/html", "x-csrftoken": self.client.cookies["maillage_csrf"]}
        answer = await self.client.post(path, data=dict(form or {}), headers=headers, **more)
        assert answer.status_code == 303, f"{path}: {answer.status_code} {answer.text[-1500:]}"
        return answer.headers["location"]


@dataclass
class World:
    """The cooperative of the Eure, its people, and the phone company that rings them."""

    runtime: Runtime
    cooperative: CooperativeContext
    processes: Processes
    clock: SharedClock
    company: PhoneCompany
    stack: contextlib.AsyncExitStack
    colleagues: dict[UUID, Colleague] = field(default_factory=dict)
    landlord: UUID | None = None

    @property
    def base(self) -> str:
        return f"/c/{self.cooperative.slug}"

    @property
    def public(self) -> str:
        return f"/p/{self.cooperative.slug}"

    async def token(self, role: Role, colleague: Colleague | None = None) -> str:
        """A session of somebody of that role; a member is that colleague, a partner is of `landlord`."""
        with clock.using(self.clock):
            async with self.runtime.database.platform() as session:
                new = self.cooperative
                email, name = (EURE.manager_email, new.manager_name)
                hat: dict[str, Any] = {"cooperative_id": new.id}
                if role.of_federation:
                    email, name, hat = "nadia.benard@federation.example", "Nadia Benard", {"cooperative_id": None}
                elif role is Role.PARTNER:
                    email, name = "claire.martin@habitat.example", "Claire Martin"
                    hat |= {"customer_id": self.landlord}
                elif colleague is not None:
                    email, name = colleague.email, colleague.name
                    hat |= {"member_id": colleague.member_id, "technician_id": colleague.technician_id}
                account = await identity.add_account(session, email=email, display_name=name)
                membership = await identity.add_membership(session, account=account, role=role, **hat)
                return await identity.open_session(session, membership=membership)

    async def link(self) -> str:
        """The secret of a one-time link for the manager."""
        with clock.using(self.clock):
            async with self.runtime.database.platform() as session:
                name = self.cooperative.manager_name
                account = await identity.add_account(session, email=EURE.manager_email, display_name=name)
                return (await identity.make_link(session, account=account)).rsplit("/", 1)[-1]

    async def provider(self, cooperative_id: UUID | None) -> UUID:
        """An identity provider of the cooperative, or of the federation."""
        async with self.runtime.database.platform() as session:
            row = IdentityProvider(
                cooperative_id=cooperative_id,
                name="Annuaire de l’Eure",
                issuer="https://annuaire.example",
                client_id="maillage",
                allowed_domains=["eure.example"],
                changed_at=self.clock.now(),
                changed_by=self.cooperative.manager_name,
            )
            session.add(row)
            await session.flush()
            return row.id

    async def api_client(
        self, redirect_uri: str = "https://partenaire.example/retour", *, secret: str = "", scopes: Sequence[str] = ()
    ) -> UUID:
        """An application of the cooperative; with a secret, it may ask for tokens."""
        async with self.runtime.database.platform() as session:
            row = ApiClient(
                cooperative_id=self.cooperative.id,
                name="Habitat 27",
                auth_method=AuthMethod.SECRET,
                grants=list(GrantKind),
                redirect_uris=[redirect_uri],
                scopes=[*scopes] or ["requests:write", "interventions:read"],
                secret_hash=token_hash(secret) if secret else None,
                changed_at=self.clock.now(),
                changed_by=self.cooperative.manager_name,
            )
            session.add(row)
            await session.flush()
            return row.id

    async def reviewed(self, case_id: UUID) -> None:
        """The customer gave a review of a closed case; nobody has answered."""
        with clock.using(self.clock):
            async with self.runtime.database.tenant(self.cooperative.tenant) as session:
                await reviews.give_review(
                    session,
                    case_id=case_id,
                    rating=4,
                    comment="Rapide et aimable.\nUn peu de sciure laissée.",
                    at=self.clock.now(),
                    by="Client (site web)",
                )

    async def webhook(self) -> UUID:
        """An address of the cooperative that is told what happens, paused; something given up and something waiting."""
        async with self.runtime.database.platform() as session:
            row = WebhookEndpoint(
                cooperative_id=self.cooperative.id,
                name="Habitat 27",
                url="https://habitat27.example/maillage",
                types=[each.name for each in webhooks.CATALOGUE],
                secret=self.runtime.cipher.encrypt("whsec_AAAA"),
                changed_at=self.clock.now(),
                changed_by=self.cooperative.manager_name,
                paused_at=self.clock.now(),
            )
            session.add(row)
            await session.flush()
            for state in DeliveryState:
                session.add(
                    WebhookDelivery(
                        endpoint_id=row.id,
                        type="quote.sent.v1",
                        body="{}",
                        occurred_at=self.clock.now(),
                        state=state,
                        attempts=3,
                        next_at=self.clock.now(),
                        tried_at=self.clock.now(),
                        problem=None if state is DeliveryState.DELIVERED else Problem.STATUS,
                        status=204 if state is DeliveryState.DELIVERED else 500,
                    )
                )
            await session.flush()
            return row.id

    async def hand(self, role: Role, colleague: Colleague | None = None) -> Hand:
        client = await self.stack.enter_async_context(httpx.AsyncClient(base_url=self.processes.url, timeout=30))
        client.cookies.set("maillage_session", await self.token(role, colleague))
        return Hand(client)

    async def on_call(self, rank: int = 1, insee: str = PONT_AUDEMER) -> tuple[Colleague, Phone]:
        """The plumber on call for a commune now, with the phone."""
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            at = self.clock.now()
            sector = await territory.sector_of(session, insee=insee, trade="plumbing", at=at)
            assert sector is not None
            found = await rota.on_call(session, sector_ids=(sector.id,), trade="plumbing", at=at)
        line = next(line for line in found if line.rank == rank)
        return self.colleagues[line.technician_id], self.company.phone(line.name, line.phone)

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            return [dict(row) for row in (await session.execute(sa.text(statement), values)).mappings()]

    async def value(self, statement: str, **values: Any) -> Any:
        (row,) = await self.rows(statement, **values)
        return next(iter(row.values()))

    async def asks(self, name: str, *, dispatch: bool = True, **form: str) -> UUID:
        """The office enters a burst pipe at Pont-Audemer for that caller. Returns the case."""
        asked = {
            "trade": "plumbing", "caller_name": name, "caller_phone": "01 99 00 98 76",
            "address": "3, rue Sadi-Carnot", "insee": PONT_AUDEMER, "premises_use": "dwelling",
            "over_two_years": "yes", "words": "L’eau jaillit sous l’évier", **BURST,
            **({"dispatch": "1"} if dispatch else {}), **form,
        }  # fmt: skip
        office = await self.hand(Role.MANAGER)
        return UUID((await office.post(f"{self.base}/desk/new", asked)).rsplit("/", 1)[-1].split("#")[0])


BURST = {
    "q_danger": "none", "q_problem": "leak", "q_flow": "burst", "q_shut_off": "no", "q_pipe_owner": "private",
    "q_wet_electricity": "no", "q_neighbour_hit": "no", "q_vulnerable": "no",
}  # fmt: skip


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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    provisioning.migrate_platform(own_database)
    url, token = f"http://localhost:{port}", secrets.token_urlsafe(16)
    app_url = provisioning.app_url(own_database)
    settings = Settings(
        database=DatabaseSettings(url=own_database, app_url=app_url, pool_size=4),
        web=WebSettings(port=port, public_url=url),
        telephony=TelephonySettings(auth_tokens=(token,)),  # type: ignore[arg-type]
    )
    runtime = Runtime.start(settings, trades=trades)
    moved = MovableClock(founding.OPENED_AT)
    with clock.using(moved):
        founded = await founding.found(runtime, EURE)
        await founding.find_customers(runtime, founded, count=60)
        moved.move_to(founding.PUBLISHED_AT)
        await founding.publish_rota(runtime, founded)
        await founding.found_federation(runtime)
    shared = SharedClock(folder / "clock")
    shared.move_to(EVENING)
    processes = Processes(
        folder,
        port,
        {
            **{name: value for name, value in os.environ.items() if not name.startswith("MAILLAGE_")},
            "MAILLAGE_ENVIRONMENT": "development",  # the mailbox shows the one-time links
            "MAILLAGE_DATABASE__URL": own_database,
            "MAILLAGE_DATABASE__APP_URL": app_url,
            "MAILLAGE_WEB__PORT": str(port),
            "MAILLAGE_WEB__PUBLIC_URL": url,
            "MAILLAGE_TELEPHONY__AUTH_TOKENS": f'["{token}"]',
            "MAILLAGE_CLOCK_FILE": str(folder / "clock"),
        },
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(runtime.close)
        stack.callback(processes.kill_all)
        processes.start("worker", "worker")
        await asyncio.to_thread(processes.start_server)
        carrier = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))
        company = PhoneCompany(carrier, public_url=url, token=token, clock=shared)
        world = World(runtime, founded.context, processes, shared, company, stack)
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
    expect.set_options(timeout=15_000)  # a loaded machine is slow, not wrong
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_OPTIONS))
        yield started
        await started.close()


@dataclass
class Screen:
    """One tab of somebody, watched."""

    context: BrowserContext
    page: Page
    host: str
    status: int = 0
    troubles: list[str] = field(default_factory=list)
    forgiven: tuple[str, ...] = ("htmx:sendAbort", "htmx:afterRequest")  # an answer overtaken by the next one

    async def go(self, path: str) -> Page:
        answer = await self.page.goto(f"http://{self.host}{path}")
        self.status = answer.status if answer else 0
        return self.page

    def forgives(self, *words: str) -> None:
        """Troubles that hold one of these words are expected."""
        self.forgiven += words

    def is_clean(self) -> None:
        left = [trouble for trouble in self.troubles if not any(words in trouble for words in self.forgiven)]
        assert not left, "\n".join(left)

    def watch(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.troubles.append(f"{self.page.url}: {error}"))
        self.page.on("request", self._request)
        self.page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # a failed request is told by _response, which knows whether the page itself was asked for
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.troubles.append(f"{self.page.url}: console: {message.text}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.host:
            self.troubles.append(f"{self.page.url}: asks {parts.netloc}")

    def _response(self, response: Response) -> None:
        if response.status >= (500 if response.request.is_navigation_request() else 400):
            self.troubles.append(f"{response.url}: {response.status}")


Open = Callable[..., Awaitable[Screen]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_screen(world: World, browser: Browser) -> AsyncIterator[Open]:
    """`await open_screen(Role.MANAGER)`, `(Role.MEMBER, colleague, PHONE)`, `()`: nobody. All are clean at the end."""
    opened: list[Screen] = []
    host = urlsplit(world.processes.url).netloc

    async def enter(
        role: Role | None = None, colleague: Colleague | None = None, device: Mapping[str, Any] = DESK, **options: Any
    ) -> Screen:
        context = await browser.new_context(**{"locale": "fr-FR", "reduced_motion": "reduce", **device, **options})
        context.set_default_timeout(20_000)
        if role is not None:
            value = await world.token(role, colleague)
            await context.add_cookies([{"name": "maillage_session", "value": value, "url": world.processes.url}])
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


@dataclass(frozen=True)
class Evening:
    """What happened before a screen is looked at. `artisan` has the running cases; paths are of whole pages."""

    artisan: Colleague
    closed: UUID
    signing: UUID
    running: UUID
    held: UUID
    offered: UUID
    redirected: UUID
    tracking: str
    answered_call: UUID
    missed_call: UUID


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def evening(world: World) -> Evening:
    """Cases in most states, an answered call and a missed one, made through the pages' own forms."""
    artisan, telephone = await world.on_call()
    his, office = await world.hand(Role.MEMBER, artisan), await world.hand(Role.MANAGER)

    async def taken(name: str, *steps: str, **form: Any) -> UUID:
        case_id = await world.asks(name, **form)
        offer = await world.value(
            "select id from offer where intervention_id = :id and offered_at is not null", id=case_id
        )
        await his.post(f"{world.base}/field/offers/{offer}/accept")
        for step in steps:
            world.clock.advance(minutes=12)
            await his.post(f"{world.base}/cases/{case_id}/advance", {"step": step})
        return case_id

    async def quoted(case_id: UUID) -> str:
        acts = f"{world.base}/cases/{case_id}"
        await his.post(f"{acts}/quote", {"premises_use": "dwelling", "over_two_years": "yes", "certify": "yes"})
        quote = await world.value("select id from quote where intervention_id = :id", id=case_id)
        await his.post(f"{acts}/quotes/{quote}/send")
        return f"{acts}/quotes/{quote}"

    answered = await world.company.calls("+33199009981", world.cooperative.public_number)
    telephone.rings().presses("1")
    await (await answered.presses("1")).presses("27500")
    await answered.hangs_up()
    missed = await world.company.calls("+33199009982", world.cooperative.public_number)
    await (await missed.presses("1")).presses("27000")
    closed = await taken("Madame Lefèvre", "depart", "arrive")
    acts, quote = f"{world.base}/cases/{closed}", await quoted(closed)
    await his.post(
        f"{quote}/sign",
        {"signature": drawn_signature("Lefèvre"), "signed_by": "Madame Lefèvre", "vat_certified": "1"},
    )
    for step in ("make_safe", "finish"):
        world.clock.advance(minutes=18)
        await his.post(f"{acts}/advance", {"step": step})
    photo = ("évier.png", PICTURE, "image/png")
    await his.post(f"{acts}/attachments", {"kind": "after"}, files={"photos": photo})
    report = {
        "r_leak_location": "Sous l’évier", "r_pipe_type": "copper", "r_pipe_after_meter": "yes",
        "r_repaired_on": "2027-03-06", "r_cause": "Raccord cassé", "r_work_done": "Raccord remplacé",
        "r_made_safe": "yes",
    }  # fmt: skip
    await his.post(f"{acts}/report", report)
    await his.post(f"{acts}/note")
    gross = await world.value("select gross from invoice where intervention_id = :id", id=closed)
    await his.post(f"{acts}/payment", {"amount": f"{gross // 100},{gross % 100:02d}", "method": "card"})
    await his.post(f"{acts}/close")
    await world.reviewed(closed)
    signing = await taken("Monsieur Aubry", "depart", "arrive")
    await quoted(signing)
    held = await taken("Gérard Pinchon", "depart", "arrive")
    await his.post(f"{world.base}/cases/{held}/hold", {"reason": "occupant_absent", "note": "Sonné deux fois"})
    running = await taken("Boulangerie Vasseur", "depart", premises_use="business", over_two_years="no")
    redirected = await world.asks("Madame Roussel", dispatch=False, q_danger="gas_smell")
    offered = await world.asks("Léa Fontaine")
    visitor = Hand(await world.stack.enter_async_context(httpx.AsyncClient(base_url=world.processes.url, timeout=30)))
    asked = {"trade": "plumbing", "name": "Paul Martin", "phone": "01 99 00 98 77", "address": "8, rue des Carmes"}
    tracking = await visitor.post(f"{world.public}/demande", {**asked, "insee": PONT_AUDEMER, **BURST})
    calls = {row["caller"]: row["id"] for row in await world.rows("select caller, id from call")}
    await office.post(f"{world.base}/rota/drafts", {"semester": "2027-S2"})
    return Evening(
        artisan, closed, signing, running, held, offered, redirected, urlsplit(tracking).path,
        calls["+33199009981"], calls["+33199009982"],
    )  # fmt: skip


@pytest.fixture
def phone_device() -> dict[str, Any]:
    """A small phone, with touch."""
    return PHONE


@pytest.fixture
def picture() -> bytes:
    """A small PNG."""
    return PICTURE
