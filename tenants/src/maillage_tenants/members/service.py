"""Acts on members, their people, documents and engagement."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from maillage_kit.db import TenantSession, violated_constraint
from maillage_kit.errors import Invalid
from maillage_kit.phone import parse_phone
from maillage_kit.registers import parse_siret
from maillage_tenants.members import queries
from maillage_tenants.members.errors import SiretTaken
from maillage_tenants.members.models import (
    Category,
    DocumentKind,
    Engagement,
    Member,
    MemberDocument,
    MemberSector,
    MemberTrade,
    Technician,
    VatStatus,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMember:
    """A craft business as the office types it: SIRET with or without spaces, phone the French way."""

    name: str
    siret: str
    email: str
    phone: str
    address: str
    postcode: str
    city: str
    joined_on: date
    legal_form: str = "Entreprise individuelle"
    category: str = Category.ARTISAN
    vat_status: str = VatStatus.STANDARD
    trades: tuple[str, ...] = ()
    sector_ids: tuple[UUID, ...] = ()
    left_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTechnician:
    """A person of the business. `employed`: the labour code applies (R63)."""

    first_name: str
    last_name: str
    phone: str
    email: str | None = None
    employed: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A proof valid on `[valid_from, valid_to]`, both days included. `trade` None: for every trade."""

    kind: str
    reference: str
    issuer: str
    valid_from: date
    valid_to: date
    trade: str | None = None
    issuer_contact: str = ""
    coverage: str = ""


async def register_member(session: TenantSession, *, new: NewMember) -> Member:
    """Enter a business. Raises Invalid (SIRET checksum, phone, what is missing) and SiretTaken."""
    member = Member(**_checked(new))
    async with _refusals(session):
        session.add(member)
    await set_trades(session, member_id=member.id, trades=new.trades)
    await set_home_sectors(session, member_id=member.id, sector_ids=new.sector_ids)
    return member


async def change_member(session: TenantSession, *, member_id: UUID, new: NewMember) -> Member:
    """Correct what is known of a business. Raises UnknownMember and what `register_member` raises."""
    member = await queries.get_member(session, member_id=member_id)
    values = _checked(new)
    async with _refusals(session):
        for name, value in values.items():
            setattr(member, name, value)
    await set_trades(session, member_id=member_id, trades=new.trades)
    await set_home_sectors(session, member_id=member_id, sector_ids=new.sector_ids)
    return member


async def set_trades(session: TenantSession, *, member_id: UUID, trades: Iterable[str]) -> None:
    """The trades the member practises for the cooperative, instead of those before."""
    await session.execute(sa.delete(MemberTrade).where(MemberTrade.member_id == member_id))
    session.add_all(MemberTrade(member_id=member_id, trade=trade) for trade in dict.fromkeys(trades))
    await session.flush()


async def set_home_sectors(session: TenantSession, *, member_id: UUID, sector_ids: Iterable[UUID]) -> None:
    """Where the member takes duties first, instead of the sectors before."""
    await session.execute(sa.delete(MemberSector).where(MemberSector.member_id == member_id))
    session.add_all(MemberSector(member_id=member_id, sector_id=sector) for sector in dict.fromkeys(sector_ids))
    await session.flush()


async def add_technician(session: TenantSession, *, member_id: UUID, new: NewTechnician) -> Technician:
    """Enter a person of the business. Raises UnknownMember, Invalid (name, phone)."""
    await queries.get_member(session, member_id=member_id)
    technician = Technician(member_id=member_id, **_checked_person(new))
    session.add(technician)
    await session.flush()
    return technician


async def change_technician(session: TenantSession, *, technician_id: UUID, new: NewTechnician) -> Technician:
    """Raises UnknownTechnician, Invalid (name, phone)."""
    technician = await queries.get_technician(session, technician_id=technician_id)
    for name, value in _checked_person(new).items():
        setattr(technician, name, value)
    await session.flush()
    return technician


async def add_document(session: TenantSession, *, member_id: UUID, new: NewDocument) -> MemberDocument:
    """Keep a proof of insurance or qualification (R8, R61). A renewal is a new document: what was valid stays known.

    Raises UnknownMember, Invalid: an unknown kind, dates the wrong way round, an insurance without its issuer, its
    policy number or the area it covers (R8 puts them on quotes and invoices), a qualification without its trade.
    """
    await queries.get_member(session, member_id=member_id)
    fields: dict[str, str] = {}
    if new.kind not in tuple(DocumentKind):
        fields["kind"] = "Choisissez un type de document."
    if not new.reference.strip():
        fields["reference"] = "Indiquez le numéro ou la référence."
    if not new.issuer.strip():
        fields["issuer"] = "Indiquez l’organisme ou l’assureur."
    if new.kind in (DocumentKind.LIABILITY, DocumentKind.DECENNIAL):
        if not new.issuer_contact.strip():
            fields["issuer_contact"] = "Les coordonnées de l’assureur figurent sur les devis : indiquez-les."
        if not new.coverage.strip():
            fields["coverage"] = "La zone couverte figure sur les devis : indiquez-la."
    if new.kind == DocumentKind.QUALIFICATION and not new.trade:
        fields["trade"] = "Une qualification vaut pour un métier : choisissez-le."
    if new.valid_to < new.valid_from:
        fields["valid_to"] = "La fin de validité est avant le début."
    if fields:
        raise Invalid(fields=fields)
    document = MemberDocument(
        member_id=member_id,
        kind=new.kind,
        trade=new.trade or None,
        reference=new.reference.strip(),
        issuer=new.issuer.strip(),
        issuer_contact=new.issuer_contact.strip(),
        coverage=new.coverage.strip(),
        valid_from=new.valid_from,
        valid_to=new.valid_to,
    )
    session.add(document)
    await session.flush()
    return document


async def sign_engagement(
    session: TenantSession,
    *,
    member_id: UUID,
    units_per_semester: int,
    customers_to_bring: int,
    signed_on: date,
    valid_from: date,
) -> Engagement:
    """Record what the member owes (R53); the engagement before ends the day before this one begins.

    Raises UnknownMember, Invalid: negative numbers, or a beginning that is not after that of the engagement before.
    """
    await queries.get_member(session, member_id=member_id)
    fields: dict[str, str] = {}
    if not 0 <= units_per_semester <= 200:
        fields["units_per_semester"] = "De 0 à 200 semaines d’astreinte."
    if not 0 <= customers_to_bring <= 100_000:
        fields["customers_to_bring"] = "Un nombre de clients, 0 ou plus."
    before = [
        engagement
        for engagement in await queries.engagements_of(session, member_id=member_id)
        if engagement.valid_to is None or engagement.valid_to >= valid_from
    ]
    if any(engagement.valid_from >= valid_from for engagement in before):
        fields["valid_from"] = "Un engagement plus récent existe déjà."
    if fields:
        raise Invalid(fields=fields)
    for engagement in before:
        engagement.valid_to = valid_from - timedelta(days=1)
    signed = Engagement(
        member_id=member_id,
        units_per_semester=units_per_semester,
        customers_to_bring=customers_to_bring,
        signed_on=signed_on,
        valid_from=valid_from,
    )
    session.add(signed)
    await session.flush()
    return signed


def _checked(new: NewMember) -> dict[str, object]:
    """The columns of a business, cleaned. Every problem is told at once."""
    fields: dict[str, str] = {}

    def parsed(what: object) -> str:
        try:
            return what() if callable(what) else str(what)
        except Invalid as wrong:
            fields.update(wrong.fields)
            return ""

    values: dict[str, object] = {
        "siret": parsed(lambda: parse_siret(new.siret)),
        "phone": parsed(lambda: parse_phone(new.phone)),
        "category": new.category,
        "vat_status": new.vat_status,
        "joined_on": new.joined_on,
        "left_on": new.left_on,
    }
    required = {
        "name": "Indiquez le nom de l’entreprise.",
        "legal_form": "Indiquez la forme juridique.",
        "address": "Indiquez l’adresse.",
        "city": "Indiquez la commune.",
    }
    for name, message in required.items():
        values[name] = text = str(getattr(new, name)).strip()
        if not text:
            fields[name] = message
    values["email"] = email = new.email.strip().lower()
    if "@" not in email.strip("@"):
        fields["email"] = "Adresse électronique non valable."
    values["postcode"] = postcode = new.postcode.strip()
    if not (len(postcode) == 5 and postcode.isdigit()):
        fields["postcode"] = "Code postal non valable : 5 chiffres."
    if new.category not in tuple(Category):
        fields["category"] = "Choisissez une catégorie d’associé."
    if new.vat_status not in tuple(VatStatus):
        fields["vat_status"] = "Choisissez un régime de TVA."
    if new.left_on is not None and new.left_on < new.joined_on:
        fields["left_on"] = "La sortie est avant l’entrée."
    if fields:
        raise Invalid(fields=fields)
    return values


def _checked_person(new: NewTechnician) -> dict[str, object]:
    fields = {
        name: "Obligatoire."
        for name, value in (("first_name", new.first_name), ("last_name", new.last_name))
        if not value.strip()
    }
    phone = ""
    try:
        phone = parse_phone(new.phone)
    except Invalid as wrong:
        fields.update(wrong.fields)
    if fields:
        raise Invalid(fields=fields)
    return {
        "first_name": new.first_name.strip(),
        "last_name": new.last_name.strip(),
        "phone": phone,
        "email": (new.email or "").strip().lower() or None,
        "employed": new.employed,
        "active": new.active,
    }


@contextlib.asynccontextmanager
async def _refusals(session: TenantSession) -> AsyncIterator[None]:
    """Write inside a savepoint; what the database refuses becomes an error in French, by the constraint's name."""
    try:
        async with session.begin_nested():
            yield
            await session.flush()
    except IntegrityError as error:
        if violated_constraint(error) == "uq_member_siret":
            raise SiretTaken(fields={"siret": "Ce SIRET est déjà celui d’un associé."}) from error
        raise
