"""A first plan within a second: week after week, the slot with the fewest people first, the person furthest behind."""

from maillage_tenants.rota.solver.problem import Problem
from maillage_tenants.rota.solver.state import State


def first_plan(problem: Problem, state: State) -> None:
    """Fill what is empty in `state` as far as the hard rules allow. Deterministic; never moves what is held."""
    empty = [slot for slot in range(len(problem.slots)) if slot not in state.plan]
    by_week: dict[int, list[int]] = {}
    for slot in empty:
        by_week.setdefault(problem.units[problem.slots[slot].unit].week, []).append(slot)
    for _, slots in sorted(by_week.items()):
        for slot in sorted(slots, key=lambda slot: (len(problem.candidates[slot]), slot)):
            able = [person for person in problem.candidates[slot] if not state.clash(slot, person)]
            if able:
                state.give(slot, min(able, key=lambda person: (_load_after(problem, state, slot, person), person)))


def _load_after(problem: Problem, state: State, slot: int, person: int) -> float:
    """How full the person is in what the slot counts as, with its points; smaller is better."""
    quota, load = problem.quota[person], state.load[person]
    fullness = sum((load[category] + 1) / max(quota.get(category, 0.0), 0.25) for category, _ in problem.gains[slot])
    return fullness + problem.cost[slot][person] / 4
