"""Numbers rung without a decision of ours: they join the call with who they are and why, the office is told, once."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert

from maillage_kit.db import TenantSession
from maillage_kit.phone import show_phone
from maillage_tenants import alarms
from maillage_tenants.calls import case, queries, rules
from maillage_tenants.calls.models import LadderStep
from maillage_tenants.calls.queries import Step
from maillage_tenants.calls.record import OpenCall, Station
from maillage_tenants.dispatch import StepKind

NOTE = "Reconstitué après coup : la base de données ne répondait pas, l’appel est parti directement au numéro de repli."
ALONE = "Reconstitué après coup : le système ne répondait pas, le standard a appelé seul les numéros qu’il connaît."
REASON = "Secours direct : le système ne pouvait pas décider, ce numéro est connu sans base de données."
REMEMBERED = "Secours direct : le système ne pouvait pas décider, cette personne avait été appelée juste avant."
RECONSTRUCTED = frozenset({NOTE, ALONE})


def was_reconstructed(call: OpenCall) -> bool:
    return call.row.routing_note in RECONSTRUCTED


async def join(
    session: TenantSession, *, call: OpenCall, position: int, phone: str | None, station: Station
) -> tuple[Step | None, bool]:
    """The step of the call's ladder at that position, and whether it had to be added; no step when nobody can tell who
    was rung there. Harmless when told again."""
    found = await queries.step_at(session, call_id=call.row.id, position=position)
    if found is not None:
        return found, False
    numbers = rules.rescue_numbers(station.cooperative, station.telephony.last_resort_number)
    index = position - rules.RESCUE_POSITION
    if phone is None and 0 <= index < len(numbers):
        phone = numbers[index][1]
    if phone is None:
        return None, False
    since = call.row.started_at - rules.REMEMBERED_FOR
    values = await _who(session, phone=phone, since=since, station=station)
    await session.execute(
        insert(LadderStep)
        .values(
            call_id=call.row.id,
            position=position,
            phone=phone,
            ring_seconds=station.telephony.ring_seconds,
            reason=REASON if position >= rules.RESCUE_POSITION else REMEMBERED,
            **values,
        )
        .on_conflict_do_nothing()
    )
    return await queries.step_at(session, call_id=call.row.id, position=position), True


async def _who(session: TenantSession, *, phone: str, since: datetime, station: Station) -> dict[str, object]:
    """Whose number that is: the manager's, one of the numbers known without a database, somebody who was on a ladder,
    a technician; else a number and nothing more."""
    cooperative = station.cooperative
    if phone == cooperative.manager_phone:
        return {"kind": StepKind.MANAGER, "display_name": cooperative.manager_name}
    for name, number in rules.rescue_numbers(cooperative, station.telephony.last_resort_number):
        if phone == number:
            return {"kind": StepKind.FALLBACK, "display_name": name}
    known = await queries.person_at(session, phone=phone, since=since)
    return known or {"kind": StepKind.FALLBACK, "display_name": show_phone(phone)}


async def tell_office(session: TenantSession, *, call: OpenCall, at: datetime) -> None:
    """A call went its way without us: its case is opened, the alarm raised. Nothing of our own watch calls."""
    if call.row.watch_id is not None:
        return
    if call.row.intervention_id is None:
        case_id = await case.open_for_call(session, call=call.row, sector_id=call.row.sector_id, at=at)
        call.set(intervention_id=case_id)
    await alarms.raise_alarm(
        session,
        kind="call_rescued",
        severity=alarms.Severity.CRITICAL,
        title="Appel traité en secours : à vérifier",
        detail=call.row.routing_note if was_reconstructed(call) else ALONE,
        dedupe_key=f"rescue:{call.row.id}",
        link=f"/calls/{call.row.id}",
        subject_id=call.row.id,
    )
