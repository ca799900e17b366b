"""Absences: when somebody cannot, or would rather not, be on call. Asked by the person, decided by the office."""

import contextlib
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_tenants import alarms, audit, members, messages
from maillage_tenants.rota import queries_life
from maillage_tenants.rota.errors import AbsenceDecided, AbsenceKnown, UnknownAbsence
from maillage_tenants.rota.models_life import Absence, AbsenceState
from maillage_tenants.rota.rules import Period

OFFICE = "La coopérative"
LONGEST = timedelta(days=366)


async def ask_absence(
    session: TenantSession, *, technician_id: UUID, period: Period, hard: bool, by: str, reason: str = ""
) -> Absence:
    """Ask the office for an absence; it counts once it is approved. A wish (not `hard`) needs no answer: it binds
    nobody and is kept at once. The desk is told.

    Raises UnknownTechnician, Invalid (the wrong way round, over, longer than a year), AbsenceKnown.
    """
    person = await members.get_technician(session, technician_id=technician_id)
    absence = await _write(session, technician_id=technician_id, period=period, hard=hard, reason=reason)
    if not hard:
        _decide(absence, AbsenceState.APPROVED, by=by)
        await session.flush()
        return absence
    await alarms.raise_alarm(
        session,
        kind="absence_asked",
        severity=alarms.Severity.WARNING,
        title=f"Absence à accorder : {person.first_name} {person.last_name}",
        detail=str(period),
        link=f"/rota/absences/{absence.id}",
        dedupe_key=_alarm(absence.id),
        subject_id=absence.id,
    )
    return absence


async def add_absence(
    session: TenantSession,
    *,
    technician_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    hard: bool,
    by: str = OFFICE,
    reason: str = "",
) -> Absence:
    """Record an absence for somebody, approved from the start. A rota that is already published does not change by
    itself. Raises as `ask_absence`."""
    await members.get_technician(session, technician_id=technician_id)
    period = Period(starts_at, ends_at)
    absence = await _write(session, technician_id=technician_id, period=period, hard=hard, reason=reason)
    _decide(absence, AbsenceState.APPROVED, by=by)
    await session.flush()
    await _record(session, absence, "rota.absence_added", by=by)
    return absence


async def for_each_new(
    session: TenantSession, periods: Iterable[Period], write: Callable[[Period], Awaitable[Absence]]
) -> int:
    """Ask for or record many periods at once; those known already are left out. Returns how many are new."""
    written = 0
    for period in periods:
        with contextlib.suppress(AbsenceKnown):
            async with session.begin_nested():
                await write(period)
                written += 1
    return written


async def decide_absence(
    session: TenantSession, *, absence_id: UUID, approved: bool, by: str, answer: str = ""
) -> Absence:
    """Approve or refuse what was asked; a refusal says why. The person is told by message.

    Raises UnknownAbsence, AbsenceDecided (by somebody else meanwhile), Invalid (refused without a reason).
    """
    absence = await session.get(Absence, absence_id, with_for_update=True, populate_existing=True)
    if absence is None:
        raise UnknownAbsence
    if absence.state != AbsenceState.ASKED:
        raise AbsenceDecided
    answer = answer.strip()
    if not approved and not answer:
        raise Invalid("Un refus se motive.", fields={"answer": "Indiquez pourquoi : la personne le lira."})
    _decide(absence, AbsenceState.APPROVED if approved else AbsenceState.REFUSED, by=by)
    absence.answer = answer
    await session.flush()
    await alarms.resolve_alarm(session, dedupe_key=_alarm(absence_id), by=by)
    person = await members.get_technician(session, technician_id=absence.technician_id)
    verdict = "accordée" if approved else "refusée"
    await messages.tell(
        session,
        person=messages.Person(person.id, person.phone, person.email),
        body=messages.wording(
            "absence_decided", period=_period(absence), verdict=f"{verdict} : {answer}" if answer else verdict
        ),
        purpose="absence_decided",
        link="/field/duties/absences",
        dedupe_key=f"absence:{absence_id}:decided",
    )
    await _record(session, absence, f"rota.absence_{absence.state}", by=by)
    return absence


async def remove_absence(
    session: TenantSession, *, absence_id: UUID, by: str = OFFICE, technician_id: UUID | None = None
) -> None:
    """Take an absence back. With `technician_id`, only that person's own. Raises UnknownAbsence."""
    absence = await session.get(Absence, absence_id, with_for_update=True, populate_existing=True)
    if absence is None or technician_id not in (None, absence.technician_id):
        raise UnknownAbsence
    await alarms.resolve_alarm(session, dedupe_key=_alarm(absence_id), by=by)
    await _record(session, absence, "rota.absence_removed", by=by)
    await session.delete(absence)
    await session.flush()


async def _write(session: TenantSession, *, technician_id: UUID, period: Period, hard: bool, reason: str) -> Absence:
    if period.ends_at <= period.starts_at:
        raise Invalid(fields={"ends_at": "La fin est avant le début."})
    if period.ends_at <= clock.now():
        raise Invalid(fields={"ends_at": "Cette période est déjà passée."})
    if period.ends_at - period.starts_at > LONGEST:
        raise Invalid(fields={"ends_at": "Une absence dure un an au plus."})
    if await queries_life.same_absence(session, technician_id=technician_id, period=period, hard=hard):
        raise AbsenceKnown
    absence = Absence(
        technician_id=technician_id,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
        hard=hard,
        reason=reason.strip(),
    )
    session.add(absence)
    await session.flush()
    return absence


def _decide(absence: Absence, state: AbsenceState, *, by: str) -> None:
    absence.state, absence.decided_by, absence.decided_at = state, by, clock.now()


async def _record(session: TenantSession, absence: Absence, action: str, *, by: str) -> None:
    await audit.record(
        session,
        actor=by,
        action=action,
        subject_type="absence",
        subject_id=absence.id,
        detail={"technician": str(absence.technician_id), "period": str(_period(absence)), "hard": absence.hard},
    )


def _period(absence: Absence) -> Period:
    return Period(absence.starts_at, absence.ends_at)


def _alarm(absence_id: UUID) -> str:
    return f"absence:{absence_id}"
