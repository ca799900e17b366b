"""Calls through a number of the pool: who is meant, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.ids import new_id
from maillage_tenants import interventions
from maillage_tenants.masking.lending import active
from maillage_tenants.masking.models import MaskedCall, MaskedLease, MaskedNumber

SWITCHBOARD = "Standard"
BRIDGED = "completed"


@dataclass(frozen=True, slots=True)
class Through:
    """The person whom a caller of the pool wants. `by_artisan`: the caller is the artisan."""

    lease_id: UUID
    other_phone: str
    by_artisan: bool


async def find(session: TenantSession, *, number: str, caller: str | None) -> Through | None:
    """Whom this caller reaches by this number now; None when the two have nothing to do with each other."""
    if caller is None:
        return None
    row = (
        await session.execute(
            sa.select(MaskedLease.id, MaskedLease.artisan_phone, MaskedLease.customer_phone)
            .join(MaskedNumber, MaskedNumber.id == MaskedLease.number_id)
            .where(
                MaskedNumber.number == number,
                MaskedNumber.released_at.is_(None),
                active(clock.now()),
                sa.or_(MaskedLease.artisan_phone == caller, MaskedLease.customer_phone == caller),
            )
            .order_by(MaskedLease.starts_at.desc())
            .limit(1)
        )
    ).one_or_none()
    if row is None:
        return None
    by_artisan = row.artisan_phone == caller
    return Through(row.id, row.customer_phone if by_artisan else row.artisan_phone, by_artisan)


async def begin_call(session: TenantSession, *, through: Through, provider: str, provider_call_id: str) -> UUID:
    """Write that a call through the pool begins; told twice, it is the same one. Returns its id."""
    found: UUID = (
        await session.execute(
            insert(MaskedCall)
            .values(
                id=new_id(),
                lease_id=through.lease_id,
                provider=provider,
                provider_call_id=provider_call_id,
                by_artisan=through.by_artisan,
                started_at=clock.now(),
            )
            .on_conflict_do_update(
                index_elements=[MaskedCall.provider, MaskedCall.provider_call_id],
                set_={"lease_id": through.lease_id},
            )
            .returning(MaskedCall.id)
        )
    ).scalar_one()
    return found


@dataclass(frozen=True, slots=True)
class Pair:
    """The two of a masked call, and the number between them."""

    by_artisan: bool
    number: str
    customer_phone: str


@dataclass(frozen=True, slots=True)
class Joining:
    """A masked call that is being put through."""

    other_phone: str
    number: str


async def joining(session: TenantSession, *, masked_call: UUID) -> Joining | None:
    """Whom a masked call that has not ended is for, and the number to show. None for an unknown one."""
    row = (
        await session.execute(
            sa.select(
                sa.case((MaskedCall.by_artisan, MaskedLease.customer_phone), else_=MaskedLease.artisan_phone),
                MaskedNumber.number,
            )
            .select_from(MaskedCall)
            .join(MaskedLease, MaskedLease.id == MaskedCall.lease_id)
            .join(MaskedNumber, MaskedNumber.id == MaskedLease.number_id)
            .where(MaskedCall.id == masked_call, MaskedCall.ended_at.is_(None))
        )
    ).one_or_none()
    return None if row is None else Joining(*row)


async def names_of(session: TenantSession, *, provider: str, calls: Sequence[str]) -> frozenset[str]:
    """Which of these carriers' names are calls through the pool."""
    found = await session.scalars(
        sa.select(MaskedCall.provider_call_id).where(
            MaskedCall.provider == provider, MaskedCall.provider_call_id.in_(calls)
        )
    )
    return frozenset(found)


async def call_over(session: TenantSession, *, masked_call: UUID, ending: str) -> Pair | None:
    """Write how the attempt ended, once, and tell the case. None for an unknown call."""
    row = (
        await session.execute(
            sa.select(MaskedCall.by_artisan, MaskedNumber.number, MaskedLease.customer_phone)
            .join(MaskedLease, MaskedLease.id == MaskedCall.lease_id)
            .join(MaskedNumber, MaskedNumber.id == MaskedLease.number_id)
            .where(MaskedCall.id == masked_call)
        )
    ).one_or_none()
    if row is None:
        return None
    pair = Pair(*row)
    ended = await session.execute(
        sa.update(MaskedCall)
        .where(MaskedCall.id == masked_call, MaskedCall.ended_at.is_(None))
        .values(ending=ending, ended_at=clock.now())
        .returning(MaskedCall.lease_id)
    )
    lease_id = ended.scalar_one_or_none()
    if lease_id is not None:
        case_id = (
            await session.scalars(sa.select(MaskedLease.intervention_id).where(MaskedLease.id == lease_id))
        ).one()
        who = "L’artisan a appelé le client" if pair.by_artisan else "Le client a appelé l’artisan"
        how = "ils se sont parlé" if ending == BRIDGED else "sans réponse"
        await interventions.add_event(
            session,
            case_id=case_id,
            kind="masked_call",
            text=f"{who} par le numéro masqué : {how}.",
            actor=SWITCHBOARD,
        )
    return pair


async def line_over(session: TenantSession, *, provider: str, provider_call_id: str, ended: bool) -> bool:
    """News of a caller's line. True when it is a call through the pool, ended here if nothing else told its end."""
    found = await session.scalar(
        sa.select(MaskedCall.id).where(MaskedCall.provider == provider, MaskedCall.provider_call_id == provider_call_id)
    )
    if found is None:
        return False
    if ended:
        await call_over(session, masked_call=found, ending="cancelled")
    return True
