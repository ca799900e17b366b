"""Acts on the territory."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_kit.semester import Semester
from maillage_tenants import audit
from maillage_tenants.territory import models, queries
from maillage_tenants.territory.drafting import default_sectors
from maillage_tenants.territory.errors import InvalidSectorName, InvalidSectors, UnknownCommune, UnknownSector
from maillage_tenants.territory.facts import load_communes
from maillage_tenants.territory.queries import SectorRef
from maillage_tenants.territory.rules import (
    Commune,
    SectorDraft,
    next_code,
    search_key,
    sector_adjacency,
    validate_sectors,
)

MOST_LETTERS = 80
"""Of a sector's name."""


async def install_territory(
    session: TenantSession, *, department: str, semesters: Iterable[Semester], trades: Iterable[str]
) -> None:
    """Give a new cooperative its communes and its default sectors (R98) for the semesters and trades named."""
    communes = load_communes(department)
    await session.execute(
        sa.insert(models.Commune),
        [
            {
                "insee": commune.insee,
                "name": commune.name,
                "postcodes": list(commune.postcodes),
                "population": commune.population,
                "lat": commune.lat,
                "lon": commune.lon,
                "epci": commune.epci.name if commune.epci else "",
                "former_names": list(commune.former_names),
                "neighbours": list(commune.neighbours),
                "search": search_key(commune.name),
            }
            for commune in communes
        ],
    )
    await draw_default_sectors(session, department=department, semesters=semesters, trades=trades)


async def draw_default_sectors(
    session: TenantSession, *, department: str, semesters: Iterable[Semester], trades: Iterable[str]
) -> None:
    """Give the default sectors (R98) to semesters and trades: when a cooperative opens, or opens a trade."""
    communes = load_communes(department)
    drafts = default_sectors(communes, department)
    wanted = tuple(trades)
    for semester in semesters:
        for trade in wanted:
            await set_sectors(session, semester=semester, trade=trade, drafts=drafts, communes=communes)


async def prepare_semester(session: TenantSession, *, semester: Semester, trade: str) -> bool:
    """Give a semester the sectors of the latest earlier one that has some, so that the office starts from them.

    False when there is nothing to copy or the semester has its sectors already: nothing is ever overwritten.
    """
    source = await queries.semester_in_force(session, trade=trade, semester=semester)
    if source is None or source == semester.code:
        return False
    for table in (models.SectorCommune, models.SectorAdjacency):
        columns = [column for column in table.__table__.columns if column.name != "semester"]
        await session.execute(
            sa.insert(table).from_select(
                ["semester", *(column.name for column in columns)],
                sa.select(sa.literal(semester.code), *columns).where(table.semester == source, table.trade == trade),
            )
        )
    return True


async def has_sectors(session: TenantSession, *, semester: Semester, trade: str) -> bool:
    """Whether that trade has its sectors for that semester."""
    found = await session.scalar(
        sa.select(models.SectorCommune.insee)
        .where(models.SectorCommune.semester == semester.code, models.SectorCommune.trade == trade)
        .limit(1)
    )
    return found is not None


async def move_communes(
    session: TenantSession,
    *,
    semester: Semester,
    trade: str,
    insee_codes: Collection[str],
    sector_id: UUID,
    by: str,
) -> SectorRef:
    """Put communes in another sector of a semester, for one trade; neighbours and distances follow. The sector they are
    in now.

    Calls of that semester go by the new sectors from now on; calls already taken keep what was written on them.
    Raises UnknownCommune, UnknownSector, InvalidSectors (a sector would be left empty).
    """
    await prepare_semester(session, semester=semester, trade=trade)
    drafts = await queries.sector_drafts(session, trade=trade, semester=semester)
    target = next(
        (ref for ref in await queries.sectors(session, trade=trade, semester=semester) if ref.id == sector_id), None
    )
    if target is None:
        raise UnknownSector
    await _redraw(session, semester, trade, drafts, frozenset(insee_codes), target.code, by)
    return SectorRef(target.id, target.code, target.name)


async def split_off(
    session: TenantSession,
    *,
    semester: Semester,
    trade: str,
    insee_codes: Collection[str],
    name: str,
    by: str,
) -> SectorRef:
    """Make a new sector of communes of other ones, for one semester and trade. Nobody is on call for it until the rota
    is repaired.

    Raises UnknownCommune, InvalidSectorName, InvalidSectors (a sector would be left empty).
    """
    await prepare_semester(session, semester=semester, trade=trade)
    drafts = await queries.sector_drafts(session, trade=trade, semester=semester)
    name = " ".join(name.split())
    if not 1 <= len(name) <= MOST_LETTERS:
        raise InvalidSectorName
    if any(search_key(draft.name) == search_key(name) for draft in drafts):
        raise InvalidSectorName(f"Un secteur s’appelle déjà {name}.")
    code = next_code([ref.code for ref in await queries.all_sectors(session)])
    drafts.append(SectorDraft(code, name, frozenset()))
    await _redraw(session, semester, trade, drafts, frozenset(insee_codes), code, by)
    made = next(ref for ref in await queries.sectors(session, trade=trade, semester=semester) if ref.code == code)
    await audit.record(
        session,
        actor=by,
        action="territory.sector_created",
        subject_type="sector",
        subject_id=made.id,
        detail={"semester": semester.code, "trade": trade, "code": code, "name": name},
    )
    return SectorRef(made.id, code, name)


async def _redraw(
    session: TenantSession,
    semester: Semester,
    trade: str,
    drafts: Sequence[SectorDraft],
    moved: frozenset[str],
    target: str,
    by: str,
) -> None:
    """Write the drafts with these communes in the target, and who moved each of them."""
    communes = await queries.all_communes(session)
    if not moved or not moved <= {commune.insee for commune in communes}:
        raise UnknownCommune
    source = {insee: draft.code for draft in drafts for insee in moved & draft.insee_codes}
    changed = [
        SectorDraft(
            draft.code, draft.name, draft.insee_codes | moved if draft.code == target else draft.insee_codes - moved
        )
        for draft in drafts
    ]
    await set_sectors(session, semester=semester, trade=trade, drafts=changed, communes=communes)
    for insee in sorted(moved):
        if source.get(insee) != target:
            await audit.record(
                session,
                actor=by,
                action="territory.commune_moved",
                subject_type="commune",
                subject_id=insee,
                detail={"semester": semester.code, "trade": trade, "from": source.get(insee, ""), "to": target},
            )


async def set_sectors(
    session: TenantSession,
    *,
    semester: Semester,
    trade: str,
    drafts: Sequence[SectorDraft],
    communes: Sequence[Commune],
) -> None:
    """Replace the sectors of one semester and trade. Raises InvalidSectors unless every commune is in exactly one."""
    report = validate_sectors(drafts, communes)
    if not report.ok:
        raise InvalidSectors(" ".join(report.messages))
    sectors = {row.code: row for row in (await session.scalars(sa.select(models.Sector))).all()}
    for draft in drafts:
        if draft.code not in sectors:
            sectors[draft.code] = models.Sector(code=draft.code, name=draft.name)
            session.add(sectors[draft.code])
    await session.flush()
    key = {"semester": semester.code, "trade": trade}
    for table in (models.SectorCommune, models.SectorAdjacency):
        await session.execute(sa.delete(table).where(table.semester == semester.code, table.trade == trade))
    await session.execute(
        sa.insert(models.SectorCommune),
        [
            {**key, "insee": insee, "sector_id": sectors[draft.code].id}
            for draft in drafts
            for insee in sorted(draft.insee_codes)
        ],
    )
    neighbours = [
        {
            **key,
            "sector_id": sectors[code].id,
            "neighbour_id": sectors[other].id,
            "distance_m": round(kilometres * 1000),
        }
        for code, others in sector_adjacency(drafts, communes).items()
        for other, kilometres in others
    ]
    if neighbours:
        await session.execute(sa.insert(models.SectorAdjacency), neighbours)
