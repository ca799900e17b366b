"""Every select of the case file."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_tenants import messages
from maillage_tenants.customers.models import Customer
from maillage_tenants.interventions import rules
from maillage_tenants.interventions.errors import CaseNotFound
from maillage_tenants.interventions.models import (
    Attachment,
    Clock,
    Hold,
    Intervention,
    InterventionClock,
    InterventionEvent,
    Lead,
    Offer,
    OfferState,
)
from maillage_tenants.members.models import Member, Technician


async def case(session: TenantSession, *, case_id: UUID) -> Intervention:
    """Raises CaseNotFound."""
    found = await session.get(Intervention, case_id)
    if found is None:
        raise CaseNotFound
    return found


async def locked_case(session: TenantSession, *, case_id: UUID) -> Intervention:
    """The case, locked until commit: every change of state goes through this. Raises CaseNotFound."""
    statement = (
        sa.select(Intervention)
        .where(Intervention.id == case_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = (await session.execute(statement)).scalar_one_or_none()
    if found is None:
        raise CaseNotFound
    return found


async def case_by_token(session: TenantSession, *, token_hash: str) -> Intervention:
    """The case of a tracking link. Raises CaseNotFound."""
    statement = sa.select(Intervention).where(Intervention.public_token_hash == token_hash)
    found = (await session.execute(statement)).scalar_one_or_none()
    if found is None:
        raise CaseNotFound
    return found


async def technician_name(session: TenantSession, *, technician_id: UUID) -> str:
    """« Karim Benali (Plomberie Benali) ». Raises CaseNotFound for an unknown technician."""
    row = (
        await session.execute(
            sa.select(Technician.first_name, Technician.last_name, Member.name)
            .join(Member, Member.id == Technician.member_id)
            .where(Technician.id == technician_id)
        )
    ).one_or_none()
    if row is None:
        raise CaseNotFound
    return f"{row[0]} {row[1]} ({row[2]})"


async def person(session: TenantSession, *, technician_id: UUID, phone: str | None = None) -> messages.Person:
    """A technician as messages need them; `phone`: the number known before, if another one is meant."""
    found = await session.execute(sa.select(Technician.phone, Technician.email).where(Technician.id == technician_id))
    number, email = found.one()
    return messages.Person(technician_id, phone or number, email)


async def offers_to_number(session: TenantSession, *, phone: str, since: datetime) -> tuple[tuple[Offer, str], ...]:
    """Offers made to a technician at this number since then, the latest first, each with its case's number."""
    rows = await session.execute(
        sa.select(Offer, Intervention.number)
        .join(Intervention, Intervention.id == Offer.intervention_id)
        .where(Offer.phone == phone, Offer.technician_id.is_not(None), Offer.offered_at >= since)
        .order_by(Offer.offered_at.desc())
        .limit(20)
    )
    return tuple((offer, number) for offer, number in rows)


async def technician_phone(session: TenantSession, *, technician_id: UUID) -> str:
    return (await session.execute(sa.select(Technician.phone).where(Technician.id == technician_id))).scalar_one()


async def clocks(session: TenantSession, *, case_id: UUID) -> dict[Clock, datetime]:
    rows = await session.execute(
        sa.select(InterventionClock.code, InterventionClock.at).where(InterventionClock.intervention_id == case_id)
    )
    return {Clock(code): at for code, at in rows}


async def clocks_of(session: TenantSession, *, case_ids: Sequence[UUID]) -> Mapping[UUID, dict[Clock, datetime]]:
    """The clocks of several cases, in one query."""
    rows = await session.execute(
        sa.select(InterventionClock.intervention_id, InterventionClock.code, InterventionClock.at).where(
            InterventionClock.intervention_id.in_(case_ids)
        )
    )
    found: dict[UUID, dict[Clock, datetime]] = {case_id: {} for case_id in case_ids}
    for case_id, code, at in rows:
        found[case_id][Clock(code)] = at
    return found


async def holds(session: TenantSession, *, case_id: UUID) -> tuple[Hold, ...]:
    rows = await session.scalars(sa.select(Hold).where(Hold.intervention_id == case_id).order_by(Hold.started_at))
    return tuple(rows)


async def pauses_of(session: TenantSession, *, case_ids: Sequence[UUID]) -> Mapping[UUID, list[rules.Pause]]:
    """The pauses of several cases, in one query."""
    rows = await session.execute(
        sa.select(Hold.intervention_id, Hold.started_at, Hold.ended_at)
        .where(Hold.intervention_id.in_(case_ids))
        .order_by(Hold.started_at)
    )
    found: dict[UUID, list[rules.Pause]] = {case_id: [] for case_id in case_ids}
    for case_id, started_at, ended_at in rows:
        found[case_id].append(rules.Pause(started_at, ended_at))
    return found


async def open_hold(session: TenantSession, *, case_id: UUID) -> Hold | None:
    return (
        await session.scalars(sa.select(Hold).where(Hold.intervention_id == case_id, Hold.ended_at.is_(None)))
    ).one_or_none()


async def story(session: TenantSession, *, case_id: UUID) -> tuple[InterventionEvent, ...]:
    """Every line of the case, oldest first."""
    rows = await session.scalars(
        sa.select(InterventionEvent)
        .where(InterventionEvent.intervention_id == case_id)
        .order_by(InterventionEvent.at, InterventionEvent.id)
    )
    return tuple(rows)


async def was_partial(session: TenantSession, *, case_id: UUID) -> bool:
    """True when the case was left partial at some time: `public_status` needs it once closed."""
    statement = sa.select(
        sa.exists().where(InterventionEvent.intervention_id == case_id, InterventionEvent.kind == "partial")
    )
    return bool((await session.execute(statement)).scalar_one())


async def offers(session: TenantSession, *, case_id: UUID) -> tuple[Offer, ...]:
    rows = await session.scalars(sa.select(Offer).where(Offer.intervention_id == case_id).order_by(Offer.position))
    return tuple(rows)


async def offer(session: TenantSession, *, offer_id: UUID) -> Offer | None:
    return await session.get(Offer, offer_id)


async def pending_offers(session: TenantSession, *, case_id: UUID) -> tuple[Offer, ...]:
    """Offers of the case not answered yet, in ladder order: the one made, then those to come."""
    rows = await session.scalars(
        sa.select(Offer)
        .where(Offer.intervention_id == case_id, Offer.state == OfferState.PENDING)
        .order_by(Offer.position)
    )
    return tuple(rows)


async def offers_due(session: TenantSession, *, at: datetime) -> tuple[UUID, ...]:
    """Cases whose pending offer has run out."""
    rows = await session.scalars(
        sa.select(Offer.intervention_id)
        .where(Offer.state == OfferState.PENDING, Offer.due_at.is_not(None), Offer.due_at <= at)
        .distinct()
    )
    return tuple(rows)


async def last_position(session: TenantSession, *, case_id: UUID) -> int:
    statement = sa.select(sa.func.coalesce(sa.func.max(Offer.position), 0)).where(Offer.intervention_id == case_id)
    return int((await session.execute(statement)).scalar_one())


async def attachments(session: TenantSession, *, case_id: UUID) -> tuple[Attachment, ...]:
    """Photos and documents of the case, without their content."""
    rows = await session.scalars(
        sa.select(Attachment).where(Attachment.intervention_id == case_id).order_by(Attachment.created_at)
    )
    return tuple(rows)


async def attachment_content(session: TenantSession, *, case_id: UUID, attachment_id: UUID) -> tuple[Attachment, bytes]:
    """One file with its bytes. Raises CaseNotFound when it is not of that case."""
    row = (
        await session.execute(
            sa.select(Attachment, Attachment.content).where(
                Attachment.id == attachment_id, Attachment.intervention_id == case_id
            )
        )
    ).one_or_none()
    if row is None:
        raise CaseNotFound
    return row[0], row[1]


async def leads(session: TenantSession, *, case_id: UUID) -> tuple[Lead, ...]:
    rows = await session.scalars(sa.select(Lead).where(Lead.intervention_id == case_id).order_by(Lead.created_at))
    return tuple(rows)


async def follow_ups(session: TenantSession, *, case_id: UUID) -> tuple[Intervention, ...]:
    rows = await session.scalars(
        sa.select(Intervention).where(Intervention.follow_up_of == case_id).order_by(Intervention.requested_at)
    )
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class Outing:
    """Somebody was out for a case, from leaving to the end on site (T5 to T8, R88). `said_leaving` False: they did not
    say that they left, `began_at` is when they arrived. `ended_at` None: still out. `pauses` in order (R20)."""

    case_id: UUID
    number: str
    technician_id: UUID
    trade: str | None
    began_at: datetime
    said_leaving: bool
    ended_at: datetime | None
    pauses: tuple[rules.Pause, ...]


async def outings(
    session: TenantSession, *, technician_ids: Collection[UUID], since: datetime, until: datetime
) -> tuple[Outing, ...]:
    """The outings of some people that touch `[since, until)`, the first first. A case cancelled on the way ends the
    outing then; one that was given back (`release_case`) is nobody's."""
    left, arrived, finished = (
        sa.select(InterventionClock.at)
        .where(InterventionClock.intervention_id == Intervention.id, InterventionClock.code == code)
        .correlate(Intervention)
        .scalar_subquery()
        for code in (Clock.DEPARTED, Clock.ARRIVED, Clock.FINISHED)
    )
    cancelled = (
        sa.select(sa.func.min(InterventionEvent.at))
        .where(InterventionEvent.intervention_id == Intervention.id, InterventionEvent.kind == "cancelled")
        .correlate(Intervention)
        .scalar_subquery()
    )
    began, ended = sa.func.coalesce(left, arrived), sa.func.coalesce(finished, cancelled)
    rows = (
        await session.execute(
            sa.select(
                Intervention.id,
                Intervention.number,
                Intervention.technician_id,
                Intervention.trade,
                began,
                left.is_not(None),
                ended,
            )
            .where(
                Intervention.technician_id.in_(technician_ids),
                Intervention.requested_at < until,
                began < until,
                sa.or_(ended.is_(None), ended > since),
            )
            .order_by(began, Intervention.id)
        )
    ).all()
    pauses = await pauses_of(session, case_ids=[row[0] for row in rows])
    return tuple(
        Outing(case_id, number, technician_id, trade, began_at, said, ended_at, tuple(pauses[case_id]))
        for case_id, number, technician_id, trade, began_at, said, ended_at in rows
        if technician_id is not None
    )


async def customer_email(session: TenantSession, *, case_id: UUID) -> str | None:
    """The address of the customer on file, None when there is none."""
    return await session.scalar(
        sa.select(Customer.email)
        .join(Intervention, Intervention.customer_id == Customer.id)
        .where(Intervention.id == case_id)
    )
