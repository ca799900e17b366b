"""Reading what the ladder needs."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_tenants.dispatch.rules import NearSector
from maillage_tenants.territory.models import Sector, SectorAdjacency


async def sector_and_neighbours(
    session: TenantSession, *, sector_id: UUID, trade: str, semester: str
) -> Sequence[NearSector]:
    """The sector itself (distance 0) then its neighbours for the trade in that semester, nearest first: one query."""
    near = sa.union_all(
        sa.select(sa.literal(sector_id, sa.Uuid).label("id"), sa.literal(0).label("distance_m")),
        sa.select(SectorAdjacency.neighbour_id, SectorAdjacency.distance_m).where(
            SectorAdjacency.semester == semester,
            SectorAdjacency.trade == trade,
            SectorAdjacency.sector_id == sector_id,
        ),
    ).subquery("near")
    found = await session.execute(
        sa.select(Sector.id, Sector.name, near.c.distance_m)
        .join(near, near.c.id == Sector.id)
        .order_by(near.c.distance_m, Sector.code)
    )
    return [NearSector(*row) for row in found]
