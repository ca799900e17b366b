"""Which part of a plan to solve anew: a few people, weeks or desks, a hole with who may help; and what is known.

Where to look is where the plan costs a desk more than is proven of it, once something is proven.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from maillage_tenants.rota.solver.apart import Proofs
from maillage_tenants.rota.solver.problem import Problem
from maillage_tenants.rota.solver.purse import PROOF
from maillage_tenants.rota.solver.state import State, band_cost, hole_cost, points_of
from maillage_tenants.rota.solver.subsolve import Resolved

EFFORT, MOST_EFFORT = 1.5, 12.0
"""Deterministic time of a neighbourhood; of one that was not solved to the end, twice as much each time."""
PROOF_EFFORT, MOST_PROOF_EFFORT = 0.5, 16.0
"""The same of a desk's first proof; of a later one, each twice as long as the one before."""
CHAIN = 12
"""Desks that a chain from a hole goes through at most."""


@dataclass(frozen=True, slots=True)
class Task:
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

    def meets(self, other: "Task") -> bool:
        """May the two not be solved at a time?"""
        return bool(set(self.slots) & set(other.slots)) or (self.part is not None and self.part == other.part)


class Neighbourhoods:
    """Neighbourhoods of a plan of `problem` whose `movable` slots may change hands; what is near what. `proofs`: what
    is known of the least each desk costs. `tolerance`: so many points are not worth looking for at one place, as long
    as the plan is far from its bound. `version` counts what was kept of them: `touch`."""

    def __init__(self, problem: Problem, movable: Collection[int], random: Random) -> None:
        self.problem = problem
        self.movable = movable
        self.random = random
        self.proofs: Proofs | None = None
        self.version = 0
        self.tolerance = 0.0
        self._free = frozenset(movable)
        self._settled: dict[tuple[int, ...], tuple[int, float]] = {}
        self._patience: dict[tuple[int | str, ...], float] = {}
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

    # --- what was learnt ----------------------------------------------------

    def touch(self, people: Iterable[int]) -> None:
        """What these people hold has moved: whatever was settled near them no longer is."""
        self.version += 1
        for desk in {desk for person in people for desk in self.serves[person]}:
            self.moved[desk] = self.version

    def heard(self, task: Task, at: int, found: Resolved) -> None:
        """A neighbourhood of the plan of that version, or a proof, was solved."""
        if task.part is not None:
            self._patience[PROOF, task.part] = min(MOST_PROOF_EFFORT, 2 * task.effort)
        elif task.desks:
            self._patience[task.desks] = task.effort if found.proven else min(MOST_EFFORT, 2 * task.effort)
            if found.proven:
                self._settled[task.desks] = at, found.left

    def is_settled(self, desks: tuple[int, ...]) -> bool:
        """Have these desks been solved to the end, as far as is worth it now, and nothing moved near them since?"""
        asked, left = self._settled.get(desks, (-1, 0.0))
        return left <= self.tolerance and asked >= max(self.moved[desk] for desk in desks)

    def trouble(self, state: State) -> list[float]:
        """Points of each desk's people and holes, for where to look next: those that the proof does not explain, once
        there is one."""
        trouble = [1.0] * len(self.problem.desks)
        if self.proofs is not None:
            above = self.proofs.above(state)
            return [0.2 + max(0.0, above.get(desk, 0.0)) for desk in range(len(trouble))]
        for person, homes in enumerate(self.problem.homes):
            cost = band_cost(self.problem, person, state.load[person])
            for desk in homes:
                trouble[desk] += cost / len(homes)
        for slot in self.movable:
            if slot not in state.plan:
                trouble[self.problem.slots[slot].desk] += hole_cost(self.problem, slot) / 20
            else:
                trouble[self.problem.slots[slot].desk] += self.problem.cost[slot][state.plan[slot]] / 4
        return trouble

    def _points(self, state: State, person: int) -> int:
        """What a person's semester costs, duty by duty and in all."""
        return sum(points_of(self.problem, state, person)) + sum(
            self.problem.cost[s][person] for s in state.held[person]
        )

    # --- around a place ------------------------------------------------------

    def week(self, slot: int) -> int:
        """The slot's week in the semester."""
        return self.problem.units[self.problem.slots[slot].unit].week

    def own(self, desk: int) -> set[int]:
        """The people at home at that desk."""
        return set(self.problem.people_of_desk[desk])

    def around(self, slot: int, width: int) -> list[int]:
        """The slots so many weeks around a hole, of its desk and of some that share people with it."""
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

    def with_neighbours(self, desk: int, number: int) -> list[int]:
        """The desk and so many of those that share most people with it."""
        near = self.near[desk][:8]
        return [desk, *self.random.sample(near, min(len(near), number))]

    def weeks_of(self, desks: list[int], size: int) -> list[int]:
        """As many weeks running of these desks as make about that many slots."""
        slots = [slot for desk in desks for slot in self.desk_movable[desk]]
        weeks = self.problem.last_week + 1
        length = min(weeks, max(2, round(size * weeks / max(1, len(slots)))))
        first = self.random.randint(0, weeks - length)
        return [slot for slot in slots if first <= self.week(slot) < first + length]

    # --- what to solve next -------------------------------------------------

    def proof_of(self, part: int) -> Task:
        """The proof of a part, with twice the effort of the last one."""
        return Task((), self._patience.get((PROOF, part), PROOF_EFFORT), name=PROOF, part=part)

    def some_part(self, state: State, _size: int, _lean: bool) -> Task:
        """The proof of a desk that is not known to its end, where the plan is farthest above it."""
        assert self.proofs is not None
        trouble = self.trouble(state)
        left = [number for number, exact in enumerate(self.proofs.exact) if not exact]
        return self.proof_of(self.random.choices(left, [trouble[self.proofs.parts[part].desk] for part in left])[0])

    def some_desk(self, state: State) -> int:
        return self.random.choices(range(len(self.problem.desks)), self.trouble(state))[0]

    def some_desks(self, state: State, _: int, lean: bool) -> Task:
        """A desk's whole semester; once the desks have nothing left alone, two that share people."""
        trouble = self.trouble(state)
        alone = [(desk,) for desk, slots in enumerate(self.desk_movable) if slots]
        chosen: Sequence[tuple[int, ...]] = [
            desks for desks in alone if trouble[desks[0]] > self.tolerance and not self.is_settled(desks)
        ]
        chosen = chosen or [pair for pair in self.pairs if not self.is_settled(pair)] or self.pairs or alone
        desks = self.random.choices(chosen, [sum(trouble[desk] for desk in desks) for desks in chosen])[0]
        effort = self._patience.get(desks, EFFORT * len(desks) ** 2)
        return self.whole(desks, effort, lean=lean or len(desks) > 1)

    def whole(self, desks: tuple[int, ...], effort: float, *, lean: bool = False) -> Task:
        """The whole semester of these desks."""
        slots = [slot for desk in desks for slot in self.desk_movable[desk]]
        return Task(slots, effort, lean=lean, desks=desks, name="desks")

    def some_weeks(self, state: State, size: int, lean: bool) -> Task:
        """A few weeks of a desk and of some near it."""
        slots = self.weeks_of(self.with_neighbours(self.some_desk(state), self.random.choice((0, 1, 2, 3))), size)
        return Task(slots, EFFORT, lean=lean, name="weeks")

    def some_hole(self, state: State, size: int, lean: bool) -> Task:
        """A hole with what lies around it."""
        holes = [slot for slot in self.movable if slot not in state.plan]
        slot = self.random.choice(holes)
        width = self.random.choice((1, 2, 3))
        return Task(self.around(slot, width)[: 2 * size], EFFORT, lean=lean, name="hole")

    def some_people(self, state: State, size: int, lean: bool) -> Task:
        """The whole semester of a few people who can replace one another, one of them at some cost."""
        problem = self.problem
        weights = [
            1.0 + self._points(state, person) if own else 0.0 for person, own in enumerate(problem.slots_of_person)
        ]
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
        slots = [slot for person in chosen for slot in sorted(state.held[person]) if slot in self._free]
        slots += [slot for slot in self.movable if slot not in state.plan and people & problem.cost[slot].keys()]
        return Task(sorted(set(slots)), EFFORT, people, lean, name="people")
