"""Questions to the territory. A commune is known by its INSEE code, never by its postcode (R97)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_kit.pages import Page, PageRequest, cut_page, read_text
from maillage_kit.semester import Semester
from maillage_tenants.territory import rules
from maillage_tenants.territory.models import Commune, Sector, SectorAdjacency, SectorCommune


@dataclass(frozen=True, slots=True)
class CommuneRow:
    """A commune of the cooperative. `former_name`: the old name it was found under, None otherwise."""

    insee: str
    name: str
    population: int
    postcodes: tuple[str, ...] = ()
    former_name: str | None = None


@dataclass(frozen=True, slots=True)
class SectorRef:
    id: UUID
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class NeighbourSector:
    """A sector that can back up another, `distance_m` metres of road away."""

    id: UUID
    code: str
    name: str
    distance_m: int


@dataclass(frozen=True, slots=True)
class SectorSummary:
    """A sector in one semester for one trade, with how much it holds."""

    id: UUID
    code: str
    name: str
    communes: int
    population: int


# --- communes ---------------------------------------------------------------


async def commune(session: TenantSession, *, insee: str) -> CommuneRow | None:
    row = (await session.execute(_COMMUNE.where(Commune.insee == insee))).one_or_none()
    return None if row is None else _commune_row(row)


async def communes_of_postcode(session: TenantSession, *, postcode: str) -> tuple[CommuneRow, ...]:
    """Every commune that the postcode serves, the most populated first: one postcode covers several (R97)."""
    rows = await session.execute(
        _COMMUNE.where(Commune.postcodes.contains([postcode])).order_by(Commune.population.desc(), Commune.insee)
    )
    return tuple(_commune_row(row) for row in rows)


async def communes_page(
    session: TenantSession, *, page: PageRequest, postcode: str | None = None, name: str | None = None
) -> Page[CommuneRow]:
    """The communes by INSEE code, one page: of a postcode, with words that begin so, or all."""
    wanted = _COMMUNE.order_by(Commune.insee).limit(page.limit + 1)
    if postcode is not None:
        wanted = wanted.where(Commune.postcodes.contains([postcode]))
    for word in rules.search_key(name or "").split():
        wanted = wanted.where(sa.func.concat(" ", Commune.search).contains(f" {word}", autoescape=True))
    if (last := page.position(read_text)) is not None:
        wanted = wanted.where(Commune.insee > last[0])
    rows = [_commune_row(row) for row in await session.execute(wanted)]
    return cut_page(rows, page, lambda row: (row.insee,))


async def search_commune(session: TenantSession, *, text: str, limit: int = 10) -> tuple[CommuneRow, ...]:
    """Communes somebody may mean by `text`, best first: names of today and of former communes, accents and hyphens
    left out, postcodes and their beginnings (`rules.search_communes`)."""
    if not rules.search_key(text):
        return ()
    found = rules.search_communes(await all_communes(session), text, limit=limit)
    return tuple(
        CommuneRow(
            insee=match.commune.insee,
            name=match.commune.name,
            population=match.commune.population,
            postcodes=match.commune.postcodes,
            former_name=match.former_name,
        )
        for match in found
    )


async def all_communes(session: TenantSession) -> tuple[rules.Commune, ...]:
    """The communes of the cooperative as the rules know them, by INSEE code (at most 900 in a département)."""
    rows = await session.execute(
        sa.select(
            Commune.insee,
            Commune.name,
            Commune.postcodes,
            Commune.population,
            Commune.lat,
            Commune.lon,
            Commune.former_names,
            Commune.neighbours,
        ).order_by(Commune.insee)
    )
    return tuple(
        rules.Commune(
            insee=row.insee,
            name=row.name,
            postcodes=tuple(row.postcodes),
            department=row.insee[:3] if row.insee.startswith("97") else row.insee[:2],
            population=row.population,
            lat=row.lat,
            lon=row.lon,
            former_names=tuple(row.former_names),
            neighbours=tuple(row.neighbours),
        )
        for row in rows
    )


_COMMUNE = sa.select(Commune.insee, Commune.name, Commune.population, Commune.postcodes)


def _commune_row(row: sa.Row[str, str, int, list[str]]) -> CommuneRow:
    return CommuneRow(row.insee, row.name, row.population, tuple(row.postcodes))


# --- sectors ----------------------------------------------------------------


def _in_force(trade: str, code: str) -> sa.ScalarSelect[str]:
    """The semester whose sectors hold at `code`: its own, or the latest before it, so that a semester nobody has
    prepared yet still sends its calls somewhere."""
    return (
        sa.select(sa.func.max(SectorCommune.semester))
        .where(SectorCommune.trade == trade, SectorCommune.semester <= code)
        .scalar_subquery()
    )


async def semester_in_force(session: TenantSession, *, trade: str, semester: Semester) -> str | None:
    """The code of the semester whose sectors hold in `semester` for that trade; None when there never were any."""
    found: str | None = await session.scalar(sa.select(_in_force(trade, semester.code)))
    return found


async def sector_of(session: TenantSession, *, insee: str, trade: str, at: datetime) -> SectorRef | None:
    """The one sector of a commune for a trade at an instant (R98). None: a commune or a trade without sectors."""
    row = (
        await session.execute(
            sa.select(Sector.id, Sector.code, Sector.name)
            .join(SectorCommune, SectorCommune.sector_id == Sector.id)
            .where(
                SectorCommune.semester == _in_force(trade, Semester.containing(at).code),
                SectorCommune.trade == trade,
                SectorCommune.insee == insee,
            )
        )
    ).one_or_none()
    return None if row is None else SectorRef(*row)


async def sectors_of_postcode(
    session: TenantSession, *, postcode: str, trade: str, at: datetime
) -> tuple[SectorRef, ...]:
    """The sectors that a postcode may mean, the one with most inhabitants under that postcode first."""
    rows = await session.execute(
        sa.select(Sector.id, Sector.code, Sector.name)
        .join(SectorCommune, SectorCommune.sector_id == Sector.id)
        .join(Commune, Commune.insee == SectorCommune.insee)
        .where(
            SectorCommune.semester == _in_force(trade, Semester.containing(at).code),
            SectorCommune.trade == trade,
            Commune.postcodes.contains([postcode]),
        )
        .group_by(Sector.id, Sector.code, Sector.name)
        .order_by(sa.func.sum(Commune.population).desc(), Sector.code)
    )
    return tuple(SectorRef(*row) for row in rows)


async def neighbours_of(
    session: TenantSession, *, sector_id: UUID, trade: str, at: datetime
) -> tuple[NeighbourSector, ...]:
    """The sectors that back up this one, nearest by road first."""
    rows = await session.execute(
        sa.select(Sector.id, Sector.code, Sector.name, SectorAdjacency.distance_m)
        .join(SectorAdjacency, SectorAdjacency.neighbour_id == Sector.id)
        .where(
            SectorAdjacency.sector_id == sector_id,
            SectorAdjacency.semester == _in_force(trade, Semester.containing(at).code),
            SectorAdjacency.trade == trade,
        )
        .order_by(SectorAdjacency.distance_m, Sector.code)
    )
    return tuple(NeighbourSector(*row) for row in rows)


async def adjacency(session: TenantSession, *, trade: str, semester: Semester) -> dict[UUID, tuple[UUID, ...]]:
    """For each sector of a semester, the sectors that back it up, nearest first."""
    rows = await session.execute(
        sa.select(SectorAdjacency.sector_id, SectorAdjacency.neighbour_id)
        .where(SectorAdjacency.semester == _in_force(trade, semester.code), SectorAdjacency.trade == trade)
        .order_by(SectorAdjacency.sector_id, SectorAdjacency.distance_m)
    )
    found: dict[UUID, list[UUID]] = {}
    for sector_id, neighbour_id in rows:
        found.setdefault(sector_id, []).append(neighbour_id)
    return {sector_id: tuple(others) for sector_id, others in found.items()}


async def distances(session: TenantSession, *, trade: str, semester: Semester) -> dict[UUID, dict[UUID, int]]:
    """For each sector of a semester, the metres of road to each sector that backs it up."""
    rows = await session.execute(
        sa.select(SectorAdjacency.sector_id, SectorAdjacency.neighbour_id, SectorAdjacency.distance_m).where(
            SectorAdjacency.semester == _in_force(trade, semester.code), SectorAdjacency.trade == trade
        )
    )
    found: dict[UUID, dict[UUID, int]] = {}
    for sector_id, neighbour_id, metres in rows:
        found.setdefault(sector_id, {})[neighbour_id] = metres
    return found


async def sectors(session: TenantSession, *, trade: str, semester: Semester) -> tuple[SectorSummary, ...]:
    """The sectors of a semester for a trade, by code."""
    rows = await session.execute(
        sa.select(
            Sector.id,
            Sector.code,
            Sector.name,
            sa.func.count().label("communes"),
            sa.func.coalesce(sa.func.sum(Commune.population), 0).label("population"),
        )
        .join(SectorCommune, SectorCommune.sector_id == Sector.id)
        .join(Commune, Commune.insee == SectorCommune.insee)
        .where(SectorCommune.semester == _in_force(trade, semester.code), SectorCommune.trade == trade)
        .group_by(Sector.id, Sector.code, Sector.name)
        .order_by(sa.func.length(Sector.code), Sector.code)
    )
    return tuple(SectorSummary(row.id, row.code, row.name, row.communes, int(row.population)) for row in rows)


async def all_sectors(session: TenantSession) -> tuple[SectorRef, ...]:
    """Every sector the cooperative ever had, by code."""
    rows = await session.execute(
        sa.select(Sector.id, Sector.code, Sector.name).order_by(sa.func.length(Sector.code), Sector.code)
    )
    return tuple(SectorRef(*row) for row in rows)


async def communes_of_sector(
    session: TenantSession, *, sector_id: UUID, trade: str, semester: Semester
) -> tuple[CommuneRow, ...]:
    """The communes of a sector, by name."""
    rows = await session.execute(
        _COMMUNE.join(SectorCommune, SectorCommune.insee == Commune.insee)
        .where(
            SectorCommune.sector_id == sector_id,
            SectorCommune.semester == _in_force(trade, semester.code),
            SectorCommune.trade == trade,
        )
        .order_by(Commune.search, Commune.insee)
    )
    return tuple(_commune_row(row) for row in rows)


async def sectors_of_communes(
    session: TenantSession, *, insee_codes: Sequence[str], trade: str, semester: Semester
) -> dict[str, SectorRef]:
    """The sector of each of these communes, by INSEE code."""
    rows = await session.execute(
        sa.select(SectorCommune.insee, Sector.id, Sector.code, Sector.name)
        .join(Sector, Sector.id == SectorCommune.sector_id)
        .where(
            SectorCommune.insee.in_(insee_codes),
            SectorCommune.semester == _in_force(trade, semester.code),
            SectorCommune.trade == trade,
        )
    )
    return {row.insee: SectorRef(row.id, row.code, row.name) for row in rows}


async def sector_drafts(session: TenantSession, *, trade: str, semester: Semester) -> list[rules.SectorDraft]:
    """The sectors of a semester as the rules know them, by code."""
    rows = await session.execute(
        sa.select(Sector.code, Sector.name, SectorCommune.insee)
        .join(Sector, Sector.id == SectorCommune.sector_id)
        .where(SectorCommune.semester == _in_force(trade, semester.code), SectorCommune.trade == trade)
    )
    held: dict[tuple[str, str], set[str]] = {}
    for code, name, insee in rows:
        held.setdefault((code, name), set()).add(insee)
    return [rules.SectorDraft(code, name, frozenset(codes)) for (code, name), codes in sorted(held.items())]


async def report(session: TenantSession, *, trade: str, semester: Semester) -> rules.SectorReport:
    """Is every commune in exactly one sector, this semester, for this trade (R98)?"""
    drafts = await sector_drafts(session, trade=trade, semester=semester)
    return rules.validate_sectors(drafts, await all_communes(session))
