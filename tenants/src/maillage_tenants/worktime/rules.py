"""Effective work during on-call time (R63: L3121-9). Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from maillage_kit.clock import paris, paris_instant
from maillage_tenants.interventions import Outing
from maillage_tenants.rota import Period

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Worked:
    """One outing within a month. `periods` at work, in order, from whole minute to whole minute: a minute begun counts.
    `paused`: minutes of the closed list taken out (R20). `said`: leaving was said; else it counts from the arrival.
    `running`: still out, counted until now."""

    number: str
    trade: str | None
    periods: tuple[Period, ...]
    paused: int
    said: bool
    running: bool

    @property
    def minutes(self) -> int:
        return sum(minutes_of(period) for period in self.periods)


def worked_on_call(
    outings: Iterable[Outing], duties: Sequence[Period], over: Period, *, now: datetime
) -> tuple[Worked, ...]:
    """What of some outings of one person falls into `over`, of those that touch one of their duties: an outing that
    began on call counts to its end."""
    found = []
    for outing in outings:
        whole = Period(_floor(outing.began_at), _ceil(min(outing.ended_at or now, now)))
        inside = _inside(whole, over)
        if inside is None or not any(whole.overlaps(duty) for duty in duties):
            continue
        periods, paused = _without_pauses(inside, outing, now)
        found.append(
            Worked(
                outing.number,
                outing.trade,
                periods,
                paused,
                outing.said_leaving,
                outing.ended_at is None,
            )
        )
    return tuple(found)


def by_day(worked: Iterable[Worked]) -> tuple[tuple[date, int], ...]:
    """Minutes at work by day of Paris, in order; two outings at once count once. A night is cut at midnight, and lasts
    what it truly lasts when the clocks change."""
    days: dict[date, int] = defaultdict(int)
    for period in _merged(period for one in worked for period in one.periods):
        start = period.starts_at
        while start < period.ends_at:
            day = paris(start).date()
            end = min(paris_instant(day + timedelta(days=1)), period.ends_at)
            days[day] += minutes_of(Period(start, end))
            start = end
    return tuple(sorted(days.items()))


def minutes_of(period: Period) -> int:
    return (period.ends_at - period.starts_at) // MINUTE


def _without_pauses(inside: Period, outing: Outing, now: datetime) -> tuple[tuple[Period, ...], int]:
    """A minute that was worked in part is a minute at work: pauses are cut to the whole minutes inside them."""
    periods, start = [], inside.starts_at
    for pause in outing.pauses:
        first, last = _ceil(pause.started_at), _floor(pause.ended_at or now)
        first, last = max(first, start), min(last, inside.ends_at)
        if first < last:
            periods.append(Period(start, first))
            start = last
    periods.append(Period(start, inside.ends_at))
    kept = tuple(period for period in periods if period.starts_at < period.ends_at)
    return kept, minutes_of(inside) - sum(minutes_of(period) for period in kept)


def _merged(periods: Iterable[Period]) -> list[Period]:
    merged: list[Period] = []
    for period in sorted(periods):
        if merged and period.starts_at <= merged[-1].ends_at:
            merged[-1] = Period(merged[-1].starts_at, max(merged[-1].ends_at, period.ends_at))
        else:
            merged.append(period)
    return merged


def _inside(period: Period, over: Period) -> Period | None:
    start, end = max(period.starts_at, over.starts_at), min(period.ends_at, over.ends_at)
    return Period(start, end) if start < end else None


def _floor(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


def _ceil(instant: datetime) -> datetime:
    floor = _floor(instant)
    return floor if floor == instant else floor + MINUTE
