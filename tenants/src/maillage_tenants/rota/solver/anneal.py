"""Simulated annealing: millions of small changes to a whole plan, each kept when it is better, or worse by chance. And
the same without regard to fairness, to cover a semester in a second or so.

How much worse is kept falls from "a unit outside the fair band" to "nothing" while it runs, so that first the loads
settle, then who is lent, then the wishes. It finds in seconds what neighbourhoods solved one by one find in minutes,
and proves nothing: `search` goes on from there. Deterministic. Compiled by numba (`moves.py`), once on a machine.

Most changes are chains: a slot passes to somebody, who may give up another one for it, which passes to the next one or
to whoever held the first. An empty slot may be taken for one that is left empty instead: holes wander until they close.
Others are swaps of all that two people hold in a week or two.
"""

from collections.abc import Callable, Iterator, Sequence
from threading import Thread

import numpy as np

from maillage_tenants.rota.solver.arrays import empty_hands, facts_of
from maillage_tenants.rota.solver.linear import LOOK_SECONDS
from maillage_tenants.rota.solver.moves import NOBODY, Facts, Hands, Whole, chains, swaps
from maillage_tenants.rota.solver.problem import Plan, Problem
from maillage_tenants.rota.solver.state import State

LINKS = 3
"""People at most who take something in one change."""
SWAPS, MOST_SWAPPED = 0.15, 24
"""Swaps looked at for a chain; slots at most of one."""
HOT, COLD = 3.0, 0.2
"""Points of a change that is kept one time in three, at first and at last, where a unit outside the band has 20."""
LIGHT, HEAVY = 0.4, 0.5
"""A unit outside the band weighs that share of its points at first; all of them at last, growing from that part on."""
PARTS, LOOKS = 400, 10
"""In how many parts, each with its heat; how many plans are shown."""
EMPTY = 4
"""An empty slot weighs as much as that many units outside the dearest band: holes still wander while it is hot."""
COVER, PATIENCE = 5, 800
"""To cover: changes for a slot in one go; goes without fewer holes before what is left is left."""
SELDOM = 8.0
"""To cover, an empty slot costs that many times the heat: one more is opened one time in three thousand."""


def compile_moves(problem: Problem) -> None:
    """Wait now for what was never compiled on this machine, so that no search has to."""
    for _ in annealed(problem, State(problem), range(len(problem.slots)), changes=0, seed=0):
        pass


def annealed(
    problem: Problem, state: State, movable: Sequence[int], *, changes: int, seed: int
) -> Iterator[Plan | None]:
    """Look at so many changes of the movable slots, beginning with `state`, which is left as it was. Gives the plan as
    it is `LOOKS` times, the last one at the end: each keeps every hard rule, and they are the same on any machine. In
    between gives None several times a second, so that whoever asks may stop; also while the compiler is at work,
    twenty seconds, once on a machine."""
    if not movable:
        return
    dearest = max(problem.band_weight.values(), default=0)
    usual = sorted(points for points in problem.band_weight.values() if points) or [1]
    facts = facts_of(problem, movable, empty=EMPTY * max(dearest, 1))
    weight = facts.weight.copy()
    hands = empty_hands(problem, facts, seed)
    look = _looking(facts, hands)
    given = _given(problem, state)
    yield from _compiled(look, given)
    for part in range(PARTS):
        ran = part / (PARTS - 1)
        heat = HOT * (COLD / HOT) ** ran * usual[len(usual) // 2] / 20
        np.rint(weight * (LIGHT + (1 - LIGHT) * max(0.0, ran - HEAVY) / (1 - HEAVY)), facts.weight, casting="unsafe")
        look(given, changes // PARTS, heat)
        given = given[:0]
        yield None if (part + 1) % (PARTS // LOOKS) else _plan(hands)


def covered(problem: Problem, state: State, movable: Sequence[int], *, seed: int) -> Iterator[Plan | None]:
    """Look for a plan that leaves few slots empty, beginning with `state`: whoever may hold a slot is as good as any
    other, so that holes wander freely until they close. Gives each plan with fewer holes than the one before, the first
    as it is; else None, after every few changes of each slot, so that whoever asks may stop. Each keeps every hard
    rule; they are the same on any machine."""
    if not movable:
        return
    facts = facts_of(problem, movable, empty=1)
    facts = facts._replace(
        empty=np.ones_like(facts.empty),
        cost=np.minimum(facts.cost, 0),
        weight=np.zeros_like(facts.weight),
        points=np.zeros_like(facts.points),
        again=0,
    )
    hands = empty_hands(problem, facts, seed)
    look = _looking(facts, hands, swapping=0.0)
    given = _given(problem, state)
    yield from _compiled(look, given)
    fewest, since = len(movable) + 1, 0
    while fewest and since < PATIENCE:
        look(given, COVER * len(movable), 1 / SELDOM)
        given = given[:0]
        if (left := int(hands.number[NOBODY])) < fewest:
            fewest, since = left, 0
            yield _plan(hands)
        else:
            since += 1
            yield None


_Look = Callable[[Whole, int, float], None]
"""Hand out by slot, then look at so many changes at that heat."""


def _looking(facts: Facts, hands: Hands, *, swapping: float = SWAPS) -> _Look:
    """`swapping`: swaps looked at for a chain."""
    chain = tuple(np.zeros(LINKS, np.int64) for _ in range(3))
    swapped = tuple(np.zeros(MOST_SWAPPED, np.int64) for _ in range(2))

    def look(given: Whole, changes: int, heat: float) -> None:
        chains(facts, hands, given, round(changes / (1 + swapping)), heat, *chain)
        swaps(facts, hands, round(changes * swapping / (1 + swapping)), heat, *swapped)

    return look


def _compiled(look: _Look, given: Whole) -> Iterator[None]:
    """Until nothing has to be compiled any more."""
    compiling = Thread(target=look, args=(given[:0], 0, HOT), daemon=True)
    compiling.start()
    while compiling.is_alive():
        compiling.join(LOOK_SECONDS)
        yield None


def _given(problem: Problem, state: State) -> Whole:
    return np.array([state.plan.get(slot, NOBODY) for slot in range(len(problem.slots))], np.int32)


def _plan(hands: Hands) -> Plan:
    return {slot: person for slot, person in enumerate(hands.holder.tolist()) if person != NOBODY}
