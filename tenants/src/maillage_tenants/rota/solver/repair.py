"""Solve again with the least change: somebody falls ill, leaves, a sector splits (R63, R64).

The published plan comes with the instance (`kept`), with what may no longer move. First the fewest slots left empty,
then the fewest duties that change hands, then the fewest points. The search begins with what was lost and widens, to
the desk's neighbours, then to everybody in the weeks around, until only the lost duties change; points count where so
few changes were first enough.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

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


def repair(problem: Problem, *, seconds: float = 20.0, seed: int = 0) -> Repair:
    """The published plan with what was lost given to others: exactly the fewest change, whatever fairness loses by it.
    Slots that were already empty may be filled where it costs no change.
    """
    standing, lost, locked = lost_slots(problem)
    task = _Task(problem, standing, lost, seconds, seed)
    best: Repair | None = None
    for slots in _windows(problem, lost, locked):
        if best is None:
            best = task.fairest(slots, standing)
        elif len(best.changes) <= len(lost) and not set(lost) & set(best.uncovered):
            break
        else:
            best = task.widened(best, slots)
    return best or task.told(standing, not lost, ())


def _worth(found: Repair) -> tuple[int, int]:
    return len(found.uncovered), len(found.changes)


def _windows(problem: Problem, lost: tuple[int, ...], locked: frozenset[int]) -> list[tuple[int, ...]]:
    """Slots that may change, from the fewest to the most."""
    wider = (_window(problem, lost, desks, weeks) for desks, weeks in ((0, 0), (0, 1), (NEAR, 1), (10**6, 1)))
    free = (tuple(slot for slot in slots if slot not in locked) for slots in wider)
    return [slots for slots in dict.fromkeys(free) if slots]


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


@dataclass(frozen=True, slots=True)
class _Task:
    """`standing`: what of the published plan still stands."""

    problem: Problem
    standing: Mapping[int, int]
    lost: tuple[int, ...]
    seconds: float
    seed: int

    def widened(self, best: Repair, slots: tuple[int, ...]) -> Repair:
        """The fewest changes where these slots may change too. Fairness is looked at again only if there are fewer:
        otherwise it costs most of the time, and what is found near what was lost moves nobody else."""
        fewer = self._solved(slots, change=1, fair=False, start=best.plan)
        if fewer is None:
            return best
        if _worth(fewer) >= _worth(best):
            return replace(best, fewest=fewer.fewest, slots=slots)
        fair = self.fairest(slots, fewer.plan)
        return fewer if fair is None or _worth(fewer) < _worth(fair) else fair

    def fairest(self, slots: tuple[int, ...], start: Mapping[int, int]) -> Repair | None:
        """The fewest points among the plans that differ in these slots only, a change weighing more than any fairness;
        None when no plan was found."""
        return self._solved(slots, change=self.problem.instance.weights.change, fair=True, start=start)

    def _solved(self, slots: tuple[int, ...], *, change: int, fair: bool, start: Mapping[int, int]) -> Repair | None:
        free = set(slots)
        published, _ = self.problem.kept
        kept = {slot: person for slot, person in published.items() if slot in free}
        state = State(self.problem, {slot: person for slot, person in self.standing.items() if slot not in free})
        f = formulate(self.problem, free=slots, state=state, keep=kept, change=change, fair=fair)
        made = to_cp_sat(f)
        hint(made, f, start)
        solver = cp_model.CpSolver()
        tune(solver, seconds=self.seconds, seed=self.seed)
        status = solver.solve(made.model)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None
        given = {slot: person for (slot, person), v in f.take.items() if solver.value(made.variables[v])}
        return self.told({**state.plan, **given}, status == cp_model.OPTIMAL, slots)

    def told(self, plan: Mapping[int, int], proven: bool, slots: tuple[int, ...]) -> Repair:
        published, _ = self.problem.kept
        changes = tuple(
            Change(slot, published.get(slot), plan.get(slot))
            for slot in sorted(published.keys() | plan.keys())
            if published.get(slot) != plan.get(slot)
        )
        uncovered = tuple(slot for slot in range(len(self.problem.slots)) if slot not in plan)
        return Repair(dict(plan), self.lost, changes, uncovered, proven, slots)
