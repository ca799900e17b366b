"""What the solving process promises: cover at every instant, holes told once each, reasons that go away (R64, R65)."""

import io
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maillage_app.testing.semesters import MARCH, OCTOBER, instance, person, uid
from maillage_kit.clock import paris_instant
from maillage_tenants.rota.balance import BACKUP, CATEGORIES, FIRST, Counted, DutyHeld, tallies
from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.solver.explain import find_clash, least_uncovered
from maillage_tenants.rota.solver.instance import Absence, Instance, Kept, Person, Rules
from maillage_tenants.rota.solver.problem import Obstacle, Problem
from maillage_tenants.rota.solver.process import run
from maillage_tenants.rota.solver.reports import REPAIR, Asked, Solved
from maillage_tenants.rota.solver.telling import holes
from maillage_tenants.rota.solver.units import Pattern, days_and_nights, week_and_weekend, whole_weeks

PATTERNS = (whole_weeks(), whole_weeks(0), week_and_weekend(), days_and_nights(), days_and_nights(apart=False))


def people(number: int, *, sectors: int = 1) -> tuple[Person, ...]:
    return tuple(person(n, homes=(1 + n % sectors,)) for n in range(number))


def solved(made: Instance, **more: object) -> tuple[Solved, list[dict[str, object]]]:
    out = io.StringIO()
    asked = Asked(kind="draft", seconds=20, seed=3, steps=4, bound_seconds=0.5)
    found = run(made, replace(asked, **more), out=out, stop=lambda: False)  # type: ignore[arg-type]
    return found, [json.loads(line) for line in out.getvalue().splitlines()]


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([MARCH, OCTOBER]), st.sampled_from(PATTERNS), st.integers(0, 1000))
def test_every_instant_has_exactly_one_person_a_place(over: Period, pattern: Pattern, seed: int) -> None:
    """Whatever the pattern, the nights of both time changes included: looked at every half hour of real time."""
    made = instance(people(16, sectors=2), over=over, pattern=pattern, sectors=2)
    found, lines = solved(made, seed=seed)
    assert (found.uncovered, found.holes) == (0, ())
    instant = over.starts_at
    while instant < over.ends_at:
        here = Counter(
            (unit.sector_id, unit.rank)
            for unit in found.given
            for period in unit.periods
            if period.starts_at <= instant < period.ends_at
        )
        assert here == {(uid(sector), rank): 1 for sector in (1, 2) for rank in (1, 2)}, instant
        instant += timedelta(minutes=30)
    told = [line["progress"] for line in lines if line["progress"]]
    assert told[-1]["points"] == found.points  # type: ignore[index]
    assert any(line["plan"] for line in lines), "the best plan is told, for who may have to end the search"


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(2, 4), st.integers(1, 3), st.sampled_from([MARCH, OCTOBER]))
def test_any_named_absence_taken_away_fills_a_place(number: int, week: int, over: Period) -> None:
    """Everybody is away for a week: the reason names them, and each of them back fills a place (R64)."""
    start = over.starts_at + timedelta(days=7 * week)
    away = Absence(Period(start, start + timedelta(days=2)), "congés")
    persons = tuple(replace(one, absences=(away,)) for one in people(number))
    made = instance(persons, over=over, pattern=whole_weeks(), rules=Rules(max_weeks_running=0))
    problem = Problem(made)
    least = least_uncovered(problem, seconds=4)
    assert least.proven
    assert least.uncovered
    blocked = [slot for slot in least.uncovered if problem.units[problem.slots[slot].unit].overlaps(away.period)]
    clash = find_clash(problem, blocked[0], seconds=5)
    assert clash is not None
    named = {fact.person for fact in clash.facts if fact.kind == Obstacle.ABSENCE}
    assert named
    for absent in named:
        back = tuple(replace(one, absences=()) if n == absent else one for n, one in enumerate(persons))
        again = least_uncovered(Problem(replace(made, people=back)), seconds=4)
        assert len(again.uncovered) < least.least


def test_a_hole_is_told_in_one_line_with_who_could_have_come() -> None:
    over = MARCH
    away = Absence(
        Period(over.starts_at + timedelta(days=8), over.starts_at + timedelta(days=10)), "congés", asked=True
    )
    persons = tuple(replace(one, absences=(away,)) for one in people(3))
    backup = replace(people(4)[3], ranks=(2,))
    problem = Problem(instance((*persons, backup), over=over, pattern=whole_weeks(0)))
    least = least_uncovered(problem, seconds=4)
    told = holes(problem, least.plan, seconds=10)
    first = next(hole for hole in told if hole.rank == 1)
    assert first.title == (
        "Semaine 12, secteur Secteur 1, plomberie, rang 1 : "
        "3 associés qualifiés (1 sans les papiers ou le rang), tous absents"
    )
    assert "Refuser l’absence demandée par Anne 0 à partir du 23/03/2027 (congés)." in first.fixes
    missing = [problem.units[problem.slots[slot].unit].periods for slot in least.uncovered]
    assert sorted(period for hole in told for period in hole.periods) == sorted(p for own in missing for p in own)


def test_weeks_that_miss_for_the_same_reason_are_one_line() -> None:
    problem = Problem(instance(people(1), pattern=whole_weeks(0)))
    told = holes(problem, {}, seconds=0)
    assert [hole.title for hole in told] == [
        "Semaines 11 à 14, secteur Secteur 1, plomberie, rang 1 : 1 associé qualifié, libre",
        "Semaines 11 à 14, secteur Secteur 1, plomberie, rang 2 : 1 associé qualifié, libre",
    ]
    assert all(hole.why == "" for hole in told), "no time was given to look for reasons"


def test_a_repair_tells_its_moves_and_leaves_what_was_published_against_a_rule() -> None:
    """Three weeks running were published for one person; another falls ill: only the lost weeks move."""
    mondays = [paris_instant(date(2027, 3, 15) + timedelta(days=7 * n)) for n in range(5)]
    weeks = [Period(start, end) for start, end in pairwise(mondays)]
    made = instance(people(6), pattern=whole_weeks(0, time(0)))
    first = [100, 100, 100, 101]
    second = [102, 103, 102, 103]
    kept = tuple(
        Kept(uid(1), "a", rank, uid(who), week)
        for rank, row in ((1, first), (2, second))
        for who, week in zip(row, weeks, strict=True)
    )
    ill = replace(made.people[3], absences=(Absence(weeks[3], "maladie"),))
    hurt = replace(made, kept=kept, people=(*made.people[:3], ill, *made.people[4:]))
    found, _ = solved(hurt, kind=REPAIR)
    assert [(move.rank, move.before, move.periods) for move in found.moves] == [(2, uid(103), (weeks[3],))]
    assert found.moves[0].after not in (None, uid(103))
    assert found.lost == 1
    assert found.fewest


def test_a_stop_is_heard_and_the_same_seed_gives_the_same_digest() -> None:
    made = instance(people(16, sectors=2), over=OCTOBER, pattern=days_and_nights(), sectors=2)
    one, _ = solved(made, seed=5)
    other, _ = solved(made, seed=5)
    assert one.digest == other.digest
    out = io.StringIO()
    ended = run(made, Asked("draft", 60, 5, bound_seconds=0), out=out, stop=lambda: True)
    assert ended.ended == "stopped"
    assert ended.slots == one.slots


# --- balances ---------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(PATTERNS), st.lists(st.integers(0, 3), min_size=6, max_size=6), st.sampled_from([MARCH, OCTOBER])
)
def test_units_and_shares_add_up(pattern: Pattern, order: list[int], over: Period) -> None:
    """Whoever holds what: every unit counts once, and the fair shares are the demand."""
    counted = [Counted(uid(100 + n), 5.0 + n, frozenset({uid(1)}), {"a": 1.0}) for n in range(4)]
    step = (over.ends_at - over.starts_at) / len(order)
    edges = [over.starts_at + step * n for n in range(len(order) + 1)]
    duties = [
        DutyHeld(uid(1), "a", rank, uid(100 + (who + rank) % 4), Period(start, end))
        for rank in (1, 2)
        for who, start, end in zip(order, edges, edges[1:], strict=False)
    ]
    found = tallies(
        over=over, department="27", desks={(uid(1), "a"): pattern}, people=counted, duties=duties, now=edges[2]
    )
    problem = Problem(instance(people(4), over=over, pattern=pattern))
    demand = Counter[str]()
    for gains in problem.gains:
        for category, gain in gains:
            demand[category] += gain
    for category in CATEGORIES:
        assert sum(tally.units(category) for tally in found.values()) == demand[category]
        assert sum(tally.owed[category] for tally in found.values()) == pytest.approx(demand[category], abs=0.01)
    assert found[uid(103)].owed[FIRST] == pytest.approx(demand[FIRST] * 8 / 26, abs=0.01)
    assert sum(tally.done[BACKUP] for tally in found.values()) < demand[BACKUP]


def test_the_share_is_that_of_the_solver() -> None:
    made = instance(people(5), over=OCTOBER, pattern=days_and_nights())
    problem = Problem(made)
    counted = [Counted(one.id, one.engagement, one.homes, {"a": 1.0}) for one in made.people]
    found = tallies(
        over=OCTOBER,
        department="27",
        desks={(uid(1), "a"): days_and_nights()},
        people=counted,
        duties=[],
        now=datetime(2027, 1, 1, tzinfo=UTC),
    )
    for number, one in enumerate(made.people):
        for category, share in problem.quota[number].items():
            assert found[one.id].owed[category] == pytest.approx(share, abs=0.01)
