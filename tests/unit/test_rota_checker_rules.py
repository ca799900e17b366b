"""The independent checker: each rule seen broken, and every random corruption flagged exactly when it breaks one."""

import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from maillage_kit.clock import paris_instant
from maillage_tenants.rota.checker import Assigned, check
from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.solver.greedy import first_plan
from maillage_tenants.rota.solver.instance import (
    Absence,
    Days,
    Desk,
    Instance,
    Kept,
    Person,
    Proof,
    Sector,
)
from maillage_tenants.rota.solver.problem import Problem
from maillage_tenants.rota.solver.state import State, assigned
from maillage_tenants.rota.solver.units import days_and_nights, duty_units, week_and_weekend, whole_weeks

OVER = Period(paris_instant(date(2027, 3, 15)), paris_instant(date(2027, 5, 10)))
"""Eight weeks with the change of 28 March and Easter Monday apart."""
EVER = Days(date(2020, 1, 1), date(2035, 12, 31))
HERE, THERE = UUID(int=1), UUID(int=2)
PAPERS = (
    Proof("liability", None, EVER),
    Proof("decennial", "a", EVER),
    Proof("qualification", "a", EVER),
    Proof("qualification", "b", EVER),
    Proof("decennial", "b", EVER),
)


def person(number: int, **more: object) -> Person:
    facts: dict[str, object] = {
        "id": UUID(int=100 + number),
        "member_id": UUID(int=200 + number),
        "name": f"Associé {number}",
        "engagement": 10.0,
        "homes": frozenset({HERE}),
        "minutes": {HERE: 20, THERE: 30},
        "trades": frozenset({"a"}),
        "proofs": PAPERS,
    }
    return Person(**(facts | more))  # type: ignore[arg-type]


def instance(people: tuple[Person, ...], pattern: object = None, **more: object) -> Instance:
    facts: dict[str, object] = {
        "name": "essai",
        "over": OVER,
        "department": "27",
        "trades": {"a": "Plomberie", "b": "Serrurerie"},
        "sectors": tuple(Sector(s, "Secteur", pattern or days_and_nights()) for s in (HERE, THERE)),  # type: ignore[arg-type]
        "desks": (Desk(HERE, "a", 60), Desk(THERE, "a", 60)),
        "people": people,
    }
    return Instance(**(facts | more))  # type: ignore[arg-type]


def at(text: str) -> Period:
    """`2027-04-05T08-04-09T18`: a period on the clock of Paris."""
    day, hour, month, last, end = (int(part) for part in (text[8:10], text[11:13], text[14:16], text[17:19], text[20:]))
    start = paris_instant(date(2027, int(text[5:7]), day)) + timedelta(hours=hour)
    return Period(start, paris_instant(date(2027, month, last)) + timedelta(hours=end))


def given(who: Person, *times: str, rank: int = 1, sector: UUID = HERE, trade: str = "a") -> Assigned:
    return Assigned(sector, trade, rank, "/".join(times), who.id, tuple(map(at, times)))


def broken(made: Instance, *plan: Assigned) -> list[str]:
    return sorted({breach.rule for breach in check(made, plan).breaches})


ANNE, LUC = person(1), person(2)
WEEK = "2027-04-05T08-04-09T18"
NEXT = "2027-04-12T08-04-16T18"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"engagement": 0.0}, "engagement"),
        ({"trades": frozenset({"b"})}, "trade"),
        ({"ranks": (2,)}, "rank"),
        ({"minutes": {HERE: 61}}, "reach"),
        ({"minutes": {}}, "reach"),
        ({"available": Days(date(2027, 1, 1), date(2027, 4, 8))}, "membership"),
        ({"proofs": PAPERS[:2] + PAPERS[3:]}, "proof"),
        ({"proofs": (replace(PAPERS[0], days=Days(date(2027, 1, 1), date(2027, 4, 8))), *PAPERS[1:])}, "proof"),
        ({"proofs": (*PAPERS[:2], Proof("qualification", None, EVER))}, "proof"),
        ({"absences": (Absence(at("2027-04-09T17-04-10T00")),)}, "absence"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_who_may_not_take_a_duty(change: dict[str, object], rule: str) -> None:
    """R61, R64: trade, rank, distance, membership, documents on every day, absences."""
    who = replace(ANNE, **change)  # type: ignore[arg-type]
    assert broken(instance((ANNE,)), given(ANNE, WEEK)) == []
    assert broken(instance((who,)), given(who, WEEK)) == [rule]


def test_one_place_at_a_time_unless_declared_together() -> None:
    two = (given(ANNE, WEEK), given(ANNE, WEEK, sector=THERE))
    assert broken(instance((ANNE,)), *two) == ["place"]
    assert broken(instance((ANNE,), together=frozenset({(THERE, HERE)})), *two) == []
    ranks = (given(ANNE, WEEK), given(ANNE, WEEK, rank=2))
    assert broken(instance((ANNE,), together=frozenset({(HERE, HERE)})), *ranks) == ["place"]


def test_rest_of_members_and_of_employees() -> None:
    """R63, R64: eleven hours; members at rank 1 only; thirty-five hours after a week for an employee."""
    late, early = "2027-04-05T12-04-05T22", "2027-04-06T08-04-06T18"
    employee = replace(ANNE, employed=True)
    assert broken(instance((ANNE,)), given(ANNE, late), given(ANNE, early)) == ["rest"]
    assert broken(instance((ANNE,)), given(ANNE, late), given(ANNE, early, rank=2)) == []
    assert broken(instance((employee,)), given(employee, late), given(employee, early, rank=2)) == ["rest"]
    assert broken(instance((ANNE,)), given(ANNE, late), given(ANNE, "2027-04-06T09-04-06T18")) == []
    week, after = "2027-04-02T18-04-09T18", "2027-04-09T18-04-16T18"
    assert broken(instance((ANNE,), whole_weeks()), given(ANNE, week), given(ANNE, after)) == []
    assert broken(instance((employee,), whole_weeks()), given(employee, week), given(employee, after)) == [
        "rest",
        "weekly_rest",
    ]
    soon, later = "2027-04-11T04-04-11T08", "2027-04-11T05-04-11T08"
    assert broken(instance((employee,)), given(employee, week), given(employee, soon)) == [
        "rest",
        "weekly_rest",
    ]
    assert broken(instance((employee,)), given(employee, week), given(employee, later)) == []


def test_rest_after_the_semester_before() -> None:
    before = Kept(HERE, "a", 1, ANNE.id, at("2027-03-14T08-03-14T23"))
    made = instance((ANNE,), before=(before,))
    assert broken(made, given(ANNE, "2027-03-15T08-03-15T18")) == ["rest"]
    assert broken(made, given(ANNE, "2027-03-15T10-03-15T18")) == []


def test_weeks_running_and_units_a_week() -> None:
    weeks = [given(ANNE, f"2027-04-{day:02}T08-04-{day:02}T18") for day in (5, 12, 19)]
    assert broken(instance((ANNE,)), *weeks[:2]) == []
    assert broken(instance((ANNE,)), *weeks) == ["running"]
    assert broken(instance((ANNE,)), *weeks[:2], replace(weeks[2], rank=2)) == []
    three = [given(ANNE, f"2027-04-{day:02}T08-04-{day:02}T18", rank=2) for day in (5, 7, 9)]
    assert broken(instance((ANNE,)), *three) == ["week"]
    # Easter Monday apart does not count
    easter = [given(ANNE, "2027-03-29T08-03-30T08", rank=2), *(given(ANNE, f"2027-{w}", rank=2) for w in
              ("03-31T08-03-31T18", "04-02T08-04-02T18"))]  # fmt: skip
    assert broken(instance((ANNE,)), *easter) == []


def test_the_weekly_rest_of_an_employee() -> None:
    """R63: 35 hours free in a row in every calendar week; the Monday after does not count."""
    employee = replace(ANNE, employed=True)
    rules = replace(instance((ANNE,)).rules, max_units_a_week=0, max_weeks_running=0)
    days = [given(employee, f"2027-04-{day:02}T08-04-{day:02}T18", rank=2) for day in range(5, 12)]
    assert broken(instance((employee,), rules=rules), *days) == ["weekly_rest"]
    assert broken(instance((employee,), rules=rules), *days[:6]) == ["weekly_rest"]
    assert broken(instance((employee,), rules=rules), *days[:5]) == []
    assert broken(instance((ANNE,), rules=rules), *(replace(day, person_id=ANNE.id) for day in days)) == []


def test_cover_to_the_second() -> None:
    """R65, R105: a gap of a minute in the night of the change is seen, and so is an overlap."""
    made = instance((ANNE, LUC), rules=replace(instance((ANNE,)).rules, max_weeks_running=0, max_units_a_week=0))
    made = replace(made, desks=(Desk(HERE, "a", 60, (1,)),), sectors=made.sectors[:1])
    change = paris_instant(date(2027, 3, 28)) + timedelta(hours=1)

    def two(end: timedelta) -> tuple[Assigned, ...]:
        return (
            Assigned(HERE, "a", 1, "one", ANNE.id, (Period(OVER.starts_at, change + end),)),
            Assigned(HERE, "a", 1, "two", LUC.id, (Period(change, OVER.ends_at),)),
        )

    assert check(made, two(timedelta())).ok
    late = check(made, two(timedelta(minutes=-1)))
    assert (late.breaches, late.gaps) == ((), ((HERE, "a", 1, Period(change - timedelta(minutes=1), change)),))
    assert [breach.rule for breach in check(made, two(timedelta(minutes=1))).breaches] == ["twice"]
    assert len(check(made, ()).gaps) == 1


def test_locked_duties_and_strangers() -> None:
    made = instance((ANNE, LUC), kept=(Kept(HERE, "a", 1, ANNE.id, at(WEEK), locked=True),))
    assert broken(made, given(ANNE, WEEK)) == []
    assert broken(made, given(LUC, WEEK)) == ["locked"]
    stranger = person(77)
    assert broken(instance((ANNE,)), given(stranger, WEEK), given(ANNE, NEXT, trade="b")) == ["unknown"]


# --- corruptions ------------------------------------------------------------


LAPSING = Proof("qualification", "a", Days(EVER.first, date(2027, 4, 20)))


def crowd(pattern: object) -> Instance:
    draw = random.Random(7)
    return instance(
        tuple(
            person(
                number,
                homes=frozenset({HERE if number % 2 else THERE}),
                minutes={HERE if number % 2 else THERE: 10} | ({HERE: 40, THERE: 40} if number % 5 == 0 else {}),
                employed=number % 4 == 0,
                trades=frozenset({"a", "b"} if number % 3 == 0 else {"a"}),
                ranks=(2,) if number % 7 == 3 else (1, 2),
                absences=(Absence(Period(start := OVER.starts_at + timedelta(days=draw.randrange(50)),
                                         start + timedelta(days=6))),),
                proofs=PAPERS if number != 5 else (*PAPERS[:2], LAPSING),
            )
            for number in range(16)
        ),
        pattern,
        desks=(Desk(HERE, "a", 60), Desk(THERE, "a", 60), Desk(HERE, "b", 60, (1,))),
        together=frozenset({(HERE, HERE)}),
    )  # fmt: skip


@pytest.mark.parametrize("pattern", [days_and_nights(), week_and_weekend(), whole_weeks()], ids=lambda p: p.code)
def test_every_corruption_is_flagged_when_it_breaks_a_rule_and_only_then(pattern: object) -> None:
    """Two judgements written apart must agree: the solver's own rules and the checker's."""
    made = crowd(pattern)
    problem = Problem(made)
    state = State(problem)
    first_plan(problem, state)
    assert check(made, assigned(problem, state.plan)).breaches == ()
    draw = random.Random(1)
    seen: Counter[bool] = Counter()
    for _ in range(80):
        slot = draw.choice(sorted(state.plan))
        before, other = state.plan[slot], draw.randrange(len(made.people))
        if other == before:
            continue
        state.take(slot)
        allowed = state.allows(slot, other)
        state.give(slot, other)
        verdict = check(made, assigned(problem, state.plan))
        assert bool(verdict.breaches) != allowed, (problem.slot_name(slot), verdict.breaches)
        seen[allowed] += 1
        state.take(slot)
        state.give(slot, before)
    assert seen[True] > 3
    assert seen[False] > 30


def test_moved_times_are_flagged() -> None:
    """A unit made longer, shorter or moved is a gap or an overlap."""
    made = crowd(days_and_nights())
    problem = Problem(made)
    state = State(problem)
    first_plan(problem, state)
    plan = list(assigned(problem, state.plan))
    gaps = check(made, plan).gaps
    draw = random.Random(2)
    for _ in range(40):
        number = draw.randrange(len(plan))
        place = draw.randrange(len(plan[number].periods))
        period = plan[number].periods[place]
        shift = timedelta(minutes=draw.choice([-61, -1, 1, 61]))
        moved = Period(period.starts_at + shift, period.ends_at) if draw.random() < 0.5 else Period(
            period.starts_at, period.ends_at + shift)  # fmt: skip
        periods = (*plan[number].periods[:place], moved, *plan[number].periods[place + 1 :])
        verdict = check(made, [*plan[:number], replace(plan[number], periods=periods), *plan[number + 1 :]])
        assert verdict.breaches or verdict.gaps != gaps


def test_the_units_of_the_solver_cover_what_the_checker_expects() -> None:
    for pattern in (days_and_nights(), week_and_weekend(), whole_weeks()):
        units = duty_units(pattern, OVER, "27")
        made = replace(
            instance((ANNE,), pattern), desks=(Desk(HERE, "a", 60, (1,)),), rules=replace(instance((ANNE,)).rules)
        )
        plan = [Assigned(HERE, "a", 1, unit.key, ANNE.id, unit.periods) for unit in units]
        verdict = check(made, plan)
        assert verdict.gaps == ()
        assert "twice" not in {breach.rule for breach in verdict.breaches}
