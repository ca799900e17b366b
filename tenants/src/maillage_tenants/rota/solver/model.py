"""The model, said once: variables, rows and points, for CP-SAT and for the linear bound alike.

docs/rota-model.md is this file in mathematics, with the source of each rule. Everything is linear and every coefficient
is a whole number. `formulate` may free a part of the plan only: the rest is then a fact like any other.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ortools.sat.python import cp_model

from maillage_tenants.rota.solver.problem import Problem
from maillage_tenants.rota.solver.state import State, hole_cost
from maillage_tenants.rota.solver.tightening import Tightening


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """What a row comes from, for explanations. `kind`: "cover", "week", "running", "rest", "weekly_rest" or an
    `Obstacle`. `number`: the slot of a cover, the week of a rule. `detail`: as in `Reason`."""

    kind: str
    person: int = -1
    number: int = -1
    detail: str = ""


Obstructed = Callable[[int], Iterable[tuple[int, tuple[Fact, ...]]]]
"""For a slot: people, and the facts that each keep the person from it."""


@dataclass
class Formulation:
    """Variables are numbers; each is a whole number in `[0, upper]` with `points` a unit. Rows are
    `low ≤ Σ coefficient · variable ≤ high`, None being no limit. `take[slot, person]`, `hole[slot]`: variables.

    `about` is what the rows being added come from; `facts` keeps it, by list and place. `barred`: a fact that forbids a
    variable."""

    upper: list[int] = field(default_factory=list)
    points: list[int] = field(default_factory=list)
    constant: int = 0
    one_of: list[list[int]] = field(default_factory=list)
    at_most_one: list[list[int]] = field(default_factory=list)
    rows: list[tuple[list[int], list[int], int | None, int | None]] = field(default_factory=list)
    take: dict[tuple[int, int], int] = field(default_factory=dict)
    hole: dict[int, int] = field(default_factory=dict)
    about: Fact | None = None
    facts: dict[tuple[str, int], Fact] = field(default_factory=dict)
    barred: list[tuple[int, Fact]] = field(default_factory=list)

    def variable(self, points: int = 0, upper: int = 1) -> int:
        self.upper.append(upper)
        self.points.append(points)
        return len(self.upper) - 1

    def exclude(self, variables: Sequence[int]) -> None:
        """At most one of them."""
        if self.about is not None:
            self.facts["at_most_one", len(self.at_most_one)] = self.about
        self.at_most_one.append(list(variables))

    def row(self, variables: Sequence[int], *, low: int | None = None, high: int | None = None) -> None:
        self.row_of([1] * len(variables), variables, low=low, high=high)

    def row_of(
        self, coefficients: Sequence[int], variables: Sequence[int], *, low: int | None = None, high: int | None = None
    ) -> None:
        if self.about is not None:
            self.facts["rows", len(self.rows)] = self.about
        self.rows.append((list(coefficients), list(variables), low, high))


def formulate(
    problem: Problem,
    *,
    free: Iterable[int] | None = None,
    state: State | None = None,
    people: Collection[int] | None = None,
    among: Mapping[int, Collection[int]] | None = None,
    fair: bool = True,
    must_cover: bool = False,
    keep: Mapping[int, int] | None = None,
    change: int = 0,
    partial: Collection[int] = (),
    obstructed: Obstructed | None = None,
) -> Formulation:
    """The model of the slots in `free` (all when None), the others being as in `state`.

    `state` must not hold the free slots. `people`: only they may take the free slots; `among`: only those it names for
    a slot. `fair` False: only what leaves a slot uncovered has points. `must_cover`: no hole is allowed. `keep` with
    `change`: each slot not given as in `keep` costs that much. `partial`: people of whom a part of the semester is
    planned later: to be under the fair band costs nothing yet.
    `obstructed`: who is looked at for a slot instead of the candidates, with what bars them.
    """
    slots = sorted(range(len(problem.slots)) if free is None else free)
    state = state or State(problem)
    f = Formulation()
    may: dict[int, list[int]] = defaultdict(list)
    for slot in slots:
        own = []
        if obstructed is not None:
            for person, facts in obstructed(slot):
                if not (state.held[person] and state.clash(slot, person)):
                    f.take[slot, person] = f.variable()
                    own.append(f.take[slot, person])
                    may[person].append(slot)
                    f.barred += [(f.take[slot, person], fact) for fact in facts]
        for person, points in problem.cost[slot].items() if obstructed is None else ():
            if (people is not None and person not in people) or (among is not None and person not in among[slot]):
                continue
            if not (state.held[person] and state.clash(slot, person)):
                cost = points if fair else 0
                if keep is not None and keep.get(slot) != person:
                    cost += change
                f.take[slot, person] = f.variable(cost)
                own.append(f.take[slot, person])
                may[person].append(slot)
        if not must_cover:
            f.hole[slot] = f.variable(hole_cost(problem, slot) + (change if keep and slot in keep else 0))
            own.append(f.hole[slot])
        f.facts["one_of", len(f.one_of)] = Fact("cover", number=slot)
        f.one_of.append(own)
    # Somebody without a single slot still has a fair share that nobody fills: it belongs to the points of the whole.
    for person in range(len(problem.people)) if free is None else sorted(may):
        own_slots = may.get(person, [])
        rules = _Person(problem, f, state, person, own_slots, owing=person not in partial, proving=free is None)
        rules.rules(fair=fair)
    return f


def rules_of(problem: Problem, f: Formulation, person: int, slots: list[int]) -> None:
    """Add the rows and points of one person who holds nothing yet and may take these slots, which `f.take` knows."""
    _Person(problem, f, State(problem), person, slots, proving=True).rules(fair=True)


@dataclass
class _Person:
    """The rows of one person. `owing`: what is under the fair band counts. `proving`: with rows that only a proof
    needs, of somebody who holds nothing; a neighbourhood is solved sooner without them."""

    problem: Problem
    f: Formulation
    state: State
    person: int
    slots: list[int]
    owing: bool = True
    proving: bool = False

    def rules(self, *, fair: bool) -> None:
        problem = self.problem
        self.by_unit: dict[int, list[int]] = defaultdict(list)
        for slot in self.slots:
            self.by_unit[problem.slots[slot].unit].append(slot)
        self.held_units = {problem.slots[slot].unit for slot in self.state.held[self.person]}
        self.one_place()
        self.rest()
        self.weeks()
        if problem.people[self.person].employed:
            self.weekly_rest()
        if fair:
            self.bands()
            self.wanted()
            again = self.same_again()
            if self.proving:
                self.tighten(again)

    def lits(self, slots: Iterable[int]) -> list[int]:
        return [self.f.take[slot, self.person] for slot in slots]

    def one_place(self) -> None:
        """One person, one place at a time, except two desks of sectors declared together (R64)."""
        problem = self.problem
        for group in self._moments():
            slots = [slot for unit in group for slot in self.by_unit[unit]]
            if len(slots) < 2:
                continue
            if self._held_then(group):
                self.f.exclude(self.lits(slots))
                continue
            joined = [
                (one, other)
                for position, one in enumerate(slots)
                for other in slots[position + 1 :]
                if problem.together and problem.may_join(one, other)
            ]
            if not joined:
                self.f.exclude(self.lits(slots))
                continue
            if len(slots) > 2:
                self.f.row(self.lits(slots), high=2)
            friends = set(joined)
            for position, one in enumerate(slots):
                for other in slots[position + 1 :]:
                    if (one, other) not in friends:
                        self.f.exclude(self.lits((one, other)))

    def _held_then(self, group: Sequence[int]) -> bool:
        problem = self.problem
        return any(unit in self.held_units or problem.overlapping[unit] & self.held_units for unit in group)

    def _moments(self) -> list[list[int]]:
        """Largest sets of the person's units that share an instant."""
        units = sorted(self.by_unit)
        if not any(self.problem.overlapping[unit] & self.by_unit.keys() for unit in units):
            return [[unit] for unit in units]
        events = sorted(
            (edge, starts, unit)
            for unit in units
            for period in self.problem.units[unit].periods
            for edge, starts in ((period.starts_at, True), (period.ends_at, False))
        )
        now: set[int] = set()
        found: set[frozenset[int]] = set()
        for _, starts, unit in events:
            if starts:
                now.add(unit)
                found.add(frozenset(now))
            else:
                now.discard(unit)
        return [sorted(group) for group in sorted(found, key=sorted) if not any(group < other for other in found)]

    def resting(self, unit: int) -> list[int]:
        """The variables by which the person is on call in that unit as far as rest goes; one is at most 1 in all."""
        problem = self.problem
        slots = [slot for slot in self.by_unit[unit] if problem.counts_for_rest(self.person, problem.slots[slot].rank)]
        if len(slots) > 1 and problem.together and any(problem.may_join(a, b) for a in slots for b in slots):
            on = self.f.variable()
            for literal in self.lits(slots):
                self.f.row_of([1, -1], [on, literal], low=0)
            return [on]
        return self.lits(slots)

    def rest(self) -> None:
        """Enough rest between two units (R63, R64): of units too close to one another, one at most."""
        close = self.problem.close_units(self.person)
        self.on = {unit: self.resting(unit) for unit in self.by_unit}
        for group in _cliques([unit for unit in sorted(self.by_unit) if self.on[unit]], close):
            self.f.about = Fact("rest", self.person, self.problem.units[group[0]].week)
            self.f.exclude([literal for unit in group for literal in self.on[unit]])
        self.f.about = None

    def weeks(self) -> None:
        """No more than so many units a week; rank 1 in no more than so many weeks running."""
        problem, rules = self.problem, self.problem.instance.rules
        by_week: dict[int, list[int]] = defaultdict(list)
        for slot in self.slots:
            by_week[problem.units[problem.slots[slot].unit].week].append(slot)
        held_count: dict[int, int] = defaultdict(int)
        busy = set(problem.weeks_before.get(self.person, ()))
        for slot in self.state.held[self.person]:
            unit = problem.units[problem.slots[slot].unit]
            held_count[unit.week] += not unit.apart
            if problem.slots[slot].rank == 1:
                busy.add(unit.week)
        if rules.max_units_a_week:
            for week, slots in sorted(by_week.items()):
                counted = [slot for slot in slots if not problem.units[problem.slots[slot].unit].apart]
                left = rules.max_units_a_week - held_count[week]
                if len(counted) > left:
                    self.f.about = Fact("week", self.person, week)
                    self.f.row(self.lits(counted), high=max(left, 0))
            self.f.about = None
        if not rules.max_weeks_running:
            return
        first: dict[int, list[int]] = {}
        for week, slots in by_week.items():
            ranked = [slot for slot in slots if problem.slots[slot].rank == 1]
            if ranked and week not in busy:
                first[week] = ranked
        working: dict[int, int] = {}
        for start in sorted({week - back for week in first for back in range(rules.max_weeks_running + 1)}):
            window = range(start, start + rules.max_weeks_running + 1)
            if not all(week in first or week in busy for week in window):
                continue
            free = [week for week in window if week not in busy]
            for week in free:
                if week not in working:
                    working[week] = self._working(first[week])
            self.f.about = Fact("running", self.person, start)
            self.f.row([working[week] for week in free], high=rules.max_weeks_running - len(window) + len(free))
            self.f.about = None

    def _working(self, slots: list[int]) -> int:
        """1 as soon as one of these slots of one week is taken."""
        on = self.f.variable()
        close = self.problem.close_units(self.person)
        units = sorted({self.problem.slots[slot].unit for slot in slots})
        simple = not self.problem.together
        for group in _cliques(units, close, alone=True) if simple else [[unit] for unit in units]:
            literals = self.lits(slot for slot in slots if self.problem.slots[slot].unit in group)
            if simple:
                self.f.row_of([1, *([-1] * len(literals))], [on, *literals], low=0)
            else:
                for literal in literals:
                    self.f.row_of([1, -1], [on, literal], low=0)
        return on

    def weekly_rest(self) -> None:
        """An employee has one stretch free of duty in every calendar week (R63), unless one duty fills the week."""
        for number, (_, rests) in enumerate(self.problem.rest_weeks):
            touching = set().union(*rests)
            if not touching & self.by_unit.keys():
                continue
            open_rests = [rest for rest in rests if not rest & self.held_units]
            if any(not rest & self.by_unit.keys() for rest in open_rests):
                continue
            filling = [unit for unit in touching if all(unit in rest for rest in rests)]
            if self.held_units & set(filling):
                continue
            escapes = self.lits(slot for unit in filling for slot in self.by_unit.get(unit, ()))
            chosen = [self.f.variable() for _ in open_rests]
            self.f.exclude(chosen)
            self.f.about = Fact("weekly_rest", self.person, number)
            self.f.row([*chosen, *escapes], low=1)
            # What leaves the same stretches is said together: half a duty then takes half of them.
            alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
            for unit in sorted((touching & self.by_unit.keys()) - set(filling)):
                left = tuple(f for f, rest in zip(chosen, open_rests, strict=True) if unit not in rest)
                if len(left) < len(chosen):
                    alike[left].append(unit)
            for left, units in alike.items():
                for group in _cliques(units, self.problem.close_units(self.person), alone=True):
                    on = [literal for unit in group for literal in self.on[unit]]
                    self.f.row_of([-1] * len(on) + [1] * (len(left) + len(escapes)), [*on, *left, *escapes], low=0)
            self.f.about = None

    def bands(self) -> None:
        """Each load within the whole numbers around the fair share, or points for each unit outside (R53, R64)."""
        problem, load = self.problem, self.state.load[self.person]
        gains: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for slot in self.slots:
            for category, gain in problem.gains[slot]:
                if gain:
                    gains[category][0].append(gain)
                    gains[category][1].append(self.f.take[slot, self.person])
        for category, (least, high) in problem.band[self.person].items():
            low = least if self.owing else 0
            points = problem.band_weight[category]
            if not points:
                continue
            amounts, literals = gains.get(category, ([], []))
            have = load[category]
            if not literals:
                self.f.constant += points * max(0, have - high, low - have)
                continue
            if have + sum(amounts) > high:
                over = self.f.variable(points, have + sum(amounts) - high)
                self.f.row_of([*amounts, -1], [*literals, over], high=high - have)
            if have < low:
                under = self.f.variable(points, low - have)
                self.f.row_of([*amounts, 1], [*literals, under], low=low - have)

    def wanted(self) -> None:
        """Points when none of the units of a wished time was given."""
        for points, wished in self.problem.wanted[self.person]:
            literals = self.lits(slot for unit in sorted(wished) for slot in self.by_unit.get(unit, ()))
            if wished & self.held_units:
                continue
            if not literals:
                self.f.constant += points
                continue
            missed = self.f.variable(points)
            self.f.row([missed, *literals], low=1)

    def same_again(self) -> dict[tuple[int, int], int]:
        """Points for the same kind of unit at rank 1 two weeks running (R64); what pays for which two units."""
        problem, points = self.problem, self.problem.instance.weights.same_again
        if not points:
            return {}
        held = {problem.slots[s].unit for s in self.state.held[self.person] if problem.slots[s].rank == 1}
        paid: dict[tuple[int, int], int] = {}
        for one, other in problem.follows:
            if one not in self.by_unit and other not in self.by_unit:
                continue
            sides = []
            for unit in (one, other):
                slots = [slot for slot in self.by_unit.get(unit, ()) if problem.slots[slot].rank == 1]
                sides.append((unit in held, self.lits(slots)))
            if any(not fixed and not literals for fixed, literals in sides):
                continue
            if all(fixed for fixed, _ in sides):
                self.f.constant += points
                continue
            again = self.f.variable(points)
            paid[one, other] = again
            literals = [literal for fixed, own in sides if not fixed for literal in own]
            fixed = sum(fixed for fixed, _ in sides)
            if problem.together:
                for a in sides[0][1] if not sides[0][0] else [None]:
                    for b in sides[1][1] if not sides[1][0] else [None]:
                        both = [x for x in (a, b) if x is not None]
                        self.f.row_of([1, *([-1] * len(both))], [again, *both], low=1 - len(both))
            else:
                self.f.row_of([1, *([-1] * len(literals))], [again, *literals], low=fixed - 1)
        return paid

    def tighten(self, again: Mapping[tuple[int, int], int]) -> None:
        """Rows for the relaxation only. Not where two places may be held at a time: they would forbid it."""
        problem = self.problem
        if problem.together:
            return
        ranked = {unit: [s for s in slots if problem.slots[s].rank == 1] for unit, slots in self.by_unit.items()}
        rows = Tightening(
            problem,
            self.person,
            first={unit: self.lits(slots) for unit, slots in ranked.items() if slots},
            every={unit: self.lits(slots) for unit, slots in self.by_unit.items()},
            resting=self.on,
            again=again,
            at_most=lambda coefficients, variables, high: self.f.row_of(coefficients, variables, high=high),
        )
        rows.never_or_again()
        rows.alone_in_its_week()
        rows.three_weeks()


def _cliques(units: Sequence[int], close: Sequence[set[int]], *, alone: bool = False) -> list[list[int]]:
    """Groups of units all too close to one another, that together hold every close pair; each as large as it can be
    made. `alone`: a unit close to no other is a group too."""
    known = set(units)
    pairs = {(one, other) for one in units for other in close[one] & known if one < other}
    groups = []
    while pairs:
        one, other = min(pairs)
        group = [one, other]
        for more in sorted((close[one] & close[other]) & known):
            if all(more in close[member] for member in group):
                group.append(more)
        group.sort()
        groups.append(group)
        pairs -= {(a, b) for a in group for b in group}
    if alone:
        covered = {unit for group in groups for unit in group}
        groups += [[unit] for unit in units if unit not in covered]
    return groups


# --- CP-SAT -----------------------------------------------------------------


@dataclass(frozen=True)
class CpSat:
    """A CP-SAT model, its variables in the formulation's order, and a switch for each fact when asked for."""

    model: cp_model.CpModel
    variables: list[cp_model.IntVar]
    switches: dict[Fact, cp_model.IntVar]


def to_cp_sat(f: Formulation, *, switches: bool = False) -> CpSat:
    """The formulation for CP-SAT. With `switches`, each fact holds only while its switch is on, and nothing has points:
    what cannot be switched off is one person in one place."""
    model = cp_model.CpModel()
    variables = [model.new_bool_var("") if upper == 1 else model.new_int_var(0, upper, "") for upper in f.upper]
    made: dict[Fact, cp_model.IntVar] = {}

    def switch(fact: Fact | None) -> cp_model.IntVar | None:
        if fact is None or not switches:
            return None
        if fact not in made:
            made[fact] = model.new_bool_var("")
        return made[fact]

    for number, group in enumerate(f.one_of):
        members = [variables[v] for v in group]
        on = switch(f.facts.get(("one_of", number)))
        if on is None:
            model.add_exactly_one(members)
        else:
            model.add_at_most_one(members)
            model.add_bool_or(members).only_enforce_if(on)
    for number, group in enumerate(f.at_most_one):
        members = [variables[v] for v in group]
        on = switch(f.facts.get(("at_most_one", number)))
        if on is None:
            model.add_at_most_one(members)
        else:
            model.add(cp_model.LinearExpr.sum(members) <= 1).only_enforce_if(on)
    for number, (coefficients, places, low, high) in enumerate(f.rows):
        total = cp_model.LinearExpr.weighted_sum([variables[v] for v in places], coefficients)
        on = switch(f.facts.get(("rows", number)))
        for row in ([total >= low] if low is not None else []) + ([total <= high] if high is not None else []):
            added = model.add(row)
            if on is not None:
                added.only_enforce_if(on)
    for variable, fact in f.barred:
        on = switch(fact)
        if on is None:
            model.add(variables[variable] == 0)
        else:
            model.add_implication(on, ~variables[variable])
    if not switches:
        priced = [(variables[v], points) for v, points in enumerate(f.points) if points]
        total = cp_model.LinearExpr.weighted_sum([v for v, _ in priced], [p for _, p in priced])
        model.minimize(total + f.constant)
    return CpSat(model, variables, made)


def tune(solver: cp_model.CpSolver, *, seconds: float, effort: float = 0.0, seed: int = 0) -> None:
    """What made sub-solves quick: one thread, and the linear relaxation at its fullest (design notes, measured).
    `effort`: CP-SAT's deterministic time at most, 0 for no such limit."""
    solver.parameters.num_workers = 1
    solver.parameters.linearization_level = 2
    solver.parameters.add_lp_constraints_lazily = False
    solver.parameters.max_time_in_seconds = seconds
    if effort:
        solver.parameters.max_deterministic_time = effort
    solver.parameters.random_seed = seed


def was_cut(solver: cp_model.CpSolver) -> bool:
    """After `solve`: was it the clock that ended it, before a proof and before its effort? CP-SAT ends a little before
    its clock; what it spent tells a solve that its effort ended from one that time did."""
    limits = solver.parameters
    unproven = solver.response_proto.status not in (cp_model.OPTIMAL, cp_model.INFEASIBLE)
    early = solver.response_proto.deterministic_time < limits.max_deterministic_time
    return unproven and early and solver.wall_time > limits.max_time_in_seconds / 2
