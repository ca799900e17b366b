"""The pool: numbers are added and retired by the office."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock, outside
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Conflict, Invalid, NotFound
from maillage_kit.phone import parse_phone, require_not_prospecting, require_unsurcharged
from maillage_tenants import audit
from maillage_tenants.masking.lending import active
from maillage_tenants.masking.models import MaskedLease, MaskedNumber

MOST_NUMBERS = 100


@dataclass(frozen=True, slots=True)
class NumberLine:
    """A number of the pool. `pairs`: how many people it joins now."""

    id: UUID
    number: str
    added_at: datetime
    added_by: str
    retired_at: datetime | None
    pairs: int


async def numbers(session: TenantSession) -> tuple[NumberLine, ...]:
    """The pool, the numbers in use first; those given back are no longer in it."""
    pairs = (
        sa.select(sa.func.count())
        .where(MaskedLease.number_id == MaskedNumber.id, active(clock.now()))
        .correlate(MaskedNumber)
        .scalar_subquery()
    )
    found = await session.execute(
        sa.select(
            MaskedNumber.id,
            MaskedNumber.number,
            MaskedNumber.added_at,
            MaskedNumber.added_by,
            MaskedNumber.retired_at,
            pairs,
        )
        .where(MaskedNumber.released_at.is_(None))
        .order_by(MaskedNumber.retired_at.is_not(None), MaskedNumber.number)
        .limit(MOST_NUMBERS * 2)
    )
    return tuple(NumberLine(*row) for row in found)


async def add_number(session: TenantSession, *, cooperative: CooperativeContext, typed: str, by: str) -> str:
    """Add a number that the operator leads to this switchboard. Returns it in E.164.

    Raises Invalid for a number that is none, is surcharged or a mobile's (R22), is of a prospecting range (R102), or
    is a person's of the cooperative; Conflict when it is in use already, here or elsewhere.
    """
    number = require_not_prospecting(require_unsurcharged(parse_phone(typed, field="number"), field="number"))
    if number in (cooperative.public_number, cooperative.fallback_phone, cooperative.manager_phone):
        raise Invalid("Ce numéro sert déjà à autre chose.", fields={"number": "Choisissez un numéro réservé à cela."})
    held = await session.scalar(
        sa.select(MaskedNumber).where(MaskedNumber.number == number, MaskedNumber.released_at.is_(None))
    )
    if held is not None and held.retired_at is None:
        raise Conflict("Ce numéro est déjà dans la liste.")
    if held is not None:
        held.retired_at = held.retired_by = None
    else:
        count = await session.scalar(
            sa.select(sa.func.count()).select_from(MaskedNumber).where(MaskedNumber.released_at.is_(None))
        )
        if (count or 0) >= MOST_NUMBERS:
            raise Conflict(f"{MOST_NUMBERS} numéros au plus.")
        if not await outside.claim_number(session, number):
            raise Conflict("Ce numéro est déjà utilisé par une coopérative.")
        session.add(MaskedNumber(number=number, added_at=clock.now(), added_by=by))
    await session.flush()
    await audit.record(session, actor=by, action="masking.number_added", subject_type="number", subject_id=number)
    return number


async def retire_number(session: TenantSession, *, number_id: UUID, by: str) -> str:
    """Lend this number no more; the pairs it joins keep it until they are over. Raises NotFound."""
    row = await session.scalar(
        sa.select(MaskedNumber)
        .where(MaskedNumber.id == number_id, MaskedNumber.released_at.is_(None))
        .with_for_update()
    )
    if row is None:
        raise NotFound
    if row.retired_at is None:
        row.retired_at, row.retired_by = clock.now(), by
        await session.flush()
        await audit.record(
            session, actor=by, action="masking.number_retired", subject_type="number", subject_id=row.number
        )
    return row.number
