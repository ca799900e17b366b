"""What the board shows, read from the domains below."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_tenants.calls.models import Call, Callback, CallState, LadderStep
from maillage_tenants.casefile import CASE_LINE, CaseLine
from maillage_tenants.customers.models import Customer
from maillage_tenants.interventions.models import Intervention
from maillage_tenants.rota.models import OnCallPost
from maillage_tenants.territory.models import Commune, Sector

BOARD_CASES = 200


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call under way; `ringing` is who is being rung, None in the menu."""

    id: UUID
    caller: str | None
    state: str
    started_at: datetime
    trade: str | None
    customer: str | None
    commune: str | None
    ringing: str | None
    intervention_id: UUID | None


async def live_calls(session: TenantSession) -> tuple[LiveCall, ...]:
    """Calls that have not ended, the oldest first."""
    rows = await session.execute(
        sa.select(
            Call.id,
            Call.caller,
            Call.state,
            Call.started_at,
            Call.trade,
            Customer.name,
            Commune.name,
            LadderStep.display_name,
            Call.intervention_id,
        )
        .outerjoin(Customer, Customer.id == Call.customer_id)
        .outerjoin(Commune, Commune.insee == Call.insee)
        .outerjoin(LadderStep, sa.and_(LadderStep.call_id == Call.id, LadderStep.position == Call.position))
        .where(Call.state != CallState.ENDED, Call.watch_id.is_(None))
        .order_by(Call.started_at)
        .limit(100)
    )
    return tuple(LiveCall(*row) for row in rows)


@dataclass(frozen=True, slots=True)
class CallbackLine:
    id: UUID
    call_id: UUID
    phone: str | None
    opened_at: datetime
    due_at: datetime


async def callbacks_owed(session: TenantSession) -> tuple[CallbackLine, ...]:
    """Callers to ring back, the most pressing first."""
    rows = await session.execute(
        sa.select(Callback.id, Callback.call_id, Callback.phone, Callback.opened_at, Callback.due_at)
        .where(Callback.closed_at.is_(None))
        .order_by(Callback.due_at)
        .limit(100)
    )
    return tuple(CallbackLine(*row) for row in rows)


async def open_cases(session: TenantSession) -> tuple[CaseLine, ...]:
    """Cases that are not over, the oldest first."""
    rows = await session.execute(
        CASE_LINE.where(Intervention.state.not_in(("closed", "cancelled", "redirected")))
        .order_by(Intervention.requested_at)
        .limit(BOARD_CASES)
    )
    return tuple(CaseLine(*row) for row in rows)


async def posts(session: TenantSession) -> tuple[tuple[str, UUID, str, int], ...]:
    """(trade, sector, sector's name, rank) of every post to fill."""
    rows = await session.execute(
        sa.select(OnCallPost.trade, Sector.id, Sector.name, OnCallPost.rank)
        .join(Sector, Sector.id == OnCallPost.sector_id)
        .order_by(OnCallPost.trade, Sector.name, OnCallPost.rank)
    )
    return tuple((trade, sector, name, rank) for trade, sector, name, rank in rows)


async def closed_since(session: TenantSession, *, since: datetime) -> int:
    found = await session.execute(sa.select(sa.func.count()).where(Intervention.closed_at >= since))
    return int(found.scalar_one())
