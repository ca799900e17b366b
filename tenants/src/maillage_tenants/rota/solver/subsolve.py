"""One neighbourhood of a plan: posed as a model of its own, solved by CP-SAT on one thread, given back."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ortools.sat.python import cp_model

from maillage_tenants.rota.solver.model import CpSat, Formulation, formulate, to_cp_sat, tune, was_cut
from maillage_tenants.rota.solver.problem import Plan, Problem
from maillage_tenants.rota.solver.state import State


@dataclass(frozen=True, slots=True)
class Resolved:
    """`plan`: who holds the freed slots, None when nothing was found; `proven` the best there is (or that there is
    none), but for `left` points at most; `bound`: there is none with fewer points, None when not even that was proven;
    `effort` spent, deterministic; `cut` by the clock before either: another machine may find something else."""

    plan: Plan | None
    proven: bool
    bound: int | None
    effort: float
    cut: bool = False
    left: float = 0.0


@dataclass(frozen=True, slots=True)
class Posed:
    """A neighbourhood as a model, ready to solve: it looks at nothing but itself, so threads may share the work."""

    f: Formulation
    made: CpSat
    solver: cp_model.CpSolver


def pose(
    problem: Problem,
    state: State,
    slots: Iterable[int],
    *,
    people: set[int] | None = None,
    among: Mapping[int, set[int]] | None = None,
    seconds: float,
    effort: float,
    seed: int,
    fair: bool = True,
    close: bool = False,
    partial: Collection[int] = (),
    tolerance: float = 0.0,
) -> Posed:
    """Who should hold these slots, the rest of `state` staying; `state` is left as it was. To be solved within
    `seconds` of real and `effort` of CP-SAT's deterministic time. `close`: each slot that changes hands costs a point.
    `tolerance`: a plan that many points above the best one is as good.
    """
    freed = sorted(slots)
    before = {slot: state.plan[slot] for slot in freed if slot in state.plan}
    give_anew(state, freed, {})
    try:
        f = formulate(
            problem,
            free=freed,
            state=state,
            people=people,
            among=among,
            fair=fair,
            keep=before if close else None,
            change=1,
            partial=partial,
        )
    finally:
        give_anew(state, freed, before)
    made = to_cp_sat(f)
    if before:
        hint(made, f, before)
    solver = cp_model.CpSolver()
    tune(solver, seconds=seconds, effort=effort, seed=seed)
    # A desk whose relaxation says 48 points was at 65 instead of 77 by the same effort (means of three seeds), another
    # one solved in two thirds of it.
    solver.parameters.instantiate_all_variables = False
    solver.parameters.absolute_gap_limit = tolerance
    return Posed(f, made, solver)


def answer(posed: Posed) -> Resolved:
    """The best plan of the freed slots that was found."""
    solver = posed.solver
    status = solver.solve(posed.made.model)
    spent = solver.response_proto.deterministic_time
    proven = status in (cp_model.OPTIMAL, cp_model.INFEASIBLE)
    least = solver.best_objective_bound
    known = status in (cp_model.OPTIMAL, cp_model.FEASIBLE, cp_model.UNKNOWN) and math.isfinite(least)
    bound = math.floor(least + 1e-6) if known else None
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Resolved(None, proven, bound, spent, was_cut(solver))
    plan = {key[0]: key[1] for key, v in posed.f.take.items() if solver.value(posed.made.variables[v])}
    return Resolved(plan, proven, bound, spent, was_cut(solver), left=max(0.0, solver.objective_value - least))


def hint(made: CpSat, f: Formulation, plan: Mapping[int, int]) -> None:
    """Begin with that plan."""
    for (slot, person), variable in f.take.items():
        made.model.add_hint(made.variables[variable], plan.get(slot) == person)
    for slot, variable in f.hole.items():
        made.model.add_hint(made.variables[variable], slot not in plan)


def give_anew(state: State, slots: Iterable[int], plan: Mapping[int, int]) -> None:
    """These slots held as in `plan`, by nobody where it says nothing."""
    for slot in slots:
        if slot in state.plan:
            state.take(slot)
    for slot, person in plan.items():
        state.give(slot, person)
