"""The town of the telephone stories: people on call around Pont-Audemer, customers, and a phone company; and a
cooperative on a PostgreSQL of its own, which may be stopped."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
import sqlalchemy as sa
import structlog
from pydantic import SecretStr

from maillage_app.onboarding import open_cooperative
from maillage_app.runtime import Runtime
from maillage_app.testing.applications import application_of
from maillage_app.testing.cooperatives import MANCHE
from maillage_app.testing.plumbers import S2, add_person
from maillage_app.testing.real_server import Server
from maillage_app.worker import build_worker, run_handler
from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.api_access import Scope
from maillage_kit.clock import MovableClock, SharedClock
from maillage_kit.context import CooperativeContext
from maillage_kit.embedded_postgres import EmbeddedPostgres
from maillage_kit.permissions import Role
from maillage_kit.semester import Semester
from maillage_kit.settings import DatabaseSettings, Settings, SipSettings
from maillage_kit.testing.oauth_application import OAuthApplication, added_by
from maillage_kit.testing.phone_company import Phone, PhoneCompany
from maillage_kit.testing.sip_line import SipLine
from maillage_platform import cooperatives, provisioning
from maillage_tenants import alarms, customers, rota, territory
from maillage_tenants.calls import tasks
from maillage_tenants.calls.carriers import sip
from maillage_tenants.customers import ConsumerStatus, CustomerFacts, CustomerKind, PremisesUse, SiteFacts
from maillage_tenants.members.models import Member, MemberDocument, MemberTrade, Technician
from maillage_tenants.messages.models import Message
from maillage_tenants.rota import queries_planning
from maillage_tenants.rota.models import Duty, OnCallPost, Rota

PONT_AUDEMER, EVREUX, BERNAY = "27467", "27229", "27056"
EDGE_SECRET, CALLER = "the-secret-of-the-edge", "+33633333301"
NOW = datetime(2027, 3, 1, 8, tzinfo=UTC)
FOREVER = (datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))


@dataclass
class Town:
    """One cooperative as a story needs it: people and customers are added by name."""

    runtime: Runtime
    cooperative: CooperativeContext
    company: PhoneCompany
    people: dict[str, UUID] = field(default_factory=dict)
    log: list[Any] = field(default_factory=list)
    troubles: set[str] = field(default_factory=set)

    @property
    def number(self) -> str:
        return self.cooperative.public_number

    async def sector(self, insee: str, trade: str = "plumbing") -> UUID:
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            found = await territory.sector_of(session, insee=insee, trade=trade, at=clock.now())
        assert found is not None
        return found.id

    async def on_call(
        self,
        name: str,
        number: str,
        *,
        rank: int = 1,
        insee: str = PONT_AUDEMER,
        trade: str = "plumbing",
        period: tuple[datetime, datetime] = FOREVER,
        sector_id: UUID | None = None,
        papers_until: date = date(2027, 12, 31),
    ) -> Phone:
        """Somebody with papers in order, on call for the sector of a commune; returns their phone."""
        sector = sector_id or await self.sector(insee, trade)
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            semester = Semester.containing(period[0]).code
            plan = (await session.scalars(sa.select(Rota).where(Rota.semester == semester))).one_or_none()
            if plan is None:
                plan = Rota(semester=semester, state="published")
                session.add(plan)
            member = Member(
                name=f"{name} Dépannage",
                legal_form="SARL",
                siret=f"{len(self.people):014d}",
                email=f"{name.lower()}@eure.example",
                phone=number,
                address="1 rue des Carmes",
                postcode="27500",
                city="Pont-Audemer",
                joined_on=date(2020, 1, 1),
            )
            session.add(member)
            post = (
                await session.scalars(
                    sa.select(OnCallPost).where(
                        OnCallPost.sector_id == sector, OnCallPost.trade == trade, OnCallPost.rank == rank
                    )
                )
            ).one_or_none()
            if post is None:
                post = OnCallPost(sector_id=sector, trade=trade, rank=rank)
                session.add(post)
            await session.flush()
            technician = Technician(member_id=member.id, first_name=name, last_name="Test", phone=number)
            session.add_all((technician, MemberTrade(member_id=member.id, trade=trade)))
            for kind, of_trade in (("liability", None), ("decennial", trade), ("qualification", trade)):
                session.add(
                    MemberDocument(
                        member_id=member.id,
                        kind=kind,
                        trade=of_trade,
                        reference="P-1",
                        issuer="Assureur Normand",
                        issuer_contact="Évreux",
                        coverage="France",
                        valid_from=date(2027, 1, 1),
                        valid_to=papers_until,
                    )
                )
            await session.flush()
            duty = Duty(
                rota_id=plan.id,
                post_id=post.id,
                member_id=member.id,
                technician_id=technician.id,
                starts_at=period[0],
                ends_at=period[1],
                live=True,
                recorded_by="tests",
            )
            session.add(duty)
            await session.flush()
            self.people[name] = technician.id
        return self.company.phone(name, number)

    async def customer(self, name: str, number: str, *sites: tuple[str, str]) -> UUID:
        """A customer who calls from `number`, with sites given as (address, INSEE code)."""
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            customer = await customers.register_customer(
                session,
                facts=CustomerFacts(
                    kind=CustomerKind.PERSON,
                    consumer_status=ConsumerStatus.CONSUMER,
                    name=name,
                    billing_address="1 rue de la République",
                    billing_postcode="27500",
                    billing_city="Pont-Audemer",
                ),
                by="tests",
            )
            await customers.add_phone(session, customer_id=customer.id, phone=number, by="tests")
            for address, insee in sites:
                commune = await territory.commune(session, insee=insee)
                assert commune is not None
                await customers.add_site(
                    session,
                    customer_id=customer.id,
                    facts=SiteFacts(
                        address=address,
                        postcode=commune.postcodes[0],
                        premises_use=PremisesUse.DWELLING,
                        insee=insee,
                        over_two_years=True,
                    ),
                    cipher=self.runtime.cipher,
                    by="tests",
                )
                await self.company.passes(1)
            return customer.id

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """Rows of the cooperative's schema, as dictionaries."""
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            found = await session.execute(sa.text(statement), values)
            return [dict(row) for row in found.mappings()]

    async def row(self, statement: str, **values: Any) -> dict[str, Any]:
        found = await self.rows(statement, **values)
        assert len(found) == 1, found
        return found[0]

    async def value(self, statement: str, **values: Any) -> Any:
        return next(iter((await self.row(statement, **values)).values()))

    async def ended(self) -> dict[str, Any]:
        """The one event that told the end of the one call."""
        async with self.runtime.database.platform() as session:
            found = await session.execute(
                sa.text("select payload from platform.outbox_event where type = 'calls.CallEnded'")
            )
            (payload,) = found.scalars().all()
        call_id = await self.value("select id from call")
        assert payload.pop("call_id") == str(call_id)
        return dict(payload)

    async def ladder(self) -> list[dict[str, Any]]:
        """The frozen steps of the latest call."""
        return await self.rows(
            "select * from ladder_step "
            "where call_id = (select id from call order by started_at desc, id desc limit 1) order by position"
        )

    async def legs(self) -> list[tuple[str, str]]:
        """(who, how it ended) in the order they were rung, for the latest call."""
        found = await self.rows(
            "select s.display_name, l.state from call_leg l join ladder_step s using (call_id, position) "
            "where call_id = (select id from call order by started_at desc, id desc limit 1) order by position"
        )
        return [(row["display_name"].split(" ")[0], row["state"]) for row in found]

    async def to_the_ladder(self, line: SipLine) -> list[tuple[int, str]]:
        """A line of the SIP trunk, up to the hunt: plumbing, in Pont-Audemer."""
        await line.rings()
        await line.start()
        await line.types("1")
        if any("gather" in verb for verb in line.verbs):
            await line.types("27500")
        return line.hunt

    async def settled(self) -> None:
        """The tasks that say what came of calls whose line is over."""
        for row in await self.rows("select id from call where state <> 'ended' and line_ended_at is not null"):
            await run_handler(self.runtime, self.cooperative, tasks.settle, {"call_id": str(row["id"])})


@pytest.fixture
async def town(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock, application: Any
) -> AsyncIterator[Town]:
    """The cooperative of Eure, nobody on call yet; its manager and fallback phones are not expected to ring.

    At the end every line is down, every expected call came, and the log holds no error but the `troubles` announced.
    """
    settings = runtime.settings
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        company = PhoneCompany(
            client,
            public_url=settings.web.public_url,
            token=settings.telephony.auth_tokens[0].get_secret_value(),
            clock=moved_clock,
        )
        company.phone("Responsable", eure.manager_phone)
        company.phone("Repli", eure.fallback_phone)
        with structlog.testing.capture_logs() as log:
            town = Town(runtime, eure, company, log=log)
            yield town
        company.is_quiet()
        errors = [line for line in log if line["log_level"] in ("error", "critical", "exception")]
        assert [line for line in errors if line["event"] not in town.troubles] == []


@dataclass
class Guild:
    """Plumbers of Pont-Audemer living with their published rota, told by first name."""

    runtime: Runtime
    cooperative: CooperativeContext
    sign_in: Any
    sector_id: UUID
    rota_id: UUID
    posts: dict[int, int]
    people: dict[str, tuple[UUID, UUID]] = field(default_factory=dict)
    browsers: dict[str, Any] = field(default_factory=dict)

    def session(self) -> Any:
        return self.runtime.database.tenant(self.cooperative.tenant)

    def id_of(self, name: str) -> UUID:
        return self.people[name][1]

    async def joins(self, name: str, *, employed: bool = False, papers_until: date = date(2027, 12, 31)) -> UUID:
        """A business of one person with papers in order; returns the technician."""
        number = len(self.people) + 1
        async with self.session() as session:
            member = Member(
                name=f"{name} Plomberie",
                legal_form="SARL",
                siret=f"{number:014d}",
                email=f"{name.lower()}@eure.example",
                phone=f"+3361200{number:04d}",
                address="1 rue des Carmes",
                postcode="27500",
                city="Pont-Audemer",
                joined_on=date(2020, 1, 1),
            )
            session.add(member)
            await session.flush()
            technician = Technician(
                member_id=member.id,
                first_name=name,
                last_name="Test",
                phone=f"+3361200{number:04d}",
                employed=employed,
            )
            session.add_all((technician, MemberTrade(member_id=member.id, trade="plumbing")))
            for kind, trade in (("liability", None), ("decennial", "plumbing"), ("qualification", "plumbing")):
                session.add(
                    MemberDocument(
                        member_id=member.id,
                        kind=kind,
                        trade=trade,
                        reference="P-1",
                        issuer="Assureur Normand",
                        issuer_contact="Évreux",
                        coverage="France",
                        valid_from=date(2027, 1, 1),
                        valid_to=papers_until,
                    )
                )
            await session.flush()
            self.people[name] = (member.id, technician.id)
        return technician.id

    async def on_duty(self, name: str, start: datetime, end: datetime, *, rank: int = 1) -> UUID:
        """A published duty."""
        member_id, technician_id = self.people[name]
        async with self.session() as session:
            duty = Duty(
                rota_id=self.rota_id,
                post_id=self.posts[rank],
                member_id=member_id,
                technician_id=technician_id,
                starts_at=start,
                ends_at=end,
                live=True,
                recorded_by="tests",
            )
            session.add(duty)
            await session.flush()
        return duty.id

    async def phone(self, name: str) -> Any:
        """That person's browser, signed in."""
        if name not in self.browsers:
            member_id, technician_id = self.people[name]
            self.browsers[name] = await self.sign_in(
                Role.MEMBER, self.cooperative, member_id=member_id, technician_id=technician_id
            )
        return self.browsers[name]

    async def office(self) -> Any:
        if "office" not in self.browsers:
            self.browsers["office"] = await self.sign_in(Role.MANAGER, self.cooperative)
        return self.browsers["office"]

    async def told(self, name: str) -> list[str]:
        """What was written to that person, the first first."""
        async with self.session() as session:
            return list(
                await session.scalars(
                    sa.select(Message.body)
                    .where(Message.technician_id == self.id_of(name))
                    .order_by(Message.created_at, Message.id)
                )
            )

    async def desk(self) -> list[str]:
        async with self.session() as session:
            return [alarm.title for alarm in await alarms.open_alarms(session)]

    async def who(self, at: datetime, *, rank: int = 1, known_at: datetime | None = None) -> str | None:
        """Who is on call, as the telephone would find him."""
        async with self.session() as session:
            found = await rota.on_call(session, sector_ids=[self.sector_id], trade="plumbing", at=at, known_at=known_at)
        return next((one.name.removesuffix(" Test") for one in found if one.rank == rank), None)


@pytest.fixture
async def guild(runtime: Runtime, eure: CooperativeContext, sign_in) -> Guild:
    async with runtime.database.tenant(eure.tenant) as session:
        sector = await territory.sector_of(session, insee=PONT_AUDEMER, trade="plumbing", at=clock.now())
        assert sector is not None
        published = Rota(semester=Semester.containing(clock.now()).code, state="published")
        posts = [OnCallPost(sector_id=sector.id, trade="plumbing", rank=rank) for rank in (1, 2)]
        session.add_all((published, *posts))
        await session.flush()
        return Guild(runtime, eure, sign_in, sector.id, published.id, {post.rank: post.id for post in posts})


# --- our own switchboard -----------------------------------------


@dataclass(frozen=True)
class Team:
    """Plumbers of the Eure in the second semester of 2027: `people` by sector, in the order of the sectors."""

    runtime: Runtime
    cooperative: CooperativeContext
    sectors: tuple[territory.SectorSummary, ...]
    people: dict[UUID, list[UUID]]

    @property
    def everybody(self) -> list[UUID]:
        return [one for own in self.people.values() for one in own]

    async def publish(self) -> UUID:
        """The quick proposal, published."""
        trades = self.runtime.trades.enabled(self.cooperative.trades)
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            draft = await rota.create_draft(session, semester=S2, trades=trades, by="bureau")
            await rota.generate(session, rota_id=draft.id, trades=trades, by="bureau")
            await rota.publish(session, rota_id=draft.id, decision="CA du 1er mars", by="bureau", trades=trades)
            return draft.id

    async def held(self, rota_id: UUID) -> tuple[queries_planning.Held, ...]:
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            return await queries_planning.held(session, rota_id=rota_id)


@pytest.fixture
async def plumbers(runtime: Runtime, eure: CooperativeContext) -> CooperativeContext:
    """The cooperative with one trade only, so that searches are short."""
    async with runtime.database.platform() as session:
        for trade in ("locksmith", "glazing"):
            await cooperatives.change_trades(session, slug=eure.slug, disable=trade, actor="tests")
    runtime.directory.forget()
    found = await runtime.directory.by_slug("eure")
    assert found is not None
    return found


@pytest.fixture
async def team(runtime: Runtime, plumbers: CooperativeContext) -> Team:
    """Five businesses at home in each sector, of one person each: « Prénom1 Nom1 » and so on."""
    people: dict[UUID, list[UUID]] = {}
    async with runtime.database.tenant(plumbers.tenant) as session:
        sectors = await territory.sectors(session, trade="plumbing", semester=S2)
        for sector in sectors:
            known = len(people) * 5
            people[sector.id] = [await add_person(session, known + n, sectors=(sector.id,)) for n in range(1, 6)]
    return Team(runtime, plumbers, sectors, people)


@pytest.fixture
def work(runtime: Runtime) -> Callable[[], Coroutine[None, None, None]]:
    """The worker does everything that is due."""

    async def run() -> None:
        await build_worker(runtime).run_due()

    return run


@pytest.fixture
def a_patient_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine that runs tests is not an outage."""
    monkeypatch.setattr(sip, "PATIENCE_SECONDS", 30.0)


@pytest.fixture
async def runtime_with_edge(
    settings: Settings, trades: TradeRegistry, moved_clock: MovableClock
) -> AsyncIterator[Runtime]:
    """A process that knows an edge. A file whose calls come by the SIP trunk makes it its `runtime`."""
    with_sip = settings.telephony.model_copy(update={"sip": SipSettings(secrets=(SecretStr(EDGE_SECRET),))})
    started = Runtime.start(settings.model_copy(update={"telephony": with_sip}), trades=trades)
    yield started
    await started.close()


@pytest.fixture
async def dials(town: Town, moved_clock: MovableClock) -> AsyncIterator[Callable[..., SipLine]]:
    """A line of the SIP trunk: `dials("+336…")`."""
    app = application_of(town.runtime)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:

        def line(caller: str = CALLER, *, called: str = town.number, **more: Any) -> SipLine:
            return SipLine(client, secret=EDGE_SECRET, caller=caller, called=called, now=moved_clock.now, **more)

        yield line


# --- outages -----------------------------------------------------


@pytest.fixture
def quiet_log() -> Iterator[None]:
    """What a test breaks is logged with long traces: kept off the screen."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, trades: TradeRegistry) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of the tests of one file, to be stopped and frozen, with one cooperative: Manche."""
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("outage"))
    url = postgres.start()
    provisioning.migrate_platform(url)

    async def fill() -> None:
        runtime = Runtime.start(Settings(environment="test", database=DatabaseSettings(url=url)), trades=trades)
        await open_cooperative(runtime, MANCHE, actor="tests")
        await runtime.close()

    with clock.using(MovableClock(NOW)):
        asyncio.run(fill())
    try:
        yield postgres
    finally:
        postgres.stop(force=True)


@pytest.fixture
def server(installed: EmbeddedPostgres) -> EmbeddedPostgres:
    """That server, running, without any call."""
    with psycopg.connect(installed.start(), autocommit=True) as connection:
        connection.execute("truncate t0001.call, t0001.intervention, t0001.alarm, t0001.number_counter cascade")
    return installed


# --- a partner's application -------------------------------------


@pytest.fixture
async def office(sign_in: Any, eure: CooperativeContext) -> Any:
    """Somebody of the Eure's office."""
    return await sign_in(Role.MANAGER, eure)


@pytest.fixture
async def habitat(office: Any, visitor: Any) -> OAuthApplication:
    """Habitat 27, an application of the Eure."""
    return await added_by(office, visitor.client)


@pytest.fixture
def shared_clock(tmp_path: Path, moved_clock) -> Iterator[SharedClock]:
    """The time of the server's processes and of this one."""
    shared = SharedClock(tmp_path / "clock")
    shared.move_to(moved_clock.now())
    with clock.using(shared, whole_process=True):
        yield shared


@pytest.fixture
async def api_server(settings: Settings, shared_clock: SharedClock, tmp_path: Path) -> AsyncIterator[Server]:
    """The real server on a real port, which is its public address."""
    server = Server(settings, tmp_path / "clock", tmp_path / "server.log")
    await server.start()
    yield server
    server.kill()


@pytest.fixture
async def landlord(
    runtime: Runtime, eure: CooperativeContext, shared_clock: SharedClock, sign_in, visitor
) -> OAuthApplication:
    """An application of Eure that may do everything, in its own name: what the office gave to its partner."""
    scopes = [str(scope) for scope in Scope]
    return await added_by(
        await sign_in(Role.MANAGER, eure), visitor.client, grants=["client_credentials"], scopes=scopes
    )
