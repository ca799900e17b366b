"""The search: a first plan at once, better ones as long as there is time, and the proof of how far it can go.

Fix and optimise: most of the plan stays, a neighbourhood of it is solved to its optimum by CP-SAT on one thread. What
is freed changes: a desk, a hole with the desks that could help, a few weeks of several desks, a few people's whole
semester. Two are solved at a time, on two threads, and their results taken in order. Sub-solves are bounded in CP-SAT's
deterministic time and the proof in PDLP's iterations: the same seed, number of steps and of iterations give the same
plan on any machine. The time budget only decides how many there are; a sub-solve that it cuts short is not taken and
not counted.
"""

import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from maillage_tenants.rota.solver.anneal import annealed
from maillage_tenants.rota.solver.apart import Proofs
from maillage_tenants.rota.solver.bound import Proof, lower_bound, prove
from maillage_tenants.rota.solver.greedy import first_plan
from maillage_tenants.rota.solver.linear import LOOK_SECONDS
from maillage_tenants.rota.solver.model import formulate
from maillage_tenants.rota.solver.problem import Plan, Problem, Stop
from maillage_tenants.rota.solver.purse import PROOF, SMALLEST, Purse
from maillage_tenants.rota.solver.reports import Ended, Progress
from maillage_tenants.rota.solver.state import Score, State, band_cost, fairness, hole_cost, score
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

    `seconds`: the person's time budget. `steps`: at most that many neighbourhoods. `start`: a plan to begin with;
    `locked`: its slots that may not move. `stop` is asked every half second. `bound_seconds`: of the budget, for the
    linear bound; a fifth when None, 0 for none; `bound_iterations`: as many instead. `changes`: looked at for an
    annealed first plan; as suit the problem and the budget when None, 0 for none. The duties of the instance that are
    locked are kept. `show` is given the best plan so far with each report, for who may have to end the search from
    outside. `clock`: what the budget is counted on, in seconds; the processor's own time compares runs on a busy
    machine.
    """
    return _Search(problem, seconds, seed, steps, stop, report, clock, show).run(
        start or {}, frozenset(locked), bound_seconds, bound_iterations, changes
    )


LARGE = 1000
"""Slots from which a first plan is annealed; below, desk by desk is as good and quicker."""
CHANGES, CHANGES_A_SECOND = 20_000, 1_000_000
"""Small changes looked at for it: for a slot; for a second of the budget. A core looks at two to five million a second.
"""
SHOWN_SECONDS = 2.0
"""While it is annealed, the plan is shown that often."""
TEAM, AHEAD = 2, 3
"""Neighbourhoods solved at a time; solved or waiting. Constants, not the machine's number of cores: plans do not depend
on them."""
STEP_SECONDS = 15.0
"""When only cover counts, a sub-solve never lasts longer, whatever the machine."""
LEAST_SECONDS = 0.2
"""A sub-solve begun is given that much of the clock at least."""
EARLY = 20
"""Steps at most for a first plan without holes, before the desks are planned one by one."""
DESK_EFFORT, DESKS_EFFORT, EFFORT, MOST_EFFORT = 2.0, 30.0, 1.5, 12.0
"""Deterministic time of a desk's first plan, of all of them at most; of a neighbourhood later; of one that was not
solved to the end."""
PROOF_EFFORT, MOST_PROOF_EFFORT = 0.5, 16.0
"""Deterministic time of a desk's first proof; of a later one, each twice as long as the one before."""
THOROUGH = 6.0
"""With as many seconds for the linear bound, there is time for the proof desk by desk too."""
STALE = 60
"""Steps without a better plan before a restart."""
LEAN = 0.8
"""Share of the steps that look only at assignments the proof does not make dear."""
DEAR = 1.0
"""Points above the bound from which an assignment is rarely worth looking at."""
UNFAIR, CHAIN, CHAIN_EFFORT = 2, 12, 2.0
"""From which try on a hole is filled at any price, moving as little as may be; among how many desks, and with what
effort."""
MOST_TRIES = 6
"""How often, wider each time, a hole is tried when only cover counts."""


@dataclass(frozen=True, slots=True)
class _Task:
    """A neighbourhood to solve anew: its slots, and who may take them (None: every candidate). `lean`: only assignments
    that the proof does not make dear. `partial`: see `formulate`, `close`: see `pose`. `part`: no slots, but that
    part's proof."""

    slots: Sequence[int]
    effort: float
    people: set[int] | None = None
    lean: bool = False
    partial: frozenset[int] = frozenset()
    fair: bool = True
    close: bool = False
    desks: tuple[int, ...] = ()
    name: str = ""
    part: int | None = None

    def meets(self, other: "_Task") -> bool:
        """May the two not be solved at a time?"""
        return bool(set(self.slots) & set(other.slots)) or (self.part is not None and self.part == other.part)


@dataclass(frozen=True, slots=True)
class _Flight:
    """A neighbourhood, or the proof of a part, being solved, and what had moved when it was asked."""

    task: _Task
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
    proofs: Proofs | None = None
    unproven: deque[int] = field(default_factory=deque)
    thorough: bool = False
    out_of_time: bool = False
    done: bool = False
    iterations: int = 0
    changes: int = 0
    version: int = 0
    settled: dict[tuple[int, ...], int] = field(default_factory=dict)
    patience: dict[tuple[int | str, ...], float] = field(default_factory=dict)

    def run(
        self,
        start: Mapping[int, int],
        locked: frozenset[int],
        bound_seconds: float | None,
        bound_iterations: int | None,
        changes: int | None,
    ) -> Outcome:
        self.prepare(start, locked)
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
        proofs = Proofs(self.problem, found)
        if self.thorough and len(proofs.parts) > 1:
            self.proofs = proofs
            self.unproven.extend(range(len(proofs.parts)))
        self.tell()

    def anneal(self, proof: Future[Proof] | None) -> None:
        """A first plan by small changes to the whole; the proofs come beside it."""
        ahead: deque[_Flight] = deque()
        shown = self.elapsed
        plan: Callable[[], Plan] | None = None
        for plan in annealed(self.problem, self.state, self.movable, changes=self.changes, seed=self.seed):
            if self.over():
                break
            if proof is not None and self.proof is None and proof.done():
                self.proven(proof.result())
            if ahead and ahead[0].answer.done():
                self.land(ahead.popleft())
            if not ahead and self.unproven and not self.full():
                ahead.append(self.send(self.proof_of(self.unproven.popleft())))
            if self.elapsed > shown + SHOWN_SECONDS:
                shown = self.elapsed
                self.be(plan())
        if plan is not None:
            self.be(plan())
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
                ahead.append(self.send(self.proof_of(self.unproven.popleft())))
            elif self.land(ahead.popleft()) is None:
                break
        self.recall(ahead)

    def linear(self, seconds: float, iterations: int | None) -> Proof:
        """The linear proof, beside whatever else is done."""
        f = formulate(self.problem)
        return prove(f, seconds=seconds, iterations=iterations, stop=lambda: self.done or self.stop())

    def proof_of(self, part: int) -> _Task:
        """The proof of a part, with twice the effort of the last one."""
        return _Task((), self.patience.get((PROOF, part), PROOF_EFFORT), name=PROOF, part=part)

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
        self.pairs = [
            (desk, other)
            for desk, near in enumerate(self.near)
            for other in near
            if desk < other and len(serving[desk] & serving[other]) >= 2
        ]
        self.serves = [
            tuple(desk for desk, people in enumerate(serving) if person in people)
            for person in range(len(self.problem.people))
        ]
        self.moved = [0] * len(self.problem.desks)
        self.desk_movable: list[list[int]] = [[] for _ in self.problem.desks]
        for slot in self.movable:
            self.desk_movable[self.problem.slots[slot].desk].append(slot)

    def week(self, slot: int) -> int:
        return self.problem.units[self.problem.slots[slot].unit].week

    def desk_by_desk(self) -> None:
        """From nothing, each desk by its own people: most of the fairness there is, in a second or so a desk. What they
        leave open is then given to anybody who may take it."""
        self.state = State(self.problem, {s: self.state.plan[s] for s in self.locked if s in self.state.plan})
        left = [desk for desk, slots in enumerate(self.desk_movable) if slots]
        effort = min(DESK_EFFORT, DESKS_EFFORT / max(1, len(left)))
        while left and not self.over():
            pair = left[:1]
            pair += [desk for desk in left if not self.own(desk) & self.own(pair[0])][: TEAM - 1]
            left = [desk for desk in left if desk not in pair]
            waiting = frozenset(person for desk in left for person in self.own(desk))
            tasks = [
                _Task(self.desk_movable[desk], effort, self.own(desk), partial=waiting & self.own(desk))
                for desk in pair
            ]
            for flight in self.sent(tasks):
                found = self.arrived(flight)
                for slot, person in ((found and found.plan) or {}).items():
                    if self.state.allows(slot, person):
                        self.state.give(slot, person)
        first_plan(self.problem, self.state)
        self.become(score(self.problem, self.state.plan))

    def own(self, desk: int) -> set[int]:
        return set(self.problem.people_of_desk[desk])

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
            tasks: list[_Task] = []
            for slot in sorted(holes, key=lambda slot: (tried[slot], slot))[: 4 * TEAM]:
                width = tried[slot] + 1
                at_any_price = width >= UNFAIR
                around = self.chained(slot, 2 * (width - UNFAIR + 1)) if at_any_price else self.around(slot, width)
                if len(tasks) < TEAM and not any(set(around) & set(task.slots) for task in tasks):
                    tried[slot] += 1
                    effort = CHAIN_EFFORT if at_any_price else 0.5 * tried[slot]
                    tasks.append(_Task(around, effort, fair=not at_any_price, close=at_any_price))
            self.step(tasks)
        return ended

    @property
    def fillable(self) -> bool:
        """Are there more holes than the linear proof has? It seldom has fewer than there must be."""
        dearest = max((hole_cost(self.problem, slot) for slot in self.movable), default=1)
        return len(self.problem.slots) - len(self.state.plan) > (self.bound or 0) // dearest

    def around(self, slot: int, width: int) -> list[int]:
        desk, week = self.problem.slots[slot].desk, self.week(slot)
        others = self.near[desk][: 3 + 2 * width]
        desks = [desk, *self.random.sample(others, min(len(others), 1 + 2 * width))]
        return [s for d in desks for s in self.desk_movable[d] if abs(self.week(s) - week) <= width]

    def chained(self, slot: int, weeks: int) -> list[int]:
        """A hole's desk, those that share people with it, and those that share people with these, so many weeks around:
        somebody comes to help, and somebody else takes their place."""
        desk, week = self.problem.slots[slot].desk, self.week(slot)
        desks = dict.fromkeys([desk, *self.near[desk]])
        desks |= dict.fromkeys(other for each in self.near[desk] for other in self.near[each])
        return [s for d in list(desks)[:CHAIN] for s in self.desk_movable[d] if abs(self.week(s) - week) <= weeks]

    def improve(self) -> Ended:
        """Until the end: neighbourhoods, and proofs of a desk, that share the effort by what they gained for it lately.
        Neighbourhoods are of a size that CP-SAT still solves to the end, larger when the small ones have nothing left.
        """
        moves: dict[str, Callable[[int, bool], _Task]] = {
            "people": self.some_people,
            "weeks": self.some_weeks,
            "desks": self.some_desks,
            "hole": self.some_hole,
            PROOF: self.some_part,
        }
        purse = Purse(moves)
        stale = 0
        ahead: deque[_Flight] = deque()
        while True:
            if stale >= STALE and not ahead:
                self.back_to_best()
                self.shake()
                stale = 0
            for _ in range(4 * AHEAD):
                if len(ahead) == AHEAD or stale >= STALE or self.over() or self.full(len(ahead)):
                    break
                name = purse.choose(self.random, [name for name in moves if self.may(name)])
                lean = self.likely is not None and self.random.random() < LEAN
                task = moves[name](purse.size(name, lean=lean), lean)
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
        return name != PROOF or (self.proofs is not None and not all(self.proofs.exact))

    def recall(self, ahead: Iterable[_Flight]) -> None:
        """Nobody waits for these any more."""
        for flight in ahead:
            if not flight.answer.cancel():
                flight.posed.solver.stop_search()

    def shake(self) -> None:
        """A restart that keeps most: a few weeks of a few desks given anew without regard to points, holes apart."""
        task = replace(self.some_weeks(round(SMALLEST), lean=False), effort=1.0, fair=False)
        found = None if self.full() else self.arrived(self.send(task))
        if found is not None and found.plan is not None:
            give_anew(self.state, task.slots, found.plan)
            self.touch(range(len(self.problem.desks)))
            self.current = score(self.problem, self.state.plan)

    def trouble(self) -> list[float]:
        """Points of each desk's people and holes, for where to look next: those that the proof does not explain, once
        there is one."""
        trouble = [1.0] * len(self.problem.desks)
        if self.proofs is not None:
            above = self.proofs.above(self.state)
            return [0.2 + max(0.0, above.get(desk, 0.0)) for desk in range(len(trouble))]
        for person, homes in enumerate(self.problem.homes):
            cost = band_cost(self.problem, person, self.state.load[person])
            for desk in homes:
                trouble[desk] += cost / len(homes)
        for slot in self.movable:
            if slot not in self.state.plan:
                trouble[self.problem.slots[slot].desk] += hole_cost(self.problem, slot) / 20
            else:
                trouble[self.problem.slots[slot].desk] += self.problem.cost[slot][self.state.plan[slot]] / 4
        return trouble

    def some_desk(self) -> int:
        return self.random.choices(range(len(self.problem.desks)), self.trouble())[0]

    def with_neighbours(self, desk: int, number: int) -> list[int]:
        near = self.near[desk][:8]
        return [desk, *self.random.sample(near, min(len(near), number))]

    def some_desks(self, _: int, lean: bool) -> _Task:
        """A desk's whole semester; once the desks have nothing left alone, two that share people."""
        trouble = self.trouble()
        alone = [(desk,) for desk, slots in enumerate(self.desk_movable) if slots]
        chosen: Sequence[tuple[int, ...]] = [desks for desks in alone if not self.is_settled(desks)]
        chosen = chosen or [pair for pair in self.pairs if not self.is_settled(pair)] or self.pairs or alone
        desks = self.random.choices(chosen, [sum(trouble[desk] for desk in desks) for desks in chosen])[0]
        slots = [slot for desk in desks for slot in self.desk_movable[desk]]
        effort = self.patience.get(desks, EFFORT * len(desks) ** 2)
        return _Task(slots, effort, lean=lean or len(desks) > 1, desks=desks, name="desks")

    def is_settled(self, desks: tuple[int, ...]) -> bool:
        """Have these desks been solved to the end, and nothing moved near them since?"""
        return self.settled.get(desks, -1) >= max(self.moved[desk] for desk in desks)

    def some_part(self, _size: int, _lean: bool) -> _Task:
        """The proof of a desk that is not known to its end, where the plan is farthest above it."""
        assert self.proofs is not None
        trouble = self.trouble()
        left = [number for number, exact in enumerate(self.proofs.exact) if not exact]
        return self.proof_of(self.random.choices(left, [trouble[self.proofs.parts[part].desk] for part in left])[0])

    def some_weeks(self, size: int, lean: bool) -> _Task:
        slots = self.weeks_of(self.with_neighbours(self.some_desk(), self.random.choice((0, 1, 2, 3))), size)
        return _Task(slots, EFFORT, lean=lean, name="weeks")

    def weeks_of(self, desks: list[int], size: int) -> list[int]:
        """As many weeks running of these desks as make about that many slots."""
        slots = [slot for desk in desks for slot in self.desk_movable[desk]]
        weeks = self.problem.last_week + 1
        length = min(weeks, max(2, round(size * weeks / max(1, len(slots)))))
        first = self.random.randint(0, weeks - length)
        return [slot for slot in slots if first <= self.week(slot) < first + length]

    def some_hole(self, size: int, lean: bool) -> _Task:
        holes = [slot for slot in self.movable if slot not in self.state.plan]
        slot = self.random.choice(holes)
        width = self.random.choice((1, 2, 3))
        return _Task(self.around(slot, width)[: 2 * size], EFFORT, lean=lean, name="hole")

    def some_people(self, size: int, lean: bool) -> _Task:
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
        return _Task(sorted(set(slots)), EFFORT, people, lean, name="people")

    # --- one step -----------------------------------------------------------

    def step(self, tasks: Sequence[_Task]) -> None:
        """Solve these neighbourhoods anew, which share no slot, and keep what is no worse."""
        for flight in self.sent(tasks):
            self.land(flight)

    def sent(self, tasks: Sequence[_Task]) -> list[_Flight]:
        """As many of them, in order, as steps are left."""
        return [self.send(task) for ahead, task in enumerate(tasks) if not self.full(ahead)]

    def full(self, ahead: int = 0) -> bool:
        """No more steps may begin."""
        return self.most_steps is not None and self.steps + ahead >= self.most_steps

    def send(self, task: _Task) -> _Flight:
        """Begin to solve a neighbourhood with the rest fixed as it is now, or the proof of a part."""
        seconds = max(LEAST_SECONDS, self.budget - self.elapsed)
        if task.part is not None and self.proofs is not None:
            part = self.proofs.pose(task.part, seconds=seconds, effort=task.effort)
            return _Flight(task, self.version, part, self.team.submit(answer, part))
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
        )
        return _Flight(task, self.version, posed, self.team.submit(answer, posed))

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
            self.patience[PROOF, task.part] = min(MOST_PROOF_EFFORT, 2 * task.effort)
            return self.learn(task.part, found), found
        before = {slot: self.state.plan[slot] for slot in task.slots if slot in self.state.plan}
        gain = 0
        if found.plan is not None and found.plan != before:
            worth = self.current.total
            if self.take_over(task.slots, found.plan, before, checked=flight.version != self.version):
                gain = worth - self.current.total
        if task.desks:
            if found.proven and not gain:
                self.settled[task.desks] = flight.version
            elif not found.proven:
                self.patience[task.desks] = min(MOST_EFFORT, 2 * task.effort)
        return gain, found

    def learn(self, part: int, found: Resolved) -> float:
        """Keep what was proven of a part."""
        if self.proofs is None:
            return 0.0
        gain, known = self.proofs.learn(part, found), self.proofs.bound
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
        self.touch({desk for person in people for desk in self.serves[person]})
        return True

    def touch(self, desks: Iterable[int]) -> None:
        """Something that these desks' people hold has moved."""
        self.version += 1
        for desk in desks:
            self.moved[desk] = self.version


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
