"""Is a rota fit to be published; publishing it by a recorded decision (R57); freezing it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import sqlalchemy as sa

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import paris
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.semester import Semester
from maillage_tenants import audit, members
from maillage_tenants.rota import queries
from maillage_tenants.rota.errors import NotADraft, NotPublished, RotaBroken, RotaHasGaps
from maillage_tenants.rota.models import Duty, Rota, RotaState
from maillage_tenants.rota.queries import DutyRow
from maillage_tenants.rota.rules import (
    EMPLOYEE_NOTICE_DAYS,
    NOTICE_DAYS,
    Gap,
    Period,
    Post,
    check_coverage,
    days_of,
    local,
    whole,
)
from maillage_tenants.rota.service.common import refusals


@dataclass(frozen=True, slots=True)
class Review:
    """What stands against publishing. `gaps` may be forced with a reason; `problems` must be corrected; `warnings`
    are told (notice of R65). All in French, fit to be shown."""

    gaps: tuple[Gap, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.gaps and not self.problems


async def review(session: TenantSession, *, rota_id: UUID, trades: TradeRegistry) -> Review:
    """Coverage of the whole semester, one person one place, everybody assignable all along (R61); of a published rota,
    what is still to come.

    Raises UnknownRota.
    """
    rota = await queries.get_rota(session, rota_id=rota_id)
    semester = Semester.parse(rota.semester)
    posts = await queries.posts(session, semester=semester, trades=trades)
    duties = await queries.duties(session, rota_id=rota_id)
    held: dict[int, list[Period]] = defaultdict(list)
    for duty in duties:
        held[duty.post_id].append(duty.period)
    over = whole(semester)
    if rota.state != RotaState.DRAFT:
        over = Period(min(max(over.starts_at, clock.now()), over.ends_at), over.ends_at)
        duties = tuple(duty for duty in duties if duty.ends_at > over.starts_at)
    coverage = check_coverage(posts, held, over)
    problems = [str(overlap) for overlap in coverage.overlaps]
    problems += _two_places(duties)
    problems += await _not_assignable(session, duties, posts)
    return Review(coverage.gaps, tuple(problems), await _warnings(session, rota, semester, duties))


async def publish(
    session: TenantSession,
    *,
    rota_id: UUID,
    decision: str,
    by: str,
    trades: TradeRegistry,
    despite_gaps: str = "",
) -> Rota:
    """Make a draft the rota of its semester, by a recorded decision: who, when, which meeting (R57). From then on its
    duties answer `on_call` and are never edited.

    `despite_gaps`: the written reason to publish with holes. Raises UnknownRota, NotADraft, Invalid (no decision),
    RotaBroken, RotaHasGaps, RotaExists (another one was published meanwhile).
    """
    rota = await queries.get_rota(session, rota_id=rota_id, lock=True)
    if rota.state != RotaState.DRAFT:
        raise NotADraft
    decision = decision.strip()
    if not decision:
        raise Invalid(fields={"decision": "Indiquez la décision : réunion, date, vote."})
    found = await review(session, rota_id=rota_id, trades=trades)
    if found.problems:
        raise RotaBroken(found.problems)
    forced = despite_gaps.strip()
    if found.gaps and not forced:
        raise RotaHasGaps([str(gap) for gap in found.gaps])
    now = clock.now()
    if found.gaps:
        decision += f" — Publié avec {len(found.gaps)} trou{'s' if len(found.gaps) > 1 else ''} : {forced}"
    async with refusals(session):
        rota.state = RotaState.PUBLISHED
        rota.published_at, rota.published_by, rota.decision = now, by, decision
        await session.flush()
        # The rota is known to the outside from now on, not from when it was drafted.
        await session.execute(
            sa.update(Duty)
            .where(Duty.rota_id == rota_id)
            .values(live=True, recorded_at=now)
            .execution_options(synchronize_session=False)
        )
    await audit.record(
        session,
        actor=by,
        action="rota.published",
        subject_type="rota",
        subject_id=rota_id,
        detail={"semester": rota.semester, "decision": decision, "gaps": [str(gap) for gap in found.gaps[:100]]},
    )
    return rota


async def freeze(session: TenantSession, *, rota_id: UUID, by: str, decision: str) -> Rota:
    """Close a published rota by a recorded decision: afterwards a person can be replaced and a hole closed, with a
    reason, but nothing is taken out any more. Raises UnknownRota, NotPublished, Invalid (no decision)."""
    rota = await queries.get_rota(session, rota_id=rota_id, lock=True)
    if rota.state != RotaState.PUBLISHED:
        raise NotPublished
    if not decision.strip():
        raise Invalid(fields={"decision": "Indiquez la décision : réunion, date, vote."})
    rota.state = RotaState.FROZEN
    rota.frozen_at, rota.frozen_by = clock.now(), by
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action="rota.frozen",
        subject_type="rota",
        subject_id=rota_id,
        detail={"semester": rota.semester, "decision": decision.strip()},
    )
    return rota


def _two_places(duties: Sequence[DutyRow]) -> list[str]:
    problems = []
    by_person: dict[UUID, list[DutyRow]] = defaultdict(list)
    for duty in duties:
        by_person[duty.technician_id].append(duty)
    for held in by_person.values():
        held.sort(key=lambda duty: duty.starts_at)
        for one, other in pairwise(held):
            if one.period.overlaps(other.period):
                problems.append(f"{one.name} est à deux endroits à la fois à partir du {local(other.starts_at)}")
    return problems


async def _not_assignable(session: TenantSession, duties: Sequence[DutyRow], posts: Sequence[Post]) -> list[str]:
    trade_of = {post.id: post.trade for post in posts}
    ids = list({duty.technician_id for duty in duties})
    standings = {standing.technician_id: standing for standing in await members.standings(session, technician_ids=ids)}
    problems: dict[str, None] = {}
    for duty in duties:
        trade = trade_of.get(duty.post_id)
        if trade is not None:
            verdict = members.assignability_over(standings[duty.technician_id], trade, *days_of(duty.period))
            if not verdict.ok:
                problems[f"{duty.name} {duty.period} : {verdict.reason}"] = None
    return list(problems)


async def _warnings(
    session: TenantSession, rota: Rota, semester: Semester, duties: Sequence[DutyRow]
) -> tuple[str, ...]:
    """The notice of R65, as long as the rota is not published."""
    if rota.state != RotaState.DRAFT:
        return ()
    days = (semester.first_day - paris(clock.now()).date()) // timedelta(days=1)
    warnings = []
    if days < NOTICE_DAYS:
        left = f"commence dans {days} jour{'s' if days > 1 else ''}" if days > 0 else "a déjà commencé"
        warnings.append(f"Le semestre {left} : un planning se publie au moins {NOTICE_DAYS} jours avant.")
    if days < EMPLOYEE_NOTICE_DAYS and duties:
        on_call_ids = {duty.technician_id for duty in duties}
        employed = sorted(
            person.name for person in await members.technicians(session) if person.employed and person.id in on_call_ids
        )
        if employed:
            named = ", ".join(employed[:5]) + ("…" if len(employed) > 5 else "")
            warnings.append(f"Les salariés sont prévenus {EMPLOYEE_NOTICE_DAYS} jours avant (R63) : {named}.")
    return tuple(warnings)
