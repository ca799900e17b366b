"""How a call ends: taken, redirected, abandoned, missed. An end is written once and nothing is silent."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock, outside
from maillage_kit.clock import paris
from maillage_kit.db import TenantSession
from maillage_kit.ids import new_id
from maillage_kit.phone import show_phone
from maillage_tenants import alarms, messages
from maillage_tenants.calls import case, queries, rules, words
from maillage_tenants.calls.events import CallEnded
from maillage_tenants.calls.folding import ONCE_OVER
from maillage_tenants.calls.models import FINAL_LEG_STATES, Callback, CallLeg, CallOutcome, CallState, LegState
from maillage_tenants.calls.plan import Hangup, Plan, Record, Say
from maillage_tenants.calls.record import OpenCall, Station
from maillage_tenants.calls.signals import LineProgress
from maillage_tenants.dispatch import StepKind


async def finish(
    session: TenantSession,
    *,
    call: OpenCall,
    outcome: CallOutcome,
    accepted_kind: str | None = None,
    at: datetime | None = None,
) -> None:
    """End the call: final, and told to the rest of the product in the same transaction, unless it is our own."""
    now = clock.now()
    call.set(state=CallState.ENDED, outcome=outcome, ended_at=call.row.line_ended_at or at or now)
    await _close_legs(session, call=call)
    if call.row.watch_id is not None:
        return
    await outside.publish(
        session,
        CallEnded(
            call_id=call.row.id,
            outcome=outcome,
            accepted_kind=accepted_kind,
            day=paris(call.row.started_at).date(),
        ),
        occurred_at=now,
    )


async def _close_legs(session: TenantSession, *, call: OpenCall) -> None:
    """Whoever picked up without the key has not accepted; of who still rings the end was not told, or not yet."""
    await session.execute(
        sa.update(CallLeg)
        .where(CallLeg.call_id == call.row.id, CallLeg.state.in_(ONCE_OVER))
        .values(state=sa.case(ONCE_OVER, value=CallLeg.state))
    )


async def finish_accepted(session: TenantSession, *, call: OpenCall, at: datetime | None = None) -> None:
    """The conversation is over."""
    position = call.row.accepted_position
    step = None if position is None else await queries.step_at(session, call_id=call.row.id, position=position)
    kind = StepKind(step.kind) if step else StepKind.FALLBACK
    if position is not None and not call.tells_each_leg:
        await session.execute(
            sa.update(CallLeg)
            .where(CallLeg.call_id == call.row.id, CallLeg.position == position, CallLeg.ended_at.is_(None))
            .values(ended_at=clock.now())
        )
    await finish(session, call=call, outcome=rules.outcome_of(kind), accepted_kind=kind, at=at)


async def missed_without_us(session: TenantSession, *, call: OpenCall, station: Station) -> None:
    """A call went its way while we were silent and nobody took it: somebody rings back, and the case says so.

    The caller is written to while it is news; later, ringing back is the only answer.
    """
    await _owe_and_tell(
        session,
        call=call,
        severity=alarms.Severity.CRITICAL,
        title="Appel reçu pendant une panne : à rappeler",
        kind="call_missed",
        line="Appel reçu pendant une panne, que personne n’a pris : à rappeler tout de suite.",
    )
    if clock.now() - call.row.started_at <= rules.STILL_NEWS:
        await _write_to_caller(session, call=call, at=call.row.started_at, station=station)
    await finish(session, call=call, outcome=CallOutcome.MISSED)


async def caller_left(session: TenantSession, *, call: OpenCall, at: datetime | None = None) -> None:
    """The caller has hung up. Once people were being rung without success, the caller is owed a call."""
    if call.state is CallState.ENDED:
        return
    if call.state is CallState.CONNECTED:
        await finish_accepted(session, call=call, at=at)
        return
    if call.state is CallState.RINGING:
        if not call.tells_each_leg:
            await cancel_running_leg(session, call=call)
        await _owe_and_tell(
            session,
            call=call,
            severity=alarms.Severity.WARNING,
            title="Appel abandonné pendant la recherche d’un artisan : à rappeler",
            kind="caller_left",
            line="L’appelant a raccroché avant qu’un artisan ne prenne l’appel : à rappeler.",
        )
    await finish(session, call=call, outcome=CallOutcome.ABANDONED, at=at)


async def missed(session: TenantSession, *, call: OpenCall, station: Station) -> Plan:
    """Nobody took the call: text message, critical alarm, callback owed, and the caller is told (rule 1)."""
    if call.row.watch_id is not None:
        await finish(session, call=call, outcome=CallOutcome.MISSED)
        return (Hangup(),)
    await _owe_and_tell(
        session,
        call=call,
        severity=alarms.Severity.CRITICAL,
        title="Appel manqué : personne n’a pu être joint",
        kind="call_missed",
        line="Aucune des personnes de la liste n’a pris l’appel : à rappeler tout de suite.",
    )
    await _write_to_caller(session, call=call, at=clock.now(), station=station)
    await finish(session, call=call, outcome=CallOutcome.MISSED)
    return (
        Say(words.missed_spoken(call.row.caller is not None)),
        Say(words.LEAVE_MESSAGE),
        Record(rules.MESSAGE_SECONDS),
        Hangup(),
    )


async def _write_to_caller(session: TenantSession, *, call: OpenCall, at: datetime, station: Station) -> None:
    """A text message to somebody whom nobody could answer at that time; once, and never to a masked number."""
    if call.row.caller is None or call.row.watch_id is not None:
        return
    await messages.send_sms(
        session,
        to=call.row.caller,
        body=words.missed_text(station.cooperative.name, at),
        purpose="call_missed",
        dedupe_key=f"call:{call.row.id}:missed",
        call_id=call.row.id,
        intervention_id=call.row.intervention_id,
    )


async def promise_callback(session: TenantSession, *, call: OpenCall) -> str:
    """Somebody accepted but the two never spoke. Returns the name to tell the caller."""
    position = call.row.accepted_position
    step = None if position is None else await queries.step_at(session, call_id=call.row.id, position=position)
    name = step.display_name if step else "la coopérative"
    await owe_callback(
        session,
        call=call,
        severity=alarms.Severity.CRITICAL,
        title=f"Appel pris par {name}, mais la mise en relation a échoué",
    )
    await finish_accepted(session, call=call)
    return name


async def _owe_and_tell(
    session: TenantSession, *, call: OpenCall, severity: alarms.Severity, title: str, kind: str, line: str
) -> None:
    """This caller must be called back, and their case says why."""
    await owe_callback(session, call=call, severity=severity, title=title)
    if call.row.intervention_id is not None:
        await case.add_line(session, case_id=call.row.intervention_id, kind=kind, text=line)


async def owe_callback(session: TenantSession, *, call: OpenCall, severity: alarms.Severity, title: str) -> None:
    """Write that this caller must be called back, once, and tell the office. Our own watch calls are owed nothing."""
    if call.row.watch_id is not None:
        return
    now = clock.now()
    await session.execute(
        insert(Callback)
        .values(
            id=new_id(),
            call_id=call.row.id,
            phone=call.row.caller,
            opened_at=now,
            due_at=now + rules.CALLBACK_WITHIN,
            note="",
        )
        .on_conflict_do_nothing(index_elements=[Callback.call_id])
    )
    who = words.who(call.row.customer_name, None) if call.row.customer_name else show_phone(call.row.caller)
    await alarms.raise_alarm(
        session,
        kind="call_to_return",
        severity=severity,
        title=title,
        detail=f"{who}, {words.where(call.row.address, call.row.commune, call.row.postcode_typed)}",
        dedupe_key=alarm_key(call.row.id),
        link=f"/calls/{call.row.id}",
        subject_id=call.row.id,
    )


def alarm_key(call_id: UUID) -> str:
    return f"call:{call_id}"


async def line_progress(session: TenantSession, *, call: OpenCall, signal: LineProgress) -> None:
    """News of the caller's line. Old news changes nothing; an end is final whatever its place in the sequence."""
    sequence = signal.notice.sequence
    if sequence is not None and sequence > call.row.last_sequence:
        call.set(last_sequence=sequence)
    if signal.ended:
        await caller_left(session, call=call)


async def cancel_running_leg(session: TenantSession, *, call: OpenCall) -> None:
    """Whoever is being rung is no longer."""
    await session.execute(
        sa.update(CallLeg)
        .where(CallLeg.call_id == call.row.id, CallLeg.state.not_in(FINAL_LEG_STATES))
        .values(state=LegState.CANCELLED, ended_at=clock.now())
    )
