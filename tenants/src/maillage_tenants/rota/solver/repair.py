"""Solve again with the least change: somebody falls ill, leaves, a sector splits (R63, R64).

The published plan comes with the instance (`kept`), with what may no longer move. First the fewest slots left empty,
then the fewest duties that change hands, then the fewest points. The search begins with what was lost and widens, to
the desk's neighbours in the weeks around, until only the lost duties change; to their neighbours while one of the lost
duties is held by nobody. Points count at the desks where something has to change.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ortools.sat.python import cp_model

from maillage_tenants.rota.solver.model import formulate, to_cp_sat, tune
from maillage_tenants.rota.solver.problem import Plan, Problem
from maillage_tenants.rota.solver.state import State
from maillage_tenants.rota.solver.subsolve import hint

Slots = tuple[int, ...]

NEAR = 3
"""Desks that share people, taken in first where there are many."""
FEW = 500
"""Slots that may change at once, no slower than a part of them."""


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
    lost: Slots
    changes: tuple[Change, ...]
    uncovered: Slots
    fewest: bool
    slots: Slots

    def fills(self, slots: Iterable[int]) -> bool:
        """None of these stays empty."""
        return not set(slots) & set(self.uncovered)


def lost_slots(problem: Problem) -> tuple[dict[int, int], Slots, frozenset[int]]:
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
    wider, widest = _windows(problem, lost, locked)
    for slots in wider:
        if best is None:
            best = task.fairest(slots, standing)
        elif len(best.changes) <= len(lost) and best.fills(lost):
            break
        else:
            best = task.widened(best, slots)
    if best is not None and widest not in wider and not best.fills(lost):
        best = task.widened(best, widest)
    return best or task.told(standing, not lost, ())


def _worth(found: Repair) -> tuple[int, int]:
    return len(found.uncovered), len(found.changes)


def _windows(problem: Problem, lost: Slots, locked: frozenset[int]) -> tuple[list[Slots], Slots]:
    """Slots that may change: from the fewest to the most, and those among which somebody is looked for when a lost one
    would stay empty otherwise: of the neighbours' neighbours too."""
    own = {problem.slots[slot].desk for slot in lost}
    beside = _beside(problem)
    close, near = set(own), set(own)
    for desk in sorted(own):
        close |= {other for other, _ in sorted(beside[desk].items(), key=lambda one: (-one[1], one[0]))[:NEAR]}
        near |= set(beside[desk])
    far = near.union(*(beside[desk] for desk in near))
    centre = {problem.units[problem.slots[slot].unit].week for slot in lost}

    def window(desks: set[int], weeks: int) -> Slots:
        return tuple(
            number
            for number, slot in enumerate(problem.slots)
            if slot.desk in desks
            and number not in locked
            and any(abs(problem.units[slot.unit].week - week) <= weeks for week in centre)
        )

    wider = [window(own, 0), window(own, 1), window(close, 1), window(near, 1)]
    if len(wider[-1]) <= FEW:
        del wider[2]
    return [slots for slots in dict.fromkeys(wider) if slots], window(far, 1)


def _beside(problem: Problem) -> dict[int, dict[int, int]]:
    """For each desk, the others that share people with it, and how many."""
    serving: dict[int, set[int]] = defaultdict(set)
    for number, people in enumerate(problem.candidates):
        serving[problem.slots[number].desk].update(people)
    return {
        desk: {other: both for other in serving if other != desk and (both := len(serving[other] & serving[desk]))}
        for desk in serving
    }


@dataclass(frozen=True, slots=True)
class _Task:
    """`standing`: what of the published plan still stands."""

    problem: Problem
    standing: Mapping[int, int]
    lost: Slots
    seconds: float
    seed: int

    def widened(self, best: Repair, slots: Slots) -> Repair:
        """The fewest changes where these slots may change too; if there are fewer, the fairest plan with so few that
        differs at the desks of what had to change. Fairness among all of them would cost most of the time, and move
        people whom nobody has to ask."""
        # No change is worth an empty slot, nor is it worth one that an empty slot is of another rank.
        change = self.problem.instance.weights.uncovered_first + 1
        fewer = self._solved(slots, change=change, fair=False, start=best.plan)
        if fewer is None:
            return best
        if _worth(fewer) >= _worth(best):
            return replace(best, fewest=fewer.fewest, slots=slots)
        desk = [slot.desk for slot in self.problem.slots]
        touched = {desk[slot] for slot in (*self.lost, *(change.slot for change in fewer.changes))}
        fair = self.fairest(tuple(slot for slot in slots if desk[slot] in touched), fewer.plan)
        if fair is None or _worth(fewer) < _worth(fair):
            return fewer
        return replace(fair, fewest=fewer.fewest, slots=slots)

    def fairest(self, slots: Slots, start: Mapping[int, int]) -> Repair | None:
        """The fewest points among the plans that differ in these slots only, a change weighing more than any fairness;
        None when no plan was found."""
        return self._solved(slots, change=self.problem.instance.weights.change, fair=True, start=start)

    def _solved(self, slots: Slots, *, change: int, fair: bool, start: Mapping[int, int]) -> Repair | None:
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

    def told(self, plan: Mapping[int, int], proven: bool, slots: Slots) -> Repair:
        published, _ = self.problem.kept
        changes = tuple(
            Change(slot, published.get(slot), plan.get(slot))
            for slot in sorted(published.keys() | plan.keys())
            if published.get(slot) != plan.get(slot)
        )
        uncovered = tuple(slot for slot in range(len(self.problem.slots)) if slot not in plan)
        return Repair(dict(plan), self.lost, changes, uncovered, proven, slots)
