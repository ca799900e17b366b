"""May this person take this duty, and what would it cost in fairness? Pure: no database, no clock.

A hard objection forbids; the others are said before the choice and leave it to people (R62: the self-employed swap
freely).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from maillage_kit.clock import paris
from maillage_tenants.rota.rules import EMPLOYEE_NOTICE_DAYS, RANK_WEIGHT, Period, local
from maillage_tenants.rota.solver.instance import Rules

LONG = timedelta(days=6)
"""A duty that leaves no weekly rest inside it: the 35 hours come after (R63: L3132-2)."""
CLEAR_DAYS = 2
"""From one day to the next but one lies one clear day: the least notice of an employee (R63: L3121-12)."""
RULES = Rules()
Needs = Callable[[Period, Period], int]
"""Hours of rest between two duties, the first and the next."""


@dataclass(frozen=True, slots=True)
class Held:
    """A duty that the person has besides the one in question."""

    period: Period
    rank: int


@dataclass(frozen=True, slots=True)
class Taker:
    """`unfit`: why the papers forbid it, empty when they do not (R8, R52, R61). `owed`: weeks owed this semester."""

    technician_id: UUID
    name: str
    employed: bool
    unfit: str
    held: tuple[Held, ...] = ()
    absences: tuple[Period, ...] = ()
    wishes: tuple[Period, ...] = ()
    at_home: bool = True
    owed: float = 0.0


@dataclass(frozen=True, slots=True)
class Objection:
    """`rule` is stable, `text` is French and says what is wrong, without the person's name."""

    rule: str
    text: str
    hard: bool


@dataclass(frozen=True, slots=True)
class Cost:
    """Weeks on call in the semester, a week as backup counting half, before and after; and those owed (R53)."""

    before: float
    after: float
    owed: float

    @property
    def over(self) -> float:
        """Weeks beyond the fair share afterwards; negative while there is room."""
        return self.after - self.owed


def objections(taker: Taker, *, rank: int, period: Period) -> tuple[Objection, ...]:
    """What speaks against it, what forbids first: papers, two places, absence, rest, habit, wish, distance."""
    found = list(_forbidding(taker, period))
    found += _speaking_against(taker, rank, period)
    return tuple(sorted(found, key=lambda one: not one.hard))


def cost(taker: Taker, *, rank: int, period: Period, over: Period, given: Sequence[Held] = ()) -> Cost:
    """What the duty adds to the person's semester `over`; `given`: what leaves it in the same act."""
    held = [*taker.held, *given]
    before = sum(_load(one, over) for one in held)
    after = sum(_load(one, over) for one in taker.held) + _load(Held(period, rank), over)
    return Cost(before, after, taker.owed)


def locked(starts_at: datetime, *, now: datetime) -> bool:
    """From 15 days before it begins, a duty changes hands only with the agreement of who gets it (R63)."""
    return days_before(starts_at, now=now) < EMPLOYEE_NOTICE_DAYS


def too_late_for_employee(starts_at: datetime, *, now: datetime) -> bool:
    """Less than one clear day remains: an employee can no longer be asked by the office (R63)."""
    return days_before(starts_at, now=now) < CLEAR_DAYS


def days_before(starts_at: datetime, *, now: datetime) -> int:
    """Calendar days in Paris from today to the day it begins."""
    return (paris(starts_at).date() - paris(now).date()).days


def _forbidding(taker: Taker, period: Period) -> Iterator[Objection]:
    if taker.unfit:
        yield Objection("papers", taker.unfit, hard=True)
    for held in taker.held:
        if held.period.overlaps(period):
            yield Objection("overlap", f"déjà d’astreinte {held.period}", hard=True)
            break
    for absence in taker.absences:
        if absence.overlaps(period):
            yield Objection("absence", f"absent {absence}", hard=True)
            break
    if taker.employed:
        yield from _rest(taker.held, period, _employee_needs, hard=True)


def _speaking_against(taker: Taker, rank: int, period: Period) -> Iterator[Objection]:
    if not taker.employed and rank == 1:
        yield from _rest([one for one in taker.held if one.rank == 1], period, _self_employed_needs, hard=False)
    weeks = _weeks_running(taker.held, rank, period)
    if weeks > RULES.max_weeks_running:
        yield Objection("running", f"{weeks} semaines de suite", hard=False)
    if any(wish.overlaps(period) for wish in taker.wishes):
        yield Objection("wish", "préfère ne pas être d’astreinte alors", hard=False)
    if not taker.at_home:
        yield Objection("away", "hors de ses secteurs", hard=False)


def _employee_needs(first: Period, _then: Period) -> int:
    return max(RULES.employee_rest_hours, RULES.employee_weekly_rest_hours if _long(first) else 0)


def _self_employed_needs(first: Period, then: Period) -> int:
    """Whole weeks that follow one another are counted in weeks, not in hours."""
    both_long = _long(first) and _long(then)
    return 0 if both_long else RULES.rest_hours


def _rest(held: Iterable[Held], period: Period, needs: Needs, *, hard: bool) -> Iterator[Objection]:
    for one in held:
        if one.period.overlaps(period):
            continue
        first, then = sorted((one.period, period))
        needed = timedelta(hours=needs(first, then))
        free = then.starts_at - first.ends_at
        if free < needed:
            hours = int(free / timedelta(hours=1))
            yield Objection(
                "rest",
                f"repos de {hours} h au lieu de {needed // timedelta(hours=1)} h le {local(first.ends_at)}",
                hard=hard,
            )
            return


def _weeks_running(held: Iterable[Held], rank: int, period: Period) -> int:
    """Long duties at rank 1 that touch one another, this one among them."""
    if rank != 1 or not _long(period):
        return 0
    ends = {one.period.ends_at: one.period for one in held if one.rank == 1 and _long(one.period)}
    starts = {one.period.starts_at: one.period for one in held if one.rank == 1 and _long(one.period)}
    number, edge = 1, period.starts_at
    while edge in ends:
        number, edge = number + 1, ends[edge].starts_at
    edge = period.ends_at
    while edge in starts:
        number, edge = number + 1, starts[edge].ends_at
    return number


def _long(period: Period) -> bool:
    return period.ends_at - period.starts_at >= LONG


def _load(held: Held, over: Period) -> float:
    if not held.period.overlaps(over):
        return 0.0
    inside = Period(max(held.period.starts_at, over.starts_at), min(held.period.ends_at, over.ends_at))
    return RANK_WEIGHT[held.rank] * inside.weeks
