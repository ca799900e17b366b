"""A repair to quote and bill: an artisan on site, at a customer's, at a known hour."""

import asyncio
import base64
import math
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from maillage_app.runtime import Runtime
from maillage_app.testing.plumbers import S2, Plumbers, add_person
from maillage_kit import clock
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.ids import new_id
from maillage_kit.testing.mail_server import SmtpServer
from maillage_tenants import customers, interventions, quotes, tariffs, territory
from maillage_tenants.customers import ConsumerStatus, CustomerFacts, CustomerKind, PremisesUse, SiteFacts
from maillage_tenants.interventions import NewCase, Source
from maillage_tenants.members.models import Member, MemberDocument, MemberTrade, Technician
from maillage_tenants.quotes import Drafted, QuoteView

SUNDAY_NIGHT = datetime(2027, 3, 7, 2, 12, tzinfo=UTC)  # 03:12 in Paris


def _scribble(width: int = 300, height: int = 100) -> str:
    """A signature as the pad sends it: a PNG data URL with a curve of ink."""
    pixels = bytearray(width * height * 4)
    for step in range(4000):
        along = step / 4000
        x = round(20 + along * (width - 40))
        y = round(height / 2 + 30 * math.sin(along * 14) * math.cos(along * 5))
        for across in (-1, 0, 1):
            start = ((y + across) * width + x) * 4
            pixels[start : start + 4] = b"\x1b\x1b\x2f\xff"
    stride = width * 4
    raw = b"".join(b"\0" + bytes(pixels[row * stride : (row + 1) * stride]) for row in range(height))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)),
        (b"IDAT", zlib.compress(raw)),
        (b"IEND", b""),
    )
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return "data:image/png;base64," + base64.b64encode(png).decode()


SIGNATURE = _scribble()


@dataclass
class Repair:
    """One case with an artisan on site. Helpers open the session they are given."""

    runtime: Runtime
    cooperative: CooperativeContext
    clock: MovableClock
    case_id: UUID
    customer_id: UUID
    site_id: UUID
    member_id: UUID

    async def draft(
        self,
        session: TenantSession,
        *,
        labour_minutes: int | None = None,
        parts: dict[str, str] | None = None,
        certify: bool = True,
        premises_use: PremisesUse | None = None,
    ) -> Drafted:
        case = await interventions.case(session, case_id=self.case_id)
        return await quotes.draft_quote(
            session,
            cooperative=self.cooperative,
            case_id=self.case_id,
            trade_plugin=self.runtime.trades.get(case.trade or ""),
            labour_minutes=labour_minutes,
            parts={code: Decimal(quantity) for code, quantity in (parts or {}).items()},
            certify=certify,
            premises_use=premises_use,
            by="Karim Benali",
        )

    async def send(self, session: TenantSession, quote_id: UUID) -> QuoteView:
        return await quotes.send_quote(session, cooperative=self.cooperative, quote_id=quote_id, by="Karim Benali")

    async def sign(self, session: TenantSession, quote_id: UUID, *, certified: bool = False) -> None:
        await quotes.sign_drawn(
            session,
            cooperative=self.cooperative,
            quote_id=quote_id,
            png_data_url=SIGNATURE,
            signed_by="Jeanne Lefèvre",
            vat_certified=certified,
            by="Karim Benali",
        )

    async def signed_quote(self, session: TenantSession) -> QuoteView:
        """An emergency quote of a leak, sent and signed."""
        drafted = await self.draft(session, labour_minutes=75, parts={"PLO_MANCHON": "1"})
        assert drafted.emergency is not None
        await self.send(session, drafted.emergency)
        await self.sign(session, drafted.emergency)
        return await quotes.quote_view(session, quote_id=drafted.emergency)

    async def finish(self, session: TenantSession) -> None:
        """The work is done, as far as the quote allows it."""
        self.clock.advance(minutes=75)
        await interventions.finish_work(
            session,
            case_id=self.case_id,
            at=clock.now(),
            by="Karim Benali",
            authority=await quotes.work_authority(session, case_id=self.case_id),
        )


NewRepair = Callable[..., Awaitable[Repair]]


@pytest.fixture
async def artisan(runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock) -> tuple[UUID, UUID]:
    """A member with his insurances and his technician: (member id, technician id)."""
    async with runtime.database.tenant(eure.tenant) as session:
        member = Member(
            id=new_id(),
            name="Benali Plomberie",
            legal_form="SARL au capital de 8 000 €",
            siret="81234567800019",
            email="karim@benali.example",
            phone="+33232410001",
            address="4 rue de la République",
            postcode="27500",
            city="Pont-Audemer",
            joined_on=date(2020, 1, 1),
        )
        session.add(member)
        await session.flush()
        technician = Technician(
            id=new_id(),
            member_id=member.id,
            first_name="Karim",
            last_name="Benali",
            phone="+33612340001",
        )
        session.add(technician)
        for trade in eure.trades:
            session.add(MemberTrade(member_id=member.id, trade=trade))
        for kind, reference in (("decennial", "DEC-4711"), ("liability", "RC-0815")):
            session.add(
                MemberDocument(
                    member_id=member.id,
                    kind=kind,
                    trade=None,
                    reference=reference,
                    issuer="Mutuelle du Bâtiment",
                    issuer_contact="5 rue Jean Jaurès, 76000 Rouen",
                    coverage="France métropolitaine",
                    valid_from=date(2027, 1, 1),
                    valid_to=date(2027, 12, 31),
                )
            )
        return member.id, technician.id


@pytest.fixture
def new_repair(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock, artisan: tuple[UUID, UUID]
) -> NewRepair:
    """Open cases with an artisan on site: by default a leak in a dwelling over two years old, on a Sunday at 03:12."""
    member_id, technician_id = artisan
    if moved_clock.now() < SUNDAY_NIGHT:
        moved_clock.move_to(SUNDAY_NIGHT)

    async def build(
        *,
        trade: str = "plumbing",
        type_code: str = "FUITE_ACTIVE",
        premises_use: str = "dwelling",
        over_two_years: bool | None = True,
        consumer_status: str = "consumer",
        known: bool = True,
        arrived: bool = True,
    ) -> Repair:
        async with runtime.database.tenant(eure.tenant) as session:
            private = consumer_status == "consumer"
            customer = await customers.register_customer(
                session,
                facts=CustomerFacts(
                    kind=CustomerKind.PERSON if private else CustomerKind.ORGANISATION,
                    consumer_status=ConsumerStatus(consumer_status),
                    name="Jeanne Lefèvre" if private else "SARL Aux Délices",
                    siren="" if private else "404833048",
                    billing_address="3 rue Sadi-Carnot",
                    billing_postcode="27500",
                    billing_city="Pont-Audemer",
                ),
                by="test",
            )
            site_id = await customers.add_site(
                session,
                customer_id=customer.id,
                facts=SiteFacts(
                    address="3 rue Sadi-Carnot",
                    postcode="27500",
                    insee="27467",
                    premises_use=PremisesUse(premises_use),
                    over_two_years=over_two_years,
                ),
                cipher=runtime.cipher,
                by="test",
            )
            now = clock.now()
            opened = await interventions.open_case(
                session,
                facts=NewCase(
                    source=Source.PHONE,
                    requested_at=now,
                    by="test",
                    caller_name="Jeanne Lefèvre",
                    caller_phone="+33612345678",
                    address="3 rue Sadi-Carnot, 27500 Pont-Audemer",
                    insee="27467",
                    trade=trade,
                    request_words="Ça coule sous l’évier",
                    customer_id=customer.id if known else None,
                    site_id=site_id if known else None,
                    premises_use=premises_use,
                    over_two_years=over_two_years,
                ),
            )
            case = await interventions.case(session, case_id=opened.id)
            case.type_code = type_code
            tariff = await tariffs.tariff_at(session, trade=trade, at=now)
            case.tariff_id = tariff.id if tariff else None
            await interventions.record_acceptance(
                session,
                case_id=opened.id,
                technician_id=technician_id,
                member_id=member_id,
                duty_id=None,
                alerted_at=now,
                accepted_at=now,
                by="Karim Benali",
            )
            if arrived:
                await interventions.arrive(session, case_id=opened.id, at=now, by="Karim Benali")
        return Repair(runtime, eure, moved_clock, opened.id, customer.id, site_id, member_id)

    return build


@pytest.fixture
async def leak(new_repair: NewRepair) -> Repair:
    """A leak in a dwelling over two years old, Sunday 7 March 2027 at 03:12."""
    return await new_repair()


@pytest.fixture
async def plumbers(runtime: Runtime, eure: CooperativeContext) -> Plumbers:
    async with runtime.database.tenant(eure.tenant) as session:
        sectors = await territory.sectors(session, trade="plumbing", semester=S2)
        people = [
            await add_person(session, index * 7 + number, sectors=(sector.id,))
            for index, sector in enumerate(sectors)
            for number in range(4)
        ]
    return Plumbers(runtime.trades.enabled(["plumbing"]), tuple(people), sectors)


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    server = SmtpServer()
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    yield server
    listening.close()
    await listening.wait_closed()
