"""Questions about members, their people and their documents."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession, core
from maillage_kit.direct import DirectStatement
from maillage_kit.pages import Page, PageRequest, cut_page, read_id, read_text
from maillage_tenants.members.errors import UnknownMember, UnknownTechnician
from maillage_tenants.members.models import (
    Engagement,
    Member,
    MemberDocument,
    MemberSector,
    MemberTrade,
    Technician,
)
from maillage_tenants.members.rules import Assignability, Standing, Validity, assignability_on

_GONE = Assignability(False, "Technicien inconnu")


@dataclass(frozen=True, slots=True)
class TechnicianRow:
    id: UUID
    member_id: UUID
    name: str
    member_name: str
    phone: str
    employed: bool


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """A technician with all that a rota needs to know. `units`: what the member owes a semester, 0 without engagement.

    `home_sectors`: where the member takes duties first; none declared means nowhere in particular.
    """

    technician_id: UUID
    member_id: UUID
    name: str
    member_name: str
    employed: bool
    units: int
    home_sectors: frozenset[UUID]
    standing: Standing


@dataclass(frozen=True, slots=True)
class MemberSummary:
    """A line of the list of members."""

    id: UUID
    name: str
    city: str
    category: str
    phone: str
    left_on: date | None
    trades: tuple[str, ...]
    technicians: int


async def assignability(
    session: TenantSession, *, technician_ids: Iterable[UUID], trade: str, on: date
) -> dict[UUID, Assignability]:
    """For each technician: may this person be sent for `trade` that day, and if not, why (R8, R52, R61)?

    Every id asked for is answered; an unknown one is not assignable.
    """
    asked = tuple(dict.fromkeys(technician_ids))
    known = {standing.technician_id: standing for standing in await standings(session, technician_ids=asked)}
    return {
        technician_id: assignability_on(known[technician_id], trade, on) if technician_id in known else _GONE
        for technician_id in asked
    }


_TECHNICIANS, _MEMBERS = core(Technician), core(Member)
_TRADES, _DOCUMENTS = core(MemberTrade), core(MemberDocument)


def _standings(*, asked: bool) -> sa.Select[Any]:
    """Technicians with what decides about them; `:technicians` when `asked`."""
    trades = (
        sa.select(sa.func.array_agg(_TRADES.c.trade))
        .where(_TRADES.c.member_id == _TECHNICIANS.c.member_id)
        .correlate(_TECHNICIANS)
        .scalar_subquery()
    )
    papers = (
        sa.select(
            sa.func.array_agg(_DOCUMENTS.c.kind).label("kinds"),
            sa.func.array_agg(_DOCUMENTS.c.trade).label("trades"),
            sa.func.array_agg(_DOCUMENTS.c.valid_from).label("since"),
            sa.func.array_agg(_DOCUMENTS.c.valid_to).label("until"),
        )
        .where(_DOCUMENTS.c.member_id == _TECHNICIANS.c.member_id)
        .correlate(_TECHNICIANS)
        .lateral("papers")
    )
    statement = (
        sa.select(
            _TECHNICIANS.c.id,
            _TECHNICIANS.c.member_id,
            _TECHNICIANS.c.active,
            _MEMBERS.c.category,
            _MEMBERS.c.joined_on,
            _MEMBERS.c.left_on,
            trades,
            papers.c.kinds,
            papers.c.trades,
            papers.c.since,
            papers.c.until,
        )
        .select_from(_TECHNICIANS)
        .join(_MEMBERS, _MEMBERS.c.id == _TECHNICIANS.c.member_id)
        .join(papers, sa.true())
        .order_by(_TECHNICIANS.c.id)
    )
    if asked:
        technicians = sa.bindparam("technicians", type_=sa.ARRAY(sa.Uuid))
        statement = statement.where(_TECHNICIANS.c.id == sa.any_(technicians))
    return statement


_STANDINGS = DirectStatement(_standings(asked=False))
_STANDINGS_ASKED = DirectStatement(_standings(asked=True))


async def standings(session: TenantSession, *, technician_ids: Sequence[UUID] | None = None) -> tuple[Standing, ...]:
    """What decides for each technician; all of them when no ids are given. One query whatever the number."""
    if technician_ids is None:
        found = await _STANDINGS.all(session, {})
    elif technician_ids:
        found = await _STANDINGS_ASKED.all(session, {"technicians": list(technician_ids)})
    else:
        return ()
    return tuple(
        Standing(
            technician_id=technician_id,
            member_id=member_id,
            active=active,
            category=category,
            joined_on=joined_on,
            left_on=left_on,
            trades=frozenset(trades or ()),
            documents=tuple(map(Validity, kinds or (), of_trades or (), since or (), until or ())),
        )
        for (
            technician_id,
            member_id,
            active,
            category,
            joined_on,
            left_on,
            trades,
            kinds,
            of_trades,
            since,
            until,
        ) in found
    )


async def roster(session: TenantSession, *, on: date) -> tuple[RosterEntry, ...]:
    """Every active technician with engagement in force `on` that day, home sectors and standing, by name."""
    by_technician = {standing.technician_id: standing for standing in await standings(session)}
    homes: dict[UUID, set[UUID]] = {}
    for member_id, sector_id in await session.execute(sa.select(MemberSector.member_id, MemberSector.sector_id)):
        homes.setdefault(member_id, set()).add(sector_id)
    owed: dict[UUID, int] = {}
    for member_id, units in await session.execute(
        sa.select(Engagement.member_id, Engagement.units_per_semester)
        .where(Engagement.valid_from <= on, sa.or_(Engagement.valid_to.is_(None), Engagement.valid_to >= on))
        .order_by(Engagement.signed_on)
    ):
        owed[member_id] = units
    people = await session.execute(
        sa.select(
            Technician.id,
            Technician.member_id,
            _FULL_NAME,
            Member.name.label("member_name"),
            Technician.employed,
        )
        .join(Member, Member.id == Technician.member_id)
        .where(Technician.active)
        .order_by(Technician.last_name, Technician.first_name, Technician.id)
    )
    return tuple(
        RosterEntry(
            technician_id=row.id,
            member_id=row.member_id,
            name=row.name,
            member_name=row.member_name,
            employed=row.employed,
            units=owed.get(row.member_id, 0),
            home_sectors=frozenset(homes.get(row.member_id, ())),
            standing=by_technician[row.id],
        )
        for row in people
    )


_FULL_NAME = (Technician.first_name + " " + Technician.last_name).label("name")


async def technicians(session: TenantSession, *, active_only: bool = True) -> tuple[TechnicianRow, ...]:
    """Technicians with their business, by name."""
    asked = (
        sa.select(
            Technician.id,
            Technician.member_id,
            _FULL_NAME,
            Member.name.label("member_name"),
            Technician.phone,
            Technician.employed,
        )
        .join(Member, Member.id == Technician.member_id)
        .order_by(Technician.last_name, Technician.first_name, Technician.id)
    )
    if active_only:
        asked = asked.where(Technician.active)
    return tuple(TechnicianRow(*row) for row in await session.execute(asked))


async def get_member(session: TenantSession, *, member_id: UUID) -> Member:
    """Raises UnknownMember."""
    found = await session.get(Member, member_id)
    if found is None:
        raise UnknownMember
    return found


async def technicians_by_email(session: TenantSession, *, email: str) -> tuple[Technician, ...]:
    """The active technicians with that e-mail address, whatever its case."""
    found = await session.scalars(
        sa.select(Technician)
        .where(sa.func.lower(Technician.email) == email.strip().lower(), Technician.active)
        .order_by(Technician.id)
    )
    return tuple(found)


async def get_technician(session: TenantSession, *, technician_id: UUID) -> Technician:
    """Raises UnknownTechnician."""
    found = await session.get(Technician, technician_id)
    if found is None:
        raise UnknownTechnician
    return found


async def technicians_of(session: TenantSession, *, member_id: UUID) -> tuple[Technician, ...]:
    """The people of a business, active ones first."""
    return tuple(
        await session.scalars(
            sa.select(Technician)
            .where(Technician.member_id == member_id)
            .order_by(Technician.active.desc(), Technician.last_name, Technician.first_name)
        )
    )


async def documents_of(session: TenantSession, *, member_id: UUID) -> tuple[MemberDocument, ...]:
    """The documents of a business, the ones that end last first."""
    return tuple(
        await session.scalars(
            sa.select(MemberDocument)
            .where(MemberDocument.member_id == member_id)
            .order_by(MemberDocument.kind, MemberDocument.valid_to.desc())
        )
    )


async def engagements_of(session: TenantSession, *, member_id: UUID) -> tuple[Engagement, ...]:
    """Engagements of a member, the latest first (R53)."""
    return tuple(
        await session.scalars(
            sa.select(Engagement)
            .where(Engagement.member_id == member_id)
            .order_by(Engagement.valid_from.desc(), Engagement.signed_on.desc())
        )
    )


async def trades_of(session: TenantSession, *, member_id: UUID) -> tuple[str, ...]:
    return tuple(
        await session.scalars(
            sa.select(MemberTrade.trade).where(MemberTrade.member_id == member_id).order_by(MemberTrade.trade)
        )
    )


async def home_sectors_of(session: TenantSession, *, member_id: UUID) -> tuple[UUID, ...]:
    return tuple(await session.scalars(sa.select(MemberSector.sector_id).where(MemberSector.member_id == member_id)))


async def list_members(
    session: TenantSession,
    *,
    page: PageRequest,
    text: str = "",
    trade: str | None = None,
    with_former: bool = False,
    on: date,
) -> Page[MemberSummary]:
    """Members by name, one page. `text` is looked for in the name and the city."""
    technicians_count = (
        sa.select(sa.func.count())
        .where(Technician.member_id == Member.id, Technician.active)
        .correlate(Member)
        .scalar_subquery()
    )
    trade_codes = (
        sa.select(sa.func.array_agg(MemberTrade.trade))
        .where(MemberTrade.member_id == Member.id)
        .correlate(Member)
        .scalar_subquery()
    )
    asked = sa.select(
        Member.id,
        Member.name,
        Member.city,
        Member.category,
        Member.phone,
        Member.left_on,
        sa.func.coalesce(trade_codes, sa.cast([], sa.ARRAY(sa.Text))).label("trades"),
        technicians_count.label("technicians"),
    )
    if not with_former:
        asked = asked.where(sa.or_(Member.left_on.is_(None), Member.left_on > on))
    if text:
        pattern = f"%{text.replace('%', '').replace('_', '')}%"
        asked = asked.where(sa.or_(Member.name.ilike(pattern), Member.city.ilike(pattern)))
    if trade:
        asked = asked.where(
            sa.exists().where(MemberTrade.member_id == Member.id, MemberTrade.trade == trade).correlate(Member)
        )
    if (last := page.position(read_text, read_id)) is not None:
        asked = asked.where(sa.tuple_(Member.name, Member.id) > last)
    rows = (await session.execute(asked.order_by(Member.name, Member.id).limit(page.limit + 1))).all()
    found = [
        MemberSummary(
            row.id, row.name, row.city, row.category, row.phone, row.left_on, tuple(sorted(row.trades)), row.technicians
        )
        for row in rows
    ]
    return cut_page(found, page, lambda member: (member.name, member.id))


async def validities(session: TenantSession, *, member_ids: Sequence[UUID]) -> dict[UUID, tuple[Validity, ...]]:
    """The documents of several members at once, for the state shown in lists."""
    found: dict[UUID, list[Validity]] = {}
    for row in await session.execute(
        sa.select(
            MemberDocument.member_id,
            MemberDocument.kind,
            MemberDocument.trade,
            MemberDocument.valid_from,
            MemberDocument.valid_to,
        ).where(MemberDocument.member_id.in_(member_ids))
    ):
        found.setdefault(row.member_id, []).append(Validity(row.kind, row.trade, row.valid_from, row.valid_to))
    return {member_id: tuple(documents) for member_id, documents in found.items()}
