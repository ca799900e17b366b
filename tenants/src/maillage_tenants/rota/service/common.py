"""What the use cases of the rota share."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from maillage_kit.db import TenantSession, violated_constraint
from maillage_tenants import members
from maillage_tenants.rota.errors import DutyOverlap, NotAssignable, RotaExists, SwapOpen
from maillage_tenants.rota.models import Duty, OnCallPost, Rota
from maillage_tenants.rota.rules import Period, days_of

_NAMED = {"ex_duty_no_overlap": DutyOverlap, "uq_rota_semester_live": RotaExists, "uq_swap_open": SwapOpen}


@contextlib.asynccontextmanager
async def refusals(session: TenantSession) -> AsyncIterator[None]:
    """Write inside a savepoint; what the database refuses becomes an error in French, by the constraint's name."""
    try:
        async with session.begin_nested():
            yield
            await session.flush()
    except IntegrityError as error:
        named = _NAMED.get(violated_constraint(error) or "")
        if named is None:
            raise
        raise named from error


async def require_assignable(session: TenantSession, *, technician_id: UUID, trade: str, period: Period) -> UUID:
    """The member of that technician. Raises UnknownTechnician, and NotAssignable with the reason when a document, the
    trade or the membership is missing on one of the days of the period (R8, R52, R61)."""
    technician = await members.get_technician(session, technician_id=technician_id)
    (standing,) = await members.standings(session, technician_ids=[technician_id])
    verdict = members.assignability_over(standing, trade, *days_of(period))
    if not verdict.ok:
        raise NotAssignable(f"{technician.first_name} {technician.last_name} : {verdict.reason}.")
    return technician.member_id


async def trade_of_post(session: TenantSession, *, post_id: int) -> str | None:
    found: str | None = await session.scalar(sa.select(OnCallPost.trade).where(OnCallPost.id == post_id))
    return found


def new_duty(
    *,
    rota: Rota,
    post_id: int,
    member_id: UUID,
    technician_id: UUID,
    period: Period,
    live: bool,
    at: datetime,
    by: str,
    reason: str = "",
) -> Duty:
    return Duty(
        rota_id=rota.id,
        post_id=post_id,
        member_id=member_id,
        technician_id=technician_id,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        live=live,
        recorded_at=at,
        recorded_by=by,
        reason=reason,
    )


def outside(period: Period, cut: Period) -> Iterable[Period]:
    """What is left of a period when another is taken out of it."""
    if period.starts_at < cut.starts_at:
        yield Period(period.starts_at, min(cut.starts_at, period.ends_at))
    if cut.ends_at < period.ends_at:
        yield Period(max(cut.ends_at, period.starts_at), period.ends_at)
