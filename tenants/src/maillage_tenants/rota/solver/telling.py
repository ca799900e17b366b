"""Holes in one line each, as an office reads them: « Semaine 32, secteur Vexin, vitrerie : 3 associés qualifiés, tous
absents »; and what `explain` says of them."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from maillage_kit.clock import paris
from maillage_tenants.rota.solver.explain import explain
from maillage_tenants.rota.solver.problem import Obstacle, Problem
from maillage_tenants.rota.solver.reports import Hole
from maillage_tenants.rota.solver.state import State

MOST_EXPLAINED = 12
"""Holes of which the reason is looked for to the end; the others are told in one line."""
_PAPERS = (Obstacle.PROOF, Obstacle.RANK)
_WORDS: Mapping[str, tuple[str, str]] = {
    Obstacle.ABSENCE: ("absent", "absents"),
    Obstacle.MEMBERSHIP: ("sorti de la coopérative", "sortis de la coopérative"),
    Obstacle.REST_BEFORE: ("en repos après le semestre précédent", "en repos après le semestre précédent"),
    "place": ("déjà d’astreinte ailleurs", "déjà d’astreinte ailleurs"),
    "rest": ("en repos", "en repos"),
    "week": ("au maximum de la semaine", "au maximum de la semaine"),
    "running": ("au maximum de semaines de suite", "au maximum de semaines de suite"),
    "weekly_rest": ("en repos hebdomadaire", "en repos hebdomadaire"),
    "": ("libre", "libres"),
}


def holes(
    problem: Problem,
    plan: Mapping[int, int],
    *,
    seconds: float,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Hole, ...]:
    """Every uncovered place of a plan, by desk, rank and time; the first ones explained, within about `seconds`."""
    began = clock()
    state = State(problem, plan)
    empty = sorted(
        (slot for slot in range(len(problem.slots)) if slot not in plan),
        key=lambda s: (problem.slots[s].desk, problem.slots[s].rank, problem.units[problem.slots[s].unit].periods),
    )
    told: list[Hole] = []
    for (desk, rank, reason), same in groupby(
        empty, key=lambda s: (problem.slots[s].desk, problem.slots[s].rank, _summary(problem, state, s))
    ):
        slots = list(same)
        facts = problem.desks[desk]
        periods = tuple(period for slot in slots for period in problem.units[problem.slots[slot].unit].periods)
        why, fixes = "", tuple[str, ...]()
        if len(told) < MOST_EXPLAINED and not stop() and clock() - began < seconds:
            found = explain(problem, plan, slots[0], seconds=max(0.5, seconds / MOST_EXPLAINED))
            why = found.clash.text if found.clash is not None else ""
            fixes = tuple(fix.text for fix in found.fixes)
        title = (
            f"{_weeks(problem, slots)}, secteur {problem.sector_of[facts.sector_id].name}, "
            f"{problem.instance.trades[facts.trade].lower()}, rang {rank} : {reason}"
        )
        told.append(Hole(title, facts.sector_id, facts.trade, rank, periods, why, fixes))
    return tuple(told)


def _weeks(problem: Problem, slots: Sequence[int]) -> str:
    """« Semaine 32 », « Semaines 32 à 35 »: weeks of the calendar, by the first day."""
    first, last = (
        paris(problem.units[problem.slots[slot].unit].starts_at).isocalendar() for slot in (slots[0], slots[-1])
    )
    if (first.year, first.week) == (last.year, last.week):
        return f"Semaine {first.week}"
    return f"Semaines {first.week} à {last.week}"


def _summary(problem: Problem, state: State, slot: int) -> str:
    """Who could be asked at all, and what keeps them."""
    counts: Counter[str] = Counter()
    unqualified = 0
    for person in range(len(problem.people)):
        reasons = problem.obstacles(person, slot)
        if reasons is None or any(reason.obstacle is Obstacle.TOO_FAR for reason in reasons):
            continue
        if any(reason.obstacle in _PAPERS for reason in reasons):
            unqualified += 1
        else:
            counts[reasons[0].obstacle if reasons else state.clash(slot, person)] += 1
    able = sum(counts.values())
    without = f" ({unqualified} sans les papiers ou le rang)" if unqualified else ""
    if not able:
        return f"aucun associé qualifié à portée{without}"
    many = able > 1
    head = f"{able} associé{'s' if many else ''} qualifié{'s' if many else ''}{without}"
    if len(counts) == 1:
        (reason,) = counts
        return f"{head}, {'tous ' if many else ''}{_WORDS[reason][many]}"
    return head + " : " + ", ".join(f"{number} {_WORDS[reason][number > 1]}" for reason, number in counts.most_common())
