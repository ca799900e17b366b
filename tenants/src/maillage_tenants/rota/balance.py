"""Who has done how much, by kind, and what would have been fair (R53, R64). Pure.

Counts by the same units and shares by the same principle as the solver, but from duties as they are, whoever made them:
a unit counts for whoever holds the greatest part of it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.solver.fairness import shares
from maillage_tenants.rota.solver.units import KIND_LABELS, Kind, Pattern, Unit, duty_units

FIRST, BACKUP = "first", "backup"
"""All units at rank 1, all units at other ranks."""
LOAD = "load"
"""Units at rank 1, each times the points that its kind weighs (R64)."""
CATEGORIES: tuple[str, ...] = (*(kind.value for kind in Kind), FIRST, BACKUP)
CATEGORY_LABELS: Mapping[str, str] = {
    **{kind.value: label for kind, label in KIND_LABELS.items()},
    FIRST: "astreintes de rang 1",
    BACKUP: "astreintes de rang 2",
    LOAD: "charge",
}
SHOWN = (
    FIRST,
    Kind.WEEKNIGHT.value,
    Kind.SATURDAY.value,
    Kind.SUNDAY.value,
    Kind.HOLIDAY.value,
    Kind.FESTIVE.value,
    BACKUP,
)
"""What pages show; weekdays weigh nothing by themselves."""
WITH_LOAD = (LOAD, *SHOWN)


@dataclass(frozen=True, slots=True)
class Counted:
    """Somebody whose units are counted. `homes`: sectors whose demand they share, `able`: by trade, the part of the
    semester, 0 to 1, over which membership and documents let them be on call."""

    person_id: UUID
    engagement: float
    homes: frozenset[UUID]
    able: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class DutyHeld:
    sector_id: UUID
    trade: str
    rank: int
    person_id: UUID
    period: Period


@dataclass(slots=True)
class Tally:
    """Of one person in one semester, by category: units that are over, units to come, and the fair share of both."""

    done: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CATEGORIES, 0))
    planned: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CATEGORIES, 0))
    owed: dict[str, float] = field(default_factory=lambda: dict.fromkeys(CATEGORIES, 0.0))
    holidays: set[str] = field(default_factory=set)

    def units(self, category: str) -> int:
        return self.done[category] + self.planned[category]

    def balance(self, category: str) -> float:
        """Above the fair share, or below when negative."""
        return round(self.units(category) - self.owed[category], 2)

    def weighed(self, points: Mapping[Kind, int]) -> "Tally":
        """The same with `LOAD`, by what each kind weighs."""
        return Tally(
            done=self.done | {LOAD: sum(points[kind] * self.done[kind.value] for kind in Kind)},
            planned=self.planned | {LOAD: sum(points[kind] * self.planned[kind.value] for kind in Kind)},
            owed=self.owed | {LOAD: sum(points[kind] * self.owed[kind.value] for kind in Kind)},
            holidays=self.holidays,
        )


units_of = lru_cache(maxsize=64)(duty_units)
"""The units of a pattern over a semester: the same for every sector that has it."""


def tallies(
    *,
    over: Period,
    department: str,
    desks: Mapping[tuple[UUID, str], Pattern],
    people: Sequence[Counted],
    duties: Sequence[DutyHeld],
    now: datetime,
    ranks: Sequence[int] = (1, 2),
) -> dict[UUID, Tally]:
    """By person: everybody of `people`, and whoever else holds a duty."""
    found: dict[UUID, Tally] = defaultdict(Tally)
    by_place: dict[tuple[UUID, str, int], list[DutyHeld]] = defaultdict(list)
    for duty in duties:
        by_place[duty.sector_id, duty.trade, duty.rank].append(duty)
    demand: dict[tuple[int, str], int] = defaultdict(int)
    for number, ((sector_id, trade), pattern) in enumerate(desks.items()):
        for unit in units_of(pattern, over, department):
            for rank in ranks:
                for category, count in _counts(unit, rank):
                    demand[number, category] += count
        for rank in ranks:
            here = sorted(by_place[sector_id, trade, rank], key=lambda duty: duty.period)
            _count(found, units_of(pattern, over, department), here, rank, now)
    numbers = {person.person_id: number for number, person in enumerate(people)}
    places = list(desks)
    pools = {
        number: {
            numbers[person.person_id]: person.engagement * person.able[trade]
            for person in people
            if sector_id in person.homes and person.engagement * person.able.get(trade, 0.0) > 0
        }
        for number, (sector_id, trade) in enumerate(places)
    }
    for category in CATEGORIES:
        asked = {number: demand[number, category] for number in pools if demand[number, category] and pools[number]}
        owed = shares(asked, {number: pools[number] for number in asked}, lambda _: 0.0)
        for number, share in owed.items():
            found[people[number].person_id].owed[category] = share
    return {**{person.person_id: Tally() for person in people}, **found}


def _counts(unit: Unit, rank: int) -> tuple[tuple[str, int], ...]:
    return ((FIRST, 1), *((kind.value, count) for kind, count in unit.counts)) if rank == 1 else ((BACKUP, 1),)


def _count(
    found: dict[UUID, Tally], units: Sequence[Unit], duties: Sequence[DutyHeld], rank: int, now: datetime
) -> None:
    """Give each unit of one place to whoever holds most of it. Both are in order of time, except that the periods of
    one unit may lie around another's."""
    for unit in units:
        last = unit.periods[-1].ends_at
        part: dict[UUID, timedelta] = defaultdict(timedelta)
        for duty in duties:
            if duty.period.starts_at >= last:
                break
            for period in unit.periods:
                shared = min(period.ends_at, duty.period.ends_at) - max(period.starts_at, duty.period.starts_at)
                if shared > timedelta():
                    part[duty.person_id] += shared
        if not part:
            continue
        holder = max(sorted(part), key=lambda person: part[person])
        tally = found[holder]
        side = tally.done if last <= now else tally.planned
        for category, count in _counts(unit, rank):
            side[category] += count
        if rank == 1:
            tally.holidays |= {name for _, name in unit.holidays}
