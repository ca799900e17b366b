"""What a carrier that goes down the ladder by itself tells afterwards: at least once, in batches, in any order.

The legs come from these news and from the questions asked meanwhile (`ladder`), whichever is here first: both orders
give the same record. Nothing is concluded from silence at once: that nobody took a call is only said `SETTLE_AFTER` its
line was over (`settle`), when every source has had the time to tell. A call that we never saw is written from its news.
"""

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import ARRAY, insert

from maillage_kit import clock, outside
from maillage_kit.db import TenantSession, core
from maillage_kit.direct import DirectStatement
from maillage_kit.ids import new_id
from maillage_kit.phone import caller_number
from maillage_tenants import alarms
from maillage_tenants.calls import folding, queries, rules
from maillage_tenants.calls.folding import Leg
from maillage_tenants.calls.models import Call, CallEvent, CallLeg, CallState, LadderStep, LegState
from maillage_tenants.calls.record import OpenCall, Station, write_changes
from maillage_tenants.calls.service import emergency, ending, ladder, rescue
from maillage_tenants.calls.signals import CallNews, News, Notice

log = structlog.get_logger(__name__)
SETTLE_AFTER = timedelta(seconds=15)
REFUSED = "refused"
"""Kind of an event that is only kept: it cannot be understood, or broke what acted on it."""
_DECIDED = frozenset(News) - {News.ARRIVED, News.TOLD}
"""News of a call whose way was decided: by then it is written, or nobody could write it."""
_OVER = frozenset({News.LINE_OVER, News.TALK_OVER})
DIRECT = "direct"
"""Detail of a leg that was put through as soon as it answered: its end is the end of the call."""


async def take(session: TenantSession, *, provider: str, news: Sequence[CallNews], station: Station) -> None:
    """Record a batch of one cooperative: every event once, what it changes of its call, the calls that nobody wrote."""
    calls = await _open(session, provider=provider, news=news)
    fresh = await _store(session, news=news, calls=calls)
    if not fresh:
        return
    by_call: dict[str, list[CallNews]] = defaultdict(list)
    for item in fresh:
        by_call[item.notice.call].append(item)
    opened = {name: calls[name] for name in by_call if name in calls}
    legs = await _legs(session, calls=opened, by_call=by_call, station=station)
    for name, call in opened.items():
        _move(call, by_call[name], legs.get(call.row.id, {}))
    await _write_legs(session, calls=opened.values(), legs=legs)
    for name, call in opened.items():
        await _conclude(session, call=call, news=by_call[name], legs=legs.get(call.row.id, {}), station=station)
    await _settle_later(session, calls=opened.values())
    await _write_calls(session, calls=opened.values())


# --------------------------------------------------------------------------------------------------- calls and events


async def _open(session: TenantSession, *, provider: str, news: Sequence[CallNews]) -> dict[str, OpenCall]:
    """The calls of a batch, locked. One that is unknown although its way was decided is written now."""
    names = sorted({item.notice.call for item in news})
    calls = await _locked(session, provider=provider, names=names)
    lost = sorted({item.notice.call for item in news if item.news in _DECIDED} - calls.keys())
    written = set()
    for name in lost:
        its = [item for item in news if item.notice.call == name]
        row = await rescue.reconstruct(
            session,
            notice=its[0].notice,
            called=its[0].called,
            caller=next((item.caller for item in its if item.caller), None),
            at=min(item.at for item in its),
            note=emergency.ALONE,
        )
        written.add(row.id)
    if lost:
        calls |= await _locked(session, provider=provider, names=lost)
        ours = [name for name in lost if calls[name].row.id in written]  # the others were written meanwhile
        await _told_before(session, calls=calls, names=ours)
        for name in ours:
            await emergency.tell_office(session, call=calls[name], at=clock.now())
    return calls


async def _locked(session: TenantSession, *, provider: str, names: Sequence[str]) -> dict[str, OpenCall]:
    rows = await queries.locked_calls(session, provider=provider, calls=names)
    return {row.provider_call_id: OpenCall(row, tells_each_leg=True) for row in rows}


_EVENTS = core(CallEvent)
_TOLD_BEFORE = DirectStatement(
    sa.select(_EVENTS.c.provider_call_id, _EVENTS.c.payload).where(
        _EVENTS.c.call_id.is_(None),
        _EVENTS.c.kind != REFUSED,
        _EVENTS.c.provider_call_id == sa.any_(sa.bindparam("names", type_=ARRAY(sa.Text))),
    )
)


async def _told_before(session: TenantSession, *, calls: Mapping[str, OpenCall], names: Sequence[str]) -> None:
    """A call that is written afterwards began when the events that came before it say."""
    for name, payload in await _TOLD_BEFORE.all(session, {"names": list(names)}):
        _began(calls[name], _told_at(payload))


def _told_at(payload: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(float(payload["event"]["at"]), tz=UTC)


def _began(call: OpenCall, at: datetime) -> None:
    if emergency.was_reconstructed(call) and at < call.row.started_at:
        call.set(started_at=at, answered_at=at)


_COLUMNS = ("call_id", "provider", "provider_call_id", "kind", "fingerprint", "payload", "received_at")


def _insert_events() -> Any:
    """All the events of a batch in one statement; those that are known are left out and not returned."""
    lists = [sa.bindparam(f"{name}_list", type_=ARRAY(_EVENTS.c[name].type)) for name in _COLUMNS]
    rows = sa.func.unnest(*lists).table_valued(*(sa.column(name, _EVENTS.c[name].type) for name in _COLUMNS))
    rows = rows.render_derived("told")
    return (
        insert(_EVENTS)
        .from_select(list(_COLUMNS), sa.select(*(rows.c[name] for name in _COLUMNS)))
        .on_conflict_do_nothing(index_elements=[_EVENTS.c.fingerprint])
        .returning(_EVENTS.c.fingerprint)
    )


_INSERT_EVENTS = DirectStatement(_insert_events())


async def _store(
    session: TenantSession, *, news: Sequence[CallNews], calls: Mapping[str, OpenCall]
) -> Sequence[CallNews]:
    """Keep every event, in order; returns those that are told for the first time."""
    first = list({item.notice.fingerprint: item for item in reversed(news)}.values())[::-1]
    now = clock.now()
    values: dict[str, list[Any]] = {f"{name}_list": [] for name in _COLUMNS}
    for item in first:
        call = calls.get(item.notice.call)
        row = (
            call.row.id if call else None,
            item.notice.provider,
            item.notice.call,
            item.notice.kind,
            item.notice.fingerprint,
            item.notice.payload,
            now,
        )
        for name, value in zip(_COLUMNS, row, strict=True):
            values[f"{name}_list"].append(value)
    new = frozenset(fingerprint for (fingerprint,) in await _INSERT_EVENTS.all(session, values))
    return [item for item in first if item.notice.fingerprint in new]


async def keep(session: TenantSession, *, news: Sequence[CallNews]) -> None:
    """Keep events that could not be acted upon: nothing told to us is lost, and the carrier can go on."""
    await _store(session, news=[_kept(item) for item in news], calls={})
    await alarms.raise_alarm(
        session,
        kind="telephony_refused",
        severity=alarms.Severity.WARNING,
        title="Des nouvelles d’un appel n’ont pas pu être traitées",
        detail="Elles sont gardées telles quelles : vérifiez cet appel à la main.",
        dedupe_key=f"telephony_refused:{news[0].notice.call}",
    )


def _kept(item: CallNews) -> CallNews:
    return replace(item, notice=replace(item.notice, kind=REFUSED))


# ---------------------------------------------------------------------------------------------------------------- legs

_Legs = dict[UUID, dict[int, Leg]]


async def _legs(
    session: TenantSession,
    *,
    calls: Mapping[str, OpenCall],
    by_call: Mapping[str, Sequence[CallNews]],
    station: Station,
) -> _Legs:
    """The legs that the news are about, with the news folded in."""
    told = {
        calls[name].row.id: [item for item in items if item.position is not None and item.news in folding.LEG_NEWS]
        for name, items in by_call.items()
        if name in calls
    }
    wanted = [call_id for call_id, items in told.items() if items]
    if not wanted:
        return {}
    legs: _Legs = defaultdict(dict)
    found = await _FIND_LEGS.all(session, {"calls": wanted})
    for call_id, position, number, state, sequence, started_at, answered_at, ended_at, detail in found:
        legs[call_id][position] = Leg(
            position, number, LegState(state), started_at, sequence >= 0, answered_at, ended_at, detail == DIRECT
        )
    phones = await _phones(session, told=told, legs=legs)
    by_id = {call.row.id: call for call in calls.values()}
    changed: _Legs = defaultdict(dict)
    for call_id, items in told.items():
        for item in items:
            position = item.position or 0
            leg = changed[call_id].get(position) or legs[call_id].get(position)
            if leg is None:
                told_phone = next((other.phone for other in items if other.position == position and other.phone), None)
                phone = phones.get((call_id, position)) or await _unforeseen(
                    session, call=by_id[call_id], item=item, phone=told_phone, station=station
                )
                if phone is None:
                    continue
                leg = folding.begun(position, phone, item.at)
            changed[call_id][position] = folding.fold(leg, item)
    return changed


_LEGS, _STEPS = core(CallLeg), core(LadderStep)
_FIND_LEGS = DirectStatement(
    sa.select(
        _LEGS.c.call_id,
        _LEGS.c.position,
        _LEGS.c.phone,
        _LEGS.c.state,
        _LEGS.c.last_sequence,
        _LEGS.c.started_at,
        _LEGS.c.answered_at,
        _LEGS.c.ended_at,
        _LEGS.c.detail,
    ).where(_LEGS.c.call_id == sa.any_(sa.bindparam("calls", type_=ARRAY(sa.Uuid))))
)
_FIND_PHONES = DirectStatement(
    sa.select(_STEPS.c.call_id, _STEPS.c.position, _STEPS.c.phone).where(
        _STEPS.c.call_id == sa.any_(sa.bindparam("calls", type_=ARRAY(sa.Uuid)))
    )
)


async def _phones(
    session: TenantSession, *, told: Mapping[UUID, Sequence[CallNews]], legs: _Legs
) -> dict[tuple[UUID, int], str]:
    """The numbers of the ladders on which a leg begins."""
    missing = [
        call_id for call_id, items in told.items() if any(item.position not in legs.get(call_id, {}) for item in items)
    ]
    if not missing:
        return {}
    found = await _FIND_PHONES.all(session, {"calls": missing})
    return {(call_id, position): number for call_id, position, number in found if number is not None}


async def _unforeseen(
    session: TenantSession, *, call: OpenCall, item: CallNews, phone: str | None, station: Station
) -> str | None:
    """Somebody was rung whom we had not put on the ladder: the carrier went on without us."""
    step, added = await emergency.join(session, call=call, position=item.position or 0, phone=phone, station=station)
    if step is None:
        log.error("leg_of_nobody", call=item.notice.call, position=item.position)
        return None
    if added and not emergency.was_reconstructed(call):
        await emergency.tell_office(session, call=call, at=item.at)
    return step.phone


def _insert_legs() -> sa.Insert:
    table = core(CallLeg)
    learnt = ("state", "last_sequence", "started_at", "answered_at", "ended_at", "detail")
    names = ("id", "call_id", "position", "phone", *learnt)
    lists = [sa.bindparam(f"{name}_list", type_=ARRAY(table.c[name].type)) for name in names]
    rows = sa.func.unnest(*lists).table_valued(*(sa.column(name, table.c[name].type) for name in names))
    rows = rows.render_derived("leg")
    statement = insert(table).from_select(list(names), sa.select(*(rows.c[name] for name in names)))
    return statement.on_conflict_do_update(
        index_elements=[table.c.call_id, table.c.position], set_={name: statement.excluded[name] for name in learnt}
    )


_WRITE_LEGS = DirectStatement(_insert_legs())


async def _write_legs(session: TenantSession, *, calls: Iterable[OpenCall], legs: _Legs) -> None:
    """Every leg that learnt something, in one statement. The calls are locked: nobody else writes them."""
    values: dict[str, list[Any]] = defaultdict(list)
    for call in calls:
        over = call.state is CallState.ENDED
        for leg in legs.get(call.row.id, {}).values():
            known = folding.closed(leg) if over else leg
            values["id_list"].append(new_id())
            values["call_id_list"].append(call.row.id)
            values["position_list"].append(known.position)
            values["phone_list"].append(known.phone)
            values["state_list"].append(known.state)
            values["last_sequence_list"].append(0 if known.told else -1)
            values["started_at_list"].append(known.started_at)
            values["answered_at_list"].append(known.answered_at)
            values["ended_at_list"].append(known.ended_at)
            values["detail_list"].append(DIRECT if known.direct else "")
    if values:
        await _WRITE_LEGS.all(session, values)


# ------------------------------------------------------------------------------------------------------ what follows


def _move(call: OpenCall, news: Sequence[CallNews], legs: Mapping[int, Leg]) -> None:
    """Where the call stands now, as far as it only goes forward."""
    for item in news:
        _began(call, item.at)
    if legs and call.state in (CallState.MENU, CallState.RINGING):
        reached = max(legs)
        if call.state is CallState.MENU:
            call.set(state=CallState.RINGING, position=reached)
        elif call.row.position is None or reached > call.row.position:
            call.set(position=reached)
    over = [item.at for item in news if item.news in _OVER]
    over += [leg.ended_at for leg in legs.values() if leg.direct and leg.ended_at is not None]
    if over:
        last = max([*over, *([call.row.line_ended_at] if call.row.line_ended_at else [])])
        if last != call.row.line_ended_at:
            call.set(line_ended_at=last)
        if call.state is CallState.ENDED and call.row.ended_at != last:
            call.set(ended_at=last)


async def _conclude(
    session: TenantSession, *, call: OpenCall, news: Sequence[CallNews], legs: Mapping[int, Leg], station: Station
) -> None:
    """An acceptance gives the call; the end of the line ends it, at once when it is known what came of it."""
    for item in news:
        if item.news in folding.ACCEPTANCES and item.position in legs:
            await ladder.accepted_elsewhere(
                session, call=call, position=item.position or 0, at=item.at, station=station
            )
    if call.row.line_ended_at is not None and call.state is CallState.CONNECTED:
        await ending.finish_accepted(session, call=call, at=call.row.line_ended_at)


async def _settle_later(session: TenantSession, *, calls: Iterable[OpenCall]) -> None:
    """Ask that what came of them be said, for the calls whose line is over and of which nobody has said it."""
    waiting = [
        call.row.id
        for call in calls
        if call.state is not CallState.ENDED and call.row.line_ended_at is not None and "line_ended_at" in call.changes
    ]
    if waiting:
        await outside.defer_each(
            session,
            "calls.settle",
            [{"call_id": call_id} for call_id in waiting],
            run_at=clock.now() + SETTLE_AFTER,
            unique=[f"calls.settle:{call_id}" for call_id in waiting],
        )


@functools.cache
def _update(names: frozenset[str]) -> sa.Update:
    table = core(Call)
    return (
        sa.update(table)
        .where(table.c.id == sa.bindparam("this_call", type_=sa.Uuid))
        .values({name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in sorted(names)})
    )


_TELL_PAGES = DirectStatement(
    sa.text("select platform.notify_live('calls', told) from unnest(cast(:calls as text[])) as told")
)


async def _write_calls(session: TenantSession, *, calls: Iterable[OpenCall]) -> None:
    """What changed of the calls, and the notice to open pages."""
    by_fields: dict[frozenset[str], list[dict[str, Any]]] = defaultdict(list)
    ids = []
    for call in calls:
        ids.append(str(call.row.id))
        if call.changes:
            values = {f"new_{name}": value for name, value in call.changes.items()}
            by_fields[frozenset(call.changes)].append({"this_call": call.row.id, **values})
    for names, rows in by_fields.items():
        await session.execute(_update(names), rows)
    if ids:
        await _TELL_PAGES.all(session, {"calls": ids})


# -------------------------------------------------------------------------------------------------------- settling


async def settle(session: TenantSession, *, call_id: UUID, station: Station) -> None:
    """Say what came of a call whose line is over, every source having had the time to tell. Harmless when it is said.

    Nobody took a call that went its way without us: it is owed a callback. Else the caller has left, as at any time.
    """
    row = await queries.lock_call(session, call_id=call_id)
    if row is None or row.state == CallState.ENDED or row.line_ended_at is None:
        return
    call = OpenCall(row, tells_each_leg=True)
    if call.state is CallState.CONNECTED:
        await ending.finish_accepted(session, call=call, at=row.line_ended_at)
    elif emergency.was_reconstructed(call) or (row.position or 0) >= rules.RESCUE_POSITION:
        await ending.missed_without_us(session, call=call, station=station)
    else:
        await ending.caller_left(session, call=call)
    await write_changes(session, call=call)


_ORPHANS = sa.select(_EVENTS.c.payload, _EVENTS.c.provider, _EVENTS.c.provider_call_id).where(
    _EVENTS.c.call_id.is_(None),
    _EVENTS.c.kind == "received",
    _EVENTS.c.received_at.between(
        sa.bindparam("since", type_=sa.DateTime(timezone=True)),
        sa.bindparam("before", type_=sa.DateTime(timezone=True)),
    ),
    ~sa.exists().where(
        core(Call).c.provider == _EVENTS.c.provider, core(Call).c.provider_call_id == _EVENTS.c.provider_call_id
    ),
)


async def settle_orphans(session: TenantSession, *, station: Station) -> int:
    """Write the calls of which nothing but the arrival was ever told: their callers are owed a call. How many."""
    now = clock.now()
    asked = {"since": now - timedelta(days=1), "before": now - 4 * SETTLE_AFTER}
    found = (await session.execute(_ORPHANS, asked)).all()
    for payload, provider, name in found:
        at = _told_at(payload)
        await rescue.reconstruct(
            session,
            notice=Notice(provider, name, "received", ""),
            called=station.cooperative.public_number,
            caller=caller_number(str(payload["event"].get("caller", ""))),
            at=at,
            note=emergency.ALONE,
        )
        calls = await _locked(session, provider=provider, names=[name])
        for call in calls.values():
            if call.state is CallState.ENDED:
                continue
            await emergency.tell_office(session, call=call, at=clock.now())
            call.set(line_ended_at=at)
            await ending.missed_without_us(session, call=call, station=station)
            await write_changes(session, call=call)
    return len(found)
