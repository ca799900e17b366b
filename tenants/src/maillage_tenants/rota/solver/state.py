"""A plan while it is being made: who holds what, whether one more slot is allowed, what the plan costs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from maillage_tenants.rota.checker import Assigned
from maillage_tenants.rota.solver.problem import CATEGORIES, Plan, Problem


class State:
    """Who holds which slots. `allows` answers by every hard rule that looks at what a person already holds."""

    def __init__(self, problem: Problem, plan: Mapping[int, int] | None = None) -> None:
        self.problem = problem
        self.plan: Plan = {}
        self.held: list[set[int]] = [set() for _ in problem.people]
        self.load: list[dict[str, int]] = [dict.fromkeys(CATEGORIES, 0) for _ in problem.people]
        for slot, person in (plan or {}).items():
            self.give(slot, person)

    def give(self, slot: int, person: int) -> None:
        self.plan[slot] = person
        self.held[person].add(slot)
        for category, gain in self.problem.gains[slot]:
            self.load[person][category] += gain

    def take(self, slot: int) -> None:
        person = self.plan.pop(slot)
        self.held[person].discard(slot)
        for category, gain in self.problem.gains[slot]:
            self.load[person][category] -= gain

    def allows(self, slot: int, person: int) -> bool:
        """May the person, a candidate, take the slot beside what they hold?"""
        return person in self.problem.cost[slot] and not self.clash(slot, person)

    def clash(self, slot: int, person: int) -> str:
        """The first rule that what the person holds opposes: "place", "rest", "week", "running", "weekly_rest"; empty
        when none does."""
        problem = self.problem
        unit, rank = problem.slots[slot].unit, problem.slots[slot].rank
        rules = problem.instance.rules
        overlapping, close = problem.overlapping[unit], problem.close_units(person)[unit]
        resting = problem.counts_for_rest(person, rank)
        at_once: list[int] = []
        this_week = 0
        week, apart = problem.units[unit].week, problem.units[unit].apart
        weeks = {week} if rank == 1 else set()
        for held in self.held[person]:
            other = problem.slots[held]
            if other.unit == unit or other.unit in overlapping:
                if not problem.may_join(slot, held) or any(
                    other.unit == before or other.unit in problem.overlapping[before] for before in at_once
                ):
                    return "place"
                at_once.append(other.unit)
            elif resting and other.unit in close and problem.counts_for_rest(person, other.rank):
                return "rest"
            facts = problem.units[other.unit]
            this_week += facts.week == week and not facts.apart
            if other.rank == 1:
                weeks.add(facts.week)
        if rules.max_units_a_week and not apart and this_week >= rules.max_units_a_week:
            return "week"
        if rank == 1 and rules.max_weeks_running:
            weeks |= problem.weeks_before.get(person, set())
            first = last = week
            while first - 1 in weeks:
                first -= 1
            while last + 1 in weeks:
                last += 1
            if last - first + 1 > rules.max_weeks_running:
                return "running"
        if problem.people[person].employed and not self._rests(person, unit):
            return "weekly_rest"
        return ""

    def _rests(self, person: int, unit: int) -> bool:
        units = {self.problem.slots[held].unit for held in self.held[person]} | {unit}
        for _, rests in self.problem.rest_weeks:
            touched = [rest for rest in rests if unit in rest]
            if touched and all(units & rest for rest in rests) and not any(_fills(one, rests) for one in units):
                return False
        return True


def _fills(unit: int, rests: Iterable[frozenset[int]]) -> bool:
    """A unit that leaves no weekly rest in a week by itself: what follows it is longer instead (R63)."""
    return all(unit in rest for rest in rests)


# --- what a plan is worth ---------------------------------------------------


@dataclass(frozen=True, slots=True)
class Score:
    """Points of a plan, part by part; fewer is better. `uncovered`: slots, the rest: points."""

    uncovered: int
    holes: int
    bands: int
    slots: int
    again: int
    wanted: int

    @property
    def total(self) -> int:
        return self.holes + self.bands + self.slots + self.again + self.wanted


def score(problem: Problem, plan: Mapping[int, int]) -> Score:
    """What a plan costs, exactly as the model counts it."""
    state = State(problem, plan)
    empty = [slot for slot in range(len(problem.slots)) if slot not in plan]
    personal = [points_of(problem, state, person) for person in range(len(problem.people))]
    return Score(
        uncovered=len(empty),
        holes=sum(hole_cost(problem, slot) for slot in empty),
        bands=sum(each.bands for each in personal),
        slots=sum(problem.cost[slot].get(person, 0) for slot, person in plan.items()),
        again=sum(each.again for each in personal),
        wanted=sum(each.wanted for each in personal),
    )


class Personal(NamedTuple):
    """Points that come from what one person holds in all."""

    bands: int
    again: int
    wanted: int


def points_of(problem: Problem, state: State, person: int) -> Personal:
    """What a person's whole semester costs; what each duty costs by itself comes besides."""
    held = [problem.slots[slot] for slot in state.held[person]]
    units, first = {slot.unit for slot in held}, {slot.unit for slot in held if slot.rank == 1}
    again = sum(one in first and other in first for one, other in problem.follows)
    return Personal(
        bands=band_cost(problem, person, state.load[person]),
        again=problem.instance.weights.same_again * again,
        wanted=sum(points for points, wished in problem.wanted[person] if not wished & units),
    )


def hole_cost(problem: Problem, slot: int) -> int:
    weights = problem.instance.weights
    return weights.uncovered + (weights.uncovered_first if problem.slots[slot].rank == 1 else 0)


def band_cost(problem: Problem, person: int, load: Mapping[str, int]) -> int:
    return sum(
        problem.band_weight[category] * max(0, load[category] - high, low - load[category])
        for category, (low, high) in problem.band[person].items()
    )


@dataclass(frozen=True, slots=True)
class Fairness:
    """How even a plan is. `worst`: the largest distance from the quota, `mean`: the mean one, `spread`: largest minus
    smallest load per full engagement within a desk's people, the mean over desks; by category."""

    worst: Mapping[str, float]
    mean: Mapping[str, float]
    spread: Mapping[str, float]


def fairness(problem: Problem, plan: Mapping[int, int]) -> Fairness:
    """Deviations from the fair shares, by category that is balanced and asked for."""
    state = State(problem, plan)
    categories = [c for c in CATEGORIES if problem.band_weight[c] and any(c in quota for quota in problem.quota)]
    worst, mean, spread = {}, {}, {}
    usual = sorted(p.engagement for p in problem.people if p.engagement > 0)
    full = usual[len(usual) // 2] if usual else 1.0
    for category in categories:
        off = [
            abs(state.load[person][category] - quota[category])
            for person, quota in enumerate(problem.quota)
            if category in quota
        ]
        worst[category], mean[category] = round(max(off), 3), round(sum(off) / len(off), 3)
        gaps = []
        for desk in range(len(problem.desks)):
            rates = [
                state.load[person][category] * full / problem.people[person].engagement
                for person in problem.people_of_desk[desk]
                if category in problem.quota[person]
            ]
            if rates:
                gaps.append(max(rates) - min(rates))
        spread[category] = round(sum(gaps) / len(gaps), 3) if gaps else 0.0
    return Fairness(worst, mean, spread)


def assigned(problem: Problem, plan: Mapping[int, int]) -> tuple[Assigned, ...]:
    """The plan in words that need no problem: one line for each unit given."""
    found = []
    for number, person in sorted(plan.items()):
        slot = problem.slots[number]
        desk, unit = problem.desks[slot.desk], problem.units[slot.unit]
        found.append(Assigned(desk.sector_id, desk.trade, slot.rank, unit.key, problem.people[person].id, unit.periods))
    return tuple(found)
