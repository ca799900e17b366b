"""Reading what the ladder needs."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession, core
from maillage_kit.direct import DirectStatement
from maillage_tenants.dispatch.rules import NearSector
from maillage_tenants.territory.models import Sector, SectorAdjacency


def _near() -> sa.Select[Any]:
    sectors, adjacency = core(Sector), core(SectorAdjacency)
    asked = sa.bindparam("sector_id", type_=sa.Uuid)
    near = sa.union_all(
        sa.select(asked.label("id"), sa.literal_column("0", sa.Integer).label("distance_m")),
        sa.select(adjacency.c.neighbour_id, adjacency.c.distance_m).where(
            adjacency.c.semester == sa.bindparam("semester", type_=sa.Text),
            adjacency.c.trade == sa.bindparam("trade", type_=sa.Text),
            adjacency.c.sector_id == asked,
        ),
    ).subquery("near")
    return (
        sa.select(sectors.c.id, sectors.c.name, near.c.distance_m)
        .select_from(sectors)
        .join(near, near.c.id == sectors.c.id)
        .order_by(near.c.distance_m, sectors.c.code)
    )


_NEAR = DirectStatement(_near())


async def sector_and_neighbours(
    session: TenantSession, *, sector_id: UUID, trade: str, semester: str
) -> Sequence[NearSector]:
    """The sector itself (distance 0) then its neighbours for the trade in that semester, nearest first: one query."""
    found = await _NEAR.all(session, {"sector_id": sector_id, "trade": trade, "semester": semester})
    return [NearSector(*row) for row in found]
