"""Who is on call, as machines read it: names, never a number; the cooperative's own is the one to ring."""

from typing import Annotated, Self
from uuid import UUID

import msgspec

from maillage_kit.rest import PageQuery
from maillage_kit.rest.shapes import Code, Insee, Instant, Shown, said
from maillage_tenants.rota.partner_queries import OnCallNow


class OnCallQuery(PageQuery):
    trade: Annotated[Code | None, said("Un métier, sinon tous.", "A trade, else all.", "plumbing")] = None
    insee: Insee | None = None


class OnCallOut(Shown):
    """Un poste d’astreinte tenu maintenant. Fin non comprise. / A post held now; the end is not in it."""

    duty_id: UUID
    trade: str
    sector: Annotated[str, said("Nom du secteur.", "Name of the sector.", "Pont-Audemer")]
    rank: Annotated[int, msgspec.Meta(ge=1)]
    person: str
    business: str
    starts_at: Instant
    ends_at: Instant

    @classmethod
    def of(cls, row: OnCallNow) -> Self:
        return cls(
            duty_id=row.duty_id,
            trade=row.trade,
            sector=row.sector,
            rank=row.rank,
            person=row.person,
            business=row.business,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
        )
