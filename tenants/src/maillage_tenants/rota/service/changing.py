"""Changing one duty. In a published rota nothing is edited: the old duty is superseded, new ones are recorded."""

from datetime import timedelta
from uuid import UUID

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.semester import Semester
from maillage_tenants import audit, members, messages
from maillage_tenants.rota import queries
from maillage_tenants.rota.errors import (
    DutyChanged,
    DutyOverlap,
    ReasonRequired,
    RotaFrozen,
    TwoPlaces,
    UnknownDuty,
)
from maillage_tenants.rota.models import Duty, Rota, RotaState
from maillage_tenants.rota.rules import Period, whole
from maillage_tenants.rota.service.common import (
    new_duty,
    outside,
    refusals,
    require_assignable,
    trade_of_post,
)
from maillage_tenants.rota.service.fitness import require_fit


async def change_duty(
    session: TenantSession,
    *,
    duty_id: UUID,
    technician_id: UUID,
    by: str,
    reason: str = "",
    over: Period | None = None,
    besides: frozenset[UUID] = frozenset(),
) -> Duty:
    """Give a duty, or the part of it inside `over`, to somebody else. Returns the new duty.

    In a draft the duty is replaced. In a published or frozen rota the reason is required and kept, the old duty is
    superseded and what was true before stays provable with `on_call(known_at=…)` (rule 3, R57); the parts outside
    `over` stay with the person who had them; both people are told by text message. `besides`: duties that the person
    gives up in the same act, an exchange.
    Raises UnknownDuty, DutyChanged (superseded meanwhile), ReasonRequired, NotAssignable (papers, absence, rest of an
    employee), TwoPlaces, DutyOverlap and Invalid.
    """
    old, rota = await _locked(session, duty_id)
    live = rota.state != RotaState.DRAFT
    if live and not reason.strip():
        raise ReasonRequired
    held = Period(old.starts_at, old.ends_at)
    taken = held if over is None else over
    if taken.ends_at <= taken.starts_at or not taken.within(held):
        raise Invalid(
            "La période choisie sort de l’astreinte.",
            fields={"starts_at": f"Choisissez une période dans celle-ci : {held}."},
        )
    trade = await trade_of_post(session, post_id=old.post_id) or ""
    member_id = await require_assignable(session, technician_id=technician_id, trade=trade, period=taken)
    await require_fit(
        session,
        rota=rota,
        post_id=old.post_id,
        technician_id=technician_id,
        period=taken,
        besides=besides | {duty_id},
    )
    now = clock.now()
    post_id, before = old.post_id, (old.technician_id, old.member_id)
    async with refusals(session):
        await _take_out(session, old, by=by)
        if await queries.held_elsewhere(session, technician_id=technician_id, rota=rota, over=taken, besides=besides):
            raise TwoPlaces
        for left in outside(held, taken):
            session.add(
                new_duty(
                    rota=rota,
                    post_id=post_id,
                    member_id=before[1],
                    technician_id=before[0],
                    period=left,
                    live=live,
                    at=now,
                    by=by,
                    reason=reason.strip(),
                )
            )
        fresh = new_duty(
            rota=rota,
            post_id=post_id,
            member_id=member_id,
            technician_id=technician_id,
            period=taken,
            live=live,
            at=now,
            by=by,
            reason=reason.strip(),
        )
        session.add(fresh)
    if live:
        await _tell(session, fresh, technician_id, f"vous êtes d’astreinte {taken}")
        if technician_id != before[0]:
            await _tell(session, fresh, before[0], f"vous êtes remplacé {taken}")
        await audit.record(
            session,
            actor=by,
            action="rota.duty_changed",
            subject_type="duty",
            subject_id=fresh.id,
            detail={
                "replaces": str(duty_id),
                "from": str(before[0]),
                "to": str(technician_id),
                "period": str(taken),
                "reason": reason.strip(),
            },
        )
    return fresh


async def fill_gap(
    session: TenantSession,
    *,
    rota_id: UUID,
    post_id: int,
    technician_id: UUID,
    period: Period,
    by: str,
    reason: str = "",
) -> Duty:
    """Put somebody on a post that nobody holds; with a reason when the rota is published, even frozen: a hole may
    always be closed (rule 1).

    Raises UnknownRota, ReasonRequired, NotAssignable, TwoPlaces, DutyOverlap (somebody holds it), Invalid.
    """
    rota = await queries.get_rota(session, rota_id=rota_id, lock=True)
    live = rota.state != RotaState.DRAFT
    if live and not reason.strip():
        raise ReasonRequired
    trade = await trade_of_post(session, post_id=post_id)
    if trade is None:
        raise Invalid("Ce poste n’existe pas.", fields={"post_id": "Poste inconnu."})
    if period.ends_at <= period.starts_at or not period.within(whole(Semester.parse(rota.semester))):
        raise Invalid("Cette période n’est pas dans le semestre.", fields={"starts_at": "Hors du semestre."})
    member_id = await require_assignable(session, technician_id=technician_id, trade=trade, period=period)
    await refuse_taken(session, rota=rota, post_id=post_id, technician_id=technician_id, period=period)
    await require_fit(session, rota=rota, post_id=post_id, technician_id=technician_id, period=period)
    fresh = new_duty(
        rota=rota,
        post_id=post_id,
        member_id=member_id,
        technician_id=technician_id,
        period=period,
        live=live,
        at=clock.now(),
        by=by,
        reason=reason.strip(),
    )
    async with refusals(session):
        session.add(fresh)
    if live:
        await _tell(session, fresh, technician_id, f"vous êtes d’astreinte {period}")
        await audit.record(
            session,
            actor=by,
            action="rota.gap_filled",
            subject_type="duty",
            subject_id=fresh.id,
            detail={"technician": str(technician_id), "period": str(period), "reason": reason.strip()},
        )
    return fresh


async def remove_duty(session: TenantSession, *, duty_id: UUID, by: str, reason: str = "") -> None:
    """Take a duty out, leaving a gap: it is deleted from a draft, superseded in a published rota (reason required).

    Raises UnknownDuty, DutyChanged, ReasonRequired, RotaFrozen: a frozen rota gets no new hole.
    """
    old, rota = await _locked(session, duty_id)
    if rota.state == RotaState.FROZEN:
        raise RotaFrozen
    if rota.state != RotaState.DRAFT and not reason.strip():
        raise ReasonRequired
    if old.live:
        held = Period(old.starts_at, old.ends_at)
        await _tell(session, old, old.technician_id, f"vous n’êtes plus d’astreinte {held}")
        await audit.record(
            session,
            actor=by,
            action="rota.duty_removed",
            subject_type="duty",
            subject_id=duty_id,
            detail={"technician": str(old.technician_id), "reason": reason.strip()},
        )
    await _take_out(session, old, by=by)


async def refuse_taken(
    session: TenantSession, *, rota: Rota, post_id: int, technician_id: UUID, period: Period
) -> None:
    """Raises DutyOverlap when the post is held, TwoPlaces when the person is on call elsewhere, over the period."""
    for duty in await queries.duties(session, rota_id=rota.id, post_ids=[post_id]):
        if duty.period.overlaps(period):
            raise DutyOverlap
    if await queries.held_elsewhere(session, technician_id=technician_id, rota=rota, over=period):
        raise TwoPlaces


async def _locked(session: TenantSession, duty_id: UUID) -> tuple[Duty, Rota]:
    """The duty and its rota; the rota is locked first, so that two changes of one rota never cross."""
    duty = await session.get(Duty, duty_id)
    if duty is None:
        raise UnknownDuty
    rota = await queries.get_rota(session, rota_id=duty.rota_id, lock=True)
    await session.refresh(duty)
    if duty.superseded_at is not None:
        raise DutyChanged
    return duty, rota


async def _take_out(session: TenantSession, duty: Duty, *, by: str) -> None:
    if duty.live:
        duty.superseded_at, duty.superseded_by = clock.now(), by
    else:
        await session.delete(duty)
    await session.flush()


async def _tell(session: TenantSession, duty: Duty, technician_id: UUID, news: str) -> None:
    """A text message to whom a published change concerns, in the same transaction; nothing about what is over."""
    if duty.ends_at <= clock.now():
        return
    person = await members.get_technician(session, technician_id=technician_id)
    place = await queries.place_of_post(session, post_id=duty.post_id)
    soon = duty.starts_at < clock.now() + timedelta(hours=24)
    await messages.tell(
        session,
        person=messages.Person(person.id, person.phone, person.email),
        body=messages.wording("duty_changed", news=news, place=place),
        purpose="duty_changed",
        urgency=messages.Urgency.PROMPT if soon else None,
        link="/field/duties",
        dedupe_key=f"duty:{duty.id}:{technician_id}:{news}",
    )
