"""Rules of the rota: shifts of a semester, coverage, a fair draft. Pure: no database, no clock.

Every period is half-open `[start, end)` in UTC; the week is cut in Paris, so the nights of the two time changes are
covered like the others: their shifts last one hour less (March) or more (October) (R65, R105).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID

from maillage_kit.clock import paris, paris_instant
from maillage_kit.semester import Semester

HANDOVER_WEEKDAY = 4
"""Friday."""
HANDOVER_TIME = time(18)
WEEK = timedelta(days=7)
RANKS = (1, 2)
RANK_WEIGHT = {1: 1.0, 2: 0.5}
"""A week as backup asks half of what a week as first called asks. Our figure."""
NOTICE_DAYS = 30
"""Days before the semester by which its rota should be published (R65)."""
EMPLOYEE_NOTICE_DAYS = 15
"""Legal floor for employees (R63, R65)."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """`[starts_at, ends_at)`, in UTC."""

    starts_at: datetime
    ends_at: datetime

    def overlaps(self, other: "Period") -> bool:
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def within(self, other: "Period") -> bool:
        return other.starts_at <= self.starts_at and self.ends_at <= other.ends_at

    @property
    def weeks(self) -> float:
        return (self.ends_at - self.starts_at) / WEEK

    def __str__(self) -> str:
        return f"du {local(self.starts_at)} au {local(self.ends_at)}"


def local(instant: datetime) -> str:
    """`05/02/2027 18:00` in Paris; in the repeated hour of October, with the offset that tells the two apart (R105)."""
    wall = paris(instant)
    twice = wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()
    return f"{wall:%d/%m/%Y %H:%M}" + (f" (UTC{wall:%z})" if twice else "")


def whole(semester: Semester) -> Period:
    return Period(semester.starts_at, semester.ends_at)


def weekly_shifts(semester: Semester) -> tuple[Period, ...]:
    """The default pattern: whole weeks from Friday 18:00 to Friday 18:00 in Paris, the first and the last clipped to
    the semester (R65). They follow one another without gap or overlap and cover the semester exactly."""
    bounds = [semester.starts_at]
    first = semester.first_day
    day = first + timedelta(days=(HANDOVER_WEEKDAY - first.weekday()) % 7)
    while (handover := paris_instant(day, HANDOVER_TIME)) < semester.ends_at:
        if handover > semester.starts_at:
            bounds.append(handover)
        day += WEEK
    bounds.append(semester.ends_at)
    return tuple(Period(start, end) for start, end in pairwise(bounds))


def days_of(period: Period) -> tuple[date, date]:
    """The first and the last day in Paris that the period touches."""
    return paris(period.starts_at).date(), paris(period.ends_at - timedelta(microseconds=1)).date()


# --- coverage ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Post:
    """A place to fill. `name` in French, as gaps are told: « Secteur Vexin, serrurerie, rang 2 »."""

    id: int
    sector_id: UUID
    trade: str
    rank: int
    name: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody is on call for a post over a period."""

    post: Post
    period: Period

    def __str__(self) -> str:
        return f"{self.post.name} : {self.period}"


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two people hold the same post over a period."""

    post: Post
    period: Period

    def __str__(self) -> str:
        return f"{self.post.name} : deux personnes {self.period}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is wrong with a set of duties; nothing is when `ok`. Gaps and overlaps by post then time."""

    gaps: tuple[Gap, ...]
    overlaps: tuple[Overlap, ...]

    @property
    def ok(self) -> bool:
        return not self.gaps and not self.overlaps


def check_coverage(posts: Sequence[Post], duties: Mapping[int, Iterable[Period]], over: Period) -> Coverage:
    """Is every post held by exactly one person at every instant of `over`? `duties`: periods by post id.

    What lies outside `over` is not looked at. Consecutive gaps of a post are one gap.
    """
    gaps: list[Gap] = []
    overlaps: list[Overlap] = []
    for post in posts:
        held = sorted(period for period in duties.get(post.id, ()) if period.overlaps(over))
        reached = over.starts_at
        for period in held:
            if period.starts_at > reached:
                gaps.append(Gap(post, Period(reached, period.starts_at)))
            elif period.starts_at < reached and (twice := min(period.ends_at, reached)) > max(
                period.starts_at, over.starts_at
            ):
                overlaps.append(Overlap(post, Period(max(period.starts_at, over.starts_at), twice)))
            reached = max(reached, period.ends_at)
        if reached < over.ends_at:
            gaps.append(Gap(post, Period(reached, over.ends_at)))
    return Coverage(tuple(gaps), tuple(overlaps))


# --- a fair draft -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Worker:
    """A technician who may be given duties.

    `units`: weeks owed by the engagement this semester; 0 is never given any (R53). `homes`: sectors served first;
    `reach`: other sectors that may be served. `assignable`: per trade, the periods during which the documents are
    valid (R61), merged. `hard` absences are never crossed, `soft` ones are avoided. `busy`: duties held elsewhere.
    """

    technician_id: UUID
    member_id: UUID
    units: float
    homes: frozenset[UUID]
    reach: frozenset[UUID]
    assignable: Mapping[str, tuple[Period, ...]]
    hard: tuple[Period, ...] = ()
    soft: tuple[Period, ...] = ()


@dataclass(frozen=True, slots=True)
class Assignment:
    post: Post
    technician_id: UUID
    member_id: UUID
    period: Period


@dataclass(frozen=True, slots=True)
class Draft:
    """What the generator proposes, and the slots it could give to nobody, by name."""

    assignments: tuple[Assignment, ...]
    uncovered: tuple[Gap, ...]


@dataclass
class _Tally:
    """What each technician has been given so far."""

    load: dict[UUID, float] = field(default_factory=lambda: defaultdict(float))
    held: dict[UUID, list[Period]] = field(default_factory=lambda: defaultdict(list))

    def give(self, technician_id: UUID, post: Post, period: Period) -> None:
        self.load[technician_id] += RANK_WEIGHT[post.rank] * period.weeks
        self.held[technician_id].append(period)

    def busy(self, technician_id: UUID, period: Period) -> bool:
        return any(period.overlaps(other) for other in self.held[technician_id])


def draft_rota(
    posts: Sequence[Post],
    workers: Sequence[Worker],
    shifts: Sequence[Period],
    *,
    fixed: Sequence[Assignment] = (),
    before: frozenset[UUID] = frozenset(),
) -> Draft:
    """Give every post of every shift to somebody. Deterministic: the same input gives the same rota.

    Hard: one person one place at a time (so never rank 1 and rank 2 together), documents valid over the whole shift
    (R61), no hard absence crossed, only home sectors and their neighbours, `fixed` duties kept. Within a shift as many
    posts are filled as these rules allow, rank 1 first: an assignment is moved when that fills one more post.
    Then, in this order: avoid two consecutive weeks, avoid soft absences, nobody beyond the engagement while somebody
    else is below, home sectors before neighbours, the smallest load in proportion to the engagement.
    `before`: who was on call in the last week before the first shift.
    """
    tally = _Tally()
    for kept in fixed:
        tally.give(kept.technician_id, kept.post, kept.period)
    held: dict[int, list[Period]] = defaultdict(list)
    for kept in fixed:
        held[kept.post.id].append(kept.period)
    people = sorted((worker for worker in workers if worker.units > 0), key=lambda worker: worker.technician_id.hex)
    assignments: list[Assignment] = []
    uncovered: list[Gap] = []
    previous = before
    for shift in shifts:
        slots = check_coverage(posts, held, shift).gaps if fixed else tuple(Gap(post, shift) for post in posts)
        given = _fill(slots, people, tally, previous)
        for slot, worker in given:
            tally.give(worker.technician_id, slot.post, slot.period)
            assignments.append(Assignment(slot.post, worker.technician_id, worker.member_id, slot.period))
        taken = {(slot.post.id, slot.period) for slot, _ in given}
        uncovered += [slot for slot in slots if (slot.post.id, slot.period) not in taken]
        previous = frozenset(worker.technician_id for _, worker in given) | frozenset(
            kept.technician_id for kept in fixed if kept.period.overlaps(shift)
        )
    return Draft(tuple(assignments), _joined(uncovered))


def _fill(
    slots: Sequence[Gap], people: Sequence[Worker], tally: _Tally, previous: frozenset[UUID]
) -> list[tuple[Gap, Worker]]:
    """The slots of one shift and who takes each: a maximum matching, rank 1 first, cheapest first along the way."""
    able = [[worker for worker in people if _may_take(worker, slot, tally)] for slot in slots]
    order = sorted(
        range(len(slots)), key=lambda index: (slots[index].post.rank, len(able[index]), slots[index].post.id)
    )
    holder: dict[UUID, int] = {}
    choices = {
        index: sorted(able[index], key=lambda worker: _cost(worker, slots[index], tally, previous)) for index in order
    }

    def place(index: int, seen: set[UUID]) -> bool:
        for worker in choices[index]:
            if worker.technician_id not in holder:
                holder[worker.technician_id] = index
                return True
        for worker in choices[index]:
            if worker.technician_id in seen:
                continue
            seen.add(worker.technician_id)
            if place(holder[worker.technician_id], seen):
                holder[worker.technician_id] = index
                return True
        return False

    for index in order:
        place(index, set())
    by_id = {worker.technician_id: worker for worker in people}
    found = sorted((index, technician_id) for technician_id, index in holder.items())
    return [(slots[index], by_id[technician_id]) for index, technician_id in found]


def _may_take(worker: Worker, slot: Gap, tally: _Tally) -> bool:
    sector = slot.post.sector_id
    return (
        (sector in worker.homes or sector in worker.reach)
        and any(slot.period.within(valid) for valid in worker.assignable.get(slot.post.trade, ()))
        and not any(slot.period.overlaps(absence) for absence in worker.hard)
        and not tally.busy(worker.technician_id, slot.period)
    )


def _cost(
    worker: Worker, slot: Gap, tally: _Tally, previous: frozenset[UUID]
) -> tuple[bool, bool, bool, bool, float, str]:
    load = tally.load[worker.technician_id]
    after = load + RANK_WEIGHT[slot.post.rank] * slot.period.weeks
    return (
        worker.technician_id in previous,
        any(slot.period.overlaps(wish) for wish in worker.soft),
        after > worker.units,
        slot.post.sector_id not in worker.homes,
        after / worker.units,
        worker.technician_id.hex,
    )


def _joined(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Gaps of a post that touch are one; by post then time."""
    joined: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: (gap.post.id, gap.period)):
        if joined and joined[-1].post.id == gap.post.id and joined[-1].period.ends_at == gap.period.starts_at:
            joined[-1] = Gap(gap.post, Period(joined[-1].period.starts_at, gap.period.ends_at))
        else:
            joined.append(gap)
    return tuple(joined)
