"""The search: a first plan at once, better ones as long as there is time, and the proof of how far it can go.

A large plan is annealed first (`anneal.py`), a small one made desk by desk. Then fix and optimise: most of the plan
stays, a neighbourhood of it (`neighbourhoods.py`) is solved to its optimum by CP-SAT on one thread. Two are solved at a
time, on two threads, and their results taken in order. Annealing is bounded in changes, sub-solves in CP-SAT's
deterministic time and the proof in PDLP's iterations: the same seed, number of changes, of steps and of iterations give
the same plan on any machine. The time budget only decides how many there are; a sub-solve that it cuts short is not
taken and not counted.
"""

import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from maillage_tenants.rota.solver.apart import Proofs
from maillage_tenants.rota.solver.bound import Proof, lower_bound, prove
from maillage_tenants.rota.solver.greedy import first_plan
from maillage_tenants.rota.solver.linear import LOOK_SECONDS
from maillage_tenants.rota.solver.model import formulate
from maillage_tenants.rota.solver.neighbourhoods import MOST_EFFORT, Neighbourhoods, Task
from maillage_tenants.rota.solver.problem import Plan, Problem, Stop
from maillage_tenants.rota.solver.purse import PROOF, SMALLEST, Purse
from maillage_tenants.rota.solver.reports import Ended, Progress
from maillage_tenants.rota.solver.state import Score, State, fairness, hole_cost, score
from maillage_tenants.rota.solver.subsolve import Posed, Resolved, answer, give_anew, pose


@dataclass(frozen=True)
class Outcome:
    """The best plan found, its points and the proven bound; `trace` is every improvement, in order. `steps`,
    `bound_iterations` and `changes` make the same search again."""

    plan: Plan
    score: Score
    bound: int
    ended: Ended
    steps: int
    seconds: float
    trace: tuple[Progress, ...]
    bound_iterations: int
    changes: int

    @property
    def optimal(self) -> bool:
        return self.score.total <= self.bound


def solve(
    problem: Problem,
    *,
    seconds: float,
    seed: int = 0,
    steps: int | None = None,
    first: Mapping[int, int] | None = None,
    start: Mapping[int, int] | None = None,
    locked: Iterable[int] = (),
    stop: Stop = lambda: False,
    report: Callable[[Progress], None] = lambda _: None,
    show: Callable[[Mapping[int, int]], None] = lambda _: None,
    bound_seconds: float | None = None,
    bound_iterations: int | None = None,
    changes: int | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Plan the semester. Always returns a plan that keeps every hard rule, with holes where none was found.

    `seconds`: the person's time budget. `steps`: at most that many neighbourhoods. `first`: a plan that covers
    (`preparing.py`), to be made fair. `start`: a plan to begin with; `locked`: its slots that may not move. `stop` is
    asked every half second. `bound_seconds`: of the budget, for the linear bound; a fifth when None, 0 for none;
    `bound_iterations`: as many instead. `changes`: looked at for an annealed first plan; as suit the problem and the
    budget when None, 0 for none. The duties of the instance that are locked are kept. `show` is given the best plan so
    far with each report, for who may have to end the search from outside. `clock`: what the budget is counted on, in
    seconds; the processor's own time compares runs on a busy machine.
    """
    return _Search(problem, seconds, seed, steps, stop, report, clock, show).run(
        first or {}, start or {}, frozenset(locked), bound_seconds, bound_iterations, changes
    )


LARGE = 1000
"""Slots from which a first plan is annealed; below, desk by desk is as good and quicker."""
CHANGES, CHANGES_A_SECOND = 26_000, 800_000
"""Small changes looked at for it: for a slot; for a second of the budget. A core looks at two to five million a second.
"""
TEAM, AHEAD = 2, 3
"""Neighbourhoods solved at a time; solved or waiting. Constants, not the machine's number of cores: plans do not depend
on them."""
STEP_SECONDS = 15.0
"""When only cover counts, a sub-solve never lasts longer, whatever the machine."""
LEAST_SECONDS = 0.2
"""A sub-solve begun is given that much of the clock at least."""
EARLY = 20
"""Steps at most for a first plan without holes, before the desks are planned one by one."""
DESK_EFFORT, DESKS_EFFORT = 2.0, 30.0
"""Deterministic time of a desk's first plan, of all of them at most."""
THOROUGH = 6.0
"""With as many seconds for the linear bound, there is time for the proof desk by desk too."""
STALE = 60
"""Steps without a better plan before a restart."""
LEAN = 0.8
"""Share of the steps that look only at assignments the proof does not make dear."""
DEAR = 1.0
"""Points above the bound from which an assignment is rarely worth looking at."""
TOLERANCE, MOST_TOLERANCE = 1 / 40, 2.0
"""Share of the points between plan and bound, and points, that are not worth looking for at one place: the last ones
of a desk take half of its effort. Points are whole numbers: below one, everything is looked for."""
WORST = 10.0
"""Points above what is proven of a desk from which it is solved whole before anything else."""
UNFAIR, CHAIN_EFFORT = 2, 2.0
"""From which try on a hole is filled at any price, moving as little as may be; and with what effort."""
MOST_TRIES = 6
"""How often, wider each time, a hole is tried when only cover counts."""


@dataclass(frozen=True, slots=True)
class _Flight:
    """A neighbourhood, or the proof of a part, being solved, and what had moved when it was asked."""

    task: Task
    version: int
    posed: Posed
    answer: Future[Resolved]


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
    proof: Proof | None = None
    unproven: deque[int] = field(default_factory=deque)
    thorough: bool = False
    out_of_time: bool = False
    done: bool = False
    iterations: int = 0
    changes: int = 0

    def run(
        self,
        first: Mapping[int, int],
        start: Mapping[int, int],
        locked: frozenset[int],
        bound_seconds: float | None,
        bound_iterations: int | None,
        changes: int | None,
    ) -> Outcome:
        self.prepare({**first, **start}, locked)
        self.best, self.best_plan = score(self.problem, self.state.plan), dict(self.state.plan)
        self.current = self.best
        self.tell()
        wanted = min(self.budget / 5, 90.0) if bound_seconds is None else bound_seconds
        self.thorough = wanted >= THOROUGH
        self.changes = 0 if start else self.enough_changes if changes is None else changes
        with ThreadPoolExecutor(TEAM) as self.team:
            proof = self.team.submit(self.linear, wanted, bound_iterations) if wanted else None
            if self.changes:
                self.anneal(proof)
            else:
                self.first_plans(proof, anew=not start)
            if proof is not None and self.proof is None and not self.over():
                self.proven(proof.result())
            if not self.over():
                self.prove_apart()
            self.fill_holes(tries=UNFAIR + 1)
            self.back_to_best()
            self.worst_desks()
            ended = self.over() or self.improve()
            self.done = True
        if self.bound is None:
            self.bound = lower_bound(formulate(self.problem), seconds=0)
        return Outcome(
            self.best_plan,
            self.best,
            self.bound,
            ended,
            self.steps,
            self.elapsed,
            tuple(self.trace),
            self.iterations,
            self.changes,
        )

    def first_plans(self, proof: Future[Proof] | None, *, anew: bool) -> None:
        """The holes of the greedy plan, then, `anew`, one desk after the other from nothing."""
        ended = self.fill_holes(tries=1, most=EARLY)
        if proof is not None and not ended and self.current.uncovered:
            self.proven(proof.result())
            ended = self.fill_holes(tries=UNFAIR + 1, most=EARLY)
        if anew and not ended:
            self.desk_by_desk()

    @property
    def enough_changes(self) -> int:
        """Small changes that are worth their time: none for a plan that the desks make at once, one by one."""
        slots = len(self.movable)
        return 0 if slots < LARGE else int(min(CHANGES * slots, CHANGES_A_SECOND * self.budget))

    def prepare(self, start: Mapping[int, int], locked: frozenset[int]) -> None:
        """The state to begin with: what is locked, what of `start` the rules allow, then the greedy plan."""
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
        self.where = Neighbourhoods(self.problem, self.movable, self.random)

    def cover(self, start: Mapping[int, int], enough: int) -> Plan:
        self.prepare(start, frozenset())
        tried: Counter[int] = Counter()
        while self.elapsed < self.budget and len(self.problem.slots) - len(self.state.plan) > enough:
            holes = [slot for slot in self.movable if slot not in self.state.plan and tried[slot] < MOST_TRIES]
            if not holes:
                break
            slot = min(holes, key=lambda slot: (tried[slot], slot))
            tried[slot] += 1
            around = self.where.around(slot, tried[slot])
            found = answer(
                pose(
                    self.problem,
                    self.state,
                    around,
                    seconds=min(STEP_SECONDS, max(LEAST_SECONDS, self.budget - self.elapsed)),
                    effort=1.0,
                    seed=self.random.randrange(2**30),
                    fair=False,
                )
            ).plan
            if found is not None and len(found) >= sum(other in self.state.plan for other in around):
                give_anew(self.state, around, found)
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

    def proven(self, found: Proof) -> None:
        """Keep what the linear bound says."""
        self.proof = found
        self.iterations = found.iterations
        self.bound = found.bound if self.bound is None else max(self.bound, found.bound)
        self.likely = [set() for _ in self.problem.slots]
        for (slot, person), above in found.dear.items():
            if above <= DEAR:
                self.likely[slot].add(person)
        if self.thorough and len((proofs := Proofs(self.problem, found)).parts) > 1:
            self.where.proofs = proofs
            self.unproven.extend(range(len(proofs.parts)))
        self.tell()

    def anneal(self, proof: Future[Proof] | None) -> None:
        """A first plan by small changes to the whole; the proofs come beside it."""
        # numba takes a second to import: only who needs it waits.
        from maillage_tenants.rota.solver.anneal import annealed

        ahead: deque[_Flight] = deque()
        for plan in annealed(self.problem, self.state, self.movable, changes=self.changes, seed=self.seed):
            if plan is not None:
                self.be(plan)
            if self.over() in (Ended.STOPPED, Ended.TIME):
                break
            if proof is not None and self.proof is None and proof.done():
                self.proven(proof.result())
            if ahead and ahead[0].answer.done():
                self.land(ahead.popleft())
            if not ahead and self.unproven and not self.full():
                ahead.append(self.send(self.where.proof_of(self.unproven.popleft())))
        while ahead and not self.out_of_time:
            self.land(ahead.popleft())
        self.recall(ahead)

    def be(self, plan: Plan) -> None:
        """That plan is the state."""
        self.state = State(self.problem, plan)
        self.become(score(self.problem, plan))

    def prove_apart(self) -> None:
        """Better the bound desk by desk, once each, as far as it was not done yet."""
        ahead: deque[_Flight] = deque()
        while (self.unproven and not self.full(len(ahead))) or ahead:
            if self.unproven and not self.full(len(ahead)) and len(ahead) <= TEAM:
                ahead.append(self.send(self.where.proof_of(self.unproven.popleft())))
            elif self.land(ahead.popleft()) is None:
                break
        self.recall(ahead)

    def linear(self, seconds: float, iterations: int | None) -> Proof:
        """The linear proof, beside whatever else is done."""
        f = formulate(self.problem)
        return prove(f, seconds=seconds, iterations=iterations, stop=lambda: self.done or self.stop())

    @property
    def tolerance(self) -> float:
        """Points that are not worth looking for at one place."""
        if self.bound is None:
            return 0.0
        return min(MOST_TOLERANCE, TOLERANCE * (self.current.total - self.bound))

    # --- plans ----------------------------------------------------------------

    def desk_by_desk(self) -> None:
        """From nothing, each desk by its own people: most of the fairness there is, in a second or so a desk. What they
        leave open is then given to anybody who may take it."""
        where = self.where
        self.state = State(self.problem, {s: self.state.plan[s] for s in self.locked if s in self.state.plan})
        left = [desk for desk, slots in enumerate(where.desk_movable) if slots]
        effort = min(DESK_EFFORT, DESKS_EFFORT / max(1, len(left)))
        while left and not self.over():
            pair = left[:1]
            pair += [desk for desk in left if not where.own(desk) & where.own(pair[0])][: TEAM - 1]
            left = [desk for desk in left if desk not in pair]
            waiting = frozenset(person for desk in left for person in where.own(desk))
            tasks = [
                Task(where.desk_movable[desk], effort, where.own(desk), partial=waiting & where.own(desk))
                for desk in pair
            ]
            for flight in self.sent(tasks):
                found = self.arrived(flight)
                for slot, person in ((found and found.plan) or {}).items():
                    if self.state.allows(slot, person):
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

    def fill_holes(self, *, tries: int, most: int | None = None) -> Ended | None:
        """Holes one by one, wider each time, until there are none, each was tried so often, or after `most` steps.
        Where a fair answer was not found, the one that moves least is taken: what it costs in fairness is won
        back later."""
        tried: Counter[int] = Counter()
        until = None if most is None else self.steps + most
        while (ended := self.over()) is None and (until is None or self.steps < until):
            holes = [slot for slot in self.movable if slot not in self.state.plan and tried[slot] < tries]
            if not holes or not self.fillable:
                return None
            tasks: list[Task] = []
            for slot in sorted(holes, key=lambda slot: (tried[slot], slot))[: 4 * TEAM]:
                width = tried[slot] + 1
                at_any_price = width >= UNFAIR
                around = (
                    self.where.chained(slot, 2 * (width - UNFAIR + 1))
                    if at_any_price
                    else self.where.around(slot, width)
                )
                if len(tasks) < TEAM and not any(set(around) & set(task.slots) for task in tasks):
                    tried[slot] += 1
                    effort = CHAIN_EFFORT if at_any_price else 0.5 * tried[slot]
                    tasks.append(Task(around, effort, fair=not at_any_price, close=at_any_price))
            self.step(tasks)
        return ended

    @property
    def fillable(self) -> bool:
        """Are there more holes than the linear proof has? It seldom has fewer than there must be."""
        dearest = max((hole_cost(self.problem, slot) for slot in self.movable), default=1)
        return len(self.problem.slots) - len(self.state.plan) > (self.bound or 0) // dearest

    def worst_desks(self) -> None:
        """The desks that cost most above what is proven of them, whole, with all the effort that one may have: small
        neighbourhoods gain next to nothing where so much has to move at once."""
        proofs = self.where.proofs
        if proofs is None or self.over():
            return
        self.where.tolerance = self.tolerance
        above = proofs.above(self.state)
        tasks = deque(
            self.where.whole((desk,), MOST_EFFORT)
            for desk in sorted(above, key=lambda desk: (-above[desk], desk))
            if above[desk] >= WORST and self.where.desk_movable[desk]
        )
        ahead: deque[_Flight] = deque()
        while (tasks and not self.full(len(ahead))) or ahead:
            if tasks and not self.full(len(ahead)) and len(ahead) < TEAM:
                ahead.append(self.send(tasks.popleft()))
            elif self.land(ahead.popleft()) is None:
                break
        self.recall(ahead)

    def improve(self) -> Ended:
        """Until the end: neighbourhoods, and proofs of a desk, that share the effort by what they gained for it lately.
        Neighbourhoods are of a size that CP-SAT still solves to the end, larger when the small ones have nothing left.
        """
        moves: dict[str, Callable[[State, int, bool], Task]] = {
            "people": self.where.some_people,
            "weeks": self.where.some_weeks,
            "desks": self.where.some_desks,
            "hole": self.where.some_hole,
            PROOF: self.where.some_part,
        }
        purse = Purse(moves)
        stale = 0
        ahead: deque[_Flight] = deque()
        while True:
            if stale >= STALE and not ahead:
                self.back_to_best()
                self.shake()
                stale = 0
            self.where.tolerance = self.tolerance
            for _ in range(4 * AHEAD):
                if len(ahead) == AHEAD or stale >= STALE or self.over() or self.full(len(ahead)):
                    break
                name = purse.choose(self.random, [name for name in moves if self.may(name)])
                lean = self.likely is not None and self.random.random() < LEAN
                task = moves[name](self.state, purse.size(name, lean=lean), lean)
                if not any(task.meets(other.task) for other in ahead):
                    ahead.append(self.send(task))
            if not ahead:
                break
            best = self.best.total
            task = ahead[0].task
            landed = self.land(ahead.popleft())
            if landed is None:
                break
            gain, found = landed
            purse.learn(task.name, lean=task.lean, gain=gain, effort=found.effort, to_the_end=found.proven)
            stale = 0 if self.best.total < best else stale + 1
        self.recall(ahead)
        return self.over() or Ended.TIME

    def may(self, name: str) -> bool:
        """Is there anything for that kind of step to do?"""
        if name == "hole":
            return self.fillable
        return name != PROOF or (self.where.proofs is not None and not all(self.where.proofs.exact))

    def recall(self, ahead: Iterable[_Flight]) -> None:
        """Nobody waits for these any more."""
        for flight in ahead:
            if not flight.answer.cancel():
                flight.posed.solver.stop_search()

    def shake(self) -> None:
        """A restart that keeps most: a few weeks of a few desks given anew without regard to points, holes apart."""
        task = replace(self.where.some_weeks(self.state, round(SMALLEST), lean=False), effort=1.0, fair=False)
        found = None if self.full() else self.arrived(self.send(task))
        if found is not None and found.plan is not None:
            give_anew(self.state, task.slots, found.plan)
            self.where.touch(range(len(self.problem.people)))
            self.current = score(self.problem, self.state.plan)

    # --- one step -----------------------------------------------------------

    def step(self, tasks: Sequence[Task]) -> None:
        """Solve these neighbourhoods anew, which share no slot, and keep what is no worse."""
        for flight in self.sent(tasks):
            self.land(flight)

    def sent(self, tasks: Sequence[Task]) -> list[_Flight]:
        """As many of them, in order, as steps are left."""
        return [self.send(task) for ahead, task in enumerate(tasks) if not self.full(ahead)]

    def full(self, ahead: int = 0) -> bool:
        """No more steps may begin."""
        return self.most_steps is not None and self.steps + ahead >= self.most_steps

    def send(self, task: Task) -> _Flight:
        """Begin to solve a neighbourhood with the rest fixed as it is now, or the proof of a part."""
        seconds = max(LEAST_SECONDS, self.budget - self.elapsed)
        if task.part is not None and self.where.proofs is not None:
            part = self.where.proofs.pose(task.part, seconds=seconds, effort=task.effort)
            return _Flight(task, self.where.version, part, self.team.submit(answer, part))
        among = None
        if task.lean and self.likely is not None:
            among = {slot: self.likely[slot] | {self.state.plan.get(slot, -1)} for slot in task.slots}
        posed = pose(
            self.problem,
            self.state,
            task.slots,
            people=task.people,
            among=among,
            seconds=seconds,
            effort=task.effort,
            seed=self.random.randrange(2**30),
            fair=task.fair,
            close=task.close,
            partial=task.partial,
            tolerance=self.where.tolerance if task.fair and not task.close else 0.0,
        )
        return _Flight(task, self.where.version, posed, self.team.submit(answer, posed))

    def arrived(self, flight: _Flight) -> Resolved | None:
        """The answer. One that the clock cut short, or whoever said stop, is no step, and ends the search: what a slow
        machine had no time to find must not steer what comes after."""
        while not wait([flight.answer], timeout=LOOK_SECONDS).done:
            if self.stop():
                flight.posed.solver.stop_search()
                self.out_of_time = True
        found = flight.answer.result()
        if found.cut:
            self.out_of_time = True
        if self.out_of_time:
            return None
        self.steps += 1
        return found

    def land(self, flight: _Flight) -> tuple[float, Resolved] | None:
        """Keep the answer when it is no worse and goes with what was kept since it was asked; with it, the points
        gained. None when the clock cut it."""
        found, task = self.arrived(flight), flight.task
        if found is None:
            return None
        if task.part is not None:
            self.where.heard(task, flight.version, found)
            return self.learn(task.part, found), found
        before = {slot: self.state.plan[slot] for slot in task.slots if slot in self.state.plan}
        gain, alone = 0.0, flight.version == self.where.version
        if found.plan is not None and found.plan != before:
            worth = self.current.total
            if self.take_over(task.slots, found.plan, before, checked=not alone):
                gain = worth - self.current.total
        self.where.heard(task, self.where.version if alone else flight.version, found)
        return gain, found

    def learn(self, part: int, found: Resolved) -> float:
        """Keep what was proven of a part."""
        proofs = self.where.proofs
        if proofs is None:
            return 0.0
        gain, known = proofs.learn(part, found), proofs.bound
        if known is not None and (self.bound is None or known > self.bound):
            self.bound = known
            self.tell()
        return gain

    def take_over(self, slots: Sequence[int], plan: Plan, before: Plan, *, checked: bool) -> bool:
        """The state with these slots given anew, unless that is worse. `checked`: the state has moved since they were
        solved, so that the rules are asked again."""
        give_anew(self.state, slots, {})
        fits = True
        for slot, person in plan.items():
            fits = not checked or self.state.allows(slot, person)
            if not fits:
                break
            self.state.give(slot, person)
        now = score(self.problem, self.state.plan) if fits else self.current
        if not fits or now.total > self.current.total:
            give_anew(self.state, slots, before)
            return False
        self.become(now)
        changed = {slot for slot in slots if plan.get(slot) != before.get(slot)}
        people = {who for slot in changed for who in (plan.get(slot), before.get(slot)) if who is not None}
        self.where.touch(people)
        return True


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
