"""Plans of the solver held against the independent checker: cover, rules, proofs, explanations, repairs (R61-R65)."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ortools.sat.python import cp_model

from maillage_app.testing.semesters import (
    EVER,
    MARCH,
    OCTOBER,
    instance,
    instances,
    kept,
    person,
    uid,
    usual_semester,
    week,
)
from maillage_tenants.rota.checker import check
from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.solver.apart import SCALE, Part, Proofs, apart, parts, points, posed
from maillage_tenants.rota.solver.bound import lower_bound, prove
from maillage_tenants.rota.solver.explain import explain, find_clash, holds, least_uncovered
from maillage_tenants.rota.solver.fairness import shares
from maillage_tenants.rota.solver.instance import (
    Absence,
    Days,
    Instance,
    Rules,
    dumps,
    loads,
)
from maillage_tenants.rota.solver.model import formulate, to_cp_sat
from maillage_tenants.rota.solver.owed import with_shares
from maillage_tenants.rota.solver.problem import BACKUP, FIRST, Problem
from maillage_tenants.rota.solver.repair import repair
from maillage_tenants.rota.solver.reports import Ended, Progress
from maillage_tenants.rota.solver.search import cover, solve
from maillage_tenants.rota.solver.state import State, assigned, fairness, score
from maillage_tenants.rota.solver.subsolve import answer, pose
from maillage_tenants.rota.solver.units import whole_weeks


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(instances(), st.integers(0, 100))
def test_any_plan_keeps_every_rule_and_covers_what_can_be(made: Instance, seed: int) -> None:
    """No breach by the checker, gaps exactly where slots are empty, and as few as can be: at every instant, the nights
    of both time changes included."""
    problem = Problem(made)
    found = solve(problem, seconds=20, seed=seed, steps=8, bound_seconds=0)
    least = least_uncovered(problem, seconds=4, start=found.plan)
    for plan in (found.plan, least.plan):
        verdict = check(made, assigned(problem, plan))
        assert verdict.breaches == ()
        missing = Counter(
            (problem.desks[slot.desk].sector_id, problem.desks[slot.desk].trade, slot.rank, period)
            for number, slot in enumerate(problem.slots)
            if number not in plan
            for period in problem.units[slot.unit].periods
        )
        seconds = sum((p.ends_at - p.starts_at).total_seconds() * times for (*_, p), times in missing.items())
        assert sum((p.ends_at - p.starts_at).total_seconds() for *_, p in verdict.gaps) == seconds
        assert verdict.ok == (not missing)
    assert least.least <= len(least.uncovered) <= found.score.uncovered
    if least.proven and not least.uncovered:
        assert found.score.uncovered <= 1, "a feasible instance is covered, but for a slot at most in eight steps"
    assert found.score == score(problem, found.plan)
    assert lower_bound(formulate(problem), seconds=2) <= found.score.total
    assert dumps(loads(dumps(made))) == dumps(made)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([MARCH, OCTOBER]), st.integers(7, 9), st.integers(0, 50))
def test_a_feasible_instance_is_covered_at_every_instant(over: Period, number: int, seed: int) -> None:
    made = instance(tuple(person(n) for n in range(number)), over=over)
    problem = Problem(made)
    found = solve(problem, seconds=10, seed=seed, steps=4, bound_seconds=0)
    plan = assigned(problem, found.plan)
    assert check(made, plan).ok
    held = {rank: sorted(p for g in plan if g.rank == rank for p in g.periods) for rank in (1, 2)}
    instant = over.starts_at
    while instant < over.ends_at:
        assert all(sum(p.starts_at <= instant < p.ends_at for p in held[rank]) == 1 for rank in (1, 2))
        instant += timedelta(minutes=30)


# --- the search -------------------------------------------------------------


@pytest.fixture(scope="module")
def usual() -> Problem:
    return usual_semester()


def test_the_same_seed_gives_the_same_plan_and_progress_only_improves(usual: Problem) -> None:
    told: list[Progress] = []
    one = solve(usual, seconds=60, seed=3, steps=5, bound_seconds=0, report=told.append)
    other = solve(usual, seconds=60, seed=3, steps=5, bound_seconds=0)
    assert one.plan == other.plan
    assert one.ended in (Ended.STEPS, Ended.OPTIMAL)
    assert told == list(one.trace)
    points = [progress.points for progress in told]
    assert points == sorted(points, reverse=True)
    assert points[-1] == one.score.total


@pytest.mark.parametrize("seconds", [0.2, 0.7, 1.5])
def test_a_search_that_its_clock_ended_anywhere_is_made_again_without_one(usual: Problem, seconds: float) -> None:
    """Steps and iterations decide, not the machine: what the clock cut short is not in the plan."""
    first = solve(usual, seconds=seconds, seed=11)
    again = solve(usual, seconds=600, seed=11, steps=first.steps, bound_iterations=first.bound_iterations)
    assert again.plan == first.plan
    assert again.steps == first.steps


def test_a_proof_is_made_again_by_its_iterations(usual: Problem) -> None:
    f = formulate(usual)
    whole = prove(f, seconds=60)
    assert whole.iterations > 1
    half = prove(f, seconds=60, iterations=whole.iterations // 2)
    again = prove(f, seconds=0.001, iterations=half.iterations)
    assert (again.bound, again.dear) == (half.bound, half.dear)
    assert half.bound <= whole.bound


def test_a_step_that_the_clock_cuts_is_told_from_one_that_its_effort_ends(usual: Problem) -> None:
    state, slots = State(usual), range(len(usual.slots))
    by_effort = answer(pose(usual, state, slots, seconds=60, effort=0.02, seed=1))
    by_clock = answer(pose(usual, state, slots, seconds=0.05, effort=1e6, seed=1))
    assert (by_effort.proven, by_effort.cut) == (False, False)
    assert by_clock.proven or by_clock.cut


def test_a_proof_is_a_proof(usual: Problem) -> None:
    """The bound is under every plan, and near: the band form of fairness has a tight relaxation."""
    found = solve(usual, seconds=6, seed=1, bound_seconds=2)
    assert 0 <= found.bound <= found.score.total
    assert found.trace[-1].gap is not None
    assert found.score.uncovered == 0
    assert max(fairness(usual, found.plan).worst.values()) < 3
    whole = lower_bound(formulate(usual), seconds=2)
    assert found.bound <= max(whole, found.bound) <= found.score.total


def least(problem: Problem, part: Part, price: Mapping[int, int], effort: float) -> int | None:
    """What the part costs at least, as far as that effort proves."""
    return answer(posed(apart(problem, part, price), seconds=10, effort=effort)).bound


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(instances(), st.randoms(use_true_random=False))
def test_the_model_allows_every_plan_and_counts_its_points(made: Instance, draw: Random) -> None:
    """Rows that only help the relaxation forbid no plan, nor make one dearer: any that the rules allow, as full as it
    comes, costs in the model what it costs."""
    problem = Problem(made)
    f = formulate(problem)
    for _ in range(3):
        state = State(problem)
        for slot in draw.sample(range(len(problem.slots)), len(problem.slots)):
            allowed = [who for who in problem.candidates[slot] if state.allows(slot, who)]
            if allowed and draw.random() < 0.95:
                state.give(slot, draw.choice(allowed))
        fixed = to_cp_sat(f)
        for (slot, who), variable in f.take.items():
            fixed.model.add(fixed.variables[variable] == (state.plan.get(slot) == who))
        solver = cp_model.CpSolver()
        assert solver.solve(fixed.model) == cp_model.OPTIMAL
        assert solver.objective_value == score(problem, state.plan).total


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(instances(), st.randoms(use_true_random=False))
def test_desks_apart_cost_no_more_than_the_whole_whatever_the_prices(made: Instance, draw: Random) -> None:
    problem = Problem(made)
    found = solve(problem, seconds=20, steps=8, bound_seconds=0)
    pieces = parts(problem)
    assert sorted(person for part in pieces for person in part.people) == list(range(len(problem.people)))
    slots = range(len(problem.slots))
    for prices in (dict.fromkeys(slots, 0), {slot: draw.randrange(-30 * SCALE, 60 * SCALE) for slot in slots}):
        costs = [least(problem, part, prices, effort=0.2) for part in pieces]
        if None not in costs:
            assert points([cost for cost in costs if cost is not None]) <= found.score.total


def test_desks_apart_prove_what_fractions_cannot() -> None:
    """Four people share nights on call: a fair plan gives somebody two weeks running, which half-duties would avoid."""
    problem = Problem(
        replace(
            instance(
                tuple(person(n, homes=(1 + n // 3,)) for n in range(6)), over=OCTOBER, sectors=2, pattern=whole_weeks()
            ),
            rules=Rules(max_weeks_running=0, rest_hours=0),
        )
    )
    linear = prove(formulate(problem), seconds=5)
    proofs = Proofs(problem, linear)
    for number in range(len(proofs.parts)):
        assert proofs.learn(number, answer(proofs.pose(number, seconds=10, effort=2.0))) == 0
    assert proofs.bound is not None
    found = solve(problem, seconds=20, steps=12, bound_seconds=0)
    assert linear.bound <= proofs.bound <= found.score.total
    above = proofs.above(State(problem, found.plan))  # where the plan costs more than the proof says
    assert min(above.values()) >= 0
    assert -(-round(sum(above.values()) * SCALE) // SCALE) == found.score.total - proofs.bound
    known = proofs.bound
    for number in range(len(proofs.parts)):  # what is proven stays
        assert proofs.learn(number, answer(proofs.pose(number, seconds=10, effort=0.01))) >= 0
    assert proofs.bound >= known


def test_a_hole_is_filled_by_a_chain_of_desks_that_moves_as_little_as_may_be() -> None:
    """Somebody of the second sector can help the first only when somebody of the third takes their place."""
    reach = {0: (1,), 1: (2, 1), 2: (2,), 3: (3, 2), 4: (3,), 5: (3,)}
    people = tuple(
        person(n, homes=sectors[:1], minutes={uid(sector): 20 for sector in sectors}) for n, sectors in reach.items()
    )
    rules = Rules(max_weeks_running=0, rest_hours=0)
    problem = Problem(instance(people, over=week(0), sectors=3, pattern=whole_weeks(), rules=rules))
    held = {(0, 1): 0, (1, 1): 1, (1, 2): 2, (2, 1): 3, (2, 2): 4}
    places = [(slot.desk, slot.rank) for slot in problem.slots]
    start = {slot: held[place] for slot, place in enumerate(places) if place in held}
    assert len(problem.slots) == 12, "the week is parts of two"
    found = solve(problem, seconds=20, steps=5, bound_seconds=0, start=start)
    assert found.score.uncovered == 0
    state, every = State(problem, start), range(len(problem.slots))
    moved = answer(pose(problem, state, every, seconds=10, effort=2.0, seed=0, fair=False, close=True)).plan
    assert moved is not None
    assert sum(moved.get(slot) != start.get(slot) for slot in every) == 2 * 3


def test_it_stops_when_told_and_keeps_the_best_so_far(usual: Problem) -> None:
    asked = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 2

    found = solve(usual, seconds=60, stop=stop)
    assert found.ended is Ended.STOPPED
    assert found.steps <= 3
    assert check(usual.instance, assigned(usual, found.plan)).breaches == ()


def test_what_is_locked_stays(usual: Problem) -> None:
    plan = cover(usual, seconds=2)
    locked = [slot for slot in plan if usual.units[usual.slots[slot].unit].week <= 2]
    found = solve(usual, seconds=30, steps=6, start=plan, locked=locked, bound_seconds=0)
    assert all(found.plan[slot] == plan[slot] for slot in locked)


# --- fair shares ------------------------------------------------------------


def test_shares_follow_the_engagement_and_what_was_carried_over() -> None:
    assert shares({0: 30}, {0: {1: 10.0, 2: 20.0}}, lambda _: 0.0) == {1: 10.0, 2: 20.0}
    assert shares({0: 30}, {0: {1: 10.0, 2: 20.0}}, {1: 3.0, 2: 0.0}.__getitem__) == {1: 8.0, 2: 22.0}
    # somebody far ahead owes nothing, and the others share the rest
    assert shares({0: 10}, {0: {1: 1.0, 2: 1.0}}, {1: 50.0, 2: 0.0}.__getitem__) == {1: 0.0, 2: 10.0}
    # at home at two desks: the one who is alone at a desk gives less to the other
    both = shares({0: 10, 1: 10}, {0: {1: 1.0}, 1: {1: 1.0, 2: 1.0}}, lambda _: 0.0)
    assert both == pytest.approx({1: 10.0, 2: 10.0}, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.integers(0, 3), st.dictionaries(st.integers(0, 6), st.floats(0.5, 3), min_size=1), min_size=1)
)
def test_shares_add_up_to_the_demand(pools: dict[int, dict[int, float]]) -> None:
    found = shares(dict.fromkeys(pools, 12.0), pools, lambda person: person - 3.0)
    assert sum(found.values()) == pytest.approx(12 * len(pools), abs=1e-3)
    assert all(share >= 0 for share in found.values())


def test_where_no_rule_binds_the_share_is_the_proportion(usual: Problem) -> None:
    owed = Problem(with_shares(usual.instance))
    for mine, plain in zip(owed.quota, usual.quota, strict=True):
        assert mine[BACKUP] == pytest.approx(plain[BACKUP], abs=0.1)
    assert sum(share[FIRST] for share in owed.quota) == pytest.approx(
        sum(share[FIRST] for share in usual.quota), abs=0.1
    )
    assert with_shares(usual.instance) == owed.instance, "the same facts give the same figures"
    assert with_shares(usual.instance, stop=lambda: True) == usual.instance, "told to stop, nothing half found is said"
    assert loads(dumps(owed.instance)) == owed.instance


def test_what_somebody_cannot_hold_is_shared_among_the_others() -> None:
    """Anne owes three times what each of the five others owes, as far as engagements go: 13 units of each rank in five
    weeks, where the rules allow two a week and she is away for two weeks."""
    away = Absence(Period(week(1, OCTOBER).starts_at, week(2, OCTOBER).ends_at), "congés")
    people = (person(0, engagement=30.0, absences=(away,)), *(person(n) for n in range(1, 6)))
    plain = Problem(instance(people, over=OCTOBER))
    assert plain.quota[0][FIRST] + plain.quota[0][BACKUP] > 16
    fair = Problem(with_shares(plain.instance))
    possible = fair.quota[0][FIRST] + fair.quota[0][BACKUP]
    assert 5 < possible <= 8.1, "two a week in the weeks that are left, public holidays besides"
    others = [share[FIRST] + share[BACKUP] for share in fair.quota[1:]]
    assert max(others) - min(others) < 0.2
    for rank in (FIRST, BACKUP):
        assert sum(share[rank] for share in fair.quota) == pytest.approx(sum(p[rank] for p in plain.quota), abs=0.1)
    found = solve(fair, seconds=60, steps=30, bound_seconds=2)
    assert found.score.uncovered == 0
    assert max(fairness(fair, found.plan).worst.values()) < 1.01, "such shares can be held"


def test_half_a_semester_of_membership_is_half_a_share() -> None:
    middle = OCTOBER.starts_at.date() + timedelta(days=18)
    people = (person(0, available=Days(EVER.first, middle)), *(person(n) for n in range(1, 8)))
    fair = Problem(with_shares(instance(people, over=OCTOBER)))
    assert fair.quota[0][BACKUP] == pytest.approx(fair.quota[1][BACKUP] / 2, rel=0.2)


def test_the_relaxation_knows_that_weekly_rest_leaves_an_employee_one_duty_a_week() -> None:
    """In fractions an employee could hold half of everything, if each rest were said alone (R63)."""
    people = tuple(person(n, employed=True) for n in range(3))
    problem = Problem(instance(people, over=OCTOBER))
    least = least_uncovered(problem, seconds=10)
    assert least.proven
    f = formulate(problem, fair=False)
    f.points = [1 if v in set(f.hole.values()) else 0 for v in range(len(f.points))]
    assert lower_bound(f, seconds=20) == least.least


def test_the_bands_are_the_whole_numbers_around_the_shares(usual: Problem) -> None:
    for quota, band in zip(usual.quota, usual.band, strict=True):
        for category, share in quota.items():
            low, high = band[category]
            assert low <= share + 1e-5 and share - 1e-5 <= high and high - low <= 1
    demand = sum(gain for slot in range(len(usual.slots)) for category, gain in usual.gains[slot] if category == FIRST)
    assert sum(quota[FIRST] for quota in usual.quota) == pytest.approx(demand, abs=1e-2)
    assert BACKUP in usual.quota[0]


# --- why, and what then -----------------------------------------------------


def test_everybody_away_is_told_in_french_and_minimal() -> None:
    away = Absence(week(1), "congés")
    made = instance((*(person(n, absences=(away,)) for n in range(3)), person(3, ranks=(2,))), pattern=whole_weeks())
    problem = Problem(made)
    least = least_uncovered(problem, seconds=4)
    assert least.proven
    assert least.uncovered
    slot = next(s for s in least.uncovered if problem.slots[s].rank == 1)
    found = explain(problem, least.plan, slot)
    assert found.clash is not None
    text = found.clash.text
    assert text.startswith("Secteur 1, Plomberie : semaine, du vendredi 19 mars 2027 au vendredi 26 mars 2027 (rang 1)")
    assert "4 associés de ce métier peuvent y aller" in text
    assert "absents : Anne 0 (congés du 22/03/2027 au 29/03/2027), Bruno 1" in text
    assert "ne tiennent pas ce rang : David 3" in text
    assert sorted(fix.text for fix in found.fixes) == [
        f"Demander à {name} de renoncer à son absence du 22/03/2027 (congés)."
        for name in ("Anne 0", "Bruno 1", "Claire 2")
    ]


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(instances())
def test_explanations_are_minimal_and_fixes_work(made: Instance) -> None:
    """The facts named cannot all hold; any one left out, the others can."""
    problem = Problem(made)
    least = least_uncovered(problem, seconds=3)
    for slot in least.uncovered[:1]:
        clash = find_clash(problem, slot, seconds=5)
        if clash is None:
            assert not least.proven, "an uncovered slot of a proven minimum has a reason"
            continue
        assert not holds(problem, clash.slots, clash.facts)
        for fact in clash.facts:
            assert holds(problem, clash.slots, [other for other in clash.facts if other != fact]), fact
        assert clash.text.endswith(".")


def test_a_lent_neighbour_is_proposed() -> None:
    near = person(9, homes=(2,))
    away = Absence(week(1), "congés")
    made = instance((*(person(n, absences=(away,)) for n in range(4)), near), sectors=2, pattern=whole_weeks())
    made = replace(
        made,
        sectors=(replace(made.sectors[0], neighbours=(uid(2),)), made.sectors[1]),
        desks=(made.desks[0], replace(made.desks[1], ranks=(1,))),
        rules=replace(made.rules, max_weeks_running=0),
    )
    problem = Problem(made)
    plan = cover(problem, seconds=2)
    slot = next(
        number
        for number, slot in enumerate(problem.slots)
        if number not in plan and slot.desk == 0 and problem.units[slot.unit].overlaps(week(1))
    )
    texts = [fix.text for fix in explain(problem, plan, slot).fixes]
    assert any(text.startswith("Demander à") and "renoncer" in text for text in texts)
    assert all("Jean 9" not in text or "Secteur 2" in text for text in texts)


# --- least change -----------------------------------------------------------


def test_an_illness_changes_the_lost_duties_only(usual: Problem) -> None:
    published = solve(usual, seconds=4, seed=1, bound_seconds=0).plan
    ill = Counter(published.values()).most_common(1)[0][0]
    made = usual.instance
    sick = replace(made.people[ill], absences=(Absence(week(1, OCTOBER), "maladie"),))
    again = Problem(
        replace(made, people=tuple(sick if p.id == sick.id else p for p in made.people), kept=kept(usual, published))
    )
    assert again.slots == usual.slots
    found = repair(again, seconds=10)
    assert {published[slot] for slot in found.lost} <= {ill}
    assert found.fewest
    assert {change.slot for change in found.changes} >= set(found.lost)
    assert len(found.changes) <= len(found.lost) + 2
    assert check(again.instance, assigned(again, found.plan)).breaches == ()


def chain(
    reach: Mapping[int, tuple[int, ...]], held: Mapping[tuple[int, int], int], *, ill: int, second_only: int = -1
) -> Problem:
    """A week of three sectors, published as `held` says by sector and rank, before that person falls ill."""
    people = tuple(
        person(n, homes=sectors[:1], minutes={uid(sector): 20 for sector in sectors},
               ranks=(2,) if n == second_only else (1, 2))
        for n, sectors in reach.items()
    )  # fmt: skip
    rules = Rules(max_weeks_running=0, rest_hours=0)
    made = instance(people, over=week(0), sectors=3, pattern=whole_weeks(), rules=rules)
    before = Problem(made)
    places = [(slot.desk, slot.rank) for slot in before.slots]
    duties = kept(before, {slot: held[place] for slot, place in enumerate(places) if place in held})
    sick = replace(people[ill], absences=(Absence(made.over, "maladie"),))
    return Problem(replace(made, people=(*people[:ill], sick, *people[ill + 1 :]), kept=duties))


def test_a_replacement_that_takes_a_chain_of_desks_moves_nobody_else() -> None:
    """Who can replace serves the second sector, where somebody of the third takes their place."""
    reach = {0: (1,), 1: (2, 1), 2: (2,), 3: (3, 2), 4: (3,), 5: (3,), 6: (1,)}
    problem = chain(reach, {(0, 1): 0, (0, 2): 6, (1, 1): 1, (1, 2): 2, (2, 1): 4, (2, 2): 5}, ill=6)
    found = repair(problem)
    assert (len(found.lost), found.uncovered, found.fewest) == (2, (), True), "the week is parts of two"
    assert {change.slot for change in found.changes} >= set(found.lost)
    assert len(found.changes) == 2 * 2
    assert {problem.slots[slot].desk for slot in found.slots} == {0, 1}
    assert check(problem.instance, assigned(problem, found.plan)).breaches == ()


def test_nobody_changes_hands_so_that_the_empty_place_is_another_one() -> None:
    """The first rank of the second sector stays empty: the one who could hold it replaces who is ill."""
    reach = {0: (1,), 1: (2, 1), 2: (2,), 3: (1,)}
    problem = chain(reach, {(0, 1): 0, (0, 2): 3, (1, 2): 1}, ill=3, second_only=2)
    found = repair(problem)
    assert {problem.slots[slot].desk for slot in found.uncovered} == {1, 2}
    assert not set(found.lost) & set(found.uncovered)
    assert len(found.changes) == 2 * len(found.lost) == 2 * 2
    assert found.fewest


def test_a_replacement_is_looked_for_behind_the_neighbours_too() -> None:
    """Who replaces is replaced by somebody of the next sector, who is replaced by somebody of the one after."""
    reach = {0: (1,), 1: (2, 1), 2: (2,), 3: (3, 2), 4: (3,), 5: (3,), 6: (1,)}
    problem = chain(reach, {(0, 1): 0, (0, 2): 6, (1, 1): 1, (1, 2): 2, (2, 1): 4, (2, 2): 3}, ill=6)
    found = repair(problem)
    assert (len(found.lost), found.uncovered, found.fewest) == (2, (), True)
    assert len(found.changes) == 3 * 2
    assert found.slots == tuple(range(len(problem.slots)))


def test_locked_duties_do_not_move_and_nothing_changes_without_cause(usual: Problem) -> None:
    published = cover(usual, seconds=2)
    duties = tuple(replace(one, locked=True) for one in kept(usual, published)[:10])
    again = Problem(replace(usual.instance, kept=duties + kept(usual, published)[10:]))
    found = repair(again)
    assert (found.lost, found.changes) == ((), ())
    fresh = solve(again, seconds=20, steps=3, bound_seconds=0)
    verdict = check(again.instance, assigned(again, fresh.plan))
    assert verdict.breaches == ()


def test_a_duty_shared_by_two_people_is_cut_where_it_changes_hands(usual: Problem) -> None:
    published = cover(usual, seconds=2)
    duties = list(kept(usual, published))
    place = next(
        n for n, one in enumerate(duties) if one.rank == 2 and one.period.starts_at > week(1, OCTOBER).starts_at
    )
    middle = duties[place].period.starts_at + timedelta(hours=2)
    other = next(p.id for p in usual.instance.people if p.id != duties[place].person_id)
    first = replace(duties[place], period=Period(duties[place].period.starts_at, middle))
    then = replace(duties[place], period=Period(middle, duties[place].period.ends_at), person_id=other)
    cut = Problem(replace(usual.instance, kept=(*duties[:place], first, then, *duties[place + 1 :])))
    assert len(usual.slots) < len(cut.slots) <= len(usual.slots) + 6
    plan, _ = cut.kept
    assert len(plan) == len(cut.slots)
    assert math.isclose(
        sum(q.get(FIRST, 0) for q in cut.quota), sum(q.get(FIRST, 0) for q in usual.quota), abs_tol=0.01
    )
