"""A better proof than the linear one: the desks apart, each with its own people, in whole numbers.

Whoever is at home at one desk and lent to another ties the two together. That tie is cut at a price for each slot: the
desk that is served pays it, the desk that lends is paid. Whatever the prices, a plan costs all desks together no more
than it costs as a whole (docs/rota-model.md), so the sum of what each desk costs at least is a proof. With the prices
that the linear bound gives, it is that bound, and more wherever a desk cannot do in whole numbers what it could in
fractions: people who are away together, the same kind two weeks running.

The same prices say what a plan costs each desk: where it costs more than the least, there is something to look for.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from ortools.sat.python import cp_model

from maillage_tenants.rota.solver.bound import Proof
from maillage_tenants.rota.solver.model import Formulation, rules_of, to_cp_sat, tune
from maillage_tenants.rota.solver.problem import Problem
from maillage_tenants.rota.solver.state import State, hole_cost, points_of
from maillage_tenants.rota.solver.subsolve import Posed, Resolved

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


def prices(problem: Problem, pieces: list[Part], proof: Proof) -> dict[int, int]:
    """For each slot that somebody of another part may hold: what that is worth, as the linear proof has it, in
    `1 / SCALE` points. Of whoever would come, the one whom it costs least is paid just enough."""
    at_home = {part.desk: part.people for part in pieces}
    found = {}
    for slot, candidates in enumerate(problem.cost):
        own = at_home[problem.slots[slot].desk]
        above = [proof.dear[slot, person] for person in candidates if person not in own]
        if above:
            found[slot] = round((proof.worth[slot] + min(above)) * SCALE)
    return found


def apart(problem: Problem, part: Part, price: Mapping[int, int]) -> Formulation:
    """What a part costs, in `1 / SCALE` points. `price`: for each slot that somebody of another part may hold, what is
    paid for that, in the same."""
    f = Formulation()
    may: dict[int, list[int]] = defaultdict(list)
    for slot in problem.slots_of_desk[part.desk]:
        own = []
        for person, points in problem.cost[slot].items():
            if person in part.people:
                f.take[slot, person] = f.variable(points * SCALE)
                own.append(f.take[slot, person])
                may[person].append(slot)
        if len(own) < len(problem.cost[slot]):
            own.append(f.variable(price[slot]))
        f.hole[slot] = f.variable(hole_cost(problem, slot) * SCALE)
        own.append(f.hole[slot])
        f.one_of.append(own)
    for person in sorted(part.people):
        away: dict[tuple[int, ...], tuple[int, int]] = {}
        for slot in problem.slots_of_person[person]:
            facts = problem.slots[slot]
            if facts.desk == part.desk:
                continue
            worth = problem.cost[slot][person] * SCALE - price[slot]
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


def posed(f: Formulation, *, seconds: float, effort: float, upwards: bool = False) -> Posed:
    """A part ready to be solved, within `seconds` of real and `effort` of CP-SAT's deterministic time. `upwards`: from
    the bound, without looking for a good choice first; the better way with little time, measured."""
    solver = cp_model.CpSolver()
    tune(solver, seconds=seconds, effort=effort)
    solver.parameters.use_objective_lb_search = upwards
    return Posed(f, to_cp_sat(f), solver)


def points(costs: list[int]) -> int:
    """The bound in points, from the least cost of every part: points are whole numbers, so it is rounded up."""
    return -(-sum(costs) // SCALE)


class Proofs:
    """What is known of the least that each part costs, at the prices of a linear proof."""

    def __init__(self, problem: Problem, proof: Proof) -> None:
        self.problem = problem
        self.parts = parts(problem)
        self.price = prices(problem, self.parts, proof)
        self.least: list[int | None] = [None] * len(self.parts)
        self.exact = [False] * len(self.parts)
        self._part_of = {person: number for number, part in enumerate(self.parts) for person in part.people}
        self._part_of_desk = {part.desk: number for number, part in enumerate(self.parts)}

    @property
    def bound(self) -> int | None:
        """No plan has fewer points; None until something is known of every part."""
        known = [cost for cost in self.least if cost is not None]
        return points(known) if len(known) == len(self.least) else None

    def pose(self, number: int, *, seconds: float, effort: float) -> Posed:
        """The proof of that part: upwards the first time."""
        f = apart(self.problem, self.parts[number], self.price)
        return posed(f, seconds=seconds, effort=effort, upwards=self.least[number] is None)

    def learn(self, number: int, found: Resolved) -> float:
        """Keep what a solve has proven. Returns by how many points the bound is better."""
        before = self.least[number]
        if found.bound is None or (before is not None and found.bound < before):
            return 0.0
        self.least[number], self.exact[number] = found.bound, found.proven
        return 0.0 if before is None else (found.bound - before) / SCALE

    def above(self, state: State) -> dict[int, float]:
        """By desk: how many points the plan costs it more than the least known. Their sum is the plan's distance from
        the bound."""
        problem = self.problem
        costs = [0] * len(self.parts)
        for person, part in self._part_of.items():
            costs[part] += sum(points_of(problem, state, person)) * SCALE
        for slot, facts in enumerate(problem.slots):
            served = self._part_of_desk[facts.desk]
            if slot not in state.plan:
                costs[served] += hole_cost(problem, slot) * SCALE
                continue
            person = state.plan[slot]
            lender = self._part_of[person]
            costs[lender] += problem.cost[slot].get(person, 0) * SCALE
            if lender != served:
                paid = self.price.get(slot, 0)
                costs[lender], costs[served] = costs[lender] - paid, costs[served] + paid
        return {
            part.desk: (cost - known) / SCALE
            for part, cost, known in zip(self.parts, costs, self.least, strict=True)
            if known is not None
        }
