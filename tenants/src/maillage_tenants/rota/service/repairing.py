"""Carrying out a repair of the published rota: everything at once, with a reason, the history kept (R57, R65)."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.semester import Semester
from maillage_tenants import audit, members, messages
from maillage_tenants.rota import queries, queries_planning
from maillage_tenants.rota.errors import NothingToApply, ReasonRequired, RotaMoved, TwoPlaces
from maillage_tenants.rota.models import Rota, RotaState
from maillage_tenants.rota.models_planning import RunKind, RunState, SolveRun
from maillage_tenants.rota.queries_planning import Held
from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.service.common import new_duty, outside, refusals, require_assignable
from maillage_tenants.rota.solver.reports import Move


@dataclass(frozen=True, slots=True)
class Step:
    """One post over one period, from whom to whom; None is nobody. `gone`: the post's sector is no more."""

    post_id: int
    post_name: str
    trade: str
    period: Period
    before: UUID | None
    after: UUID | None
    gone: bool = False


def moves_of(run: SolveRun) -> tuple[Move, ...]:
    """What a repair proposes."""
    return msgspec.convert((run.result or {}).get("moves", []), type=tuple[Move, ...])


async def steps(session: TenantSession, *, run: SolveRun, trades: TradeRegistry) -> tuple[Step, ...]:
    """What carrying a repair out would change now, by time then post; what is over meanwhile is left out."""
    if run.base_rota_id is None:
        return ()
    now = clock.now()
    posts = {
        (post.sector_id, post.trade, post.rank): post
        for post in await queries.posts(session, semester=Semester.parse(run.semester), trades=trades)
    }
    known = {post.id for post in posts.values()}
    duties = await queries_planning.held(session, rota_id=run.base_rota_id)
    by_post: dict[int, list[Held]] = defaultdict(list)
    for duty in duties:
        by_post[duty.post_id].append(duty)
    found: list[Step] = []
    for move in moves_of(run):
        post = posts.get((move.sector_id, move.trade, move.rank))
        for period in move.periods if post is not None else ():
            if post is not None and (left := _left(period, now)) is not None:
                holders = {duty.technician_id for duty in by_post[post.id] if duty.period.overlaps(left)}
                before = next(iter(holders)) if len(holders) == 1 else move.before
                found.append(Step(post.id, post.name, move.trade, left, before, move.after))
    for duty in duties:
        if duty.post_id not in known and duty.trade in trades and (left := _left(duty.period, now)) is not None:
            name = f"Secteur supprimé, {trades.label(duty.trade).lower()}, rang {duty.rank}"
            found.append(Step(duty.post_id, name, duty.trade, left, duty.technician_id, None, gone=True))
    return tuple(sorted(found, key=lambda step: (step.period, step.post_id)))


async def apply_repair(session: TenantSession, *, run_id: UUID, by: str, reason: str, trades: TradeRegistry) -> int:
    """Carry a repair out: the duties that change hands are superseded, new ones recorded, everybody concerned is told
    once. Returns how many posts and periods changed.

    Raises UnknownRun, ReasonRequired, NothingToApply (not a finished repair, applied already, all over), RotaMoved (the
    rota was changed since it was solved), NotAssignable, TwoPlaces, DutyOverlap.
    """
    run = await queries_planning.get_run(session, run_id=run_id, lock=True)
    if run.kind != RunKind.REPAIR or run.state != RunState.DONE or run.applied_at or run.base_rota_id is None:
        raise NothingToApply
    if not reason.strip():
        raise ReasonRequired
    rota = await queries.get_rota(session, rota_id=run.base_rota_id, lock=True)
    if rota.state not in (RotaState.PUBLISHED, RotaState.FROZEN):
        raise NothingToApply
    if await queries_planning.changed_since(session, rota_id=rota.id, instant=run.asked_at):
        raise RotaMoved
    chosen = await steps(session, run=run, trades=trades)
    if not chosen:
        raise NothingToApply
    member_of = {}
    for step in chosen:
        if step.after is not None:
            member_of[step.after] = await require_assignable(
                session, technician_id=step.after, trade=step.trade, period=step.period
            )
    await _carry_out(session, rota, chosen, member_of, by=by, reason=reason.strip())
    run.applied_at, run.applied_by, run.applied_reason = clock.now(), by, reason.strip()
    await session.flush()
    await _refuse_two_places(session, rota, {step.after for step in chosen})
    await _tell(session, run, chosen)
    await audit.record(
        session,
        actor=by,
        action="rota.repaired",
        subject_type="rota",
        subject_id=rota.id,
        detail={"run": str(run.id), "changes": len(chosen), "reason": reason.strip()},
    )
    return len(chosen)


async def _carry_out(
    session: TenantSession, rota: Rota, chosen: Sequence[Step], member_of: Mapping[UUID, UUID], *, by: str, reason: str
) -> None:
    now = clock.now()
    taken: dict[int, list[Period]] = defaultdict(list)
    for step in chosen:
        taken[step.post_id].append(step.period)
    shared: dict[str, Any] = {"rota": rota, "live": True, "at": now, "by": by, "reason": reason}
    async with refusals(session):
        for duty in await queries_planning.duties_at(session, rota_id=rota.id, post_ids=list(taken)):
            held = Period(duty.starts_at, duty.ends_at)
            left = [held]
            for cut in taken[duty.post_id]:
                left = [piece for whole in left for piece in (outside(whole, cut) if whole.overlaps(cut) else (whole,))]
            if left == [held]:
                continue
            duty.superseded_at, duty.superseded_by = now, by
            await session.flush()
            for piece in left:
                session.add(
                    new_duty(
                        post_id=duty.post_id,
                        member_id=duty.member_id,
                        technician_id=duty.technician_id,
                        period=piece,
                        **shared,
                    )
                )
        for step in chosen:
            if step.after is not None:
                session.add(
                    new_duty(
                        post_id=step.post_id,
                        member_id=member_of[step.after],
                        technician_id=step.after,
                        period=step.period,
                        **shared,
                    )
                )


async def _refuse_two_places(session: TenantSession, rota: Rota, people: set[UUID | None]) -> None:
    by_person: dict[UUID, list[Period]] = defaultdict(list)
    for duty in await queries_planning.held(session, rota_id=rota.id):
        if duty.technician_id in people:
            by_person[duty.technician_id].append(duty.period)
    for periods in by_person.values():
        if any(one.overlaps(other) for one, other in pairwise(sorted(periods))):
            raise TwoPlaces


async def _tell(session: TenantSession, run: SolveRun, chosen: Sequence[Step]) -> None:
    """One message to each person whose duties change. The reason stays inside: it may be somebody's health."""
    given = Counter(step.after for step in chosen if step.after is not None)
    taken = Counter(step.before for step in chosen if step.before is not None)
    soonest = min(step.period.starts_at for step in chosen)
    for technician_id in sorted(given.keys() | taken.keys()):
        person = await members.get_technician(session, technician_id=technician_id)
        news = " et ".join(
            f"{count} astreinte{'s' if count > 1 else ''} {'vous sont' if count > 1 else 'vous est'} {what}"
            + ("es" if count > 1 else "e")
            for count, what in ((given[technician_id], "confié"), (taken[technician_id], "retiré"))
            if count
        )
        await messages.tell(
            session,
            person=messages.Person(person.id, person.phone, person.email),
            body=messages.wording(
                "duty_changed", news=news, place=f"À partir du {_day(soonest)} ; voyez vos astreintes"
            ),
            purpose="duty_changed",
            urgency=messages.Urgency.PROMPT if (soonest - clock.now()).total_seconds() < 86_400 else None,
            link="/field/duties",
            dedupe_key=f"repair:{run.id}:{technician_id}",
        )


def _day(instant: datetime) -> str:
    return f"{clock.paris(instant):%d/%m/%Y}"


def _left(period: Period, now: datetime) -> Period | None:
    """What of a period is still to come."""
    return None if period.ends_at <= now else Period(max(period.starts_at, now), period.ends_at)
