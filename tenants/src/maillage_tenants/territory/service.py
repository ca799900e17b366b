"""Acts on the territory."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_kit.semester import Semester
from maillage_tenants.territory import models
from maillage_tenants.territory.drafting import default_sectors
from maillage_tenants.territory.errors import InvalidSectors
from maillage_tenants.territory.facts import load_communes
from maillage_tenants.territory.rules import (
    Commune,
    SectorDraft,
    search_key,
    sector_adjacency,
    validate_sectors,
)

ROAD_METRES_PER_KM = 1300  # great circle × 1.3 (design: distances between sectors)


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
    drafts = default_sectors(communes, department)
    for semester in semesters:
        for trade in trades:
            await set_sectors(session, semester=semester, trade=trade, drafts=drafts, communes=communes)


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
            "distance_m": round(kilometres * ROAD_METRES_PER_KM),
        }
        for code, others in sector_adjacency(drafts, communes).items()
        for other, kilometres in others
    ]
    if neighbours:
        await session.execute(sa.insert(models.SectorAdjacency), neighbours)
