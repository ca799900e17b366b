"""Founds the demo's cooperatives through the domains' services, as an office would on its first days.

Everything is decided by `fiction.Inventor` with a fixed seed, so every run founds the same cooperatives. The dates are
those of a careful office: opened on 16 November 2026, the rota of the first semester of 2027 published on the 27th,
more than thirty days ahead (R65).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_app.demo.clientele import enter_customers
from maillage_app.demo.fiction import BUSINESSES, Inventor, Town, fictional_siren, fictional_siret, numbers_of
from maillage_app.demo.plans import CooperativePlan, TradePlan
from maillage_app.demo.stage import OPENED_AT
from maillage_app.onboarding import open_cooperative
from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_kit.db import PlatformSession, TenantSession
from maillage_kit.permissions import Role
from maillage_kit.semester import Semester
from maillage_platform import identity
from maillage_tenants import members, rota, territory
from maillage_tenants.customers import CustomerKind
from maillage_tenants.customers.models import Customer, Site
from maillage_tenants.members.models import DocumentKind
from maillage_tenants.territory.models import Sector

PUBLISHED_AT = datetime(2026, 11, 27, 18, 30, tzinfo=UTC)
OPENED_ON = OPENED_AT.date()
SEMESTER = Semester(2027, 1)
FEDERATION = ("nadia.benard@federation.example", "Nadia Benard")
SUPPORT = ("yann.kerbrat@federation.example", "Yann Kerbrat")
INSURER = "Mutuelle fictive du Bâtiment"
INSURER_CONTACT = "1, place des Assurances, 75000 Paris"
DECISION = "Conseil du 27 novembre 2026, planning du premier semestre 2027 adopté à l’unanimité"
UNITS_PER_TECHNICIAN = 9
_EMPLOYED_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Colleague:
    """A technician with the account that signs in."""

    technician_id: UUID
    member_id: UUID
    name: str
    email: str
    owns: bool
    """The member himself, or somebody of the business."""


@dataclass(slots=True)
class Founded:
    """What the night needs to know of a founded cooperative."""

    plan: CooperativePlan
    context: CooperativeContext
    members: int = 0
    colleagues: list[Colleague] = field(default_factory=list)
    customers: int = 0
    contracts: int = 0
    duties: int = 0


async def found(runtime: Runtime, plan: CooperativePlan) -> Founded:
    """Open one cooperative with its sectors, members, technicians, documents and sign-in accounts."""
    founded = await open_for(runtime, plan)
    await enter_members(runtime, founded)
    return founded


async def open_for(runtime: Runtime, plan: CooperativePlan) -> Founded:
    """Open one cooperative: it is in the directory, nobody is in it."""
    return Founded(plan, await open_cooperative(runtime, plan.new, actor="démonstration"))


async def enter_members(runtime: Runtime, founded: Founded) -> None:
    """Enter its sectors, members, technicians, documents and sign-in accounts."""
    async with runtime.database.tenant(founded.context.tenant) as session:
        await _Founder(session, founded).enter_everybody()
    async with runtime.database.platform() as session:
        await _open_accounts(session, founded)


async def find_customers(runtime: Runtime, founded: Founded, *, count: int) -> None:
    """Enter the customers and their contracts; somebody of the largest landlord can sign in."""
    department = founded.plan.new.department
    async with runtime.database.tenant(founded.context.tenant) as session:
        founded.contracts = await enter_customers(
            session,
            plan=founded.plan,
            inventor=Inventor(f"customers:{department}", towns(department)),
            count=count,
            cipher=runtime.cipher,
            signed_on=OPENED_ON,
        )
        landlord = await session.execute(
            sa.select(Customer.id, Customer.name)
            .join(Site, Site.customer_id == Customer.id)
            .where(Customer.kind == CustomerKind.ORGANISATION)
            .group_by(Customer.id)
            .order_by(sa.func.count().desc(), Customer.number)
            .limit(1)
        )
        largest = landlord.one_or_none()
    founded.customers = count
    if largest is not None:
        async with runtime.database.platform() as session:
            await _open_to_landlord(session, founded, customer_id=largest.id, name=largest.name)


async def publish_rota(runtime: Runtime, founded: Founded) -> None:
    """Generate the rota of the semester, publish it by a recorded decision, freeze it (R57). It must have no hole."""
    trades = runtime.trades.enabled(founded.context.trades)
    by = founded.plan.new.manager_name
    async with runtime.database.tenant(founded.context.tenant) as session:
        draft = await rota.create_draft(session, semester=SEMESTER, trades=trades, by=by)
        generated = await rota.generate(session, rota_id=draft.id, trades=trades, by=by)
        await rota.publish(session, rota_id=draft.id, decision=DECISION, by=by, trades=trades)
        await rota.freeze(session, rota_id=draft.id, by=by, decision=DECISION)
    founded.duties = generated.duties


async def found_federation(runtime: Runtime) -> None:
    """The federation's staff: who runs the platform, who helps a cooperative that permits it."""
    async with runtime.database.platform() as session:
        for role, (email, name) in ((Role.OPERATOR, FEDERATION), (Role.SUPPORT, SUPPORT)):
            account = await identity.add_account(session, email=email, display_name=name)
            await identity.add_membership(session, account=account, role=role)


def towns(department: str) -> tuple[Town, ...]:
    """The communes of a département where people live."""
    return tuple(
        Town(commune.insee, commune.name, commune.postcodes, commune.population)
        for commune in territory.load_communes(department)
        if commune.population and commune.postcodes
    )


async def _open_accounts(session: PlatformSession, founded: Founded) -> None:
    """The office, the manager, the accountant, the auditor and every technician can sign in."""
    new, cooperative = founded.plan.new, founded.context.id
    for role, email, name in (
        (Role.DISPATCHER, new.email, f"Permanence {new.name}"),
        (Role.MANAGER, founded.plan.manager_email, new.manager_name),
        (Role.ACCOUNTANT, f"comptabilite@{founded.plan.slug}.example", f"Comptabilité {new.name}"),
        (Role.AUDITOR, f"controle@{founded.plan.slug}.example", f"Contrôle {new.name}"),
    ):
        account = await identity.add_account(session, email=email, display_name=name)
        await identity.add_membership(session, account=account, role=role, cooperative_id=cooperative)
    for colleague in founded.colleagues:
        account = await identity.add_account(session, email=colleague.email, display_name=colleague.name)
        await identity.add_membership(
            session,
            account=account,
            role=Role.MEMBER if colleague.owns else Role.TECHNICIAN,
            cooperative_id=cooperative,
            member_id=colleague.member_id,
            technician_id=colleague.technician_id,
        )


async def _open_to_landlord(session: PlatformSession, founded: Founded, *, customer_id: UUID, name: str) -> None:
    email = f"gestion.locative@{founded.plan.slug}.example"
    account = await identity.add_account(session, email=email, display_name=f"Gestion locative, {name}")
    await identity.add_membership(
        session, account=account, role=Role.PARTNER, cooperative_id=founded.context.id, customer_id=customer_id
    )


class _Founder:
    """Enters the members of one cooperative, trade by trade, sector by sector."""

    def __init__(self, session: TenantSession, founded: Founded) -> None:
        self._session = session
        self._founded = founded
        self._plan = founded.plan
        start, end = self._plan.technician_numbers
        self._numbers = numbers_of("019900", start=start, end=end)
        self._towns = {town.insee: town for town in towns(self._plan.new.department)}
        self._emails: set[str] = set()

    async def enter_everybody(self) -> None:
        for trade, trade_plan in self._plan.trades.items():
            drafts = await self._draw_sectors(trade, trade_plan)
            rows = await self._session.execute(sa.select(Sector.code, Sector.id))
            ids = dict(rows.all())
            for draft, businesses in zip(drafts, trade_plan.businesses, strict=True):
                local = Inventor(
                    f"{self._plan.slug}:{trade}:{draft.code}",
                    [self._towns[insee] for insee in sorted(draft.insee_codes) if insee in self._towns],
                )
                for _ in range(businesses):
                    await self._enter_member(local, trade, ids[draft.code], trade_plan.technicians)

    async def _draw_sectors(self, trade: str, trade_plan: TradePlan) -> Sequence[territory.SectorDraft]:
        """The trade's sectors: the default ones, or larger ones made of them where the trade has fewer members."""
        department = self._plan.new.department
        communes = territory.load_communes(department)
        drafts = territory.default_sectors(communes, department)
        if not trade_plan.merged:
            return drafts
        codes = {draft.code: draft.insee_codes for draft in drafts}
        merged = [
            territory.SectorDraft(code, name, frozenset[str]().union(*(codes[part] for part in parts)))
            for code, name, parts in trade_plan.merged
        ]
        for semester in (Semester.containing(OPENED_AT), SEMESTER):
            await territory.set_sectors(self._session, semester=semester, trade=trade, drafts=merged, communes=communes)
        return merged

    async def _enter_member(self, local: Inventor, trade: str, sector_id: UUID, technicians: int) -> None:
        self._founded.members += 1
        owner, town = local.person(), local.town()
        siren = fictional_siren(self._plan.siren_base + self._founded.members)
        member = await members.register_member(
            self._session,
            new=members.NewMember(
                name=f"{local.random.choice(BUSINESSES[trade])} {owner.last_name}",
                siret=fictional_siret(siren),
                legal_form=local.random.choice(("Entreprise individuelle", "EURL", "SARL")),
                email=f"contact.{siren[3:]}@artisan.example",
                phone=next(self._numbers),
                address=local.street_address(),
                postcode=local.postcode_of(town),
                city=town.name,
                joined_on=OPENED_ON,
                trades=(trade,),
                sector_ids=(sector_id,),
            ),
        )
        await self._enter_documents(member.id, siren, trade)
        await members.sign_engagement(
            self._session,
            member_id=member.id,
            units_per_semester=UNITS_PER_TECHNICIAN * technicians,
            customers_to_bring=40,
            signed_on=OPENED_ON,
            valid_from=OPENED_ON,
        )
        for place in range(technicians):
            person = owner if place == 0 else local.person()
            email = self._email(person.handle)
            technician = await members.add_technician(
                self._session,
                member_id=member.id,
                new=members.NewTechnician(
                    first_name=person.first_name,
                    last_name=person.last_name,
                    phone=next(self._numbers),
                    email=email,
                    employed=place > 0 and local.random.random() < _EMPLOYED_SHARE,
                ),
            )
            self._founded.colleagues.append(Colleague(technician.id, member.id, person.name, email, place == 0))

    async def _enter_documents(self, member_id: UUID, siren: str, trade: str) -> None:
        """Both insurances over the year and a half (R8) and the qualification for the trade (R61)."""
        area = f"Département {self._plan.new.department} et départements limitrophes"
        kinds = (
            (DocumentKind.LIABILITY, f"RC-{siren}", INSURER, None),
            (DocumentKind.DECENNIAL, f"DEC-{siren}", INSURER, None),
            (DocumentKind.QUALIFICATION, f"QUALIF-{siren}", "Organisme fictif de qualification", trade),
        )
        for kind, reference, issuer, for_trade in kinds:
            insurance = for_trade is None
            await members.add_document(
                self._session,
                member_id=member_id,
                new=members.NewDocument(
                    kind=kind,
                    reference=reference,
                    issuer=issuer,
                    issuer_contact=INSURER_CONTACT if insurance else "",
                    coverage=area if insurance else "",
                    trade=for_trade,
                    valid_from=date(2026, 7, 1),
                    valid_to=date(2027, 12, 31),
                ),
            )

    def _email(self, handle: str) -> str:
        """One address per person, also for two people of the same name."""
        found = next(
            address
            for address in (f"{handle}{number or ''}@{self._plan.slug}.example" for number in range(100))
            if address not in self._emails
        )
        self._emails.add(found)
        return found
