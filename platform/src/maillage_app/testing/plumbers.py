"""Plumbers of the Eure with their papers in order, and the rota they are on."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from maillage_app.runtime import Runtime
from maillage_hooks import TradeRegistry
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.semester import Semester
from maillage_tenants import members, rota, territory
from maillage_tenants.members.models import DocumentKind
from maillage_tenants.rota.models import Rota

S2 = Semester(2027, 2)
YEAR = (date(2026, 1, 1), date(2027, 12, 31))


def siret(number: int) -> str:
    """A SIRET that the checksum accepts."""
    body = f"{number:08d}"
    siren = next(body + str(key) for key in range(10) if _luhn(body + str(key)))
    return next(f"{siren}0001{key}" for key in range(10) if _luhn(f"{siren}0001{key}"))


def _luhn(digits: str) -> bool:
    doubled = (int(char) * (2 if index % 2 else 1) for index, char in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


async def add_person(
    session: TenantSession,
    number: int,
    *,
    sectors: tuple[UUID, ...],
    trades: tuple[str, ...] = ("plumbing",),
    decennial_until: date = YEAR[1],
    units: int = 14,
    category: str = "artisan",
    employed: bool = False,
) -> UUID:
    """A business with one technician, its papers and its engagement."""
    member = await members.register_member(
        session,
        new=members.NewMember(
            name=f"Entreprise {number:03d}",
            siret=siret(number),
            email=f"contact{number}@artisan.example",
            phone=f"02 32 {number // 10000 % 100:02d} {number // 100 % 100:02d} {number % 100:02d}",
            address="1 rue du Port",
            postcode="27500",
            city="Pont-Audemer",
            joined_on=date(2020, 1, 1),
            category=category,
            trades=trades,
            sector_ids=sectors,
        ),
    )
    technician = await members.add_technician(
        session,
        member_id=member.id,
        new=members.NewTechnician(
            first_name=f"Prénom{number}",
            last_name=f"Nom{number}",
            phone=f"06 12 {number // 10000 % 100:02d} {number // 100 % 100:02d} {number % 100:02d}",
            employed=employed,
        ),
    )
    proofs = [
        (DocumentKind.LIABILITY, None, YEAR[1]),
        (DocumentKind.DECENNIAL, None, decennial_until),
        *((DocumentKind.QUALIFICATION, trade, YEAR[1]) for trade in trades),
    ]
    for kind, trade, end in proofs:
        await members.add_document(
            session,
            member_id=member.id,
            new=members.NewDocument(
                kind=kind,
                trade=trade,
                reference="P-1",
                issuer="Assureur",
                issuer_contact="1 rue de l’Assurance, Paris",
                coverage="France",
                valid_from=YEAR[0],
                valid_to=end,
            ),
        )
    if units:
        await members.sign_engagement(
            session,
            member_id=member.id,
            units_per_semester=units,
            customers_to_bring=10,
            signed_on=date(2026, 6, 1),
            valid_from=date(2026, 7, 1),
        )
    return technician.id


@dataclass(frozen=True)
class Plumbers:
    """Plumbers of the Eure, two at home in each sector."""

    trades: TradeRegistry
    people: tuple[UUID, ...]
    sectors: tuple[territory.SectorSummary, ...]

    def sector(self, code: str) -> UUID:
        return next(sector.id for sector in self.sectors if sector.code == code)


async def published(runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers, semester: Semester = S2) -> Rota:
    async with runtime.database.tenant(eure.tenant) as session:
        draft = await rota.create_draft(session, semester=semester, trades=plumbers.trades, by="bureau")
        generated = await rota.generate(session, rota_id=draft.id, trades=plumbers.trades, by="bureau")
        assert generated.uncovered == ()
        return await rota.publish(
            session, rota_id=draft.id, decision="CA du 1er mars 2027, unanimité", by="bureau", trades=plumbers.trades
        )
