"""What the page shows of a customer's cases."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_tenants.interventions.models import Intervention, State


@dataclass(frozen=True, slots=True)
class CaseRow:
    id: UUID
    number: str
    state: str
    trade: str | None
    address: str
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class Cases:
    """How many cases a customer has had, how many are open, and the last ones."""

    total: int
    open: int
    latest: tuple[CaseRow, ...]


async def cases_of(session: TenantSession, *, customer_id: UUID, latest: int = 5) -> Cases:
    """Two queries on the index of the customer's cases."""
    total, still_open = (
        await session.execute(
            sa.select(
                sa.func.count(),
                sa.func.count().filter(Intervention.state.not_in([State.CLOSED, State.CANCELLED, State.REDIRECTED])),
            ).where(Intervention.customer_id == customer_id)
        )
    ).one()
    rows = await session.execute(
        sa.select(
            Intervention.id,
            Intervention.number,
            Intervention.state,
            Intervention.trade,
            Intervention.address,
            Intervention.requested_at,
        )
        .where(Intervention.customer_id == customer_id)
        .order_by(Intervention.requested_at.desc())
        .limit(latest)
    )
    return Cases(total, still_open, tuple(CaseRow(*row) for row in rows))
