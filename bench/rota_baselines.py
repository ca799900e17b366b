"""What the peers' products do, on our instances and under our hard rules: three rules that never look ahead.

Each goes through the units in order of time and gives every slot to somebody allowed to take it (`State.allows`, the
solver's own judgement), people at home there first. None of them goes back.
"""

from collections.abc import Callable

from maillage_tenants.rota.solver.problem import FIRST, Plan, Problem
from maillage_tenants.rota.solver.state import State

Key = Callable[[State, int, int], tuple[float, ...]]


def round_robin(problem: Problem) -> Plan:
    """A list for each desk and rank, taken in turn; whoever cannot is passed over: GoAlert, Grafana OnCall."""
    turn: dict[tuple[int, int], int] = {}
    state = State(problem)
    for slot in _in_order(problem):
        place = problem.slots[slot].desk, problem.slots[slot].rank
        own = problem.people_of_desk[place[0]]
        start = turn.get(place, 0)
        for step in range(len(own)):
            person = own[(start + step) % len(own)]
            if state.allows(slot, person):
                state.give(slot, person)
                turn[place] = (start + step + 1) % len(own)
                break
        else:
            _lend(state, slot)
    return state.plan


def longest_idle(problem: Problem) -> Plan:
    """Whoever has not been on call for the longest time, rank by rank: LinkedIn Oncall's default."""
    last: dict[tuple[int, int], int] = {}
    state = State(problem)
    for number, slot in enumerate(_in_order(problem)):
        rank = problem.slots[slot].rank
        able = [p for p in problem.people_of_desk[problem.slots[slot].desk] if state.allows(slot, p)]
        if able:
            person = min(able, key=lambda p: (last.get((p, rank), -1), p))
            state.give(slot, person)
            last[person, rank] = number
        else:
            _lend(state, slot)
    return state.plan


def least_loaded(problem: Problem) -> Plan:
    """Whoever has the least so far of what the slot counts as, in proportion to the engagement: stronger than what
    on-call products ship."""
    state = State(problem)
    for slot in _in_order(problem):
        able = [p for p in problem.people_of_desk[problem.slots[slot].desk] if state.allows(slot, p)]
        if able:
            state.give(slot, min(able, key=lambda p: (_share(problem, state, slot, p), p)))
        else:
            _lend(state, slot)
    return state.plan


BASELINES: dict[str, Callable[[Problem], Plan]] = {
    "round_robin": round_robin,
    "longest_idle": longest_idle,
    "least_loaded": least_loaded,
}


def _in_order(problem: Problem) -> list[int]:
    return sorted(
        range(len(problem.slots)),
        key=lambda slot: (problem.units[problem.slots[slot].unit].starts_at, slot),
    )


def _share(problem: Problem, state: State, slot: int, person: int) -> float:
    engagement = problem.people[person].engagement
    return sum((state.load[person][category] + gain) / engagement for category, gain in problem.gains[slot])


def _lend(state: State, slot: int) -> None:
    able = [p for p in state.problem.candidates[slot] if state.allows(slot, p)]
    if able:
        state.give(slot, min(able, key=lambda p: (state.load[p][FIRST], p)))
