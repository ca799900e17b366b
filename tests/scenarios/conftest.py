"""The town of the telephone stories: people on call around Pont-Audemer, customers, and a phone company."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
import structlog

from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext, Role
from maillage_kit.semester import Semester
from maillage_kit.testing.oauth_application import OAuthApplication, added_by
from maillage_kit.testing.phone_company import Phone, PhoneCompany
from maillage_tenants import customers, territory
from maillage_tenants.customers import ConsumerStatus, CustomerFacts, CustomerKind, PremisesUse, SiteFacts
from maillage_tenants.members.models import Member, MemberDocument, MemberTrade, Technician
from maillage_tenants.rota.models import Duty, OnCallPost, Rota

PONT_AUDEMER, EVREUX, BERNAY = "27467", "27229", "27056"
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
            rota = (await session.scalars(sa.select(Rota).where(Rota.semester == semester))).one_or_none()
            if rota is None:
                rota = Rota(semester=semester, state="published")
                session.add(rota)
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
                rota_id=rota.id,
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


# --- a partner's application -------------------------------------


@pytest.fixture
async def office(sign_in: Any, eure: CooperativeContext) -> Any:
    """Somebody of the Eure's office."""
    return await sign_in(Role.OFFICE, eure)


@pytest.fixture
async def app(office: Any, visitor: Any) -> OAuthApplication:
    """Habitat 27, an application of the Eure."""
    return await added_by(office, visitor.client)
