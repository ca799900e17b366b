"""Simulated annealing of a plan in compiled code: the same rules and points as everybody else's, better plans."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maillage_app.testing.semesters import instances, usual_semester
from maillage_tenants.rota.checker import check
from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.solver import preparing
from maillage_tenants.rota.solver.anneal import LINKS, MOST_SWAPPED, annealed, compile_moves, covered
from maillage_tenants.rota.solver.arrays import empty_hands, facts_of
from maillage_tenants.rota.solver.greedy import first_plan
from maillage_tenants.rota.solver.instance import Absence, Instance, Kept
from maillage_tenants.rota.solver.moves import NOBODY, chains, clash, pass_on, swaps, worth
from maillage_tenants.rota.solver.problem import Plan, Problem
from maillage_tenants.rota.solver.reports import Covered, Ended, Progress
from maillage_tenants.rota.solver.search import solve
from maillage_tenants.rota.solver.state import State, assigned, fairness, points_of, score


@pytest.fixture(scope="module")
def usual() -> Problem:
    """With all that is compiled: no test has to wait for it within its own time."""
    usual = usual_semester()
    compile_moves(usual)
    return usual


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(instances(), st.randoms(use_true_random=False))
def test_annealing_knows_every_rule_and_every_point(made: Instance, draw: Random) -> None:
    """Compiled code has tables and sums of its own: held against those of everybody else, on plans it has made."""
    problem = Problem(made)
    greedy = State(problem)
    first_plan(problem, greedy)
    for slot in draw.sample(sorted(greedy.plan), len(greedy.plan) // 4):
        greedy.take(slot)
    locked = {slot for slot in range(len(problem.slots)) if draw.random() < 0.1}
    movable = [slot for slot in range(len(problem.slots)) if slot not in locked]
    if not movable:
        return
    plan: Plan = {}
    for shown in annealed(problem, greedy, movable, changes=40_000, seed=draw.randrange(1000)):
        plan = plan if shown is None else shown
    assert check(made, assigned(problem, plan)).breaches == ()
    assert [plan.get(slot) for slot in locked] == [greedy.plan.get(slot) for slot in locked], "empty ones too"

    clashes_with, costs, hand_over = (cast(Any, function).py_func for function in (clash, worth, pass_on))
    state, known = State(problem, plan), facts_of(problem, movable, empty=1)
    hands = empty_hands(problem, known, seed=1)
    for slot, who in plan.items():
        hand_over(known, hands, slot, who)
    for slot in draw.sample(sorted(plan), len(plan) // 2):
        hand_over(known, hands, slot, NOBODY)
        state.take(slot)
    assert sorted(hands.held[NOBODY, : hands.number[NOBODY]]) == [slot for slot in movable if slot not in state.plan]
    for _ in range(60):
        slot = draw.randrange(len(problem.slots))
        for who in problem.candidates[slot] if slot not in state.plan else ():
            left = draw.choice([NOBODY, *sorted(state.held[who])])
            before = sum(points_of(problem, state, who)) + (problem.cost[left][who] if left != NOBODY else 0)
            if left != NOBODY:
                state.take(left)
            clashes = bool(state.clash(slot, who))
            if not problem.together:
                assert clashes_with(known, hands, who, slot, left) == clashes
            elif clashes:
                assert clashes_with(known, hands, who, slot, left)
            if not clashes:
                state.give(slot, who)
                after = sum(points_of(problem, state, who)) + problem.cost[slot][who]
                assert costs(known, hands, who, slot, left) == after - before
                state.take(slot)
            if left != NOBODY:
                state.give(left, who)


def test_annealing_lets_a_hole_wander_until_it_closes(usual: Problem) -> None:
    """From a plan with every fifth slot empty, to none empty and nobody more than a unit from their share."""
    greedy = State(usual)
    first_plan(usual, greedy)
    for slot in sorted(greedy.plan)[::5]:
        greedy.take(slot)
    plans = [
        [plan for plan in annealed(usual, greedy, range(len(usual.slots)), changes=400_000, seed=2) if plan]
        for _ in range(2)
    ]
    last = plans[0][-1]
    assert len(last) == len(usual.slots)
    assert max(fairness(usual, last).worst.values()) < 2
    assert len(greedy.plan) < len(usual.slots), "the plan it began with is left as it was"
    assert plans[0] == plans[1], "the same seed gives the same plans"


def test_a_search_that_began_by_annealing_is_made_again_by_its_figures(usual: Problem) -> None:
    first = solve(usual, seconds=30, seed=4, steps=4, changes=200_000, bound_iterations=300)
    again = solve(
        usual, seconds=600, seed=4, steps=first.steps, changes=first.changes, bound_iterations=first.bound_iterations
    )
    assert first.changes == 200_000
    assert again.plan == first.plan


def test_annealing_shows_its_plan_and_is_stopped_when_told(usual: Problem) -> None:
    """Told to stop at the first plan better than the greedy one, it shows no other."""
    told: list[Progress] = []

    def better() -> bool:
        return told[-1].points < told[0].points

    found = solve(usual, seconds=600, seed=1, changes=200_000_000, bound_seconds=0, stop=better, report=told.append)
    assert found.ended is Ended.STOPPED
    assert len(told) == 2
    assert (found.score.total, found.steps) == (told[-1].points, 0)
    assert check(usual.instance, assigned(usual, found.plan)).breaches == ()


def test_two_people_swap_what_they_hold_in_a_week_or_two_only_when_that_is_no_worse(usual: Problem) -> None:
    """Without heat. What is locked stays, what is empty too."""
    greedy = State(usual)
    first_plan(usual, greedy)
    greedy.take(next(iter(sorted(greedy.plan))))
    locked = frozenset(sorted(greedy.plan)[::7])
    facts = facts_of(usual, [slot for slot in range(len(usual.slots)) if slot not in locked], empty=1)
    hands = empty_hands(usual, facts, seed=1)
    given = np.array([greedy.plan.get(slot, NOBODY) for slot in range(len(usual.slots))], np.int32)
    chains(facts, hands, given, 0, 1.0, *(np.zeros(LINKS, np.int64) for _ in range(3)))
    assert hands.holder.tolist() == given.tolist()
    swaps(facts, hands, 200_000, 1e-9, *(np.zeros(MOST_SWAPPED, np.int64) for _ in range(2)))
    plan = {slot: person for slot, person in enumerate(hands.holder.tolist()) if person != NOBODY}
    assert check(usual.instance, assigned(usual, plan)).breaches == ()
    assert plan.keys() == greedy.plan.keys()
    assert all(plan[slot] == greedy.plan[slot] for slot in locked)
    assert score(usual, plan).total < score(usual, greedy.plan).total


def test_a_semester_is_covered_before_anybody_knows_what_they_owe(usual: Problem, monkeypatch: Any) -> None:
    """Beside the shares; each plan shown holds more than the one before and keeps every rule, what is locked stays."""
    made = usual.instance
    first = assigned(usual, {0: usual.candidates[0][0]})[0]
    locked = Kept(first.sector_id, first.trade, first.rank, first.person_id, first.periods[0], locked=True)
    monkeypatch.setattr(preparing, "LARGE", 1)
    monkeypatch.setattr(preparing, "first_plan", lambda *_: None)
    shown: list[tuple[Plan, Covered]] = []
    prepared = preparing.prepare(
        replace(made, kept=(locked,)), seed=3, show=lambda _, plan, covered: shown.append((plan, covered))
    )
    assert prepared.problem.instance.owed
    assert prepared.plan == shown[-1][0]
    assert prepared.covered == tuple(covered for _, covered in shown)
    empty = [covered.uncovered for covered in prepared.covered]
    assert (empty[0], empty[-1]) == (len(usual.slots) - 1, 0)
    assert empty == sorted(set(empty), reverse=True)
    for plan, told in shown:
        assert told.slots - told.uncovered == len(plan)
        assert plan[0] == usual.candidates[0][0]
        assert check(made, assigned(prepared.problem, plan)).breaches == ()
    fair = solve(prepared.problem, seconds=30, seed=4, changes=200_000, steps=0, first=prepared.plan)
    assert fair.score.uncovered == 0
    assert fair.plan[0] == usual.candidates[0][0]


def test_holes_that_nobody_can_fill_end_the_cover(usual: Problem) -> None:
    """Everybody away for a week: its slots stay empty, all others are held."""
    over = usual.instance.over
    week = Period(over.starts_at + timedelta(days=9), over.starts_at + timedelta(days=12))
    away = [replace(person, absences=(*person.absences, Absence(week))) for person in usual.instance.people]
    problem = Problem(replace(usual.instance, people=tuple(away)))
    nobodys = {slot for slot, people in enumerate(problem.candidates) if not people}
    *_, last = [plan for plan in covered(problem, State(problem), range(len(problem.slots)), seed=1) if plan]
    assert 0 < len(nobodys) < len(problem.slots)
    assert last.keys() == set(range(len(problem.slots))) - nobodys
