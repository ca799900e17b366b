"""What everybody owes of a semester: the fairest loads that the rules let be held (R53, R64).

In proportion to the engagements, each category apart, as far as absences, rest, weeks running and units a week allow:
what somebody cannot hold whatever the others do is shared among those who can, again in proportion. That is the plan in
fractions with the least Σ load² / engagement, balances of earlier semesters counted as done already. Somebody is lent
to another sector only for what its own people cannot hold.

So a plan can be held against shares that add up to something possible: `shares` alone (fairness.py), which knows no
week, asks up to twice what a person may be called.
"""

from collections import defaultdict
from dataclasses import replace

import numpy as np

from maillage_tenants.rota.solver.instance import Instance
from maillage_tenants.rota.solver.linear import Rows, relax
from maillage_tenants.rota.solver.model import formulate
from maillage_tenants.rota.solver.problem import Problem, Stop

AWAY, HOLE, EVEN = 10.0, 100.0, 0.05
"""Of a unit lent away, of an empty slot, of load² / engagement where engagements are 1 in the mean: the first two stay
above what one unit more can weigh for anybody who may still take it."""
PRECISION = 1e-5
MOST_ITERATIONS = 40_000
THREADS = 2
"""A constant, not the machine's number of cores: the figures do not depend on it."""


def with_shares(instance: Instance, *, stop: Stop = lambda: False) -> Instance:
    """The instance that says what everybody owes: `Instance.owed`, to a hundredth of a unit. The same facts give the
    same figures; about five seconds for a département. `stop` is asked every half second; told so, the instance is
    given back as it is."""
    problem = Problem(instance)
    if not problem.slots or not problem.people:
        return instance
    f = formulate(problem, fair=False)
    away = {v for (slot, person), v in f.take.items() if problem.slots[slot].desk not in problem.homes[person]}
    empty = set(f.hole.values())
    mean = float(np.mean([person.engagement for person in problem.people if person.engagement > 0] or [1.0]))
    gained: dict[tuple[int, str], dict[int, int]] = defaultdict(dict)
    for (slot, person), variable in f.take.items():
        for category, gain in problem.gains[slot]:
            if gain and problem.band_weight[category]:
                gained[person, category][variable] = gain
    loads = {}
    for key, gains in sorted(gained.items()):
        loads[key] = f.variable(upper=sum(gains.values()))
        f.row_of([*gains.values(), -1], [*gains, loads[key]], low=0, high=0)
    rows = Rows(f)
    rows.points = np.zeros(len(f.points))
    rows.points[list(away)], rows.points[list(empty)] = AWAY, HOLE
    squares = np.zeros(len(f.points))
    brings: dict[tuple[int, str], float] = {}
    for category, pools in problem.brought.items():
        for pool in pools.values():
            for person, amount in pool.items():
                brings[person, category] = max(amount, brings.get((person, category), 0.0))
    for (person, category), variable in loads.items():
        weight = EVEN * mean / brings.get((person, category), problem.people[person].engagement)
        squares[variable] = weight
        rows.points[variable] = 2 * weight * problem.carried(person, category)
    found = relax(rows, squares=squares, iterations=MOST_ITERATIONS, precision=PRECISION, threads=THREADS, stop=stop)
    if found is None or stop():
        return instance
    owed: dict[int, dict[str, float]] = defaultdict(dict)
    for (person, category), variable in loads.items():
        owed[person][category] = round(max(0.0, float(found.values[variable])), 2)
    return replace(instance, owed={problem.people[person].id: share for person, share in sorted(owed.items())})
