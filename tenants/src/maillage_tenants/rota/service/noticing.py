"""What people are told before it happens: a duty in three days, a handover in one hour, a phone that does not answer.

Looked at each minute; every message and alarm has its key, so that it is said once.
"""

from collections import defaultdict
from datetime import datetime, timedelta

from maillage_kit import clock
from maillage_kit.clock import paris
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.phone import parse_phone, show_phone
from maillage_tenants import alarms, messages
from maillage_tenants.rota import queries_notices
from maillage_tenants.rota.queries_notices import Coming
from maillage_tenants.rota.rules import Period

REMINDED_BEFORE = timedelta(days=3)
HANDOVER_BEFORE = timedelta(hours=1)
PHONE_CHECKED_BEFORE = timedelta(days=7)
UNREACHABLE = "duty_unreachable"
BY_ITSELF = "Maillage"
_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")


async def remind(session: TenantSession) -> None:
    """« Vous êtes d’astreinte à partir de vendredi »: three days ahead, outside quiet hours. Who got the duty later
    than that was told when he got it."""
    now = clock.now()
    for duty in await queries_notices.beginning(session, since=now, until=now + REMINDED_BEFORE):
        if duty.before_id == duty.technician_id or duty.recorded_at > duty.starts_at - REMINDED_BEFORE:
            continue
        await messages.tell(
            session,
            person=messages.Person(duty.technician_id, duty.phone, duty.email),
            body=messages.wording("duty_soon", start=_day(duty.starts_at), end=_day(duty.ends_at), place=duty.place),
            purpose="duty_soon",
            link="/field/duties",
            dedupe_key=f"duty:{duty.id}:soon",
        )


async def announce_handovers(session: TenantSession) -> None:
    """One hour ahead both are told who hands over to whom, with the other's number. Urgent: at any hour."""
    now = clock.now()
    for duty in await queries_notices.beginning(session, since=now, until=now + HANDOVER_BEFORE):
        if duty.before_id == duty.technician_id:
            continue
        after = f" après {duty.before_name}, {show_phone(duty.before_phone)}" if duty.before_id else ""
        await messages.tell(
            session,
            person=messages.Person(duty.technician_id, duty.phone, duty.email),
            body=messages.wording("handover_in", at=_hour(duty.starts_at), place=duty.place, after=after),
            purpose="handover_in",
            link="/field/duties",
            dedupe_key=f"duty:{duty.id}:in",
        )
        if duty.before_id and duty.before_phone:
            await messages.tell(
                session,
                person=messages.Person(duty.before_id, duty.before_phone, duty.before_email),
                body=messages.wording(
                    "handover_out",
                    at=_hour(duty.starts_at),
                    place=duty.place,
                    name=duty.name,
                    phone=show_phone(duty.phone),
                ),
                purpose="handover_out",
                link="/field/duties",
                dedupe_key=f"duty:{duty.id}:out",
            )


async def check_phones(session: TenantSession) -> None:
    """A duty of the coming week whose phone cannot be reached alarms the desk, once per person, until it can."""
    now = clock.now()
    coming = await queries_notices.held_until(session, since=now, until=now + PHONE_CHECKED_BEFORE)
    dead = await messages.dead_addresses(session, addresses=list({duty.phone for duty in coming}))
    wrong: dict[str, list[Coming]] = defaultdict(list)
    for duty in coming:
        if _unreachable(duty, dead):
            wrong[f"duty:unreachable:{duty.technician_id}"].append(duty)
    for key, duties in wrong.items():
        first = duties[0]
        await alarms.raise_alarm(
            session,
            kind=UNREACHABLE,
            severity=alarms.Severity.CRITICAL if first.starts_at <= now else alarms.Severity.WARNING,
            title=f"{first.name} est d’astreinte sans téléphone joignable",
            detail=f"{_unreachable(first, dead)} : {first.place}, {Period(first.starts_at, first.ends_at)}",
            link=f"/rota/duties/{first.id}",
            dedupe_key=key,
            subject_id=first.technician_id,
        )
    for alarm in await alarms.open_alarms(session):
        if alarm.kind == UNREACHABLE and alarm.dedupe_key not in wrong:
            await alarms.resolve_alarm(session, dedupe_key=alarm.dedupe_key, by=BY_ITSELF)


def _unreachable(duty: Coming, dead: dict[str, str]) -> str:
    """Why, in French; empty when the phone is in order."""
    if not duty.active:
        return "Personne inactive"
    try:
        parse_phone(duty.phone)
    except Invalid:
        return "Numéro qui n’en est pas un"
    return f"{show_phone(duty.phone)} est hors service" if duty.phone in dead else ""


def _day(instant: datetime) -> str:
    """`vendredi 05/03 à 18:00`."""
    local = paris(instant)
    return f"{_DAYS[local.weekday()]} {local:%d/%m à %H:%M}"


def _hour(instant: datetime) -> str:
    return f"{paris(instant):%H:%M}"
