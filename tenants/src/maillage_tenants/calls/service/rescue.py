"""Putting on record what happened while the database could not decide: the carrier's own callbacks tell it later."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.ids import new_id
from maillage_kit.phone import show_phone
from maillage_tenants import alarms, customers
from maillage_tenants.calls import case, queries, rules, watched
from maillage_tenants.calls.models import Call, CallLeg, CallOutcome, CallState, LegState
from maillage_tenants.calls.queries import CallRow
from maillage_tenants.calls.record import OpenCall, Station, new_row
from maillage_tenants.calls.service import emergency, ending, ladder
from maillage_tenants.calls.signals import Ending, LegProgress, LineProgress, Notice


async def reconstruct(
    session: TenantSession, *, notice: Notice, called: str, caller: str | None, at: datetime, note: str
) -> CallRow:
    """Write the call that nobody could write when it rang, at `at`. Harmless when it exists meanwhile."""
    row = new_row(call_id=new_id(), notice=notice, called=called, caller=caller, at=at)
    row = replace(row, routing_note=note)
    if caller is not None:
        call = OpenCall(row)
        call.set(watch_id=await watched.expected(session, caller=caller, at=row.started_at))
        await _name_caller(session, call=call, caller=caller)
        row = call.row
    values = {name: getattr(row, name) for name in queries.OWN_FIELDS}
    await session.execute(insert(Call).values(provider=notice.provider, **values).on_conflict_do_nothing())
    return row


async def rescue_leg(
    session: TenantSession, *, call: OpenCall, position: int, signal: LegProgress, station: Station
) -> None:
    """News of an emergency number: it joins the ladder of the call, with its reason, and the case is opened."""
    numbers = rules.rescue_numbers(station.cooperative, station.telephony.last_resort_number)
    if position >= len(numbers) or call.row.watch_id is not None:
        return
    at_step = rules.RESCUE_POSITION + position
    now = clock.now()
    step, first = await emergency.join(session, call=call, position=at_step, phone=None, station=station)
    if step is None:
        return
    await session.execute(
        insert(CallLeg)
        .values(
            id=new_id(),
            call_id=call.row.id,
            position=at_step,
            phone=step.phone,
            provider_leg_id=signal.leg,
            state=LegState.RINGING,
            last_sequence=-1,
            started_at=now,
            detail="",
        )
        .on_conflict_do_nothing()
    )
    leg = await queries.leg_at(session, call_id=call.row.id, position=at_step)
    if leg is None or call.state is CallState.ENDED:
        return
    if first or call.row.intervention_id is None:
        await emergency.tell_office(session, call=call, at=now)
    if call.state is not CallState.CONNECTED:
        call.set(state=CallState.RINGING, position=at_step)
    if signal.answered or (signal.ending is Ending.COMPLETED and call.state is not CallState.CONNECTED):
        await ladder.accept(session, call=call, leg=leg, signal_leg=signal.leg, station=station)
    elif signal.ending is not None and signal.ending is not Ending.COMPLETED:
        await ladder.close_leg(
            session, leg=leg, state=rules.LEG_OF_ENDING[signal.ending], sequence=signal.notice.sequence
        )


async def line_progress(session: TenantSession, *, call: OpenCall, signal: LineProgress) -> None:
    """News of a caller's line. When the call was never written, nobody can say who talked to them: ring back."""
    if call.row.caller is None and signal.caller is not None and emergency.was_reconstructed(call):
        await _name_caller(session, call=call, caller=signal.caller)
    unexplained = emergency.was_reconstructed(call) and call.row.intervention_id is None
    if unexplained and call.state is not CallState.ENDED and signal.ended:
        await ending.owe_callback(
            session,
            call=call,
            severity=alarms.Severity.CRITICAL,
            title="Appel reçu pendant une panne : à rappeler",
        )
        await ending.finish(session, call=call, outcome=CallOutcome.MISSED)
        return
    await ending.line_progress(session, call=call, signal=signal)


async def _name_caller(session: TenantSession, *, call: OpenCall, caller: str) -> None:
    """The number, and the customer when it is one's: only the caller's own line tells it."""
    call.set(caller=caller)
    known = await customers.identify_caller(session, phone=caller)
    if len({found.customer_id for found in known}) == 1:
        call.set(customer_id=known[0].customer_id, customer_name=known[0].customer_name)
    if call.row.intervention_id is not None:
        await case.add_line(
            session,
            case_id=call.row.intervention_id,
            kind="caller_known",
            text=f"Numéro de l’appelant : {show_phone(caller)}"
            + (f", {call.row.customer_name}" if call.row.customer_name else ""),
        )
