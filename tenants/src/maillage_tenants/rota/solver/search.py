"""The search: a first plan at once, better ones as long as there is time, and the proof of how far it can go.

Fix and optimise: most of the plan stays, a neighbourhood of it is solved to its optimum by CP-SAT on one thread. What
is freed changes: a desk, a hole with the desks that could help, a few weeks of several desks, a few people's whole
semester. Sub-solves are bounded in CP-SAT's deterministic time and the proof in PDLP's iterations: the same seed,
number of steps and of iterations give the same plan on any machine. The time budget only decides how many there are;
a sub-solve that it cuts short is not taken and not counted.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ortools.sat.python import cp_model

from maillage_tenants.rota.solver.bound import lower_bound, prove
from maillage_tenants.rota.solver.greedy import first_plan
from maillage_tenants.rota.solver.model import CpSat, Formulation, formulate, to_cp_sat
from maillage_tenants.rota.solver.problem import Plan, Problem, Stop
from maillage_tenants.rota.solver.reports import Ended, Progress
from maillage_tenants.rota.solver.state import Score, State, band_cost, fairness, hole_cost, score


@dataclass(frozen=True)
class Outcome:
    """The best plan found, its points and the proven bound; `trace` is every improvement, in order. `steps` and
    `bound_iterations` make the same search again."""

    plan: Plan
    score: Score
    bound: int
    ended: Ended
    steps: int
    seconds: float
    trace: tuple[Progress, ...]
    bound_iterations: int

    @property
    def optimal(self) -> bool:
        return self.score.total <= self.bound


def solve(
    problem: Problem,
    *,
    seconds: float,
    seed: int = 0,
    steps: int | None = None,
    start: Mapping[int, int] | None = None,
    locked: Iterable[int] = (),
    stop: Stop = lambda: False,
    report: Callable[[Progress], None] = lambda _: None,
    show: Callable[[Mapping[int, int]], None] = lambda _: None,
    bound_seconds: float | None = None,
    bound_iterations: int | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Plan the semester. Always returns a plan that keeps every hard rule, with holes where none was found.

    `seconds`: the person's time budget. `steps`: at most that many neighbourhoods. `start`: a plan to begin with;
    `locked`: its slots that may not move. `stop` is asked between steps, a few seconds apart at most. `bound_seconds`:
    of the budget, for the bound; a fifth when None, 0 for none; `bound_iterations`: as many instead. The duties of the
    instance that are locked are kept. `show` is given the best plan so far with each report, for who may have to end
    the search from outside. `clock`: what the budget is counted on, in seconds; the processor's own time compares runs
    on a busy machine.
    """
    return _Search(problem, seconds, seed, steps, stop, report, clock, show).run(
        start or {}, frozenset(locked), bound_seconds, bound_iterations
    )


STEP_SECONDS = 15.0
"""When only cover counts, a sub-solve never lasts longer, whatever the machine."""
LEAST_SECONDS = 0.2
"""A sub-solve begun is given that much of the clock at least."""
STALE = 60
"""Steps without a better plan before a restart."""
LEAN = 0.8
"""Share of the steps that look only at assignments the proof does not make dear."""
DEAR = 1.0
"""Points above the bound from which an assignment is rarely worth looking at."""
MOST_TRIES = 6
"""How often, wider each time, a hole is tried when only cover counts."""
SMALLEST, LARGEST = 120.0, 900.0
"""Slots of a neighbourhood."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """`plan`: who holds the freed slots, None when nothing was found; `proven` the best there is (or that there is
    none); `effort` spent, deterministic; `cut` by the clock before either: another machine may find something else."""

    plan: Plan | None
    proven: bool
    effort: float
    cut: bool = False


@dataclass
class _Search:
    problem: Problem
    budget: float
    seed: int
    most_steps: int | None
    stop: Stop
    report: Callable[[Progress], None]
    clock: Callable[[], float]
    show: Callable[[Mapping[int, int]], None] = lambda _: None
    trace: list[Progress] = field(default_factory=list)
    steps: int = 0
    bound: int | None = None
    likely: list[set[int]] | None = None
    last_effort: float = 0.0
    last_proven: bool = False
    out_of_time: bool = False
    iterations: int = 0

    def run(
        self,
        start: Mapping[int, int],
        locked: frozenset[int],
        bound_seconds: float | None,
        bound_iterations: int | None,
    ) -> Outcome:
        self.prepare(start, locked)
        self.best, self.best_plan = score(self.problem, self.state.plan), dict(self.state.plan)
        self.current = self.best
        self.tell()
        ended = self.fill_holes(tries=2)
        wanted = min(self.budget / 5, 90.0) if bound_seconds is None else bound_seconds
        if wanted and ended is not Ended.STOPPED:
            self.prove(wanted, bound_iterations)
            ended = self.over()
        if not start and ended is None:
            self.desk_by_desk()
            ended = self.fill_holes(tries=2)
            self.back_to_best()
        ended = ended or self.improve()
        if self.bound is None:
            self.bound = lower_bound(formulate(self.problem, following=False), seconds=0)
        return Outcome(
            self.best_plan,
            self.best,
            self.bound,
            ended,
            self.steps,
            self.elapsed,
            tuple(self.trace),
            self.iterations,
        )

    def prepare(self, start: Mapping[int, int], locked: frozenset[int]) -> None:
        """The state to begin with: what is locked, what of `start` the rules allow, then the first plan."""
        self.began = self.clock()
        self.random = random.Random(self.seed)  # noqa: S311 - a search, not a secret
        kept, kept_locked = self.problem.kept
        self.locked = locked | kept_locked
        self.state = State(self.problem)
        for slot, person in {**start, **{slot: kept[slot] for slot in kept_locked}}.items():
            if slot in self.locked:
                self.state.give(slot, person)
        for slot, person in start.items():
            if slot not in self.locked and self.state.allows(slot, person):
                self.state.give(slot, person)
        self.movable = [slot for slot in range(len(self.problem.slots)) if slot not in self.locked]
        first_plan(self.problem, self.state)
        self._map()

    def cover(self, start: Mapping[int, int], enough: int) -> Plan:
        self.prepare(start, frozenset())
        tried: Counter[int] = Counter()
        while self.elapsed < self.budget and len(self.problem.slots) - len(self.state.plan) > enough:
            holes = [slot for slot in self.movable if slot not in self.state.plan and tried[slot] < MOST_TRIES]
            if not holes:
                break
            slot = min(holes, key=lambda slot: (tried[slot], slot))
            tried[slot] += 1
            around = self.around(slot, tried[slot])
            found = resolve(
                self.problem,
                self.state,
                around,
                seconds=min(STEP_SECONDS, max(0.2, self.budget - self.elapsed)),
                effort=1.0,
                seed=self.random.randrange(2**30),
                fair=False,
            ).plan
            if found is not None and len(found) >= sum(other in self.state.plan for other in around):
                _replace(self.state, around, found)
        return dict(self.state.plan)

    # --- time and words -----------------------------------------------------

    @property
    def elapsed(self) -> float:
        return self.clock() - self.began

    def over(self) -> Ended | None:
        if self.bound is not None and self.best.total <= self.bound:
            return Ended.OPTIMAL
        if self.stop():
            return Ended.STOPPED
        if self.most_steps is not None and self.steps >= self.most_steps:
            return Ended.STEPS
        return Ended.TIME if self.out_of_time or self.elapsed >= self.budget else None

    def tell(self) -> None:
        progress = Progress(
            seconds=round(self.elapsed, 3),
            steps=self.steps,
            points=self.best.total,
            uncovered=self.best.uncovered,
            bound=self.bound,
            spread=max(fairness(self.problem, self.best_plan).worst.values(), default=0.0),
        )
        self.trace.append(progress)
        self.show(self.best_plan)
        self.report(progress)

    def prove(self, seconds: float, iterations: int | None) -> None:
        f = formulate(self.problem, following=False)
        found = prove(f, seconds=seconds, iterations=iterations)
        self.iterations = found.iterations
        self.bound = found.bound if self.bound is None else max(self.bound, found.bound)
        likely: list[set[int]] = [set() for _ in self.problem.slots]
        for (slot, person), above in found.dear.items():
            if above <= DEAR:
                likely[slot].add(person)
        self.likely = likely
        self.tell()

    # --- neighbourhoods -----------------------------------------------------

    def _map(self) -> None:
        """Desks that share people, the more the nearer."""
        serving = [set[int]() for _ in self.problem.desks]
        for slot, people in enumerate(self.problem.candidates):
            serving[self.problem.slots[slot].desk] |= set(people)
        self.near: list[list[int]] = []
        for desk, own in enumerate(serving):
            common = Counter({other: len(own & theirs) for other, theirs in enumerate(serving) if other != desk})
            self.near.append([other for other, number in common.most_common() if number])
        self.desk_movable: list[list[int]] = [[] for _ in self.problem.desks]
        for slot in self.movable:
            self.desk_movable[self.problem.slots[slot].desk].append(slot)

    def week(self, slot: int) -> int:
        return self.problem.units[self.problem.slots[slot].unit].week

    def desk_by_desk(self) -> None:
        """From nothing, each desk by its own people: most of the fairness there is, in a second or so a desk. What they
        leave open is then given to anybody who may take it."""
        self.state = State(self.problem, {s: self.state.plan[s] for s in self.locked if s in self.state.plan})
        for desk in range(len(self.problem.desks)):
            if self.over():
                break
            found = self.resolve(
                self.desk_movable[desk],
                people=set(self.problem.people_of_desk[desk]),
                effort=2.0,
                following=False,
            )
            for slot, person in (found.plan or {}).items():
                self.state.give(slot, person)
        first_plan(self.problem, self.state)
        self.become(score(self.problem, self.state.plan))

    def become(self, now: Score) -> bool:
        """The state is now worth that. True, and told, when it is the best so far."""
        self.current = now
        better = now.total < self.best.total
        if now.total <= self.best.total:
            self.best, self.best_plan = now, dict(self.state.plan)
        if better:
            self.tell()
        return better

    def back_to_best(self) -> None:
        if self.current.total > self.best.total:
            self.state, self.current = State(self.problem, self.best_plan), self.best

    def fill_holes(self, *, tries: int) -> Ended | None:
        """Holes one by one, wider each time, until there are none or each was tried so often."""
        tried: Counter[int] = Counter()
        while (ended := self.over()) is None:
            holes = [slot for slot in self.movable if slot not in self.state.plan and tried[slot] < tries]
            if not holes:
                return None
            slot = min(holes, key=lambda slot: (tried[slot], slot))
            tried[slot] += 1
            self.step(self.around(slot, tried[slot]), effort=0.5 * tried[slot], following=False)
        return ended

    def around(self, slot: int, width: int) -> list[int]:
        desk, week = self.problem.slots[slot].desk, self.week(slot)
        others = self.near[desk][: 3 + 2 * width]
        desks = [desk, *self.random.sample(others, min(len(others), 1 + 2 * width))]
        return [s for d in desks for s in self.desk_movable[d] if abs(self.week(s) - week) <= width]

    def improve(self) -> Ended:
        """Until the end: neighbourhoods chosen by what they gained lately for their effort, of a size that CP-SAT still
        solves to the end; larger ones when the small ones have nothing left."""
        moves: dict[str, Callable[[int], tuple[list[int], set[int] | None]]] = {
            "people": self.some_people,
            "weeks": self.some_weeks,
            "desks": self.some_desks,
            "hole": self.some_hole,
        }
        worth = dict.fromkeys(moves, 20.0)
        size = {(name, lean): SMALLEST * (1.5 if lean else 1.0) for name in moves for lean in (True, False)}
        stale = 0
        while (ended := self.over()) is None:
            if stale >= STALE:
                self.back_to_best()
                self.shake()
                stale = 0
            possible = [name for name in moves if name != "hole" or self.current.uncovered]
            name = self.random.choices(possible, [worth[move] + 2.0 for move in possible])[0]
            lean = self.likely is not None and self.random.random() < LEAN
            slots, people = moves[name](round(size[name, lean]))
            before = self.current.total
            stale = 0 if self.step(slots, people=people, effort=1.0, lean=lean) else stale + 1
            gain = min(before - self.current.total, 200) / (0.1 + self.last_effort)
            worth[name] = 0.85 * worth[name] + 0.15 * max(0.0, gain)
            if not self.last_proven:
                size[name, lean] = max(SMALLEST / 2, size[name, lean] * 0.85)
            elif not gain:
                size[name, lean] = min(LARGEST, size[name, lean] * 1.06)
        return ended

    def shake(self) -> None:
        """A restart that keeps most: a few weeks of a few desks given anew without regard to points, holes apart."""
        slots, _ = self.some_weeks(round(SMALLEST))
        found = self.resolve(slots, effort=1.0, fair=False)
        if found.plan is not None:
            _replace(self.state, slots, found.plan)
            self.current = score(self.problem, self.state.plan)

    def trouble(self) -> list[float]:
        """Points of each desk's people and holes, for where to look next."""
        points = [1.0] * len(self.problem.desks)
        for person, homes in enumerate(self.problem.homes):
            cost = band_cost(self.problem, person, self.state.load[person])
            for desk in homes:
                points[desk] += cost / len(homes)
        for slot in self.movable:
            if slot not in self.state.plan:
                points[self.problem.slots[slot].desk] += hole_cost(self.problem, slot) / 20
            else:
                points[self.problem.slots[slot].desk] += self.problem.cost[slot][self.state.plan[slot]] / 4
        return points

    def some_desk(self) -> int:
        return self.random.choices(range(len(self.problem.desks)), self.trouble())[0]

    def with_neighbours(self, desk: int, number: int) -> list[int]:
        near = self.near[desk][:8]
        return [desk, *self.random.sample(near, min(len(near), number))]

    def some_desks(self, size: int) -> tuple[list[int], set[int] | None]:
        """One desk, or two where there is room, over the semester or as much of it as the size allows."""
        desks = self.with_neighbours(self.some_desk(), self.random.choice((0, 1)))
        return self.weeks_of(desks, max(size, 150)), None

    def some_weeks(self, size: int) -> tuple[list[int], set[int] | None]:
        return self.weeks_of(self.with_neighbours(self.some_desk(), self.random.choice((2, 3, 4))), size), None

    def weeks_of(self, desks: list[int], size: int) -> list[int]:
        """As many weeks running of these desks as make about that many slots."""
        slots = [slot for desk in desks for slot in self.desk_movable[desk]]
        weeks = self.problem.last_week + 1
        length = min(weeks, max(2, round(size * weeks / max(1, len(slots)))))
        first = self.random.randint(0, weeks - length)
        return [slot for slot in slots if first <= self.week(slot) < first + length]

    def some_hole(self, size: int) -> tuple[list[int], set[int] | None]:
        holes = [slot for slot in self.movable if slot not in self.state.plan]
        slot = self.random.choice(holes)
        width = self.random.choice((1, 2, 3))
        return self.around(slot, width)[: 2 * size], None

    def some_people(self, size: int) -> tuple[list[int], set[int] | None]:
        """The whole semester of a few people who can replace one another, one of them out of the fair band."""
        state, problem = self.state, self.problem
        costs = [band_cost(problem, person, state.load[person]) for person in range(len(problem.people))]
        weights = [cost + 1.0 if problem.slots_of_person[person] else 0.0 for person, cost in enumerate(costs)]
        chosen = [self.random.choices(range(len(weights)), weights)[0]]
        pool: Counter[int] = Counter()
        while sum(len(state.held[person]) for person in chosen) < size:
            for slot in self.random.sample(
                problem.slots_of_person[chosen[-1]], min(40, len(problem.slots_of_person[chosen[-1]]))
            ):
                pool.update(problem.candidates[slot])
            left = [person for person in pool if person not in chosen]
            if not left:
                break
            chosen.append(self.random.choices(left, [pool[p] * weights[p] ** 0.5 for p in left])[0])
        people = set(chosen)
        slots = [slot for person in chosen for slot in sorted(state.held[person]) if slot not in self.locked]
        slots += [slot for slot in self.movable if slot not in state.plan and people & problem.cost[slot].keys()]
        return sorted(set(slots)), people

    # --- one step -----------------------------------------------------------

    def resolve(self, slots: list[int], *, effort: float, **how: Any) -> Resolved:
        """One step: these slots anew, the rest fixed. One that the clock cut short is no step, and ends the search:
        what a slow machine had no time to find must not steer what comes after."""
        found = resolve(
            self.problem,
            self.state,
            slots,
            seconds=max(LEAST_SECONDS, self.budget - self.elapsed),
            effort=effort,
            seed=self.random.randrange(2**30),
            **how,
        )
        if found.cut:
            self.out_of_time = True
            return Resolved(None, False, found.effort, cut=True)
        self.steps += 1
        return found

    def step(
        self,
        slots: list[int],
        *,
        effort: float,
        people: set[int] | None = None,
        following: bool = True,
        lean: bool = False,
    ) -> bool:
        """Solve these slots anew, the rest fixed; keep the result when it is no worse. True when better. `lean`: only
        assignments that the proof does not make dear."""
        among = None
        if lean and self.likely is not None:
            among = {slot: self.likely[slot] | {self.state.plan.get(slot, -1)} for slot in slots}
        tried = self.resolve(slots, people=people, among=among, effort=effort, following=following)
        self.last_effort, self.last_proven = tried.effort, tried.proven
        found = tried.plan
        if found is None:
            return False
        before = {slot: self.state.plan[slot] for slot in slots if slot in self.state.plan}
        if found == before:
            return False
        _replace(self.state, slots, found)
        now = score(self.problem, self.state.plan)
        if now.total > self.current.total:
            _replace(self.state, slots, before)
            return False
        return self.become(now)


def resolve(
    problem: Problem,
    state: State,
    slots: Iterable[int],
    *,
    people: set[int] | None = None,
    among: Mapping[int, set[int]] | None = None,
    seconds: float,
    effort: float,
    seed: int,
    following: bool = True,
    fair: bool = True,
    keep: Mapping[int, int] | None = None,
    change: int = 0,
) -> Resolved:
    """Who should hold these slots, the rest of `state` staying; `state` is left as it was. Within `seconds` of real and
    `effort` of CP-SAT's deterministic time."""
    freed = sorted(slots)
    before = {slot: state.plan[slot] for slot in freed if slot in state.plan}
    _replace(state, freed, {})
    try:
        f = formulate(
            problem,
            free=freed,
            state=state,
            people=people,
            among=among,
            fair=fair,
            keep=keep,
            change=change,
            following=following,
        )
    finally:
        _replace(state, freed, before)
    made = to_cp_sat(f)
    if before:
        hint(made, f, before)
    solver = cp_model.CpSolver()
    tune(solver, seconds=seconds, seed=seed)
    solver.parameters.max_deterministic_time = effort
    status = solver.solve(made.model)
    spent = solver.response_proto.deterministic_time
    proven = status in (cp_model.OPTIMAL, cp_model.INFEASIBLE)
    # CP-SAT ends a little before its clock; what it spent tells a step that its effort ended from one that time did.
    cut = not proven and spent < effort and solver.wall_time > seconds / 2
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Resolved(None, proven, spent, cut)
    plan = {slot: person for (slot, person), variable in f.take.items() if solver.value(made.variables[variable])}
    return Resolved(plan, proven, spent, cut)


def hint(made: CpSat, f: Formulation, plan: Mapping[int, int]) -> None:
    """Begin with that plan."""
    for (slot, person), variable in f.take.items():
        made.model.add_hint(made.variables[variable], plan.get(slot) == person)
    for slot, variable in f.hole.items():
        made.model.add_hint(made.variables[variable], slot not in plan)


def cover(
    problem: Problem,
    *,
    seconds: float,
    enough: int = 0,
    start: Mapping[int, int] | None = None,
    seed: int = 0,
    clock: Callable[[], float] = time.monotonic,
) -> Plan:
    """A plan with as few holes as found within the time, fairness left aside; no fewer than `enough` are looked for."""
    return _Search(problem, seconds, seed, None, lambda: False, lambda _: None, clock).cover(start or {}, enough)


def tune(solver: cp_model.CpSolver, *, seconds: float, seed: int = 0) -> None:
    """What made sub-solves quick: one thread, and the linear relaxation at its fullest (design notes, measured)."""
    solver.parameters.num_workers = 1
    solver.parameters.linearization_level = 2
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.random_seed = seed


def _replace(state: State, slots: Iterable[int], plan: Mapping[int, int]) -> None:
    for slot in slots:
        if slot in state.plan:
            state.take(slot)
    for slot, person in plan.items():
        state.give(slot, person)
