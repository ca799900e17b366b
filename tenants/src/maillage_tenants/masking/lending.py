"""Lending a number of the pool to an artisan and a customer, and taking it back."""

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock, outside
from maillage_kit.db import TenantSession
from maillage_kit.ids import new_id
from maillage_tenants.interventions.models import Intervention
from maillage_tenants.masking.models import MaskedLease, MaskedNumber
from maillage_tenants.members.models import Technician

LENT_AFTER = timedelta(hours=24)
"""How long after the end of the case the two still reach each other."""
OVER = ("closed", "cancelled", "redirected")
_AT_ONCE = 100
_AFTER = sa.literal(LENT_AFTER, sa.Interval)


def active(at: datetime) -> sa.ColumnElement[bool]:
    """Leases that join their two people at that instant."""
    return sa.or_(MaskedLease.ends_at.is_(None), MaskedLease.ends_at > at)


async def number_of(session: TenantSession, *, case_id: UUID, technician_id: UUID) -> str | None:
    """The number by which this artisan reaches the customer of this case, None when none is lent."""
    return await session.scalar(
        sa.select(MaskedNumber.number)
        .join(MaskedLease, MaskedLease.number_id == MaskedNumber.id)
        .where(
            MaskedLease.intervention_id == case_id,
            MaskedLease.technician_id == technician_id,
            active(clock.now()),
        )
        .order_by(MaskedLease.starts_at.desc())
        .limit(1)
    )


def _free(artisan_phone: str, customer_phone: str, at: datetime) -> sa.Select[UUID, str]:
    """Numbers on which neither of the two is joined to somebody else: the caller alone must tell whom they want."""
    both = (artisan_phone, customer_phone)
    conflict = sa.exists().where(
        MaskedLease.number_id == MaskedNumber.id,
        active(at),
        sa.or_(MaskedLease.artisan_phone.in_(both), MaskedLease.customer_phone.in_(both)),
        sa.not_(
            sa.and_(MaskedLease.artisan_phone == artisan_phone, MaskedLease.customer_phone == customer_phone),
        ),
    )
    return (
        sa.select(MaskedNumber.id, MaskedNumber.number)
        .where(MaskedNumber.retired_at.is_(None), MaskedNumber.released_at.is_(None), ~conflict)
        .order_by(MaskedNumber.number)
    )


async def may_lend(session: TenantSession, *, artisan_phone: str, customer_phone: str | None) -> bool:
    """Whether a number is free for these two."""
    if customer_phone is None or customer_phone == artisan_phone:
        return False
    found = await session.execute(_free(artisan_phone, customer_phone, clock.now()).limit(1))
    return found.one_or_none() is not None


async def lend(
    session: TenantSession, *, case_id: UUID, technician_id: UUID, artisan_phone: str, customer_phone: str | None
) -> str | None:
    """The number that joins these two for this case, lent now when it was not. None when no number is free.

    Two lendings at once wait for each other: a number never joins one caller to two people.
    """
    if customer_phone is None or customer_phone == artisan_phone:
        return None
    known = await number_of(session, case_id=case_id, technician_id=technician_id)
    if known is not None:
        return known
    now = clock.now()
    await session.execute(
        sa.select(MaskedNumber.id)
        .where(MaskedNumber.retired_at.is_(None), MaskedNumber.released_at.is_(None))
        .order_by(MaskedNumber.id)
        .with_for_update()
    )
    free = (await session.execute(_free(artisan_phone, customer_phone, now).limit(1))).one_or_none()
    if free is None:
        return None
    await session.execute(
        insert(MaskedLease)
        .values(
            id=new_id(),
            number_id=free.id,
            intervention_id=case_id,
            technician_id=technician_id,
            artisan_phone=artisan_phone,
            customer_phone=customer_phone,
            starts_at=now,
        )
        .on_conflict_do_nothing()
    )
    return await number_of(session, case_id=case_id, technician_id=technician_id)


async def look_over(session: TenantSession) -> None:
    """Lend to the cases that were accepted meanwhile, end what is over, give retired numbers back."""
    now = clock.now()
    await _end(session, now)
    waiting = await session.execute(
        sa.select(Intervention.id, Intervention.technician_id, Technician.phone, Intervention.caller_phone)
        .join(Technician, Technician.id == Intervention.technician_id)
        .where(
            Intervention.state.not_in(OVER),
            Intervention.caller_phone.is_not(None),
            sa.exists().where(MaskedNumber.retired_at.is_(None), MaskedNumber.released_at.is_(None)),
            ~sa.exists().where(
                MaskedLease.intervention_id == Intervention.id,
                MaskedLease.technician_id == Intervention.technician_id,
                MaskedLease.ends_at.is_(None),
            ),
        )
        .order_by(Intervention.requested_at)
        .limit(_AT_ONCE)
    )
    for case_id, technician_id, artisan_phone, customer_phone in waiting.all():
        if technician_id is None:
            continue
        await lend(
            session,
            case_id=case_id,
            technician_id=technician_id,
            artisan_phone=artisan_phone,
            customer_phone=customer_phone,
        )
    await _give_back(session, now)


async def _end(session: TenantSession, now: datetime) -> None:
    case = Intervention
    await session.execute(
        sa.update(MaskedLease)
        .where(MaskedLease.intervention_id == case.id, MaskedLease.ends_at.is_(None), case.state.in_(OVER))
        .values(ends_at=sa.func.coalesce(case.closed_at, sa.literal(now, MaskedLease.ends_at.type)) + _AFTER)
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        sa.update(MaskedLease)
        .where(
            MaskedLease.intervention_id == case.id,
            MaskedLease.ends_at.is_(None),
            case.technician_id.is_distinct_from(MaskedLease.technician_id),
        )
        .values(ends_at=now)
        .execution_options(synchronize_session=False)
    )


async def _give_back(session: TenantSession, now: datetime) -> None:
    retired = await session.scalars(
        sa.select(MaskedNumber)
        .where(
            MaskedNumber.retired_at.is_not(None),
            MaskedNumber.released_at.is_(None),
            ~sa.exists().where(MaskedLease.number_id == MaskedNumber.id, active(now)),
        )
        .with_for_update(skip_locked=True)
    )
    for row in retired.all():
        row.released_at = now
        await outside.release_number(session, row.number)
    await session.flush()
