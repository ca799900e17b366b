"""Solving in a process of its own, so that the worker's other tasks go on.

`python -m maillage_tenants.rota.solver.process`: on its input one line of JSON that says what is asked, one with the
instance, then nothing, or the word `stop`; a closed input means stop too, so that no search outlives its worker. On its
output one line of JSON for each report (`progress`, the best plan so far now and then in `plan`), `done` at the end.
"""

import hashlib
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TextIO

import msgspec

from maillage_tenants.rota.checker import check
from maillage_tenants.rota.solver.explain import least_uncovered
from maillage_tenants.rota.solver.instance import Instance, loads
from maillage_tenants.rota.solver.preparing import prepare
from maillage_tenants.rota.solver.problem import Problem
from maillage_tenants.rota.solver.repair import repair
from maillage_tenants.rota.solver.reports import (
    BOUND_SHARE,
    MOST_BOUND_SECONDS,
    REPAIR,
    Asked,
    Covered,
    Ended,
    Given,
    Hole,
    Move,
    Progress,
    Solved,
    Told,
)
from maillage_tenants.rota.solver.search import solve
from maillage_tenants.rota.solver.state import assigned, fairness, score
from maillage_tenants.rota.solver.telling import holes

SHOW_SECONDS = 2.0
"""The best plan so far is told at most that often."""
NICENESS = 10
"""Calls come first: the search takes what the processors have left."""


@dataclass
class _Teller:
    """Reports to the output as they come."""

    out: TextIO
    clock: Callable[[], float] = time.monotonic
    shown: float = field(default=-SHOW_SECONDS)

    def covered(self, problem: Problem, plan: Mapping[int, int], covered: Covered) -> None:
        write(self.out, Told(covered=covered))
        self.plan(problem, plan)

    def progress(self, problem: Problem, progress: Progress) -> None:
        write(self.out, Told(progress=progress, slots=len(problem.slots)))

    def plan(self, problem: Problem, plan: Mapping[int, int]) -> None:
        now = self.clock()
        if now - self.shown >= SHOW_SECONDS:
            self.shown = now
            write(self.out, Told(plan=_given(problem, plan)))


def run(instance: Instance, asked: Asked, *, out: TextIO, stop: Callable[[], bool]) -> Solved:
    """Do what is asked. The plan keeps every hard rule: raises RuntimeError when the independent checker disagrees."""
    if asked.kind == REPAIR:
        return _repaired(Problem(instance), asked, stop)
    teller = _Teller(out)
    prepared = prepare(instance, seed=asked.seed, stop=stop, show=teller.covered)
    problem = prepared.problem
    found = solve(
        problem,
        first=prepared.plan,
        seconds=asked.seconds,
        seed=asked.seed,
        steps=asked.steps,
        stop=stop,
        report=partial(teller.progress, problem),
        show=partial(teller.plan, problem),
        bound_seconds=min(asked.seconds * BOUND_SHARE, MOST_BOUND_SECONDS)
        if asked.bound_seconds is None
        else asked.bound_seconds,
        bound_iterations=asked.bound_iterations,
        changes=asked.changes,
    )
    least = None
    if found.score.uncovered and found.ended is not Ended.STOPPED:
        least = least_uncovered(problem, seconds=min(10.0, asked.seconds / 2), start=found.plan).least
    return _solved(
        problem,
        found.plan,
        ended=found.ended.value,
        steps=found.steps,
        seconds=found.seconds,
        bound=found.bound,
        bound_iterations=found.bound_iterations,
        changes=found.changes,
        least=least if found.score.uncovered else 0,
        told=holes(problem, found.plan, seconds=min(60.0, asked.seconds), stop=stop),
    )


def _repaired(problem: Problem, asked: Asked, stop: Callable[[], bool]) -> Solved:
    began = time.monotonic()
    found = repair(problem, seconds=asked.seconds / 4, seed=asked.seed)
    moves = tuple(
        Move(
            sector_id=problem.desks[slot.desk].sector_id,
            trade=problem.desks[slot.desk].trade,
            rank=slot.rank,
            label=problem.units[slot.unit].label,
            periods=problem.units[slot.unit].periods,
            before=None if change.before is None else problem.people[change.before].id,
            after=None if change.after is None else problem.people[change.after].id,
        )
        for change in found.changes
        for slot in [problem.slots[change.slot]]
    )
    return _solved(
        problem,
        found.plan,
        ended=Ended.OPTIMAL.value if found.fewest else Ended.TIME.value,
        steps=0,
        seconds=time.monotonic() - began,
        bound=None,
        least=None,
        told=holes(problem, found.plan, seconds=min(30.0, asked.seconds), stop=stop),
        moves=moves,
        lost=len(found.lost),
        fewest=found.fewest,
    )


def _solved(
    problem: Problem, plan: Mapping[int, int], *, told: tuple[Hole, ...], bound: int | None, **more: Any
) -> Solved:
    lines = assigned(problem, plan)
    published = check(problem.instance, assigned(problem, problem.kept[0])).breaches
    known = {(breach.rule, breach.text.partition(" : ")[0]) for breach in published}
    for breach in check(problem.instance, lines).breaches:
        if (breach.rule, breach.text.partition(" : ")[0]) not in known:
            raise RuntimeError(f"the plan breaks a rule: {breach.text}")
    worth = score(problem, plan)
    plain = sorted(f"{g.sector_id} {g.trade} {g.rank} {g.person_id} {g.unit}" for g in lines)
    return Solved(
        slots=len(problem.slots),
        uncovered=worth.uncovered,
        points=worth.total,
        bound=bound,
        spread=max(fairness(problem, plan).worst.values(), default=0.0),
        digest=hashlib.sha256("\n".join(plain).encode()).hexdigest(),
        given=_given(problem, plan),
        holes=told,
        **more,
    )


def _given(problem: Problem, plan: Mapping[int, int]) -> tuple[Given, ...]:
    return tuple(
        Given(line.sector_id, line.trade, line.rank, line.person_id, line.periods) for line in assigned(problem, plan)
    )


def write(out: TextIO, told: Told) -> None:
    out.write(msgspec.json.encode(told).decode() + "\n")
    out.flush()


def main() -> None:
    """The process: what is asked on the standard input, the answers on the standard output."""
    os.nice(NICENESS)
    asked = msgspec.json.decode(sys.stdin.readline().encode(), type=Asked)
    instance = loads(sys.stdin.readline().encode())
    told_to_stop = threading.Event()

    def listen() -> None:
        sys.stdin.readline()
        told_to_stop.set()

    threading.Thread(target=listen, daemon=True).start()
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as out:
        # Whatever a library prints does not come between our lines.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        write(out, Told(done=run(instance, asked, out=out, stop=told_to_stop.is_set)))


if __name__ == "__main__":
    main()
