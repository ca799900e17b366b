"""Why a slot cannot be covered, in French, and what would help (R64).

Three questions. *How many* slots can nobody cover at all: the fewest, proven. *Why*: the smallest set of facts that
clash; take any one of them away and the rest can all hold. *What then*: the least that could be changed, each way tried
on the plan itself.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ortools.sat.python import cp_model

from maillage_kit.clock import paris
from maillage_tenants.rota.solver.bound import lower_bound
from maillage_tenants.rota.solver.model import Fact, formulate, to_cp_sat, tune
from maillage_tenants.rota.solver.problem import Obstacle, Plan, Problem
from maillage_tenants.rota.solver.search import cover
from maillage_tenants.rota.solver.state import State
from maillage_tenants.rota.solver.subsolve import hint

WIDTHS = ((0, 0), (1, 0), (0, 3), (2, 0), (1, 3), (2, 6), (4, 6), (60, 1000))
"""How far a clash is looked for: weeks on either side, desks that share people."""
CHANGE_COST: Mapping[str, int] = {
    Obstacle.ABSENCE: 3,
    Obstacle.TOO_FAR: 3,
    Obstacle.RANK: 4,
    Obstacle.PROOF: 4,
    "week": 2,
    "running": 4,
    "rest": 6,
}
"""How much is asked of people, from the easiest. What is not here is not asked: the law, membership."""
REFUSAL_COST = 1
"""An absence that nobody has accepted yet is refused more easily than one that was."""
MOST_FIXES = 4


@dataclass(frozen=True, slots=True)
class Cover:
    """A plan with few holes. `least`: proven, no plan has fewer; `proven` when the plan has exactly so many."""

    plan: Plan
    uncovered: tuple[int, ...]
    least: int

    @property
    def proven(self) -> bool:
        return len(self.uncovered) == self.least


@dataclass(frozen=True, slots=True)
class Fix:
    """Changes that together let the slot be covered, told in French; `changes` are the facts given up."""

    text: str
    changes: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Clash:
    """Facts that cannot all hold, and all of which are needed for that. `text`: French. `slots`: looked at."""

    facts: tuple[Fact, ...]
    text: str
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a slot is uncovered. `clash` None: it could be covered, at the price of others or with more time."""

    slot: int
    clash: Clash | None
    fixes: tuple[Fix, ...]


# --- how many ---------------------------------------------------------------


def least_uncovered(
    problem: Problem, *, seconds: float, start: Mapping[int, int] | None = None, seed: int = 0
) -> Cover:
    """The fewest slots that any plan leaves uncovered, fairness left aside, with a plan that shows it.

    `start`: the plan to begin with. The linear bound comes first; what it leaves open is for CP-SAT. The bound is true
    even when time runs out.
    """
    f = formulate(problem, fair=False)
    weights = problem.instance.weights
    most = weights.uncovered + weights.uncovered_first
    least = max(0, -(-lower_bound(f, seconds=seconds / 2) // most))
    plan = cover(problem, seconds=seconds / 2, enough=least, start=start, seed=seed)
    if len(problem.slots) - len(plan) > least:
        least = max(least, _by_weeks(problem, plan, seconds, most))
    if len(problem.slots) - len(plan) > least:
        made = to_cp_sat(f)
        hint(made, f, plan)
        solver = cp_model.CpSolver()
        tune(solver, seconds=seconds, seed=seed)
        if solver.solve(made.model) in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            found = {slot: person for (slot, person), v in f.take.items() if solver.value(made.variables[v])}
            plan = found if len(found) > len(plan) else plan
        if solver.best_objective_bound > 0:
            least = max(least, -(-round(solver.best_objective_bound) // most))
    return Cover(plan, tuple(slot for slot in range(len(problem.slots)) if slot not in plan), least)


def _by_weeks(problem: Problem, plan: Mapping[int, int], seconds: float, most: int) -> int:
    """A bound from the weeks around the holes, each stretch of them solved alone: what links it to the other weeks is
    left out, so no plan does better there, and the stretches add up."""
    week_of = [problem.units[slot.unit].week for slot in problem.slots]
    empty = sorted({week_of[slot] for slot in range(len(problem.slots)) if slot not in plan})
    stretches: list[tuple[int, int]] = []
    for week in empty:
        if stretches and week - 1 <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], week + 1)
        else:
            stretches.append((week, week + 1))
    total = 0
    for first, end in stretches:
        made = to_cp_sat(
            formulate(problem, free=[slot for slot, week in enumerate(week_of) if first <= week < end], fair=False)
        )
        solver = cp_model.CpSolver()
        tune(solver, seconds=seconds / len(stretches))
        solver.solve(made.model)
        total += max(0, -(-round(solver.best_objective_bound) // most))
    return total


# --- why --------------------------------------------------------------------


def explain(problem: Problem, plan: Mapping[int, int], slot: int, *, seconds: float = 10.0) -> Explanation:
    """Why `slot` is uncovered in `plan`, and what would let it be covered. The plan need not be the best."""
    clash = find_clash(problem, slot, seconds=seconds)
    return Explanation(slot, clash, find_fixes(problem, plan, slot, seconds=seconds))


def find_clash(problem: Problem, slot: int, *, seconds: float) -> Clash | None:
    """The facts that clash around a slot, as near to it as there are any; None when none was found.

    Guaranteed: they cannot all hold, and any one of them left out, all the others can (`holds`).
    """
    tried: set[tuple[int, ...]] = set()
    for weeks, desks in WIDTHS:
        around = _around(problem, slot, weeks, desks)
        if around in tried:
            continue
        tried.add(around)
        facts = _core(problem, around, seconds)
        if facts:
            return Clash(facts, _told(problem, facts), around)
    return None


def holds(problem: Problem, slots: Collection[int], facts: Iterable[Fact], *, seconds: float = 10.0) -> bool:
    """Can all of `facts`, and nothing but them, hold for these slots?"""
    return _Facts(problem, slots).possible(facts, seconds)


class _Facts:
    """The rules and facts of some slots, each of which can be switched off."""

    def __init__(self, problem: Problem, slots: Collection[int]) -> None:
        self.formulation = formulate(problem, free=slots, fair=False, must_cover=True, obstructed=_near_people(problem))
        self.made = to_cp_sat(self.formulation, switches=True)

    def solve(self, facts: Iterable[Fact], seconds: float) -> tuple[cp_model.CpSolverStatus, cp_model.CpSolver]:
        self.made.model.clear_assumptions()
        self.made.model.add_assumptions([self.made.switches[fact] for fact in facts if fact in self.made.switches])
        solver = cp_model.CpSolver()
        tune(solver, seconds=seconds)
        return solver.solve(self.made.model), solver

    def possible(self, facts: Iterable[Fact], seconds: float) -> bool:
        return self.solve(facts, seconds)[0] in (cp_model.OPTIMAL, cp_model.FEASIBLE)


def _near_people(problem: Problem) -> Callable[[int], list[tuple[int, tuple[Fact, ...]]]]:
    """Everybody of the trade within reach, with what bars them."""

    def people(slot: int) -> list[tuple[int, tuple[Fact, ...]]]:
        found = []
        for person in range(len(problem.people)):
            reasons = problem.obstacles(person, slot)
            if reasons is not None and all(reason.obstacle is not Obstacle.TOO_FAR for reason in reasons):
                found.append((person, tuple(Fact(r.obstacle, person, -1, r.detail) for r in reasons)))
        return found

    return people


def _around(problem: Problem, slot: int, weeks: int, desks: int) -> tuple[int, ...]:
    own = problem.slots[slot]
    week = problem.units[own.unit].week
    serving: dict[int, set[int]] = defaultdict(set)
    for number, people in enumerate(problem.candidates):
        serving[problem.slots[number].desk] |= set(people)
    near = sorted(serving, key=lambda desk: (-len(serving[desk] & serving[own.desk]), desk))
    chosen = {own.desk, *[d for d in near if serving[d] & serving[own.desk]][: desks + 1 if desks else 0]}
    return tuple(
        number
        for number, other in enumerate(problem.slots)
        if other.desk in chosen and abs(problem.units[other.unit].week - week) <= weeks
    )


def _core(problem: Problem, slots: Collection[int], seconds: float) -> tuple[Fact, ...]:
    """An irreducible set of facts that cannot all hold for these slots; empty when they can, or in doubt."""
    facts = _Facts(problem, slots)
    status, solver = facts.solve(facts.made.switches, seconds)
    if status != cp_model.INFEASIBLE:
        return ()
    by_index = {switch.index: fact for fact, switch in facts.made.switches.items()}
    core = {by_index[index] for index in solver.sufficient_assumptions_for_infeasibility()} or set(by_index.values())
    # What people care most about is left for last, so that it stays only when it is needed.
    order = {"rest": 0, "weekly_rest": 0, "running": 1, "week": 2, "cover": 3}
    for fact in sorted(core, key=lambda fact: (order.get(fact.kind, 4), fact)):
        rest = core - {fact}
        if facts.solve(rest, seconds)[0] == cp_model.INFEASIBLE:
            core = rest
    return tuple(sorted(core, key=lambda fact: (fact.kind != "cover", fact.person, fact)))


# --- what then --------------------------------------------------------------


def find_fixes(problem: Problem, plan: Mapping[int, int], slot: int, *, seconds: float) -> tuple[Fix, ...]:
    """Ways to cover the slot and leave no more empty elsewhere, the least asked first, at most four of them.

    Each was found with everything outside a few weeks of the desk and its neighbours as in `plan`: carried out, it
    gives a plan that keeps every other rule.
    """
    slots = _around(problem, slot, 1, 3)
    state = State(problem, {s: person for s, person in plan.items() if s not in slots})
    f = formulate(
        problem,
        free=slots,
        state=state,
        fair=False,
        must_cover=True,
        obstructed=_everybody(problem, slot, set(slots)),
    )
    made = to_cp_sat(f, switches=True)
    must = {s for s in slots if s in plan} | {slot}
    asked = {}
    for fact, switch in made.switches.items():
        if fact.kind == "cover":
            if fact.number in must:
                made.model.add(switch == 1)
        elif (cost := CHANGE_COST.get(fact.kind)) is not None:
            asked[fact] = (switch, REFUSAL_COST if _undecided(problem, fact) else cost)
        else:
            made.model.add(switch == 1)
    made.model.minimize(cp_model.LinearExpr.sum([cost * (1 - switch) for switch, cost in asked.values()]))
    fixes: list[Fix] = []
    while len(fixes) < MOST_FIXES:
        solver = cp_model.CpSolver()
        tune(solver, seconds=seconds)
        if solver.solve(made.model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            break
        given_up = tuple(sorted(fact for fact, (switch, _) in asked.items() if not solver.value(switch)))
        if not given_up:
            break
        fixes.append(Fix(_fix_told(problem, given_up, slot), given_up))
        made.model.add_bool_or([asked[fact][0] for fact in given_up])
    return tuple(fixes)


def _undecided(problem: Problem, fact: Fact) -> bool:
    return fact.kind == Obstacle.ABSENCE and problem.people[fact.person].absences[int(fact.detail)].asked


def _everybody(problem: Problem, slot: int, slots: set[int]) -> Callable[[int], list[tuple[int, tuple[Fact, ...]]]]:
    """Candidates everywhere; for the slot's own desk in its week also those whom something bars."""
    own = problem.slots[slot]
    week, desk = problem.units[own.unit].week, own.desk
    neighbours = set(problem.sector_of[problem.desks[desk].sector_id].neighbours)
    facts_of: dict[int, list[tuple[int, tuple[Fact, ...]]]] = {}

    def people(number: int) -> list[tuple[int, tuple[Fact, ...]]]:
        if number in facts_of or number not in slots:
            return facts_of.get(number, [])
        other = problem.slots[number]
        found: list[tuple[int, tuple[Fact, ...]]] = [(person, ()) for person in problem.candidates[number]]
        if other.desk == desk and problem.units[other.unit].week == week:
            for person in set(range(len(problem.people))) - set(problem.candidates[number]):
                reasons = problem.obstacles(person, number)
                far = [reason for reason in reasons or () if reason.obstacle is Obstacle.TOO_FAR]
                if reasons is None or (far and not problem.people[person].homes & neighbours):
                    continue
                facts = tuple(
                    Fact(r.obstacle, person, desk if r.obstacle is Obstacle.TOO_FAR else -1, r.detail) for r in reasons
                )
                found.append((person, facts))
        facts_of[number] = found
        return found

    return people


# --- in words ---------------------------------------------------------------

_PAPERS = {
    "liability": "la responsabilité civile professionnelle",
    "decennial": "l’assurance décennale",
    "qualification": "la qualification",
}


def _told(problem: Problem, facts: Sequence[Fact]) -> str:
    """« Semaine du 22/02/2027, Vexin, Vitrerie : 3 associés peuvent servir ; Anne Lenoir : absente (congés)… »."""
    covers = [fact.number for fact in facts if fact.kind == "cover"]
    able = sorted({p for slot in covers for p, _ in _near_people(problem)(slot)})
    by_desk: dict[int, list[int]] = defaultdict(list)
    for slot in covers:
        by_desk[problem.slots[slot].desk].append(slot)
    lines = []
    for desk, slots in sorted(by_desk.items()):
        ranks: dict[str, list[int]] = defaultdict(list)
        for slot in slots:
            ranks[problem.units[problem.slots[slot].unit].label].append(problem.slots[slot].rank)
        places = [f"{unit} ({_ranks(wanted)})" for unit, wanted in ranks.items()]
        lines.append(f"{problem.desk_name(desk)} : {_listed(places)} à couvrir")
    count = f"{len(able)} associés de ce métier peuvent y aller" if len(able) > 1 else "Un seul associé peut y aller"
    if not able:
        return f"{' ; '.join(lines)}. Personne de ce métier n’est à portée du secteur."
    return f"{' ; '.join(lines)}. {count}{_reasons(problem, facts)}."


def _reasons(problem: Problem, facts: Sequence[Fact]) -> str:
    """« ; absents : Anne Lenoir (congés), Luc Binet ; … », people with the same reason together."""
    people: dict[str, list[str]] = defaultdict(list)
    for fact in facts:
        if fact.kind != "cover":
            reason, more = _reason(problem, fact)
            people[reason].append(problem.people[fact.person].name + (f" ({more})" if more else ""))
    if not people:
        return ", et une personne ne peut être qu’à un endroit à la fois"
    return "".join(f" ; {reason} : {_listed(list(dict.fromkeys(names)))}" for reason, names in people.items())


def _ranks(ranks: Sequence[int]) -> str:
    return f"rang{'s' if len(ranks) > 1 else ''} {_listed([str(rank) for rank in ranks])}"


def _reason(problem: Problem, fact: Fact) -> tuple[str, str]:
    """What keeps the person, and what is to be known of it besides."""
    person, rules = problem.people[fact.person], problem.instance.rules
    if fact.kind == Obstacle.ABSENCE:
        absence = person.absences[int(fact.detail)]
        last = absence.period.ends_at - timedelta(microseconds=1)
        when = f"du {paris(absence.period.starts_at):%d/%m/%Y} au {paris(last):%d/%m/%Y}"
        return "absents", f"{absence.label} {when}" if absence.label else when
    if fact.kind == Obstacle.PROOF:
        return f"{_PAPERS[fact.detail]} n’est pas valable tous ces jours", ""
    return {
        Obstacle.RANK: ("ne tiennent pas ce rang", ""),
        Obstacle.MEMBERSHIP: ("ne sont pas associés tous ces jours", ""),
        Obstacle.REST_BEFORE: ("doivent se reposer après le semestre précédent", ""),
        "week": (f"pas plus de {rules.max_units_a_week} astreintes la semaine {_week(problem, fact)}", ""),
        "running": (f"pas plus de {rules.max_weeks_running} semaines de suite au rang 1", ""),
        "rest": ("doivent se reposer entre deux astreintes", ""),
        "weekly_rest": ("repos hebdomadaire des salariés", ""),
    }[fact.kind]


def _week(problem: Problem, fact: Fact) -> str:
    first = paris(problem.instance.over.starts_at).date()
    monday = first + timedelta(days=7 * (fact.number - 1) - first.weekday())
    return f"du {monday:%d/%m/%Y}"


def _fix_told(problem: Problem, facts: Sequence[Fact], slot: int) -> str:
    return _sentence(_listed([_change(problem, fact, slot) for fact in facts]))


def _change(problem: Problem, fact: Fact, slot: int) -> str:
    person = problem.people[fact.person]
    if fact.kind == Obstacle.TOO_FAR:
        homes = _listed(sorted(problem.sector_of[home].name for home in person.homes if home in problem.sector_of))
        sector = problem.sector_of[problem.desks[problem.slots[slot].desk].sector_id].name
        return f"emprunter {person.name} à {homes} pour {sector}"
    if fact.kind == Obstacle.ABSENCE:
        absence = person.absences[int(fact.detail)]
        label = f" ({absence.label})" if absence.label else ""
        since = f"{paris(absence.period.starts_at):%d/%m/%Y}{label}"
        if absence.asked:
            return f"refuser l’absence demandée par {person.name} à partir du {since}"
        return f"demander à {person.name} de renoncer à son absence du {since}"
    if fact.kind == Obstacle.PROOF:
        return f"faire renouveler {_PAPERS[fact.detail]} par {person.name}"
    return {
        Obstacle.RANK: f"laisser {person.name} tenir le rang 1",
        "week": f"demander à {person.name} une astreinte de plus la semaine {_week(problem, fact)}",
        "running": f"demander à {person.name} une semaine de suite de plus",
        "rest": f"demander à {person.name} un repos plus court la semaine {_week(problem, fact)}",
    }[fact.kind]


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} et {parts[-1]}" if parts else ""


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
