"""Putting on record what happened while the database could not decide: the carrier's own callbacks tell it later."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.ids import new_id
from maillage_kit.phone import show_phone
from maillage_tenants import alarms, customers
from maillage_tenants.calls import case, queries, rules, watched
from maillage_tenants.calls.models import Call, CallLeg, CallOutcome, CallState, LadderStep, LegState
from maillage_tenants.calls.queries import CallRow
from maillage_tenants.calls.record import OpenCall, Station, new_row
from maillage_tenants.calls.service import ending, ladder
from maillage_tenants.calls.signals import Ending, LegProgress, LineProgress, Notice
from maillage_tenants.dispatch import StepKind

NOTE = "Reconstitué après coup : la base de données ne répondait pas, l’appel est parti directement au numéro de repli."
REASON = "Secours direct : le système ne pouvait pas décider, ce numéro est connu sans base de données."


async def reconstruct(
    session: TenantSession, *, notice: Notice, called: str, caller: str | None, seconds: int | None
) -> CallRow:
    """Write the call that nobody could write when it rang. Harmless when it exists meanwhile."""
    now = clock.now()
    row = new_row(call_id=new_id(), notice=notice, called=called, caller=caller, at=now)
    row = replace(row, started_at=now - timedelta(seconds=seconds or 0), routing_note=NOTE)
    row = replace(row, answered_at=row.started_at)
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
    name, phone = numbers[position]
    at_step = rules.RESCUE_POSITION + position
    now = clock.now()
    await session.execute(
        insert(LadderStep)
        .values(
            call_id=call.row.id,
            position=at_step,
            kind=StepKind.MANAGER if phone == station.cooperative.manager_phone else StepKind.FALLBACK,
            phone=phone,
            display_name=name,
            ring_seconds=station.telephony.ring_seconds,
            reason=REASON,
        )
        .on_conflict_do_nothing()
    )
    await session.execute(
        insert(CallLeg)
        .values(
            id=new_id(),
            call_id=call.row.id,
            position=at_step,
            phone=phone,
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
    if call.row.intervention_id is None:
        case_id = await case.open_for_call(session, call=call.row, sector_id=None, at=now)
        call.set(intervention_id=case_id)
    if call.state is not CallState.CONNECTED:
        call.set(state=CallState.RINGING, position=at_step)
    if signal.answered or (signal.ending is Ending.COMPLETED and call.state is not CallState.CONNECTED):
        await ladder.accept(session, call=call, leg=leg, signal_leg=signal.leg, station=station)
    elif signal.ending is not None and signal.ending is not Ending.COMPLETED:
        await ladder.close_leg(
            session, leg=leg, state=rules.LEG_OF_ENDING[signal.ending], sequence=signal.notice.sequence
        )
    await alarms.raise_alarm(
        session,
        kind="call_rescued",
        severity=alarms.Severity.CRITICAL,
        title="Appel traité en secours : à vérifier",
        detail=NOTE,
        dedupe_key=f"rescue:{call.row.id}",
        link=f"/calls/{call.row.id}",
        subject_id=call.row.id,
    )


async def line_progress(session: TenantSession, *, call: OpenCall, signal: LineProgress) -> None:
    """News of a caller's line. When the call was never written, nobody can say who talked to them: ring back."""
    if call.row.caller is None and signal.caller is not None and call.row.routing_note == NOTE:
        await _name_caller(session, call=call, caller=signal.caller)
    unexplained = call.row.routing_note == NOTE and call.row.intervention_id is None
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
