"""Published duties that their holder can no longer hold: who leaves, stops, is away, or whose papers end (R61)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import paris_instant
from maillage_kit.db import TenantSession
from maillage_tenants import members
from maillage_tenants.rota import queries_planning
from maillage_tenants.rota.models import Rota
from maillage_tenants.rota.queries_planning import Held
from maillage_tenants.rota.rules import Period, days_of


@dataclass(frozen=True, slots=True)
class Losing:
    """Somebody who can no longer hold some of their published duties. `soonest`: the first of them; `why`: of that one,
    in French."""

    name: str
    duties: int
    soonest: Period
    why: str


async def losing(session: TenantSession, *, rota: Rota, trades: TradeRegistry) -> tuple[Losing, ...]:
    """Everybody who loses duties to come of a published rota, whose are the soonest first: what a repair gives to
    others."""
    now = clock.now()
    held = [
        duty
        for duty in await queries_planning.held(session, rota_id=rota.id)
        if duty.trade in trades and duty.period.ends_at > now
    ]
    if not held:
        return ()
    people = list({duty.technician_id for duty in held})
    standings = {one.technician_id: one for one in await members.standings(session, technician_ids=people)}
    absences: dict[UUID, list[Period]] = defaultdict(list)
    over = Period(min(duty.period.starts_at for duty in held), max(duty.period.ends_at for duty in held))
    for row in await queries_planning.away(session, over=over):
        if row.hard:
            absences[row.technician_id].append(Period(row.starts_at, row.ends_at))
    lost: dict[UUID, list[Held]] = defaultdict(list)
    for duty in sorted(held, key=lambda duty: duty.period):
        standing = standings[duty.technician_id]
        if held_until(duty, absences[duty.technician_id], standing, now) < duty.period.ends_at:
            lost[duty.technician_id].append(duty)
    names = {row.id: row.name for row in await members.technicians(session, active_only=False)} if lost else {}
    return tuple(
        Losing(names[person], len(duties), duties[0].period, _why(duties[0], standings[person], now))
        for person, duties in lost.items()
    )


def held_until(held: Held, absences: Iterable[Period], standing: members.Standing | None, now: datetime) -> datetime:
    """The instant, from now on, at which the holder of a duty no longer can: an absence, a membership or a paper that
    ends (R61), somebody who does not work any more (`standing` None). The end of the duty when nothing stands against
    it; what is over stays as it was."""
    period = held.period
    if period.ends_at <= now:
        return period.ends_at
    since = max(period.starts_at, now)
    first, last = days_of(Period(since, period.ends_at))
    stretches = members.assignable_days(standing, held.trade, first, last) if standing is not None else ()
    able = next((stop for start, stop in stretches if start <= first), None)
    if able is None:
        return since
    ends = [period.ends_at] if able == last else [paris_instant(able + timedelta(days=1))]
    ends += [max(since, one.starts_at) for one in absences if one.overlaps(period) and one.ends_at > since]
    return min(ends)


def _why(held: Held, standing: members.Standing, now: datetime) -> str:
    left = Period(max(held.period.starts_at, now), held.period.ends_at)
    return members.assignability_over(standing, held.trade, *days_of(left)).reason or "Absence"
