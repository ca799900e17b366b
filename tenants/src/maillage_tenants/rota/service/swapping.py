"""Duties change hands by agreement (R62): an exchange, a duty given away, a change that the office asks for.

Nothing changes before it is accepted; then everything changes in one transaction, under the lock of the rota, and
what was true before stays provable.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_tenants import alarms, audit, members, messages
from maillage_tenants.rota import queries, queries_life, queries_swaps
from maillage_tenants.rota.errors import (
    DutyBegun,
    DutyChanged,
    NotAssignable,
    SwapOver,
    UnknownDuty,
    UnknownSwap,
)
from maillage_tenants.rota.models import Duty
from maillage_tenants.rota.models_swaps import Swap, SwapKind, SwapState
from maillage_tenants.rota.queries_swaps import SwapLine
from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.service.changing import change_duty
from maillage_tenants.rota.service.common import refusals
from maillage_tenants.rota.service.fitness import People, able, candidates, people_of

SOON = timedelta(hours=48)
"""A duty that begins before that does not wait for the end of quiet hours."""
PAGE = "/field/duties/market"
BY_ITSELF = "Maillage"


async def ask_exchange(
    session: TenantSession, *, duty_id: UUID, wanted_duty_id: UUID, technician_id: UUID, by: str, reason: str = ""
) -> Swap:
    """Propose one's own duty against a colleague's, who is told. Both must be able to serve the other's.

    Raises UnknownDuty (somebody else's), DutyChanged, DutyBegun, NotAssignable, SwapOpen, Invalid (with oneself).
    """
    own, wanted = await _own(session, duty_id, technician_id), await _to_come(session, wanted_duty_id)
    if wanted.technician_id == technician_id:
        raise Invalid(fields={"wanted": "Choisissez l’astreinte d’un collègue."})
    both = {own.id, wanted.id}
    await _require_able(session, duty=wanted, technician_id=technician_id, besides=both)
    await _require_able(session, duty=own, technician_id=wanted.technician_id, besides=both)
    swap = await _propose(
        session,
        SwapKind.EXCHANGE,
        own,
        _whole(own),
        to=wanted.technician_id,
        wanted=wanted.id,
        by=by,
        reason=reason,
    )
    place = await queries_life.place(session, post_id=own.post_id)
    await _ask(
        session, swap, f"vous propose son astreinte {_whole(own)}, {place}, contre votre astreinte {_whole(wanted)}"
    )
    return swap


async def give_away(
    session: TenantSession, *, duty_id: UUID, technician_id: UUID, by: str, over: Period | None = None, reason: str = ""
) -> Swap:
    """Offer one's own duty, or the part of it inside `over`, to the first who may take it. Those who may are told; the
    desk too when it begins within 48 hours. Until somebody takes it, it stays where it is.

    Raises UnknownDuty (somebody else's), DutyChanged, DutyBegun, SwapOpen, Invalid.
    """
    own = await _own(session, duty_id, technician_id, begun_too=True)
    part = _part(own, over)
    swap = await _propose(session, SwapKind.GIFT, own, part, by=by, reason=reason)
    rota = await queries.get_rota(session, rota_id=own.rota_id)
    place = await queries_life.place(session, post_id=own.post_id)
    person = await members.get_technician(session, technician_id=technician_id)
    name = f"{person.first_name} {person.last_name}"
    for one in await able(session, rota=rota, post_id=own.post_id, period=part, besides={own.id}):
        if one.taker.technician_id != technician_id:
            await _tell(
                session,
                one.taker.technician_id,
                "duty_offered",
                messages.wording("duty_offered", period=part, place=place, name=name),
                key=f"swap:{swap.id}:{one.taker.technician_id}",
                soon=_soon(part),
            )
    if _soon(part):
        await _alarm_desk(
            session, swap, "duty_given_away", title=f"{name} cherche un remplaçant", detail=f"{place} {part}"
        )
    return swap


async def ask_for_change(
    session: TenantSession, *, duty_id: UUID, technician_id: UUID, by: str, reason: str, over: Period | None = None
) -> Swap:
    """The office asks somebody to take a duty: nothing changes before the person has agreed (R63).

    Raises UnknownDuty, DutyChanged, DutyBegun, NotAssignable, SwapOpen, Invalid.
    """
    duty = await _to_come(session, duty_id)
    part = _part(duty, over)
    await _require_able(session, duty=duty, technician_id=technician_id, period=part, besides={duty.id})
    swap = await _propose(session, SwapKind.REQUEST, duty, part, to=technician_id, by=by, reason=reason)
    place = await queries_life.place(session, post_id=duty.post_id)
    await _ask(session, swap, f"vous demande de prendre l’astreinte {part}, {place}", name="La coopérative")
    return swap


async def accept_swap(session: TenantSession, *, swap_id: UUID, technician_id: UUID, by: str) -> Swap:
    """Agree: the rota changes now, all of it or nothing. For a gift the first wins.

    Raises UnknownSwap (asked of somebody else), SwapOver, DutyChanged, DutyBegun, NotAssignable, TwoPlaces.
    """
    line = await queries_swaps.swap(session, swap_id=swap_id)
    _require_asked(line, technician_id)
    if line.state != SwapState.PROPOSED:
        raise SwapOver
    duties = [duty_id for duty_id in (line.duty_id, line.wanted_duty_id) if duty_id]
    await _lock_rotas(session, duties)
    swap = await _open(session, swap_id)
    for duty_id in duties:
        await _to_come(session, duty_id, begun_too=line.kind == SwapKind.GIFT)
    receiver = await members.get_technician(session, technician_id=technician_id)
    why = _why(line, f"{receiver.first_name} {receiver.last_name}")
    begun = max(swap.starts_at, clock.now())
    await change_duty(
        session,
        duty_id=line.duty_id,
        technician_id=technician_id,
        by=by,
        reason=why,
        over=Period(begun, swap.ends_at),
        besides=frozenset({line.wanted_duty_id} if line.wanted_duty_id else ()),
    )
    if line.wanted_duty_id:
        await change_duty(session, duty_id=line.wanted_duty_id, technician_id=line.from_id, by=by, reason=why)
    swap.to_technician_id = technician_id
    await _close(session, swap, SwapState.ACCEPTED, by=by)
    await _answer(session, line, by, "a accepté" if line.kind != SwapKind.GIFT else "prend votre place")
    return swap


async def decline_swap(session: TenantSession, *, swap_id: UUID, technician_id: UUID, by: str) -> Swap:
    """Say no; nobody has to say why (R62). Raises UnknownSwap, SwapOver."""
    line = await queries_swaps.swap(session, swap_id=swap_id)
    if line.kind == SwapKind.GIFT:
        raise UnknownSwap
    _require_asked(line, technician_id)
    swap = await _open(session, swap_id)
    await _close(session, swap, SwapState.DECLINED, by=by)
    await _answer(session, line, by, "a refusé")
    if line.kind == SwapKind.REQUEST:
        await _alarm_desk(
            session,
            swap,
            "duty_declined",
            title=f"{line.to_name} ne prend pas l’astreinte demandée",
            detail=f"Secteur {line.sector_name}, rang {line.rank} {line.period}",
        )
    return swap


async def cancel_swap(session: TenantSession, *, swap_id: UUID, by: str, technician_id: UUID | None = None) -> Swap:
    """Take a proposal back; with `technician_id`, only one's own. Raises UnknownSwap, SwapOver."""
    line = await queries_swaps.swap(session, swap_id=swap_id)
    if technician_id is not None and (line.from_id != technician_id or line.kind == SwapKind.REQUEST):
        raise UnknownSwap
    swap = await _open(session, swap_id)
    await _close(session, swap, SwapState.CANCELLED, by=by)
    return swap


async def gifts_for(session: TenantSession, *, technician_id: UUID) -> tuple[SwapLine, ...]:
    """What others give away and this person may take."""
    found, people = [], dict[UUID, People]()
    for line in await queries_swaps.gifts(session, besides=technician_id):
        if line.rota_id not in people:
            rota = await queries.get_rota(session, rota_id=line.rota_id)
            people[line.rota_id] = await people_of(session, rota=rota, technician_ids=[technician_id])
        place = await queries_life.place(session, post_id=line.post_id)
        if people[line.rota_id].may_take(place, line.period, technician_id=technician_id, besides={line.duty_id}):
            found.append(line)
    return tuple(found)


async def close_stale(session: TenantSession) -> None:
    """Proposals that can no longer be accepted are closed by themselves."""
    for swap in await queries_swaps.stale(session, at=clock.now()):
        await _close(session, swap, SwapState.CANCELLED, by=BY_ITSELF)


async def _to_come(session: TenantSession, duty_id: UUID, *, begun_too: bool = False) -> Duty:
    """A published duty that has not begun, or at least is not over. Raises UnknownDuty, DutyChanged, DutyBegun."""
    duty = await session.get(Duty, duty_id, populate_existing=True)
    if duty is None or not duty.live:
        raise UnknownDuty
    if duty.superseded_at is not None:
        raise DutyChanged
    if (duty.ends_at if begun_too else duty.starts_at) <= clock.now():
        raise DutyBegun
    return duty


async def _own(session: TenantSession, duty_id: UUID, technician_id: UUID, *, begun_too: bool = False) -> Duty:
    """As `_to_come`; somebody else's does not exist."""
    duty = await _to_come(session, duty_id, begun_too=begun_too)
    if duty.technician_id != technician_id:
        raise UnknownDuty
    return duty


async def _lock_rotas(session: TenantSession, duty_ids: Sequence[UUID]) -> None:
    """Always in the same order, so that two agreements never wait for each other."""
    rotas = {(await _to_come(session, duty_id, begun_too=True)).rota_id for duty_id in duty_ids}
    for rota_id in sorted(rotas):
        await queries.get_rota(session, rota_id=rota_id, lock=True)


async def _open(session: TenantSession, swap_id: UUID) -> Swap:
    swap = await session.get(Swap, swap_id, with_for_update=True, populate_existing=True)
    if swap is None:
        raise UnknownSwap
    if swap.state != SwapState.PROPOSED:
        raise SwapOver
    return swap


def _require_asked(line: SwapLine, technician_id: UUID) -> None:
    asked = line.from_id != technician_id if line.kind == SwapKind.GIFT else line.to_id == technician_id
    if not asked:
        raise UnknownSwap


async def _require_able(
    session: TenantSession, *, duty: Duty, technician_id: UUID, besides: set[UUID], period: Period | None = None
) -> None:
    rota = await queries.get_rota(session, rota_id=duty.rota_id)
    found = await candidates(
        session,
        rota=rota,
        post_id=duty.post_id,
        period=period or _whole(duty),
        technician_ids=[technician_id],
        besides=besides,
    )
    if not found:
        raise NotAssignable("Cette personne n’est plus active.")
    for objection in found[0].objections:
        if objection.hard:
            raise NotAssignable(f"{found[0].taker.name} : {objection.text}.")


async def _propose(
    session: TenantSession,
    kind: SwapKind,
    duty: Duty,
    part: Period,
    *,
    by: str,
    reason: str,
    to: UUID | None = None,
    wanted: UUID | None = None,
) -> Swap:
    swap = Swap(
        kind=kind,
        duty_id=duty.id,
        starts_at=part.starts_at,
        ends_at=part.ends_at,
        from_technician_id=duty.technician_id,
        to_technician_id=to,
        wanted_duty_id=wanted,
        reason=reason.strip(),
        created_by=by,
    )
    async with refusals(session):
        session.add(swap)
    await _record(session, swap, "proposed", by=by)
    return swap


async def _close(session: TenantSession, swap: Swap, state: SwapState, *, by: str) -> None:
    swap.state, swap.decided_at, swap.decided_by = state, clock.now(), by
    await session.flush()
    await alarms.resolve_alarm(session, dedupe_key=_alarm(swap.id), by=by)
    await _record(session, swap, state.value, by=by)


async def _alarm_desk(session: TenantSession, swap: Swap, kind: str, *, title: str, detail: str) -> None:
    """One alarm a proposal, at most."""
    await alarms.raise_alarm(
        session,
        kind=kind,
        severity=alarms.Severity.WARNING,
        title=title,
        detail=detail,
        link=f"/rota/duties/{swap.duty_id}",
        dedupe_key=_alarm(swap.id),
        subject_id=swap.duty_id,
    )


async def _record(session: TenantSession, swap: Swap, what: str, *, by: str) -> None:
    await audit.record(
        session,
        actor=by,
        action=f"rota.swap_{what}",
        subject_type="swap",
        subject_id=swap.id,
        detail={
            "kind": swap.kind,
            "duty": str(swap.duty_id),
            "wanted": str(swap.wanted_duty_id or ""),
            "from": str(swap.from_technician_id),
            "to": str(swap.to_technician_id or ""),
        },
    )


async def _ask(session: TenantSession, swap: Swap, asks: str, *, name: str = "") -> None:
    if swap.to_technician_id is None:
        return
    giver = await members.get_technician(session, technician_id=swap.from_technician_id)
    body = messages.wording("swap_asked", name=name or f"{giver.first_name} {giver.last_name}", asks=asks)
    await _tell(session, swap.to_technician_id, "swap_asked", body, key=f"swap:{swap.id}", soon=True)


async def _answer(session: TenantSession, line: SwapLine, by: str, verdict: str) -> None:
    """To who proposed. The change itself was told by `change_duty`; what the office asked is on its desk."""
    if line.kind == SwapKind.REQUEST:
        return
    place = f"secteur {line.sector_name}, rang {line.rank}"
    body = messages.wording("swap_answered", name=by, verdict=verdict, period=line.period, place=place)
    await _tell(session, line.from_id, "swap_answered", body, key=f"swap:{line.id}:answered", soon=True)


async def _tell(session: TenantSession, technician_id: UUID, purpose: str, body: str, *, key: str, soon: bool) -> None:
    person = await members.get_technician(session, technician_id=technician_id)
    await messages.tell(
        session,
        person=messages.Person(person.id, person.phone, person.email),
        body=body,
        purpose=purpose,
        urgency=messages.Urgency.PROMPT if soon else messages.Urgency.ROUTINE,
        link=PAGE,
        dedupe_key=key,
    )


def _why(line: SwapLine, receiver: str) -> str:
    """The reason kept with the duties that change."""
    asked = {
        SwapKind.EXCHANGE: f"Échange entre {line.from_name} et {receiver}",
        SwapKind.GIFT: f"Cédée par {line.from_name}, prise par {receiver}",
        SwapKind.REQUEST: f"Demandée par {line.created_by}, acceptée par {receiver}",
    }[SwapKind(line.kind)]
    return f"{asked} : {line.reason}" if line.reason else asked


def _whole(duty: Duty) -> Period:
    return Period(duty.starts_at, duty.ends_at)


def _part(duty: Duty, over: Period | None) -> Period:
    part = over or _whole(duty)
    if part.ends_at <= part.starts_at or not part.within(_whole(duty)):
        raise Invalid(fields={"starts_at": f"Choisissez une période dans celle-ci : {_whole(duty)}."})
    return part


def _soon(part: Period) -> bool:
    return part.starts_at < clock.now() + SOON


def _alarm(swap_id: UUID) -> str:
    return f"swap:{swap_id}"
