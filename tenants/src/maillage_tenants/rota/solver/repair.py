"""Solve again with the least change: somebody falls ill, leaves, a sector splits (R63, R64).

The published plan comes with the instance (`kept`), with what may no longer move. First the fewest slots left empty,
then the fewest duties that change hands, then the fewest points. The search begins with what was lost and widens, to
the desk's neighbours, then to everybody in the weeks around, until only the lost duties change.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ortools.sat.python import cp_model

from maillage_tenants.rota.solver.model import formulate, to_cp_sat, tune
from maillage_tenants.rota.solver.problem import Plan, Problem
from maillage_tenants.rota.solver.state import State
from maillage_tenants.rota.solver.subsolve import hint

NEAR = 3
"""Desks that share people, taken in at the second try."""


@dataclass(frozen=True, slots=True)
class Change:
    """A slot that changes hands; None is nobody."""

    slot: int
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Repair:
    """`lost`: published slots whose holder may not keep them. `changes`: what is different from the published plan, the
    lost slots included. `fewest`: proven, among the plans that differ in `slots` only, none has fewer holes, nor as few
    with fewer changes."""

    plan: Plan
    lost: tuple[int, ...]
    changes: tuple[Change, ...]
    uncovered: tuple[int, ...]
    fewest: bool
    slots: tuple[int, ...]


def lost_slots(problem: Problem) -> tuple[dict[int, int], tuple[int, ...], frozenset[int]]:
    """What of the published plan still stands; the slots that do not, because their holder is absent, has left, is no
    longer qualified or is in two places; and those that may not move.

    Locked slots stand whatever happens. So do duties that were published against a rule about rest or weeks running:
    the cooperative decided so, and a repair is not the moment to undo it.
    """
    published, locked = problem.kept
    firm = set(locked)
    state = State(problem, {slot: published[slot] for slot in locked})
    lost = []
    for slot, person in sorted(published.items()):
        if slot in locked:
            continue
        clash = state.clash(slot, person)
        if person not in problem.cost[slot] or clash == "place":
            lost.append(slot)
            continue
        state.give(slot, person)
        if clash:
            firm.add(slot)
    # A piece of a unit that nobody holds any more was given up on the way, a desk of which nothing was published is
    # new: both are to be taken over like the others.
    known = {problem.slots[slot].desk for slot in published}
    lost += [
        slot
        for slot, facts in enumerate(problem.slots)
        if slot not in published
        and problem.candidates[slot]
        and (facts.desk not in known or "/" in problem.units[facts.unit].key)
    ]
    return state.plan, tuple(lost), frozenset(firm)


def repair(problem: Problem, *, seconds: float = 20.0, seed: int = 0, change_points: int | None = None) -> Repair:
    """The published plan with what was lost given to others.

    `change_points`: what a changed duty weighs against fairness; None weighs it above all points together, so that
    exactly the fewest change. Slots that were already empty may be filled where it costs no change.
    """
    standing, lost, locked = lost_slots(problem)
    published, _ = problem.kept
    heavy = change_points if change_points is not None else problem.instance.weights.change
    best: Repair | None = None
    tried: set[tuple[int, ...]] = set()
    for desks, weeks in ((0, 0), (0, 1), (NEAR, 1), (10**6, 1)):
        slots = tuple(s for s in _window(problem, lost, desks, weeks) if s not in locked)
        if slots in tried or not slots:
            continue
        tried.add(slots)
        found = _resolve(problem, standing, published, slots, heavy, seconds, seed)
        if found is not None:
            plan, proven = found
            told = _told(problem, plan, published, lost, proven, slots)
            if best is None or _worth(told) <= _worth(best):
                best = told
        if best is not None and len(best.changes) <= len(lost) and not set(lost) & set(best.uncovered):
            break
    return best or _told(problem, standing, published, lost, not lost, ())


def _worth(found: Repair) -> tuple[int, int]:
    return len(found.uncovered), len(found.changes)


def _window(problem: Problem, lost: tuple[int, ...], desks: int, weeks: int) -> list[int]:
    """Slots of the lost ones' desks and their neighbours, in their weeks and those around."""
    own = {problem.slots[slot].desk for slot in lost}
    chosen = set(own)
    if desks:
        serving: dict[int, set[int]] = {}
        for number, people in enumerate(problem.candidates):
            serving.setdefault(problem.slots[number].desk, set()).update(people)
        for desk in sorted(own):
            common = {d: len(serving[d] & serving[desk]) for d in serving if d != desk}
            chosen |= set(sorted((d for d in common if common[d]), key=lambda d: (-common[d], d))[:desks])
    centre = {problem.units[problem.slots[slot].unit].week for slot in lost}
    return [
        number
        for number, slot in enumerate(problem.slots)
        if slot.desk in chosen and any(abs(problem.units[slot.unit].week - week) <= weeks for week in centre)
    ]


def _resolve(
    problem: Problem,
    standing: Mapping[int, int],
    published: Mapping[int, int],
    slots: tuple[int, ...],
    change: int,
    seconds: float,
    seed: int,
) -> tuple[Plan, bool] | None:
    free = set(slots)
    state = State(problem, {slot: person for slot, person in standing.items() if slot not in free})
    f = formulate(
        problem, free=slots, state=state, keep={s: p for s, p in published.items() if s in free}, change=change
    )
    made = to_cp_sat(f)
    hint(made, f, standing)
    solver = cp_model.CpSolver()
    tune(solver, seconds=seconds, seed=seed)
    status = solver.solve(made.model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    given = {slot: person for (slot, person), v in f.take.items() if solver.value(made.variables[v])}
    return {**state.plan, **given}, status == cp_model.OPTIMAL


def _told(
    problem: Problem,
    plan: Mapping[int, int],
    published: Mapping[int, int],
    lost: tuple[int, ...],
    proven: bool,
    slots: tuple[int, ...],
) -> Repair:
    changes = tuple(
        Change(slot, published.get(slot), plan.get(slot))
        for slot in sorted(published.keys() | plan.keys())
        if published.get(slot) != plan.get(slot)
    )
    uncovered = tuple(slot for slot in range(len(problem.slots)) if slot not in plan)
    return Repair(dict(plan), lost, changes, uncovered, proven, slots)
