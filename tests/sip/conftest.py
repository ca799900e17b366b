"""Real SIP on the loopback: skipped, with the reason, where Kamailio or sipp are absent; a failure in CI."""

import asyncio
import contextlib
import json
import os
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.rows import dict_row

from maillage_app.onboarding import open_cooperative
from maillage_app.runtime import Runtime
from maillage_app.testing.cooperatives import EURE
from maillage_kit import clock
from maillage_kit.clock import paris
from maillage_kit.context import CooperativeContext
from maillage_kit.embedded_postgres import EmbeddedPostgres
from maillage_kit.semester import Semester
from maillage_kit.settings import DatabaseSettings, Settings
from maillage_kit.testing.sip_lab import (
    HOST,
    Caller,
    CallerScript,
    Child,
    Edge,
    PhoneScript,
    SipLab,
    free_port,
    missing,
    own_range,
    wait_until,
)
from maillage_kit.testing.sip_lab.application import Document, ScriptedApplication
from maillage_platform import provisioning
from maillage_tenants import customers, territory
from maillage_tenants.customers import ConsumerStatus, CustomerFacts, CustomerKind, PremisesUse, SiteFacts
from maillage_tenants.members.models import Member, MemberDocument, MemberTrade, Technician
from maillage_tenants.rota.models import Duty, OnCallPost, Rota

ROOT = Path(__file__).resolve().parents[2]
KAMAILIO = ROOT / "deploy" / "kamailio"
SECRET = "laboratory-secret-of-the-edge"
NUMBER = "+33232402727"
FALLBACK, MANAGER, LAST_RESORT = "+33232402700", "+33612345601", "+33144000000"
ANSWERS = PhoneScript(answers_after=0.2, talks=30, sound=False)


@pytest.fixture(scope="session", autouse=True)
def sip_is_possible() -> None:
    """Skips every test of this folder on a machine that cannot run them; in CI that is a failure."""
    reason = missing()
    if reason is None:
        return
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(f"SIP tests cannot run: {reason}", pytrace=False)
    pytest.skip(f"no SIP here: {reason}")


@pytest.fixture(scope="module")
def lab(sip_is_possible: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SipLab]:
    """One laboratory for the tests of a file."""
    with SipLab(tmp_path_factory.mktemp("sip"), secret=SECRET, source=KAMAILIO) as lab:
        yield lab


class Stage:
    """The edge, a scripted application that it asks, and who answers where. Each test takes numbers of its own."""

    def __init__(self, lab: SipLab) -> None:
        self.lab = lab
        self.documents: dict[str, Document] = {}
        self.application = ScriptedApplication(lab.secret, self.decide, plans=self.plans()).start()
        self.edge: Edge = lab.edge(application_port=self.application.port, last_resort=LAST_RESORT, flood_calls=30)
        self.edge.start()
        self._numbers = 0

    def decide(self, asked: Document) -> Document:
        return self.documents.get(asked["caller"]) or self.document()

    def document(self, *persons: tuple[str, int], voice: bool = False, **more: object) -> Document:
        """To ring these persons directly (number, seconds), from position 100 on, after the voice if wanted."""
        routes = [self.person(number, seconds) for number, seconds in persons]
        steps = [str(position) for position in range(100, 100 + len(persons))]
        if voice:
            routes.insert(0, {"uri": f"sip:voice@{HOST}:{self.lab.voice_port}", "fr_timer": 500, "fr_inv_timer": 5000})
            steps.insert(0, "voice")
        return {
            "version": "1.0",
            "routing": "serial",
            "call": "0190aaaa-0000-7000-8000-000000000001",
            "cooperative": "0190bbbb-0000-7000-8000-000000000002",
            "steps": ",".join(steps),
            "rescue": [{"position": 100, "uri": routes[-1]["uri"], "ring_seconds": 20}] if routes else [],
            "caller_id": NUMBER,
            "routes": routes,
            **more,
        }

    def person(self, number: str, seconds: int) -> Document:
        return {
            "uri": f"sip:{number}@{self.lab.operator.address};user=phone",
            "fr_timer": 1000,
            "fr_inv_timer": seconds * 1000,
            "headers": {"from": {"display": "", "uri": f"sip:{NUMBER}@{self.lab.operator.address}"}},
        }

    def plans(self) -> Document:
        plan = self.document((FALLBACK, 5), (MANAGER, 5))
        return {"plans": [{"called": NUMBER, **plan}], "default": self.document((MANAGER, 5))}

    def forget(self) -> None:
        """Nothing of the calls before keeps the edge from asking: neither a failure nor a flood."""
        self.edge.rpc("htable.delete", "state", "open_until")
        assert "error" not in self.edge.rpc("htable.flush", "rate")

    def somebody(self) -> str:
        """A caller that nobody else is."""
        self._numbers += 1
        return f"+336990{self._numbers:05d}"

    def numbers(self, count: int) -> list[str]:
        self._numbers += count
        return [f"+336110{self._numbers - n:05d}" for n in range(count)]

    def rung(self, call_id: str) -> list[str]:
        """Whose telephones rang for that call, in order, as the operator saw it."""
        seen = self.lab.operator.messages()
        invites = [m for m in seen if m.start.startswith("INVITE ") and m.header("Call-ID") == call_id]
        return list(dict.fromkeys(m.number for m in invites))

    def call(self, caller: str, called: str = NUMBER, **script: Any) -> Caller:
        script.setdefault("talks", 0.5)
        return self.lab.caller(CallerScript(caller, called, **script), self.edge)


@pytest.fixture(scope="module")
def shared_stage(lab: SipLab) -> Iterator[Stage]:
    """One edge for a file."""
    stage = Stage(lab)
    wait_until(lambda: stage.edge.knows_plans(NUMBER, "default"), within=10, what="the plans are learnt")
    for number in (FALLBACK, MANAGER, LAST_RESORT):
        lab.telephone(number, ANSWERS)
    yield stage
    stage.application.die()


@pytest.fixture
def stage(shared_stage: Stage) -> Iterator[Stage]:
    """The same stage, the application in a good mood again and asked again: also when a question of the test before was
    answered too late, or its calls of the same second were a flood."""
    shared_stage.forget()
    yield shared_stage
    shared_stage.application.mood = None
    shared_stage.forget()


# ---------------------------------------------------------------------------------------------- the whole product


TRADES = EURE.trades
"""In the order of their keys: 1, 2, 3."""
ACCEPT_SECONDS = 5


@dataclass(frozen=True)
class Ward:
    """A sector and a trade: what a story has for itself. `insee`: a commune of that sector; `key`: the trade's key."""

    sector: str
    trade: str
    insee: str
    postcode: str
    key: str


class Installation:
    """The product as it runs: PostgreSQL, web server, worker, voice, and the edge between them and the operator."""

    def __init__(
        self, lab: SipLab, postgres: EmbeddedPostgres, url: str, ring_seconds: int, more: Mapping[str, str]
    ) -> None:
        self.lab = lab
        self.postgres = postgres
        self.url = url
        self.ring_seconds = ring_seconds
        self.port = free_port()
        self.control_port = free_port()
        self.edge = lab.edge(application_port=self.port, last_resort=LAST_RESORT)
        environment = {**self._environment(), **more}
        server = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "maillage_app.asgi:create"]
        server += ["--host", HOST, "--port", str(self.port), "--workers", "2", "--respawn-failed-workers", "--no-ws"]
        cli = [sys.executable, "-m", "maillage_app.cli"]
        self.server = lab.process("server", server, environment)
        self.worker = lab.process("worker", [*cli, "worker"], environment)
        self.voice = lab.process("voice", [*cli, "voice"], environment)
        self.cooperative: CooperativeContext | None = None
        self.wards: list[Ward] = []
        self._people = 0
        self._loop = asyncio.Runner()
        self.settings = Settings(environment="test", database=DatabaseSettings(url=url, pool_size=2))
        self.runtime = Runtime.start(self.settings)

    def close(self) -> None:
        self._loop.run(self.runtime.close())
        self._loop.close()

    def _environment(self) -> dict[str, str]:
        media = own_range(34_000, 2_600)
        return {
            "MAILLAGE_ENVIRONMENT": "test",
            "MAILLAGE_DATABASE__URL": self.url,
            "MAILLAGE_DATABASE__POOL_SIZE": "4",
            "MAILLAGE_WEB__PUBLIC_URL": f"http://{HOST}:{self.port}",
            "MAILLAGE_TELEPHONY__SIP__SECRETS": json.dumps([self.lab.secret]),
            "MAILLAGE_TELEPHONY__SIP__VOICE": f"sip:voice@{HOST}:{self.lab.voice_port}",
            "MAILLAGE_TELEPHONY__SIP__TRUNK": self.lab.operator.address,
            "MAILLAGE_TELEPHONY__SIP__EDGE_RPC": self.edge.rpc_url,
            "MAILLAGE_TELEPHONY__SIP__VOICE_CONTROL": f"http://{HOST}:{self.control_port}",
            "MAILLAGE_TELEPHONY__RING_SECONDS": str(self.ring_seconds),
            "MAILLAGE_TELEPHONY__ACCEPT_SECONDS": str(ACCEPT_SECONDS),
            "MAILLAGE_TELEPHONY__LAST_RESORT_NUMBER": LAST_RESORT,
            "MAILLAGE_VOICE__PORT": str(self.lab.voice_port),
            "MAILLAGE_VOICE__CONTROL_PORT": str(self.control_port),
            "MAILLAGE_VOICE__EDGE": f"{HOST}:{self.edge.port}",
            "MAILLAGE_VOICE__APPLICATION_URL": f"http://{HOST}:{self.port}",
            "MAILLAGE_VOICE__DATA_DIR": str(self.lab.folder / "voice-data"),
            "MAILLAGE_VOICE__RTP_PORTS": json.dumps([media[0], media[-2]]),
            "MAILLAGE_VOICE__DRAIN_SECONDS": "1",
        }

    # ------------------------------------------------------------------------------------------------------ running

    def start(self) -> "Installation":
        for child in (self.server, self.worker, self.voice):
            child.start()
        self.edge.start()
        self.server.must_run_until(lambda: answers(f"http://{HOST}:{self.port}/static/favicon.svg"), within=60)
        self.voice.must_run_until(lambda: answers(f"http://{HOST}:{self.control_port}/health"), within=30)
        wait_until(lambda: self.edge.knows_plans(NUMBER), within=15, what="the edge learnt the plans")
        return self

    def again(self, child: Child) -> None:
        """Start a process that was stopped, and wait until it serves."""
        child.start()
        if child is self.server:
            child.must_run_until(lambda: answers(f"http://{HOST}:{self.port}/static/favicon.svg"), within=60)
        elif child is self.voice:
            child.must_run_until(lambda: answers(f"http://{HOST}:{self.control_port}/health"), within=30)

    # ------------------------------------------------------------------------------------------------------- people

    def found(self) -> None:
        """The cooperative, and the list of its wards."""
        self._loop.run(open_cooperative(self.runtime, EURE, actor="tests"))
        self.cooperative = self._loop.run(self.runtime.directory.by_slug("eure"))
        communes = self.rows(
            "select distinct on (s.code) s.code, c.insee, c.postcodes[1] as postcode from sector s"
            " join sector_commune x on x.sector_id = s.id join commune c on c.insee = x.insee"
            " order by s.code, (select count(*) from commune o where c.postcodes[1] = any(o.postcodes)), c.insee"
        )
        self.wards = [
            Ward(row["code"], trade, row["insee"], row["postcode"], str(key))
            for key, trade in enumerate(TRADES, start=1)
            for row in communes
        ]

    def _write(self, ward: Ward, people: Sequence[tuple[str, str]], callers: Sequence[str]) -> None:
        """In one transaction; once more on a new connection, when a drill has killed the one in the pool."""
        try:
            self._loop.run(self._enter(ward, people, callers))
        except sa.exc.DBAPIError as exc:
            if not exc.connection_invalidated:
                raise
            self._loop.run(self._enter(ward, people, callers))

    def on_call(self, ward: Ward, *names: str) -> list[str]:
        """These people on call there, in that order of rank; their numbers."""
        numbers = []
        for _ in names:
            self._people += 1
            numbers.append(f"+336112{self._people:05d}")
        self._write(ward, list(zip(names, numbers, strict=True)), ())
        return numbers

    def customer(self, ward: Ward) -> str:
        """A customer with one home there; the number they call from."""
        self._people += 1
        number = f"+336993{self._people:05d}"
        self._write(ward, (), (number,))
        return number

    async def _enter(self, ward: Ward, people: Sequence[tuple[str, str]], callers: Sequence[str]) -> None:
        assert self.cooperative is not None
        now = clock.now()
        async with self.runtime.database.tenant(self.cooperative.tenant) as session:
            sector = await territory.sector_of(session, insee=ward.insee, trade=ward.trade, at=now)
            assert sector is not None
            code = Semester.containing(now).code
            rota = (await session.scalars(sa.select(Rota).where(Rota.semester == code))).one_or_none()
            if rota is None:
                rota = Rota(semester=code, state="published")
                session.add(rota)
                await session.flush()
            for rank, (name, number) in enumerate(people, start=1):
                member = Member(
                    name=f"{name} Dépannage",
                    legal_form="SARL",
                    siret=f"{int(number[-6:]):014d}",
                    email=f"{number[1:]}@eure.example",
                    phone=number,
                    address="1 rue des Carmes",
                    postcode=ward.postcode,
                    city="Eure",
                    joined_on=paris(now).date() - timedelta(days=900),
                )
                post = OnCallPost(sector_id=sector.id, trade=ward.trade, rank=rank)
                session.add_all((member, post))
                await session.flush()
                technician = Technician(member_id=member.id, first_name=name, last_name="Test", phone=number)
                session.add_all((technician, MemberTrade(member_id=member.id, trade=ward.trade)))
                papers = (("liability", None), ("decennial", ward.trade), ("qualification", ward.trade))
                for kind, trade in papers:
                    session.add(
                        MemberDocument(
                            member_id=member.id,
                            kind=kind,
                            trade=trade,
                            reference="P-1",
                            issuer="Assureur Normand",
                            issuer_contact="Évreux",
                            coverage="France",
                            valid_from=paris(now).date() - timedelta(days=30),
                            valid_to=paris(now).date() + timedelta(days=30),
                        )
                    )
                await session.flush()
                session.add(
                    Duty(
                        rota_id=rota.id,
                        post_id=post.id,
                        member_id=member.id,
                        technician_id=technician.id,
                        starts_at=now - timedelta(days=1),
                        ends_at=now + timedelta(days=2),
                        live=True,
                        recorded_by="tests",
                    )
                )
            for number in callers:
                await self._customer(session, ward, number)

    async def _customer(self, session: Any, ward: Ward, number: str) -> None:
        customer = await customers.register_customer(
            session,
            facts=CustomerFacts(
                kind=CustomerKind.PERSON,
                consumer_status=ConsumerStatus.CONSUMER,
                name=f"Client {number[-4:]}",
                billing_address="1 rue de la République",
                billing_postcode=ward.postcode,
                billing_city="Eure",
            ),
            by="tests",
        )
        await customers.add_phone(session, customer_id=customer.id, phone=number, by="tests")
        await customers.add_site(
            session,
            customer_id=customer.id,
            facts=SiteFacts(
                address="1 rue de la République",
                postcode=ward.postcode,
                premises_use=PremisesUse.DWELLING,
                insee=ward.insee,
                over_two_years=True,
            ),
            cipher=self.runtime.cipher,
            by="tests",
        )

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Something of the product, done here instead of in one of its processes."""
        return self._loop.run(work)

    def execute(self, statement: str) -> None:
        """Written by hand in the cooperative's schema, as the owner."""
        with psycopg.connect(self.url) as connection:
            connection.execute("set search_path = t0001")
            connection.execute(statement.encode())

    # -------------------------------------------------------------------------------------------------- what is known

    def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Rows of the cooperative's schema, read as the owner."""
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            connection.execute("set search_path = t0001")
            return connection.execute(statement.encode(), values).fetchall()

    def call_of(self, call: Caller) -> dict[str, Any]:
        """The one call on record with that Call-ID. Fails when it is not exactly one."""
        found = self.rows("select * from call where provider_call_id = %s", call.call_id)
        assert len(found) == 1, f"{len(found)} calls on record for {call.call_id}"
        return found[0]

    def legs_of(self, call: Caller) -> list[tuple[str, str]]:
        """(number, how it ended) in the order of the ladder."""
        found = self.rows(
            "select l.phone, l.state from call_leg l join call c on c.id = l.call_id where c.provider_call_id = %s"
            " order by l.position",
            call.call_id,
        )
        return [(row["phone"], row["state"]) for row in found]

    def kinds_of(self, call: Caller) -> list[str]:
        """Every event kept of a call, in the order it came."""
        found = self.rows("select kind from call_event where provider_call_id = %s order by id", call.call_id)
        return [row["kind"] for row in found]

    def settled(self, call: Caller, within: float = 15.0, *, voice_lives: bool = True) -> dict[str, Any]:
        """The call once its end is on record and every event was delivered: the edge's, and the voice's, which tells
        its own end last, maybe after that of the call. `voice_lives`: nobody kills it meanwhile."""

        def ended() -> bool:
            with contextlib.suppress(psycopg.Error):
                found = self.rows("select state from call where provider_call_id = %s", call.call_id)
                kinds = self.kinds_of(call)
                silent = "voice_answered" not in kinds or "voice_ended" in kinds or not voice_lives
                return [row["state"] for row in found] == ["ended"] and not self.edge.undelivered() and silent
            return False

        try:
            wait_until(ended, within=within, what=f"the end of the call of {call.script.caller} is on record")
        except AssertionError as exc:
            raise AssertionError(f"{exc}; on record: {self.kinds_of(call)}\n{self.server.tail()}") from exc
        return self.call_of(call)

    def case_of(self, call: Caller) -> list[dict[str, Any]]:
        return self.rows(
            "select i.* from intervention i join call c on c.intervention_id = i.id where c.provider_call_id = %s",
            call.call_id,
        )


def answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
        return bool(answer.status == 200)
    return False


@pytest.fixture(scope="module")
def installation(lab: SipLab, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """The whole product on a PostgreSQL of its own, one cooperative (Eure) without anybody on call yet.

    `RING_SECONDS` of the file says how long each telephone rings, `ENVIRONMENT` what else is set.
    """
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2 * 2**30
    with tempfile.TemporaryDirectory(
        prefix="maillage-sip-", dir=memory if roomy else None, ignore_cleanup_errors=True
    ) as at:
        postgres = EmbeddedPostgres(Path(at) / "postgres", fast=True)
        try:
            url = postgres.start()
            provisioning.migrate_platform(url)
            more = getattr(request.module, "ENVIRONMENT", {})
            made = Installation(lab, postgres, url, request.module.RING_SECONDS, more)
            try:
                made.found()
                yield made.start()
            finally:
                made.close()
        finally:
            for child in lab.children:
                child.stop(within=3.0)
            postgres.stop(force=True)
