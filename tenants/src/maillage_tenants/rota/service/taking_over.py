"""Taking over at once, from the phone: whoever may serve replaces a colleague who cannot, now (rule 1: never lost)."""

from datetime import timedelta
from uuid import UUID

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_tenants import alarms, members
from maillage_tenants.rota import queries, queries_life
from maillage_tenants.rota.errors import DutyBegun, NotAssignable, UnknownDuty
from maillage_tenants.rota.models import Duty
from maillage_tenants.rota.queries_life import OpenDuty
from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.service.changing import change_duty
from maillage_tenants.rota.service.fitness import People, people_of

AHEAD = timedelta(hours=24)
"""What begins later than that is swapped or given away, not taken."""


async def take_over(session: TenantSession, *, duty_id: UUID, technician_id: UUID, by: str) -> Duty:
    """From this instant to its end the duty is this person's; who had it and the desk are told at once. Until now it
    was the other's, and stays so in the history (rule 3).

    It is one's own act: no notice is needed, even from an employee (R63). Raises UnknownDuty, DutyChanged, DutyBegun
    (over), NotAssignable (papers, absence, rest), TwoPlaces.
    """
    duty = await session.get(Duty, duty_id)
    if duty is None or not duty.live:
        raise UnknownDuty
    now = clock.now()
    if duty.ends_at <= now:
        raise DutyBegun("Cette astreinte est terminée.")
    if duty.starts_at > now + AHEAD:
        raise NotAssignable("Cette astreinte commence dans plus de 24 heures : demandez un échange.")
    before = await members.get_technician(session, technician_id=duty.technician_id)
    person = await members.get_technician(session, technician_id=technician_id)
    place = await queries_life.place(session, post_id=duty.post_id)
    fresh = await change_duty(
        session,
        duty_id=duty_id,
        technician_id=technician_id,
        by=by,
        reason=f"Reprise en urgence par {person.first_name} {person.last_name}",
        over=Period(max(now, duty.starts_at), duty.ends_at),
    )
    await alarms.raise_alarm(
        session,
        kind="duty_taken_over",
        severity=alarms.Severity.WARNING,
        title=f"{person.first_name} {person.last_name} remplace {before.first_name} {before.last_name}",
        detail=f"Reprise en urgence, {place}, {Period(fresh.starts_at, fresh.ends_at)}",
        link=f"/rota/duties/{fresh.id}",
        dedupe_key=f"duty:{fresh.id}:taken_over",
        subject_id=fresh.id,
    )
    return fresh


async def to_take_over(session: TenantSession, *, technician_id: UUID) -> tuple[OpenDuty, ...]:
    """What this person could take over now: under way or beginning within 24 hours, at home first."""
    person = await members.get_technician(session, technician_id=technician_id)
    now = clock.now()
    trades = await members.trades_of(session, member_id=person.member_id)
    found = await queries_life.open_duties(session, over=Period(now, now + AHEAD), trades=trades, besides=technician_id)
    people: dict[UUID, People] = {}
    at_home: list[OpenDuty] = []
    away: list[OpenDuty] = []
    for duty in found:
        if duty.rota_id not in people:
            rota = await queries.get_rota(session, rota_id=duty.rota_id)
            people[duty.rota_id] = await people_of(session, rota=rota, technician_ids=[technician_id])
        rest = Period(max(now, duty.starts_at), duty.ends_at)
        one = people[duty.rota_id].may_take(duty.place, rest, technician_id=technician_id, besides={duty.id})
        if one is not None:
            (at_home if one.taker.at_home else away).append(duty)
    return (*at_home, *away)
