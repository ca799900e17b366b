"""Who plays the night: the callers, found among the customers, and the people whose phones may ring."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_app.demo.fiction import numbers_of
from maillage_app.demo.founding import SEMESTER, Colleague, Founded
from maillage_app.demo.processes import DemoError
from maillage_app.demo.script import CallerKind, Script, Setup
from maillage_app.runtime import Runtime
from maillage_kit.db import TenantSession
from maillage_kit.testing.phone_company import MASKED
from maillage_tenants import audit, members, rota, territory
from maillage_tenants.customers.models import Customer, CustomerPhone, PremisesUse, Site
from maillage_tenants.members.models import DocumentKind, MemberDocument, MemberSector, Technician
from maillage_tenants.subscriptions.models import SubscriptionSite
from maillage_tenants.territory.models import Sector, SectorCommune

STRANGERS = "046571"
WRONG_NUMBERS = ("019900", 9_900, 10_000)
"""Typed in the rota by mistake: the phone company knows nobody there."""
EXPIRED_ON = date(2027, 3, 20)
OFFICE = "Permanence"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who rings and from where. `address` and `commune` are what they would say or choose."""

    number: str
    name: str
    address: str = ""
    commune: str = ""
    postcode: str = ""


@dataclass(frozen=True, slots=True)
class Cast:
    """The night of one cooperative. `people` are all the phones that exist, by number."""

    founded: Founded
    callers: dict[str, Caller]
    people: dict[str, str]
    wrong_numbers: frozenset[str]
    by_phone: dict[str, UUID]

    @property
    def colleagues(self) -> dict[UUID, Colleague]:
        return {colleague.technician_id: colleague for colleague in self.founded.colleagues}

    def colleague_of(self, number: str) -> Colleague | None:
        """The technician with that number; None for the manager and the fallback number."""
        technician = self.by_phone.get(number)
        return None if technician is None else self.colleagues[technician]


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    insee: str
    use: str
    sites: int
    occupant: bool
    subscribed: bool


async def cast(runtime: Runtime, founded: Founded, scripts: Sequence[Script]) -> Cast:
    """Arrange what the office did not notice, then find a caller for each call of this cooperative.

    Raises DemoError when no customer fits (too few were founded).
    """
    mine = [script for script in scripts if script.coop == founded.plan.slug]
    new = founded.plan.new
    async with runtime.database.tenant(founded.context.tenant) as session:
        wrong: set[str] = set()
        for script in mine:
            if script.setup is Setup.EXPIRED_DOCUMENT:
                await _expire_document(session, script)
            elif script.setup is Setup.WRONG_NUMBER:
                wrong.add(await _type_wrong_number(session, script, len(wrong)))
        callers = await _Casting(session, founded).callers(mine)
        rows = (
            await session.execute(
                sa.select(Technician.phone, Technician.id, Technician.first_name + " " + Technician.last_name)
            )
        ).all()
    by_phone = {phone: technician for phone, technician, _ in rows}
    people = {phone: name for phone, _, name in rows}
    people |= {founded.context.manager_phone: new.manager_name, founded.context.fallback_phone: "Numéro de repli"}
    return Cast(founded, callers, people, frozenset(wrong), by_phone)


# ------------------------------------------------------------------------------------- what the office did not notice


async def _expire_document(session: TenantSession, script: Script) -> None:
    """The insurer of the business on call ended its contract after the rota was published."""
    ranks = await _on_call(session, script.sector, script.trade, script.at)
    if ranks[0].member_id == ranks[1].member_id:
        await _replace(session, ranks[1])
    await session.execute(
        sa.update(MemberDocument)
        .where(MemberDocument.member_id == ranks[0].member_id, MemberDocument.kind == DocumentKind.DECENNIAL)
        .values(valid_to=EXPIRED_ON)
    )
    await audit.record(
        session,
        actor=OFFICE,
        action="members.document_ended",
        subject_type="member",
        subject_id=ranks[0].member_id,
        detail={"kind": DocumentKind.DECENNIAL, "valid_to": EXPIRED_ON},
    )


async def _replace(session: TenantSession, on_call: rota.OnCall) -> None:
    """Somebody of another business takes that duty: the one before stays provable (rule 3)."""
    others = await session.scalars(
        sa.select(Technician.id)
        .join(MemberSector, MemberSector.member_id == Technician.member_id)
        .where(MemberSector.sector_id == on_call.sector_id, Technician.member_id != on_call.member_id)
        .order_by(Technician.id)
    )
    for technician_id in others.all():
        with suppress(rota.TwoPlaces, rota.NotAssignable):
            await rota.change_duty(
                session, duty_id=on_call.duty_id, technician_id=technician_id, by=OFFICE, reason="Échange accepté"
            )
            return
    raise DemoError(f"Personne ne peut remplacer {on_call.name}.")


async def _type_wrong_number(session: TenantSession, script: Script, already: int) -> str:
    """A phone changed and the office typed it wrong. Returns the number that nobody has."""
    block, start, end = WRONG_NUMBERS
    number = list(numbers_of(block, start=start, end=end))[already]
    (rank1, *_) = await _on_call(session, script.sector, script.trade, script.at)
    technician = await members.get_technician(session, technician_id=rank1.technician_id)
    await members.change_technician(
        session,
        technician_id=technician.id,
        new=members.NewTechnician(
            first_name=technician.first_name,
            last_name=technician.last_name,
            phone=number,
            email=technician.email,
            employed=technician.employed,
        ),
    )
    return number


async def _on_call(session: TenantSession, sector: str, trade: str, at: datetime) -> tuple[rota.OnCall, ...]:
    sector_id = await session.scalar(sa.select(Sector.id).where(Sector.code == sector))
    if sector_id is None:
        raise DemoError(f"Le secteur {sector} n’existe pas.")
    return await rota.on_call(session, sector_ids=[sector_id], trade=trade, at=at)


# ---------------------------------------------------------------------------------------------------------- the callers


class _Casting:
    """Gives each call somebody, each person one call, in the order of the customers' numbers."""

    def __init__(self, session: TenantSession, founded: Founded) -> None:
        self._session = session
        self._department = founded.plan.new.department
        half = 0 if founded.plan.customer_numbers[0] == 0 else 5_000
        self._strangers = numbers_of(STRANGERS, start=half, end=half + 5_000)
        self._taken: set[str] = set()

    async def callers(self, scripts: Sequence[Script]) -> dict[str, Caller]:
        known = await self._known()
        sectors = await self._sectors()
        found: dict[str, Caller] = {}
        for script in scripts:
            if script.same_as:
                found[script.id] = found[script.same_as]
            elif script.caller.is_known:
                found[script.id] = self._customer(script, known, sectors)
            else:
                found[script.id] = self._somebody(script)
        return found

    def _customer(self, script: Script, known: Sequence[_Known], sectors: dict[tuple[str, str], str]) -> Caller:
        for candidate in known:
            here = not script.sector or sectors.get((script.trade, candidate.insee)) == script.sector
            if here and candidate.caller.number not in self._taken and _fits(script.caller, candidate):
                self._taken.add(candidate.caller.number)
                return candidate.caller
        raise DemoError(f"{script.id} : aucun client ne convient ({script.caller}, secteur {script.sector or 'tous'}).")

    def _somebody(self, script: Script) -> Caller:
        commune = next(commune for commune in territory.load_communes(self._department) if commune.name == script.town)
        place = Caller(MASKED, "Numéro masqué", commune=commune.name, postcode=commune.postcodes[0])
        return place if script.caller is CallerKind.MASKED else replace(place, number=next(self._strangers), name="")

    async def _known(self) -> list[_Known]:
        """Every number that leads to one customer, with the first of its places."""
        many = sa.select(Site.customer_id, sa.func.count().label("sites")).group_by(Site.customer_id).subquery()
        rows = await self._session.execute(
            sa.select(
                CustomerPhone.phone,
                Customer.name,
                Site.address,
                Site.insee,
                Site.premises_use,
                Site.postcode,
                many.c.sites,
                CustomerPhone.site_id.is_not(None).label("occupant"),
                sa.exists().where(SubscriptionSite.site_id == Site.id).label("subscribed"),
            )
            .join(Customer, Customer.id == CustomerPhone.customer_id)
            .join(
                Site,
                sa.and_(
                    Site.customer_id == Customer.id,
                    sa.or_(CustomerPhone.site_id.is_(None), CustomerPhone.site_id == Site.id),
                ),
            )
            .join(many, many.c.customer_id == Customer.id)
            .distinct(Customer.number, CustomerPhone.phone)
            .order_by(Customer.number, CustomerPhone.phone, Site.created_at, Site.id)
        )
        return [
            _Known(Caller(phone, name, address, "", postcode), insee, use, sites, occupant, subscribed)
            for phone, name, address, insee, use, postcode, sites, occupant, subscribed in rows
        ]

    async def _sectors(self) -> dict[tuple[str, str], str]:
        """The code of the sector by trade and commune, in the semester of the night."""
        rows = await self._session.execute(
            sa.select(SectorCommune.trade, SectorCommune.insee, Sector.code)
            .join(Sector, Sector.id == SectorCommune.sector_id)
            .where(SectorCommune.semester == SEMESTER.code)
        )
        return {(trade, insee): code for trade, insee, code in rows}


def _fits(kind: CallerKind, known: _Known) -> bool:
    home = known.use == PremisesUse.DWELLING and not known.occupant
    match kind:
        case CallerKind.CUSTOMER:
            return home and known.sites == 1 and known.subscribed
        case CallerKind.NO_CONTRACT:
            return home and known.sites == 1 and not known.subscribed
        case CallerKind.TWO_HOMES:
            return home and known.sites == 2
        case CallerKind.SHOP:
            return known.use == PremisesUse.BUSINESS
        case CallerKind.TENANT:
            return known.occupant
        case _:
            return False
