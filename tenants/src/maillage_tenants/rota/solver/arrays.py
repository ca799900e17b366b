"""The problem and a plan in arrays, for compiled code (`moves.py`): numbers only, nothing to look up by name."""

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from maillage_tenants.rota.solver.moves import BEFORE, NOBODY, Facts, Flags, Hands, Lists
from maillage_tenants.rota.solver.problem import CATEGORIES, Problem
from maillage_tenants.rota.solver.state import hole_cost


def lists(of: Iterable[Collection[int]]) -> Lists:
    each = [list(one) for one in of]
    start = np.zeros(len(each) + 1, np.int32)
    start[1:] = np.cumsum([len(one) for one in each])
    return Lists(start, np.array([item for one in each for item in one], np.int32))


def facts_of(problem: Problem, movable: Sequence[int], *, empty: int) -> Facts:
    """The problem in arrays. `empty`: points of the least empty slot, instead of its own."""
    slots, units, people = problem.slots, problem.units, problem.people
    cost = np.full((len(slots), len(people)), -1, np.int16)
    for number, points in enumerate(problem.cost):
        cost[number, list(points)] = list(points.values())
    gain = np.zeros((len(slots), len(CATEGORIES)), np.int32)
    for number, gains in enumerate(problem.gains):
        for category, units_more in gains:
            gain[number, CATEGORIES.index(category)] += units_more
    low, high, weight = (np.zeros((len(people), len(CATEGORIES)), np.int32) for _ in range(3))
    for person, bands in enumerate(problem.band):
        for category, (least, most) in bands.items():
            at = CATEGORIES.index(category)
            low[person, at], high[person, at] = least, most
            weight[person, at] = problem.band_weight[category]
    at_home = [[p for p in who if slots[n].desk in problem.homes[p]] for n, who in enumerate(problem.candidates)]
    away = [[p for p in who if slots[n].desk not in problem.homes[p]] for n, who in enumerate(problem.candidates)]
    kinds: dict[object, int] = {}
    kind = [kinds.setdefault((slot.rank, problem.gains[n]), len(kinds)) for n, slot in enumerate(slots)]
    holes = [hole_cost(problem, slot) for slot in range(len(slots))]
    follows: list[list[int]] = [[] for _ in units]
    for one, other in problem.follows:
        follows[one].append(other)
        follows[other].append(one)
    numbers = iter(range(sum(map(len, problem.wanted))))
    weeks = [rests for _, rests in problem.rest_weeks]
    return Facts(
        unit=np.array([slot.unit for slot in slots], np.int32),
        week=np.array([units[slot.unit].week + BEFORE for slot in slots], np.int32),
        desk=np.array([slot.desk for slot in slots], np.int32),
        kind=np.array(kind, np.int32),
        first=np.array([slot.rank == 1 for slot in slots], np.bool_),
        apart=np.array([units[slot.unit].apart for slot in slots], np.bool_),
        free=np.isin(np.arange(len(slots)), movable),
        empty=np.array(holes, np.int32) - (min(holes, default=0) - empty),
        gain=gain,
        cost=cost,
        candidates=lists([*home, *others] for home, others in zip(at_home, away, strict=True)),
        at_home=np.array([len(home) for home in at_home], np.int32),
        movable=np.array(movable, np.int32),
        low=low,
        high=high,
        weight=weight,
        employed=np.array([person.employed for person in people], np.bool_),
        wishes=lists([next(numbers) for _ in wanted] for wanted in problem.wanted),
        points=np.array([points for wanted in problem.wanted for points, _ in wanted], np.int32),
        wished=_met([wished for wanted in problem.wanted for _, wished in wanted], len(units)),
        overlapping=lists(sorted(others) for others in problem.overlapping),
        close=lists(sorted(others) for others in (*problem.too_close, *problem.too_close_employee)),
        follows=lists(follows),
        rest_weeks=lists(
            [week for week, rests in enumerate(weeks) if any(unit in rest for rest in rests)]
            for unit in range(len(units))
        ),
        rests=lists(range(len(rests)) for rests in weeks).start,
        rest=_met([rest for rests in weeks for rest in rests], len(units)),
        fills=_met([set.intersection(*map(set, rests)) if rests else set() for rests in weeks], len(units)),
        joined=np.array(
            [
                [
                    one != other and (a.sector_id, b.sector_id) in problem.together
                    for other, b in enumerate(problem.desks)
                ]
                for one, a in enumerate(problem.desks)
            ],
            np.bool_,
        ),
        most_units=problem.instance.rules.max_units_a_week,
        most_running=problem.instance.rules.max_weeks_running,
        again=problem.instance.weights.same_again,
    )


def _met(times: Sequence[Collection[int]], units: int) -> Flags:
    found = np.zeros((max(1, len(times)), units), np.bool_)
    for number, time in enumerate(times):
        found[number, list(time)] = True
    return found


def empty_hands(problem: Problem, known: Facts, seed: int) -> Hands:
    """Everything is nobody's, beside the weeks of the semester before; with the random numbers of that seed."""
    slots, people = len(problem.slots), len(problem.people)
    firsts = np.zeros((people, problem.last_week + 2 * BEFORE + 1), np.int32)
    for person, weeks in problem.weeks_before.items():
        firsts[person, [week + BEFORE for week in weeks if week + BEFORE >= 0]] = 1
    held = np.zeros((people + 1, slots), np.int32)
    number, place = np.zeros(people + 1, np.int32), np.zeros(slots, np.int32)
    number[NOBODY] = len(known.movable)
    held[NOBODY, : number[NOBODY]] = known.movable
    place[known.movable] = np.arange(number[NOBODY])
    return Hands(
        holder=np.full(slots, NOBODY, np.int32),
        held=held,
        number=number,
        place=place,
        at=np.full((people, len(problem.units), 2), NOBODY, np.int32),
        load=np.zeros((people, len(CATEGORIES)), np.int32),
        units=np.zeros_like(firsts),
        firsts=firsts,
        resting=np.zeros((people, len(known.rest)), np.int32),
        filled=np.zeros((people, len(known.fills)), np.int32),
        granted=np.zeros(len(known.wished), np.int32),
        dice=np.array([1 + seed], np.uint64) * np.uint64(0x9E3779B97F4A7C15),
    )
