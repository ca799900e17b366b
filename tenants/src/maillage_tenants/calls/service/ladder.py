"""Ringing people in turn: the ladder frozen, one attempt after the other, until somebody presses the key."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from maillage_kit import clock
from maillage_kit.db import TenantSession, core
from maillage_kit.direct import DirectStatement
from maillage_kit.ids import new_id
from maillage_tenants import dispatch, masking, messages
from maillage_tenants.calls import case, queries, rules, watched, words
from maillage_tenants.calls.models import FINAL_LEG_STATES, CallLeg, CallState, LadderStep, LegState
from maillage_tenants.calls.plan import BRIDGE, Dial, Gather, Hangup, KeyTurn, Next, Plan, Say, StepTurn
from maillage_tenants.calls.queries import LegRow, Place, Step
from maillage_tenants.calls.record import OpenCall, Station
from maillage_tenants.calls.service import emergency, ending
from maillage_tenants.calls.signals import AttemptOver, Ending, LegKey, LegProgress
from maillage_tenants.dispatch import Candidate

ACCEPT_KEY = "1"


async def begin(
    session: TenantSession, *, call: OpenCall, place: Place | None, unrouted: str, station: Station
) -> Plan:
    """Freeze the ladder with its reasons, open the case, ring the first person.

    `unrouted` says in French why there is no place; the manager and the fallback number are then the ladder.
    """
    now = clock.now()
    sector_id = place.sector_id if place else None
    if place is not None and sector_id is None:
        unrouted = f"{place.commune} n’est dans aucun secteur pour ce métier : le responsable décide."
    candidates = await dispatch.build_ladder(
        session,
        cooperative=station.cooperative,
        sector_id=sector_id,
        trade=call.row.trade,
        at=now,
        ring_seconds=station.telephony.ring_seconds,
        unrouted=unrouted,
    )
    if call.row.watch_id is not None:
        candidates = watched.only_the_test_artisan(candidates, telephony=station.telephony)
    to_ring = [candidate for candidate in candidates if candidate.skipped is None]
    first, *others = to_ring
    step = _step(first, others)
    await _FREEZE_AND_RING.all(session, {**_frozen(call, candidates), **_begun(call, step=step, at=now)})
    note = unrouted or (f"Secteur {place.sector_name}" if place else "")
    call.set(sector_id=sector_id, routing_note=note)
    if call.row.watch_id is None:
        call.set(intervention_id=await case.open_for_call(session, call=call.row, sector_id=sector_id, at=now))
    return _rung(call, step=step, before=words.calling_for(call.row.commune), station=station)


_STEPS = core(LadderStep)
_COLUMNS = (
    "position",
    "kind",
    "phone",
    "display_name",
    "member_id",
    "technician_id",
    "duty_id",
    "sector_id",
    "ring_seconds",
    "reason",
    "skipped",
)


def _freeze() -> sa.Insert:
    """The whole ladder in one statement: a list for each column."""
    lists = [sa.bindparam(f"{name}_list", type_=ARRAY(_STEPS.c[name].type)) for name in _COLUMNS]
    rows = sa.func.unnest(*lists).table_valued(*(sa.column(name, _STEPS.c[name].type) for name in _COLUMNS))
    rows = rows.render_derived("step")
    return sa.insert(_STEPS).from_select(
        ["call_id", *_COLUMNS], sa.select(sa.bindparam("call", type_=sa.Uuid), *(rows.c[name] for name in _COLUMNS))
    )


_LEGS = core(CallLeg)
_LEG = ("id", "call_id", "position", "phone", "state", "last_sequence", "started_at", "detail")
_BEGIN_LEG = (
    insert(_LEGS)
    .values({name: sa.bindparam(f"leg_{name}", type_=_LEGS.c[name].type) for name in _LEG})
    .on_conflict_do_nothing(index_elements=[_LEGS.c.call_id, _LEGS.c.position])
)
_RING = DirectStatement(_BEGIN_LEG)
_FREEZE_AND_RING = DirectStatement(_BEGIN_LEG.add_cte(_freeze().cte("frozen")))


def _frozen(call: OpenCall, candidates: Sequence[Candidate]) -> dict[str, object]:
    return {
        "call": call.row.id,
        **{f"{name}_list": [getattr(candidate, name) for candidate in candidates] for name in _COLUMNS},
    }


def _step(candidate: Candidate, others: Sequence[Candidate]) -> Step:
    return Step(
        position=candidate.position,
        kind=candidate.kind,
        phone=candidate.phone or "",
        display_name=candidate.display_name,
        member_id=candidate.member_id,
        technician_id=candidate.technician_id,
        duty_id=candidate.duty_id,
        ring_seconds=candidate.ring_seconds,
        rest=tuple(Next(other.position, other.phone or "", other.ring_seconds) for other in others),
    )


def _begun(call: OpenCall, *, step: Step, at: datetime) -> dict[str, object]:
    return {
        "leg_id": new_id(),
        "leg_call_id": call.row.id,
        "leg_position": step.position,
        "leg_phone": step.phone,
        "leg_state": LegState.RINGING,
        "leg_last_sequence": -1,
        "leg_started_at": at,
        "leg_detail": "",
    }


async def _ring(session: TenantSession, *, call: OpenCall, step: Step, before: str, station: Station) -> Plan:
    await _RING.all(session, _begun(call, step=step, at=clock.now()))
    return _rung(call, step=step, before=before, station=station)


def _rung(call: OpenCall, *, step: Step, before: str, station: Station) -> Plan:
    call.set(state=CallState.RINGING, position=step.position)
    return (Say(before), _dial(step, station=station, record=call.row.may_record))


def _dial(step: Step, *, station: Station, record: bool, direct: bool = False) -> Dial:
    return Dial(
        phone=step.phone,
        caller_id=station.cooperative.public_number,
        ring_seconds=step.ring_seconds,
        then=StepTurn(step.position, direct),
        whisper=not direct,
        rest=() if direct else tuple(after for after in step.rest if after.position < rules.RESCUE_POSITION),
        record=record,
    )


async def where_it_stands(session: TenantSession, *, call: OpenCall, station: Station) -> Plan:
    """The answer to a carrier that lost track of the caller: the attempt now running, again, or the end."""
    if call.state is CallState.ENDED or call.row.position is None:
        return (Hangup(),)
    talking = call.state is CallState.CONNECTED
    position = call.row.accepted_position if talking and call.row.accepted_position is not None else call.row.position
    step = (
        await queries.step_at(session, call_id=call.row.id, position=position)
        if talking
        else await queries.next_step(session, call_id=call.row.id, after=position - 1)
    )
    if step is None:
        return (Hangup(),)
    return (Say(words.HOLD_ON), _dial(step, station=station, record=call.row.may_record, direct=talking))


async def attempt_over(
    session: TenantSession, *, call: OpenCall, position: int, direct: bool, signal: AttemptOver, station: Station
) -> Plan:
    """An attempt is over: the conversation took place, or the next person is rung, or everybody was tried."""
    if call.tells_each_leg:
        await _over(session, call=call, position=position, at=signal.at, station=station)
    if call.state is CallState.ENDED:
        spoke = call.row.accepted_position == position and not signal.gone
        return (Say(words.GOODBYE), Hangup()) if spoke else (Hangup(),)
    leg = await queries.leg_at(session, call_id=call.row.id, position=position)
    taken = leg is not None and leg.state == LegState.ACCEPTED
    if leg is not None and signal.bridged and not taken and not direct:
        await accept(session, call=call, leg=leg, signal_leg=signal.leg, station=station)
        taken = True
    if taken and (direct or signal.bridged is not False or signal.gone):
        return await _conversation_over(session, call=call, signal=signal, direct=direct)
    if taken:
        step = await queries.step_at(session, call_id=call.row.id, position=position)
        if step is not None:
            return (Say(words.HOLD_ON), _dial(step, station=station, record=call.row.may_record, direct=True))
    if leg is not None and LegState(leg.state) not in FINAL_LEG_STATES and not call.tells_each_leg:
        state = LegState.CANCELLED if signal.gone else rules.LEG_OF_ENDING[signal.ending]
        await close_leg(session, leg=leg, state=state, provider_leg_id=signal.leg)
    if signal.gone:
        await ending.caller_left(session, call=call, at=signal.at)
        return (Hangup(),)
    if call.row.position is not None and position < call.row.position:
        return await where_it_stands(session, call=call, station=station)
    return await ring_next(session, call=call, after=position, station=station)


async def _conversation_over(session: TenantSession, *, call: OpenCall, signal: AttemptOver, direct: bool) -> Plan:
    """The artisan pressed the key. If the two never spoke, the caller is told who rings back, and the office too."""
    spoke = signal.bridged if signal.bridged is not None else signal.ending.value == "completed"
    if direct and not spoke and not signal.gone:
        name = await ending.promise_callback(session, call=call)
        return (Say(words.taken_but_cut(name)), Hangup())
    await ending.finish_accepted(session, call=call, at=signal.at)
    return (Say(words.GOODBYE), Hangup())


async def _over(
    session: TenantSession, *, call: OpenCall, position: int, at: datetime | None, station: Station
) -> None:
    """A carrier that went down the ladder by itself is back, from that step."""
    leg = await reach(session, call=call, position=position, at=at, station=station)
    if leg is not None and leg.answered_at is not None:
        await session.execute(
            sa.update(CallLeg)
            .where(CallLeg.id == leg.id)
            .values(ended_at=sa.func.greatest(CallLeg.ended_at, at or clock.now()))
        )


async def reach(
    session: TenantSession, *, call: OpenCall, position: int, at: datetime | None, station: Station
) -> LegRow | None:
    """The leg at a position that a carrier reached by itself, begun if nothing was told of it yet; the call stands
    there now, unless it stands further. None when nobody is at that position."""
    when = at or clock.now()
    leg = await queries.leg_at(session, call_id=call.row.id, position=position)
    if leg is None:
        step, added = await emergency.join(session, call=call, position=position, phone=None, station=station)
        if step is None:
            return None
        if added:
            await emergency.tell_office(session, call=call, at=when)
        await _RING.all(session, _begun(call, step=step, at=when))
        leg = await queries.leg_at(session, call_id=call.row.id, position=position)
    here = call.row.position
    if call.state in (CallState.MENU, CallState.RINGING) and (here is None or position > here):
        call.set(state=CallState.RINGING, position=position)
    return leg


async def accepted_elsewhere(
    session: TenantSession, *, call: OpenCall, position: int, at: datetime, station: Station
) -> None:
    """Somebody accepted where we could not be asked. The first acceptance gives the call; one told of a call that has
    ended meanwhile is written on the case, and the callback stays owed."""
    leg = await queries.leg_at(session, call_id=call.row.id, position=position)
    if leg is None:
        return
    if call.row.accepted_position == position:
        await _accepted_earlier(session, call=call, leg=leg, at=at)
    elif call.row.accepted_position is None and call.state is not CallState.ENDED:
        await accept(session, call=call, leg=leg, signal_leg=None, station=station, at=at)
    elif call.row.intervention_id is not None:
        step = await queries.step_at(session, call_id=call.row.id, position=position)
        name = step.display_name if step else "Quelqu’un"
        await case.add_line(
            session,
            case_id=call.row.intervention_id,
            kind="accepted_too_late",
            text=f"{name} a aussi accepté l’appel, ce qui n’a été su qu’après.",
        )


async def _accepted_earlier(session: TenantSession, *, call: OpenCall, leg: LegRow, at: datetime | None) -> None:
    """The same acceptance told by two sources: the earlier time is the true one."""
    if at is None or not call.tells_each_leg:
        return
    await session.execute(
        sa.update(CallLeg)
        .where(CallLeg.id == leg.id)
        .values(accepted_at=sa.func.least(CallLeg.accepted_at, at), answered_at=sa.func.least(CallLeg.answered_at, at))
    )
    if call.row.connected_at is None or at < call.row.connected_at:
        call.set(connected_at=at)


async def ring_next(session: TenantSession, *, call: OpenCall, after: int, station: Station) -> Plan:
    """Ring the next person of the frozen ladder; after the last, the call is missed and nothing is silent."""
    step = await queries.next_step(session, call_id=call.row.id, after=after)
    if step is None or step.position >= rules.RESCUE_POSITION:
        return await ending.missed(session, call=call, station=station)
    return await _ring(session, call=call, step=step, before=words.NEXT_ONE, station=station)


# -------------------------------------------------------------------------------------------- the person who is rung


async def whisper(session: TenantSession, *, call: OpenCall, position: int, signal: LegKey, station: Station) -> Plan:
    """Somebody, or a machine, picked up: say who, where, what, and ask for the key (R103)."""
    leg = await _leg(session, call=call, position=position, signal=signal, station=station)
    late = _too_late(call, leg, position)
    if leg is None or late is not None:
        return late or (Hangup(),)
    await _mark_answered(session, leg=leg, provider_leg_id=signal.leg, sequence=None, at=signal.at)
    row = call.row
    told = words.whisper(
        cooperative=station.cooperative.name,
        who=words.who(row.customer_name, _shown(call, station)),
        where=words.where(row.address, row.commune, row.postcode_typed),
        trade=_trade_words(call, station),
        recognised=row.customer_id is not None,
        recorded=row.may_record,
    )
    return (Gather((told,), 1, station.telephony.accept_seconds, KeyTurn(position)), Hangup())


async def key_typed(session: TenantSession, *, call: OpenCall, position: int, signal: LegKey, station: Station) -> Plan:
    """The key of the person rung: 1 takes the call, anything else refuses it. A late key changes nothing."""
    leg = await _leg(session, call=call, position=position, signal=signal, station=station)
    if leg is not None and leg.state == LegState.ACCEPTED and call.state is CallState.CONNECTED:
        if signal.digits == ACCEPT_KEY:
            await _accepted_earlier(session, call=call, leg=leg, at=signal.at)
        return BRIDGE
    late = _too_late(call, leg, position)
    if leg is None or late is not None:
        return late or (Hangup(),)
    if signal.digits != ACCEPT_KEY:
        await close_leg(session, leg=leg, state=LegState.REFUSED, provider_leg_id=signal.leg, at=signal.at)
        return (Say(words.REFUSED), Hangup())
    await accept(session, call=call, leg=leg, signal_leg=signal.leg, station=station, at=signal.at)
    return (Say(words.ACCEPTED),)


async def _leg(
    session: TenantSession, *, call: OpenCall, position: int, signal: LegKey, station: Station
) -> LegRow | None:
    """The leg that a person speaks on. A carrier that goes down the ladder by itself may be further than we know."""
    if call.tells_each_leg and call.state is not CallState.ENDED:
        return await reach(session, call=call, position=position, at=signal.at, station=station)
    return await queries.leg_at(session, call_id=call.row.id, position=position)


def _too_late(call: OpenCall, leg: LegRow | None, position: int) -> Plan | None:
    if call.state is CallState.ENDED:
        taken = call.row.accepted_position is not None
        return (Say(words.ALREADY_TAKEN if taken else words.CALLER_GONE), Hangup())
    here = call.row.position
    # Somebody who was being rung before may still press the key, when the carrier left their line up.
    before = call.tells_each_leg and here is not None and position < here
    current = call.state is CallState.RINGING and (here == position or before)
    if not current or leg is None or LegState(leg.state) in FINAL_LEG_STATES:
        return (Say(words.ALREADY_TAKEN), Hangup())
    return None


async def accept(
    session: TenantSession,
    *,
    call: OpenCall,
    leg: LegRow,
    signal_leg: str | None,
    station: Station,
    at: datetime | None = None,
) -> None:
    """One winner: the call is locked, its position is the leg's. The case, its clocks and the text message follow."""
    now = at or clock.now()
    if LegState(leg.state) not in FINAL_LEG_STATES:
        await session.execute(
            sa.update(CallLeg)
            .where(CallLeg.id == leg.id)
            .values(
                state=LegState.ACCEPTED,
                accepted_at=now,
                answered_at=sa.func.least(CallLeg.answered_at, now),
                provider_leg_id=sa.func.coalesce(CallLeg.provider_leg_id, signal_leg),
            )
        )
    call.set(state=CallState.CONNECTED, accepted_position=leg.position, connected_at=now)
    step = await queries.step_at(session, call_id=call.row.id, position=leg.position)
    if step is None or call.row.intervention_id is None:
        return
    await case.accepted(session, case_id=call.row.intervention_id, step=step, leg=leg, at=now)
    row = call.row
    masked = await _masked(session, call=call, step=step, station=station)
    await messages.send_sms(
        session,
        to=step.phone,
        body=words.call_taken(
            number=f"{station.cooperative.name}, appel pris",
            trade=_trade_words(call, station),
            who=words.who(row.customer_name, _shown(call, station)),
            caller=masked or row.caller,
            where=words.where(row.address, row.commune, row.postcode_typed),
            masked=masked is not None,
        ),
        purpose="call_taken",
        dedupe_key=f"call:{row.id}:taken",
        call_id=row.id,
        intervention_id=row.intervention_id,
    )


async def _masked(session: TenantSession, *, call: OpenCall, step: Step, station: Station) -> str | None:
    """The number by which the artisan reaches the caller, when the cooperative has such numbers and one is free."""
    if not station.cooperative.pool_numbers or step.technician_id is None or call.row.intervention_id is None:
        return None
    return await masking.lend(
        session,
        case_id=call.row.intervention_id,
        technician_id=step.technician_id,
        artisan_phone=step.phone,
        customer_phone=call.row.caller,
    )


def _shown(call: OpenCall, station: Station) -> str | None:
    """The caller's number as the person rung may hear it: with masked numbers, not at all."""
    return None if station.cooperative.pool_numbers else call.row.caller


def _trade_words(call: OpenCall, station: Station) -> str:
    return station.trades.label(call.row.trade) if call.row.trade else "Métier à demander"


async def leg_progress(session: TenantSession, *, call: OpenCall, position: int, signal: LegProgress) -> None:
    """News of the line to the person rung. Old news (by sequence) and news of a final leg change nothing.

    That an answered line is over does not say whether the two people talked: the end of the attempt does.
    """
    leg = await queries.leg_at(session, call_id=call.row.id, position=position)
    sequence = signal.notice.sequence
    if leg is None or (sequence is not None and sequence <= leg.last_sequence):
        return
    if signal.answered:
        await _mark_answered(session, leg=leg, provider_leg_id=signal.leg, sequence=sequence)
        return
    final = LegState(leg.state) in FINAL_LEG_STATES
    if signal.ending is not None and signal.ending is not Ending.COMPLETED and not final:
        await close_leg(
            session,
            leg=leg,
            state=rules.LEG_OF_ENDING[signal.ending],
            provider_leg_id=signal.leg,
            sequence=sequence,
        )
        return
    await session.execute(
        sa.update(CallLeg)
        .where(CallLeg.id == leg.id)
        .values(
            provider_leg_id=sa.func.coalesce(CallLeg.provider_leg_id, signal.leg),
            last_sequence=leg.last_sequence if sequence is None else sequence,
            **({"ended_at": sa.func.coalesce(CallLeg.ended_at, clock.now())} if signal.ending else {}),
        )
    )


async def _mark_answered(
    session: TenantSession, *, leg: LegRow, provider_leg_id: str, sequence: int | None, at: datetime | None = None
) -> None:
    when = at or clock.now()
    values: dict[str, object] = {
        "provider_leg_id": sa.func.coalesce(CallLeg.provider_leg_id, provider_leg_id or None),
        "answered_at": sa.func.least(CallLeg.answered_at, when),
    }
    if leg.last_sequence < 0 and at is not None:
        values["started_at"] = sa.func.least(CallLeg.started_at, when)
    if sequence is not None:
        values["last_sequence"] = sequence
    if leg.state == LegState.RINGING:
        values["state"] = LegState.ANSWERED
    await session.execute(sa.update(CallLeg).where(CallLeg.id == leg.id).values(**values))


async def close_leg(
    session: TenantSession,
    *,
    leg: LegRow,
    state: LegState,
    provider_leg_id: str | None = None,
    sequence: int | None = None,
    at: datetime | None = None,
) -> None:
    """Give a leg its final state, once; the database refuses a second one."""
    await session.execute(
        sa.update(CallLeg)
        .where(CallLeg.id == leg.id, CallLeg.state.not_in(FINAL_LEG_STATES))
        .values(
            state=state,
            ended_at=sa.func.greatest(CallLeg.ended_at, at or clock.now()),
            provider_leg_id=sa.func.coalesce(CallLeg.provider_leg_id, provider_leg_id),
            last_sequence=leg.last_sequence if sequence is None else sequence,
        )
    )
