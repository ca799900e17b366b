"""What one artisan sees: offers made to him, cases of his business."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_tenants.casefile import CASE_LINE, CaseLine
from maillage_tenants.interventions.models import Intervention, Offer, OfferState
from maillage_tenants.territory.models import Commune


@dataclass(frozen=True, slots=True)
class OfferLine:
    """An offer made to the artisan; `due_at` may be past: it still wins while nobody has taken the case."""

    id: UUID
    case_id: UUID
    number: str
    state: str
    due_at: datetime | None
    reason: str
    trade: str | None
    type_code: str | None
    priority: str | None
    commune: str | None
    case_state: str
    request_words: str
    taken: bool


_OFFER: Any = (
    sa.select(
        Offer.id,
        Intervention.id,
        Intervention.number,
        Offer.state,
        Offer.due_at,
        Offer.reason,
        Intervention.trade,
        Intervention.type_code,
        Intervention.priority,
        Commune.name,
        Intervention.state,
        Intervention.request_words,
        Intervention.technician_id.is_not(None),
    )
    .join(Intervention, Intervention.id == Offer.intervention_id)
    .outerjoin(Commune, Commune.insee == Intervention.insee)
    .where(Offer.offered_at.is_not(None))
)


async def offers_to(session: TenantSession, *, technician_id: UUID) -> tuple[OfferLine, ...]:
    """Offers that wait for this technician's answer."""
    rows = await session.execute(
        _OFFER.where(Offer.technician_id == technician_id, Offer.state == OfferState.PENDING).order_by(Offer.due_at)
    )
    return tuple(OfferLine(*row) for row in rows)


async def offer_for_case(session: TenantSession, *, case_id: UUID, technician_id: UUID) -> OfferLine | None:
    """The last offer of this case made to this technician."""
    rows = await session.execute(
        _OFFER.where(Offer.intervention_id == case_id, Offer.technician_id == technician_id)
        .order_by(Offer.position.desc())
        .limit(1)
    )
    row = rows.one_or_none()
    return OfferLine(*row) if row else None


async def cases_of(
    session: TenantSession, *, member_id: UUID | None = None, technician_id: UUID | None = None, since: datetime
) -> tuple[CaseLine, ...]:
    """Cases of the business, or of one technician, under way or ended since `since`; the latest first."""
    whose = Intervention.member_id == member_id if member_id else Intervention.technician_id == technician_id
    rows = await session.execute(
        CASE_LINE.where(
            whose,
            sa.or_(
                Intervention.state.not_in(("closed", "cancelled", "redirected")), Intervention.requested_at >= since
            ),
        )
        .order_by(Intervention.requested_at.desc())
        .limit(50)
    )
    return tuple(CaseLine(*row) for row in rows)
