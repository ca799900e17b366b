"""A better proof than the linear one: the desks apart, each with its own people, in whole numbers.

Whoever is at home at one desk and lent to another ties the two together. That tie is cut at a price for each such
assignment: the desk that is served pays it, the desk that lends is paid. Whatever the prices, a plan costs all desks
together no more than it costs as a whole (docs/rota-model.md), so the sum of what each desk costs at least is a proof.
With the prices that the linear bound gives, it is that bound, and more wherever a desk cannot do in whole numbers what
it could in fractions: people who are away together, the same kind two weeks running.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from ortools.sat.python import cp_model

from maillage_tenants.rota.solver.model import Formulation, rules_of, to_cp_sat, tune
from maillage_tenants.rota.solver.problem import Problem
from maillage_tenants.rota.solver.state import hole_cost

SCALE = 20
"""Prices are whole numbers of a twentieth of a point: a sum of whole numbers is a proof without rounding."""


@dataclass(frozen=True, slots=True)
class Part:
    """One desk and the people at home there; everybody is in one part."""

    desk: int
    people: frozenset[int]


def parts(problem: Problem) -> list[Part]:
    """The desks that have slots. People at home nowhere, or at several desks, are in one of them all the same."""
    people: dict[int, set[int]] = {desk: set() for desk, slots in enumerate(problem.slots_of_desk) if slots}
    for person, homes in enumerate(problem.homes):
        served = [problem.slots[slot].desk for slot in problem.slots_of_person[person][:1]]
        mine = next((desk for desk in (*homes, *served) if desk in people), min(people, default=None))
        if mine is not None:
            people[mine].add(person)
    return [Part(desk, frozenset(own)) for desk, own in people.items()]


def apart(problem: Problem, part: Part, price: Mapping[tuple[int, int], float]) -> Formulation:
    """What a part costs, in `1 / SCALE` points. `price`: by slot and person, what is paid for somebody of another part;
    0 where none is given."""

    def paid(slot: int, person: int) -> int:
        return round(price.get((slot, person), 0.0) * SCALE)

    f = Formulation()
    may: dict[int, list[int]] = defaultdict(list)
    for slot in problem.slots_of_desk[part.desk]:
        own = []
        for person, points in problem.cost[slot].items():
            if person in part.people:
                f.take[slot, person] = f.variable(points * SCALE)
                own.append(f.take[slot, person])
                may[person].append(slot)
        lent = [paid(slot, person) for person in problem.cost[slot] if person not in part.people]
        if lent:
            own.append(f.variable(min(lent)))
        f.hole[slot] = f.variable(hole_cost(problem, slot) * SCALE)
        own.append(f.hole[slot])
        f.one_of.append(own)
    for person in sorted(part.people):
        away: dict[tuple[int, ...], tuple[int, int]] = {}
        for slot in problem.slots_of_person[person]:
            facts = problem.slots[slot]
            if facts.desk == part.desk:
                continue
            worth = problem.cost[slot][person] * SCALE - paid(slot, person)
            # Two desks that ask for the same unit and rank ask the same of the person: the better paid is enough.
            kind = (facts.unit, facts.rank, *((facts.desk,) if problem.together else ()))
            away[kind] = min(away.get(kind, (worth, slot)), (worth, slot))
        for worth, slot in away.values():
            f.take[slot, person] = f.variable(worth)
            may[person].append(slot)
        first, constant = len(f.points), f.constant
        rules_of(problem, f, person, sorted(may[person]))
        f.points[first:] = [points * SCALE for points in f.points[first:]]
        f.constant = constant + (f.constant - constant) * SCALE
    return f


def least(f: Formulation, *, seconds: float, effort: float) -> int | None:
    """No choice of the variables costs less than this; None when nothing was proven within the time."""
    solver = cp_model.CpSolver()
    tune(solver, seconds=seconds, effort=effort)
    status = solver.solve(to_cp_sat(f).model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE, cp_model.UNKNOWN):
        return None
    bound = solver.best_objective_bound
    return math.floor(bound + 1e-6) if math.isfinite(bound) else None


def points(costs: list[int]) -> int:
    """The bound in points, from the least cost of every part: points are whole numbers, so it is rounded up."""
    return -(-sum(costs) // SCALE)
