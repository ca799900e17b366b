"""What comes before the search: what everybody owes and, beside it, a large semester covered in seconds.

The two need nothing of one another. A person watching sees a whole plan at once, and fairness begins from one that
holds every slot that can be held.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from maillage_tenants.rota.solver.greedy import first_plan
from maillage_tenants.rota.solver.instance import Instance
from maillage_tenants.rota.solver.owed import with_shares
from maillage_tenants.rota.solver.problem import Plan, Problem, Stop
from maillage_tenants.rota.solver.reports import Covered
from maillage_tenants.rota.solver.search import LARGE
from maillage_tenants.rota.solver.state import State


@dataclass(frozen=True)
class Prepared:
    """`problem`: with what everybody owes. `plan`: to begin with; None for a small semester, which is covered as it is
    solved. `covered`: how much of it plan after plan held, and when."""

    problem: Problem
    plan: Plan | None
    covered: tuple[Covered, ...]


def prepare(
    instance: Instance,
    *,
    seed: int,
    stop: Stop = lambda: False,
    show: Callable[[Problem, Plan, Covered], None] = lambda *_: None,
) -> Prepared:
    """Shares and, from `LARGE` slots, a plan that covers: `show` is given each that is better than the one before. The
    same instance and seed give the same of both. Told to `stop`, gives what there is."""
    began = time.monotonic()
    plain = Problem(instance)
    covered: list[Covered] = []

    def cover() -> Plan | None:
        plan = None
        for plan in _plans(plain, seed, stop) if len(plain.slots) >= LARGE else ():
            covered.append(Covered(round(time.monotonic() - began, 3), len(plain.slots), len(plain.slots) - len(plan)))
            show(plain, plan, covered[-1])
        return plan

    with ThreadPoolExecutor(1) as beside:
        covering = beside.submit(cover)
        problem = Problem(with_shares(instance, stop=stop))
        return Prepared(problem, covering.result(), tuple(covered))


def _plans(problem: Problem, seed: int, stop: Stop) -> Iterator[Plan]:
    """Plans that cover more and more. What is locked stays."""
    # numba takes a second to import: only who needs it waits.
    from maillage_tenants.rota.solver.anneal import covered

    kept, locked = problem.kept
    state = State(problem, {slot: kept[slot] for slot in locked})
    first_plan(problem, state)
    yield dict(state.plan)
    movable = [slot for slot in range(len(problem.slots)) if slot not in locked]
    for plan in covered(problem, state, movable, seed=seed):
        if stop():
            return
        if plan is not None and len(plan) > len(state.plan):
            yield plan
