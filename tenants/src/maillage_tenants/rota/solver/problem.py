"""An instance made ready to solve: slots, who may take each and why not, what excludes what, fair shares.

Slots and people are numbers from here on. Whatever follows from the facts once and for all is computed here, so that
the model, the search, the explanations and the repairs read the same tables.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from maillage_kit.clock import paris, paris_instant
from maillage_tenants.rota.rules import Period, days_of
from maillage_tenants.rota.solver.fairness import shares
from maillage_tenants.rota.solver.instance import PROOFS, Days, Desk, Instance, Kept, Person
from maillage_tenants.rota.solver.units import Kind, Unit, cut, duty_units

LONG = timedelta(days=6)
"""A duty of that length holds a weekly rest of its own: what follows it is looked at week by week (R63, R64)."""
FIRST, BACKUP = "first", "backup"
"""Balanced beside the kinds: all units at rank 1, all units at other ranks."""
CATEGORIES: tuple[str, ...] = (*(kind.value for kind in Kind), FIRST, BACKUP)


class Obstacle(StrEnum):
    """Why a person cannot take a slot, whatever the others do."""

    NO_ENGAGEMENT = "no_engagement"
    TRADE = "trade"
    RANK = "rank"
    TOO_FAR = "too_far"
    MEMBERSHIP = "membership"
    PROOF = "proof"
    ABSENCE = "absence"
    REST_BEFORE = "rest_before"


@dataclass(frozen=True, slots=True)
class Slot:
    """`desk` and `unit` are numbers in `Problem.desks` and `Problem.units`."""

    desk: int
    unit: int
    rank: int


@dataclass(frozen=True, slots=True)
class Reason:
    """`detail`: the document's kind, the number of the absence, the minutes of road when they are known."""

    obstacle: Obstacle
    detail: str = ""


class Problem:
    """Read-only once made. `candidates[slot]`: the people who may take it as far as facts about themselves go."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.people: Sequence[Person] = instance.people
        self.desks: Sequence[Desk] = instance.desks
        self.sector_of = {sector.id: sector for sector in instance.sectors}
        self.units: list[Unit] = []
        self.desk_units: list[list[int]] = []
        self._cut_units()
        self.slots: list[Slot] = [
            Slot(desk, unit, rank)
            for desk, units in enumerate(self.desk_units)
            for unit in units
            for rank in instance.desks[desk].ranks
            if self._asked(instance.desks[desk], unit, rank)
        ]
        self.slot_number = {slot: number for number, slot in enumerate(self.slots)}
        self.slots_of_desk: list[list[int]] = [[] for _ in self.desks]
        for number, slot in enumerate(self.slots):
            self.slots_of_desk[slot.desk].append(number)
        self.person_number = {person.id: number for number, person in enumerate(self.people)}
        self._relate_units()
        self._find_candidates()
        self._price()
        self._share()

    # --- units --------------------------------------------------------------

    def _cut_units(self) -> None:
        """The units of every desk; a unit of which a published duty covers a part only is cut there."""
        instance = self.instance
        numbers: dict[tuple[Period, ...], int] = {}
        made: dict[object, tuple[Unit, ...]] = {}
        self._published: dict[tuple[UUID, str], list[Kept]] = defaultdict(list)
        for kept in instance.kept:
            self._published[kept.sector_id, kept.trade].append(kept)
        for desk in instance.desks:
            pattern = self.sector_of[desk.sector_id].pattern
            if pattern not in made:
                made[pattern] = duty_units(pattern, instance.over, instance.department)
            own = []
            here = sorted(self._published.get((desk.sector_id, desk.trade), ()), key=lambda kept: kept.period)
            for unit in made[pattern]:
                for piece in cut(unit, _changes_hands(unit, here)) if here else (unit,):
                    if piece.periods not in numbers:
                        numbers[piece.periods] = len(self.units)
                        self.units.append(piece)
                    own.append(numbers[piece.periods])
            self.desk_units.append(own)

    def _asked(self, desk: Desk, unit: int, rank: int) -> bool:
        """In a repair, nobody is looked for where nobody was on call and which is over."""
        since, periods = self.instance.since, self.units[unit].periods
        return (
            since is None
            or periods[-1].ends_at > since
            or any(
                kept.rank == rank and self.units[unit].overlaps(kept.period)
                for kept in self._published.get((desk.sector_id, desk.trade), ())
            )
        )

    def _relate_units(self) -> None:
        """Which units overlap, which leave too little rest between them, for members and for employees."""
        rules = self.instance.rules
        periods = sorted((period, number) for number, unit in enumerate(self.units) for period in unit.periods)
        self.overlapping: list[set[int]] = [set() for _ in self.units]
        self.too_close: list[set[int]] = [set() for _ in self.units]
        self.too_close_employee: list[set[int]] = [set() for _ in self.units]
        farthest = timedelta(hours=max(rules.rest_hours, rules.employee_rest_hours, rules.employee_weekly_rest_hours))
        for position, (period, number) in enumerate(periods):
            for later, other in periods[position + 1 :]:
                if later.starts_at >= period.ends_at + farthest:
                    break
                if other == number:
                    continue
                if later.starts_at < period.ends_at:
                    self.overlapping[number].add(other)
                    self.overlapping[other].add(number)
                    continue
                if rest_too_short(rules.rest_hours, period, later):
                    self.too_close[number].add(other)
                    self.too_close[other].add(number)
                if employee_rest_too_short(rules.employee_rest_hours, rules.employee_weekly_rest_hours, period, later):
                    self.too_close_employee[number].add(other)
                    self.too_close_employee[other].add(number)
        for number, others in enumerate(self.overlapping):
            self.too_close[number] -= others
            self.too_close_employee[number] -= others

    def close_units(self, person: int) -> list[set[int]]:
        return self.too_close_employee if self.people[person].employed else self.too_close

    def counts_for_rest(self, person: int, rank: int) -> bool:
        """Members rest between duties at rank 1 only; employees between all (R63, R64)."""
        return rank == 1 or self.people[person].employed

    @cached_property
    def together(self) -> frozenset[tuple[UUID, UUID]]:
        pairs = self.instance.together
        return pairs | {(other, one) for one, other in pairs}

    def may_join(self, one: int, other: int) -> bool:
        """May one person hold both slots at the same time? Two desks of sectors declared together (R64)."""
        a, b = self.desks[self.slots[one].desk], self.desks[self.slots[other].desk]
        return self.slots[one].desk != self.slots[other].desk and (a.sector_id, b.sector_id) in self.together

    @cached_property
    def rest_weeks(self) -> list[tuple[date, list[frozenset[int]]]]:
        """For employees, by calendar week: the units that each possible weekly rest would leave out. A week that the
        semester holds only in part is not looked at."""
        hours = self.instance.rules.employee_weekly_rest_hours
        weeks: list[tuple[date, list[frozenset[int]]]] = []
        if not hours:
            return weeks
        first = paris(self.instance.over.starts_at).date()
        monday = first + timedelta(days=-first.weekday() % 7)
        while (week := week_of(monday)).within(self.instance.over):
            inside = [
                (max(period.starts_at, week.starts_at), min(period.ends_at, week.ends_at), number)
                for number, unit in enumerate(self.units)
                for period in unit.periods
                if period.overlaps(week)
            ]
            found: set[frozenset[int]] = set()
            for start in {week.starts_at, *(ends_at for _, ends_at, _ in inside)}:
                end = start + timedelta(hours=hours)
                if end <= week.ends_at:
                    found.add(frozenset(n for s, e, n in inside if s < end and start < e))
            smallest = [rest for rest in found if not any(other < rest for other in found)]
            weeks.append((monday, sorted(smallest, key=sorted)))
            monday += timedelta(days=7)
        return weeks

    # --- who may ------------------------------------------------------------

    def _find_candidates(self) -> None:
        self._clear: dict[tuple[int, str], list[Reason | None]] = {}
        self.candidates: list[tuple[int, ...]] = [()] * len(self.slots)
        serving = [
            [number for number in range(len(self.people)) if self._posted(number, desk) is None] for desk in self.desks
        ]
        for number, slot in enumerate(self.slots):
            trade = self.desks[slot.desk].trade
            self.candidates[number] = tuple(
                person
                for person in serving[slot.desk]
                if slot.rank in self.people[person].ranks
                and self._timely(person, trade)[slot.unit] is None
                and self._after_before(person, slot) is None
            )
        self.slots_of_person: list[list[int]] = [[] for _ in self.people]
        for number, people in enumerate(self.candidates):
            for person in people:
                self.slots_of_person[person].append(number)

    def why_not(self, person: int, slot_number: int) -> Reason | None:
        """None when the person may take the slot as far as facts about them alone go."""
        slot = self.slots[slot_number]
        desk = self.desks[slot.desk]
        if (reason := self._posted(person, desk)) is not None:
            return reason
        if slot.rank not in self.people[person].ranks:
            return Reason(Obstacle.RANK)
        return self._timely(person, desk.trade)[slot.unit] or self._after_before(person, slot)

    def obstacles(self, person: int, slot_number: int) -> tuple[Reason, ...] | None:
        """Everything about the person themselves that keeps them from the slot, whatever may be changed: absences,
        documents, rank, distance, membership. None when it is not their trade or they owe nothing: nothing would help.
        """
        slot = self.slots[slot_number]
        facts, desk = self.people[person], self.desks[slot.desk]
        posted = self._posted(person, desk)
        if posted is not None and posted.obstacle is not Obstacle.TOO_FAR:
            return None
        found = [posted] if posted is not None else []
        if slot.rank not in facts.ranks:
            found.append(Reason(Obstacle.RANK))
        if self._timely(person, desk.trade)[slot.unit] is not None:
            proven = {kind: _merged(_days_of_proof(facts, kind, desk.trade)) for kind in PROOFS}
            found += _obstacles(facts, proven, self.units[slot.unit])
        if (before := self._after_before(person, slot)) is not None:
            found.append(before)
        return tuple(found)

    def _posted(self, number: int, desk: Desk) -> Reason | None:
        person = self.people[number]
        if person.engagement <= 0:
            return Reason(Obstacle.NO_ENGAGEMENT)
        if desk.trade not in person.trades:
            return Reason(Obstacle.TRADE)
        minutes = person.minutes.get(desk.sector_id)
        if minutes is None or minutes > desk.promised_minutes:
            return Reason(Obstacle.TOO_FAR, "" if minutes is None else str(minutes))
        return None

    def _timely(self, number: int, trade: str) -> list[Reason | None]:
        """By unit: what on those days keeps the person from a duty of that trade."""
        if (number, trade) not in self._clear:
            person = self.people[number]
            proven = {kind: _merged(_days_of_proof(person, kind, trade)) for kind in PROOFS}
            self._clear[number, trade] = [_obstacle(person, proven, unit) for unit in self.units]
        return self._clear[number, trade]

    @cached_property
    def _before(self) -> dict[int, list[Kept]]:
        found: dict[int, list[Kept]] = defaultdict(list)
        for kept in self.instance.before:
            if kept.person_id in self.person_number:
                found[self.person_number[kept.person_id]].append(kept)
        return found

    def _after_before(self, number: int, slot: Slot) -> Reason | None:
        """Rest after a duty of the semester before."""
        rules, person = self.instance.rules, self.people[number]
        for kept in self._before.get(number, ()):
            for period in self.units[slot.unit].periods:
                if person.employed:
                    close = employee_rest_too_short(
                        rules.employee_rest_hours, rules.employee_weekly_rest_hours, kept.period, period
                    )
                else:
                    close = slot.rank == kept.rank == 1 and rest_too_short(rules.rest_hours, kept.period, period)
                if close:
                    return Reason(Obstacle.REST_BEFORE)
        return None

    @cached_property
    def weeks_before(self) -> dict[int, set[int]]:
        """By person: the weeks before the semester with a duty at rank 1, numbered like the units' weeks."""
        first = paris(self.instance.over.starts_at).date()
        base = first - timedelta(days=first.weekday() + 7)
        weeks: dict[int, set[int]] = defaultdict(set)
        for number, held in self._before.items():
            weeks[number] |= {(days_of(kept.period)[0] - base).days // 7 for kept in held if kept.rank == 1}
        return weeks

    @cached_property
    def last_week(self) -> int:
        return max(unit.week for unit in self.units)

    # --- what it costs ------------------------------------------------------

    def _price(self) -> None:
        """Points of a slot given to a person, whoever takes the others."""
        weights, school = self.instance.weights, self._school_units()
        self.homes: list[tuple[int, ...]] = []
        home_sectors: list[frozenset[UUID]] = []
        for number, person in enumerate(self.people):
            nearest = sorted(person.minutes, key=lambda sector: (person.minutes[sector], sector.hex))[:1]
            homes = person.homes or frozenset(nearest)
            home_sectors.append(homes)
            self.homes.append(
                tuple(
                    at
                    for at, desk in enumerate(self.desks)
                    if desk.sector_id in homes and self._posted(number, desk) is None
                )
            )
        by_unit = [self._unit_costs(person, school) for person in range(len(self.people))]
        self.cost: list[dict[int, int]] = []
        for number, slot in enumerate(self.slots):
            sector = self.desks[slot.desk].sector_id
            self.cost.append(
                {
                    person: by_unit[person][slot.unit]
                    + (0 if sector in home_sectors[person] else weights.away)
                    + (weights.same_holiday if slot.rank == 1 and self._again(person, slot.unit) else 0)
                    for person in self.candidates[number]
                }
            )
        self.wanted: list[list[tuple[int, frozenset[int]]]] = [
            [
                (
                    wish.weight * weights.wish,
                    frozenset(n for n, unit in enumerate(self.units) if unit.overlaps(wish.period)),
                )
                for wish in person.wishes
                if wish.wanted and wish.weight
            ]
            for person in self.people
        ]
        self.follows: list[tuple[int, int]] = self._following_units()

    def _unit_costs(self, number: int, school: frozenset[int]) -> list[int]:
        person, wish = self.people[number], self.instance.weights.wish
        costs = [person.spare_school_holidays * wish if unit in school else 0 for unit in range(len(self.units))]
        for unwanted in person.wishes:
            if not unwanted.wanted:
                for unit, what in enumerate(self.units):
                    if what.overlaps(unwanted.period):
                        costs[unit] += unwanted.weight * wish
        return costs

    def _again(self, person: int, unit: int) -> bool:
        return any(name in self.people[person].held_last_year for _, name in self.units[unit].holidays)

    def _school_units(self) -> frozenset[int]:
        """Units of which the greater part lies in school holidays (R101)."""
        off = [
            Period(paris_instant(days.first), paris_instant(days.last + timedelta(days=1)))
            for days in self.instance.school_holidays
        ]
        found = set()
        for number, unit in enumerate(self.units):
            whole = sum(((p.ends_at - p.starts_at) for p in unit.periods), timedelta())
            inside = sum(
                (
                    min(p.ends_at, o.ends_at) - max(p.starts_at, o.starts_at)
                    for p in unit.periods
                    for o in off
                    if p.overlaps(o)
                ),
                timedelta(),
            )
            if inside * 2 > whole:
                found.add(number)
        return frozenset(found)

    def _following_units(self) -> list[tuple[int, int]]:
        """Pairs of units of the same block in two weeks running: unwelcome at rank 1 one after the other (R64)."""
        by_week: dict[tuple[str, int], list[int]] = defaultdict(list)
        for number, unit in enumerate(self.units):
            if not unit.apart:
                by_week[unit.block, unit.week].append(number)
        return [
            (one, other)
            for (block, week), ones in sorted(by_week.items())
            for one in ones
            for other in by_week.get((block, week + 1), ())
        ]

    # --- fair shares --------------------------------------------------------

    def _share(self) -> None:
        """`gains[slot]`: what the slot adds, by category. `quota[person]`: the fair share, by category; `band`: the
        whole numbers around it."""
        self.gains: list[tuple[tuple[str, int], ...]] = []
        for slot in self.slots:
            unit = self.units[slot.unit]
            if slot.rank == 1:
                worth = 1 if unit.counts or "/" not in unit.key else 0
                self.gains.append(((FIRST, worth), *((kind.value, number) for kind, number in unit.counts)))
            else:
                self.gains.append(((BACKUP, 1 if unit.counts or "/" not in unit.key else 0),))
        weights = self.instance.weights
        self.band_weight: dict[str, int] = {
            **{kind.value: weights.band.get(kind, 0) for kind in Kind},
            FIRST: weights.band_first,
            BACKUP: weights.band_backup,
        }
        owed = self.instance.owed
        self.quota: list[dict[str, float]] = (
            self._proportional() if owed is None else [dict(owed.get(person.id, {})) for person in self.people]
        )
        self.band: list[dict[str, tuple[int, int]]] = [
            {category: (math.floor(share + 1e-6), math.ceil(share - 1e-6)) for category, share in quota.items()}
            for quota in self.quota
        ]

    def _proportional(self) -> list[dict[str, float]]:
        """The proportion to the engagements, desk by desk, whatever the weeks allow."""
        quota: list[dict[str, float]] = [{} for _ in self.people]
        for category, pools in self.brought.items():
            asked = {desk: self._asked_of[desk, category] for desk in pools}
            for person, share in shares(asked, pools, lambda p, c=category: self.carried(p, c)).items():  # type: ignore[misc]
                quota[person][category] = share
        return quota

    @cached_property
    def _asked_of(self) -> dict[tuple[int, str], int]:
        """By desk and category: the units to hold."""
        asked: dict[tuple[int, str], int] = defaultdict(int)
        for number, slot in enumerate(self.slots):
            for category, gain in self.gains[number]:
                asked[slot.desk, category] += gain
        return asked

    @cached_property
    def brought(self) -> dict[str, dict[int, dict[int, float]]]:
        """By category and desk: the engagement that each person at home there brings to it. Documents or a membership
        that cover a part of the semester, or a rank that is never theirs, lighten it; absences do not."""
        able: dict[tuple[int, int, str], int] = defaultdict(int)
        for number, slot in enumerate(self.slots):
            for person in self.people_of_desk[slot.desk]:
                if slot.rank in self.people[person].ranks and self._proven(person, slot):
                    for category, gain in self.gains[number]:
                        able[slot.desk, person, category] += gain
        return {
            category: {
                desk: {
                    person: self.people[person].engagement * able[desk, person, category] / asked
                    for person in self.people_of_desk[desk]
                    if able[desk, person, category]
                }
                for desk in range(len(self.desks))
                if (asked := self._asked_of[desk, category])
            }
            for category in CATEGORIES
        }

    @cached_property
    def people_of_desk(self) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in self.desks]
        for person, desks in enumerate(self.homes):
            for desk in desks:
                found[desk].append(person)
        return found

    def _proven(self, person: int, slot: Slot) -> bool:
        """Absences do not lighten what is owed; days outside the membership or the documents do."""
        reason = self._timely(person, self.desks[slot.desk].trade)[slot.unit]
        return reason is None or reason.obstacle is Obstacle.ABSENCE

    def carried(self, number: int, category: str) -> float:
        """What counts as done already when that category is shared out."""
        person = self.people[number]
        if category == BACKUP:
            return person.carried_backup
        return 0.0 if category == FIRST else person.carried.get(Kind(category), 0.0)

    # --- published duties ---------------------------------------------------

    @cached_property
    def kept(self) -> tuple[dict[int, int], frozenset[int]]:
        """The published plan, by slot, and the slots that may not move. A duty that no slot has is left out."""
        plan: dict[int, int] = {}
        locked = set()
        desks = {(desk.sector_id, desk.trade): number for number, desk in enumerate(self.desks)}
        held: dict[tuple[int, int], list[Kept]] = defaultdict(list)
        for kept in self.instance.kept:
            desk = desks.get((kept.sector_id, kept.trade))
            if desk is not None:
                held[desk, kept.rank].append(kept)
        for number, slot in enumerate(self.slots):
            holders = [
                [k for k in held.get((slot.desk, slot.rank), ()) if period.within(k.period)]
                for period in self.units[slot.unit].periods
            ]
            people = {k.person_id for found in holders for k in found}
            if all(holders) and len(people) == 1:
                plan[number] = self.person_number[people.pop()]
                if any(k.locked for found in holders for k in found):
                    locked.add(number)
        return plan, frozenset(locked)

    # --- in words -----------------------------------------------------------

    def desk_name(self, desk: int) -> str:
        """« Vexin, Serrurerie »."""
        facts = self.desks[desk]
        return f"{self.sector_of[facts.sector_id].name}, {self.instance.trades[facts.trade]}"

    def slot_name(self, number: int) -> str:
        slot = self.slots[number]
        return f"{self.desk_name(slot.desk)}, rang {slot.rank} : {self.units[slot.unit].label}"


def _changes_hands(unit: Unit, published: Sequence[Kept]) -> list[datetime]:
    """Instants within a unit at which a published duty begins or ends and somebody else, or nobody, goes on."""
    here = [kept for kept in published if unit.overlaps(kept.period)]
    edges = {edge for kept in here for edge in (kept.period.starts_at, kept.period.ends_at)}
    edges |= {period.starts_at for period in unit.periods}
    found: list[datetime] = []
    before: frozenset[tuple[int, UUID]] | None = None
    for edge in sorted(edges):
        if not any(period.starts_at <= edge < period.ends_at for period in unit.periods):
            continue
        now = frozenset((k.rank, k.person_id) for k in here if k.period.starts_at <= edge < k.period.ends_at)
        if before is not None and now != before:
            found.append(edge)
        before = now
    return found


def week_of(monday: date) -> Period:
    return Period(paris_instant(monday), paris_instant(monday + timedelta(days=7)))


def rest_too_short(hours: int, period: Period, later: Period) -> bool:
    """Between two duties of a member at rank 1. Two long duties may follow one another."""
    if period.ends_at - period.starts_at >= LONG and later.ends_at - later.starts_at >= LONG:
        return False
    return timedelta() <= later.starts_at - period.ends_at < timedelta(hours=hours)


def employee_rest_too_short(daily: int, weekly: int, period: Period, later: Period) -> bool:
    """Between two duties of an employee: the daily rest, and the weekly one after a long duty."""
    needed = max(daily, weekly) if period.ends_at - period.starts_at >= LONG else daily
    return timedelta() <= later.starts_at - period.ends_at < timedelta(hours=needed)


def _days_of_proof(person: Person, kind: str, trade: str) -> list[Days]:
    """An insurance may name one trade or cover all; a qualification always names its trade (R61)."""
    return [
        proof.days
        for proof in person.proofs
        if proof.kind == kind and (proof.trade == trade or (proof.trade is None and kind != "qualification"))
    ]


def _merged(days: Iterable[Days]) -> list[Days]:
    merged: list[Days] = []
    for one in sorted(days, key=lambda d: (d.first, d.last)):
        if merged and one.first <= merged[-1].last + timedelta(days=1):
            merged[-1] = Days(merged[-1].first, max(merged[-1].last, one.last))
        else:
            merged.append(one)
    return merged


def _obstacle(person: Person, proven: Mapping[str, Sequence[Days]], unit: Unit) -> Reason | None:
    return next(_obstacles(person, proven, unit), None)


def _obstacles(person: Person, proven: Mapping[str, Sequence[Days]], unit: Unit) -> Iterator[Reason]:
    spans = [days_of(period) for period in unit.periods]
    if person.available is not None and not all(_covers((person.available,), *span) for span in spans):
        yield Reason(Obstacle.MEMBERSHIP)
    for kind, days in proven.items():
        if not all(_covers(days, *span) for span in spans):
            yield Reason(Obstacle.PROOF, kind)
    for number, absence in enumerate(person.absences):
        if unit.overlaps(absence.period):
            yield Reason(Obstacle.ABSENCE, str(number))


def _covers(days: Sequence[Days], first: date, last: date) -> bool:
    return any(one.first <= first and last <= one.last for one in days)


Plan = dict[int, int]
"""Who holds what: person by slot. A slot that is not there is uncovered."""
Stop = Callable[[], bool]
