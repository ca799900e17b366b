"""`./maillage bench rota`: the semester rota beside the peers' rules, on instances kept under `bench/instances/rota`.

Every plan, ours and theirs, is held against the independent checker; one breach stops the run.
"""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from time import perf_counter
from typing import Any

from bench.common import Load, record, say
from bench.rota_baselines import BASELINES
from bench.rota_instances import SEEDS, SHAPES, read
from rich.table import Table

from maillage_tenants.rota.checker import check
from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.solver.anneal import compile_moves
from maillage_tenants.rota.solver.explain import least_uncovered
from maillage_tenants.rota.solver.instance import Absence, Instance, Kept
from maillage_tenants.rota.solver.preparing import prepare
from maillage_tenants.rota.solver.problem import Plan, Problem
from maillage_tenants.rota.solver.repair import repair
from maillage_tenants.rota.solver.reports import Covered
from maillage_tenants.rota.solver.search import TEAM, Outcome, solve
from maillage_tenants.rota.solver.state import assigned, fairness, score

Figures = dict[str, Any]
BUDGET: Mapping[str, float] = {"eure": 60.0, "normandie": 360.0}
"""Seconds by default; the tight ones have what Eure has."""
MOMENTS = (1, 2, 5, 10, 20, 30, 60, 120, 180, 240, 300, 360)


def run(shapes: Sequence[str], seeds: Sequence[int], *, seconds: float | None, solver_seed: int, keep: bool) -> Figures:
    """Measure these shapes and seeds. Raises RuntimeError when a plan breaks a rule."""
    load = Load()
    results = []
    for shape in shapes or [s.name for s in SHAPES]:
        for seed in seeds or SEEDS:
            say(f"{shape}, seed {seed}")
            results.append(_measure(shape, seed, seconds or BUDGET.get(shape, 60.0), solver_seed))
    figures = {
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "ortools": version("ortools"),
        "threads": TEAM,
        **load.figures(),
        "instances": results,
    }
    if keep:
        families = dict.fromkeys(one["instance"].split("-")[0] for one in results)
        record("-".join(["rota", *families]), figures)
    return figures


def _measure(shape: str, seed: int, seconds: float, solver_seed: int) -> Figures:
    instance = read(shape, seed)
    plain = Problem(instance)
    # The compiler's twenty seconds come once on a machine, not once a semester.
    compile_moves(plain)
    began = perf_counter()
    ready = prepare(instance, seed=solver_seed)
    problem, prepared = ready.problem, perf_counter() - began
    peers = {name: _judged(problem, plain, rule(problem)) for name, rule in BASELINES.items()}
    found = solve(problem, seconds=seconds - prepared, seed=solver_seed, first=ready.plan)
    least = least_uncovered(problem, seconds=min(20.0, seconds), start=found.plan)
    return {
        "instance": f"{shape}-{seed}",
        "slots": len(problem.slots),
        "people": len(problem.people),
        "pairs": sum(map(len, problem.candidates)),
        "prepare_s": round(prepared, 2),
        "least_uncovered": least.least,
        "ours": _judged(problem, plain, found.plan) | _course(found, least.least, prepared, ready.covered),
        "peers": peers,
        "illness": _illness(problem, found.plan),
    }


def _judged(problem: Problem, plain: Problem, plan: Plan) -> Figures:
    """A plan's figures; `plain`: the same with the bare proportion to the engagements as shares. Raises RuntimeError
    when the checker finds a rule broken."""
    verdict = check(problem.instance, assigned(problem, plan))
    if verdict.breaches:
        raise RuntimeError(f"a plan breaks a rule: {verdict.breaches[0].text}")
    even, points = fairness(problem, plan), score(problem, plan)
    return {
        "uncovered": points.uncovered,
        "points": points.total,
        "worst_deviation": max(even.worst.values(), default=0.0),
        "worst": dict(even.worst),
        "mean": dict(even.mean),
        "spread": dict(even.spread),
        "worst_from_proportion": max(fairness(plain, plan).worst.values(), default=0.0),
    }


def _course(found: Outcome, least: int, prepared: float, first: Sequence[Covered]) -> Figures:
    """How the search went: time to a cover as full as can be, points over time, the proof. Seconds are those since the
    facts were read: the shares, and beside them the first plan of a large semester, come before the search."""
    trace = [replace(told, seconds=round(told.seconds + prepared, 2)) for told in found.trace]
    plans = [*((p.seconds, p.uncovered) for p in first), *((p.seconds, p.uncovered) for p in trace)]
    covered = next((at for at, uncovered in plans if uncovered <= least), None)
    within = found.score.total - found.bound
    return {
        "first_full_cover_s": covered,
        "bound": found.bound,
        "gap_points": within,
        "gap": round(max(0, within) / max(1, found.score.total), 4),
        "optimal": found.optimal,
        "ended": found.ended.value,
        "steps": found.steps,
        "seconds": round(found.seconds + prepared, 1),
        "points_at": {
            str(moment): [p.points for p in trace if p.seconds <= moment][-1]
            for moment in MOMENTS
            if trace[0].seconds <= moment <= found.seconds + prepared
        },
    }


def _illness(problem: Problem, plan: Plan) -> Figures:
    """The busiest person is ill for four weeks in the middle of the published semester."""
    held: dict[int, int] = {}
    for person in plan.values():
        held[person] = held.get(person, 0) + 1
    busiest = max(sorted(held), key=lambda person: held[person])
    over = problem.instance.over
    start = over.starts_at + (over.ends_at - over.starts_at) * 0.4
    ill = Absence(Period(start, start + (over.ends_at - over.starts_at) * (4 / 26)), "maladie")
    again = Problem(_published(problem, plan, busiest, ill))
    began = perf_counter()
    found = repair(again)
    took = perf_counter() - began
    verdict = check(again.instance, assigned(again, found.plan))
    if verdict.breaches:
        raise RuntimeError(f"a repaired plan breaks a rule: {verdict.breaches[0].text}")
    return {
        "lost": len(found.lost),
        "changed": len(found.changes),
        "uncovered": len(set(found.lost) & set(found.uncovered)),
        "proven_fewest": found.fewest,
        "seconds": round(took, 2),
    }


def _published(problem: Problem, plan: Plan, person: int, absence: Absence) -> Instance:
    who = problem.people[person]
    sick = replace(who, absences=(*who.absences, absence))
    return replace(
        problem.instance,
        people=tuple(sick if p.id == who.id else p for p in problem.instance.people),
        kept=tuple(
            Kept(given.sector_id, given.trade, given.rank, given.person_id, period)
            for given in assigned(problem, plan)
            for period in given.periods
        ),
    )


def table(figures: Figures) -> Table:
    """The figures for a reader."""
    shown = Table(title=f"Rota: {figures['cores']} cores, {figures['threads']} threads, load {figures['load_before']}")
    for heading in (
        "instance",
        "rule",
        "empty",
        "points",
        "bound",
        "gap",
        "full cover s",
        "worst dev.",
        "ill: lost/changed",
    ):
        shown.add_column(heading, justify="left" if heading in ("instance", "rule") else "right")
    for one in figures["instances"]:
        ours, ill = one["ours"], one["illness"]
        shown.add_row(
            one["instance"],
            "Maillage",
            f"{ours['uncovered']} (≥ {one['least_uncovered']})",
            str(ours["points"]),
            str(ours["bound"]),
            f"{ours['gap']:.1%} ({ours['gap_points']})",
            "never" if ours["first_full_cover_s"] is None else f"{ours['first_full_cover_s']:.1f}",
            f"{ours['worst_deviation']:.1f}",
            f"{ill['lost']}/{ill['changed']} in {ill['seconds']} s",
        )
        for name, peer in one["peers"].items():
            shown.add_row(
                "", name, str(peer["uncovered"]), str(peer["points"]), "", "", "", f"{peer['worst_deviation']:.1f}", ""
            )
    return shown
