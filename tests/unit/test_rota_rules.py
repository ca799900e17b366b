"""Rota rules: shifts of a semester, coverage, the fair draft (R57, R61, R64, R65, R105)."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maillage_kit.clock import paris, paris_instant
from maillage_kit.semester import Semester
from maillage_tenants.rota.rules import (
    RANK_WEIGHT,
    Assignment,
    Gap,
    Period,
    Post,
    Worker,
    check_coverage,
    days_of,
    draft_rota,
    local,
    weekly_shifts,
    whole,
)

S1, S2 = Semester(2027, 1), Semester(2027, 2)
HOUR = timedelta(hours=1)


def uid(number: int) -> UUID:
    return UUID(int=number)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def post(number: int, *, sector: int = 1, trade: str = "a", rank: int = 1) -> Post:
    return Post(number, uid(sector), trade, rank, f"Secteur {sector}, {trade}, rang {rank}")


def worker(
    number: int,
    *,
    units: float = 10,
    homes: set[int] | None = None,
    reach: set[int] | None = None,
    over: Period | None = None,
    hard: tuple[Period, ...] = (),
    soft: tuple[Period, ...] = (),
) -> Worker:
    return Worker(
        uid(number),
        uid(1000 + number),
        units,
        frozenset(map(uid, {1} if homes is None else homes)),
        frozenset(map(uid, reach or set())),
        {"a": (over or whole(S1),)},
        hard,
        soft,
    )


# --- shifts -----------------------------------------------------------------


def test_first_semester_of_2027_is_cut_from_friday_to_friday() -> None:
    """R65, R105: 1 January 2027 is a Friday, so the first shift ends the same evening."""
    shifts = weekly_shifts(S1)
    assert [str(shift) for shift in (shifts[0], shifts[1], shifts[-1])] == [
        "du 01/01/2027 00:00 au 01/01/2027 18:00",
        "du 01/01/2027 18:00 au 08/01/2027 18:00",
        "du 25/06/2027 18:00 au 01/07/2027 00:00",
    ]
    assert len(shifts) == 27
    assert (shifts[0].starts_at, shifts[-1].ends_at) == (at("2026-12-31T23:00"), at("2027-06-30T22:00"))


@pytest.mark.parametrize(("semester", "change", "hours"), [(S1, date(2027, 3, 28), 167), (S2, date(2027, 10, 31), 169)])
def test_the_week_of_a_time_change_is_one_hour_off(semester: Semester, change: date, hours: int) -> None:
    """R65, R105: 28 March 2027 has 23 hours, 31 October 2027 has 25; handovers stay at 18:00 on the wall."""
    noon = paris_instant(change) + 12 * HOUR
    (shift,) = [s for s in weekly_shifts(semester) if s.starts_at <= noon < s.ends_at]
    assert (shift.ends_at - shift.starts_at) == hours * HOUR
    assert paris(shift.starts_at).hour == paris(shift.ends_at).hour == 18


@given(st.integers(1990, 2150), st.sampled_from([1, 2]))
def test_shifts_cover_any_semester_exactly(year: int, half: int) -> None:
    semester = Semester(year, half)
    shifts = weekly_shifts(semester)
    assert (shifts[0].starts_at, shifts[-1].ends_at) == (semester.starts_at, semester.ends_at)
    assert all(one.ends_at == other.starts_at for one, other in pairwise(shifts))
    assert all(shift.starts_at < shift.ends_at for shift in shifts)
    for handover in (shift.ends_at for shift in shifts[:-1]):
        assert (paris(handover).weekday(), paris(handover).hour) == (4, 18)


def test_the_repeated_hour_is_told_apart() -> None:
    assert local(at("2027-10-31T00:30")) == "31/10/2027 02:30 (UTC+0200)"
    assert local(at("2027-10-31T01:30")) == "31/10/2027 02:30 (UTC+0100)"
    assert local(at("2027-10-31T02:30")) == "31/10/2027 03:30"


def test_days_of_a_period_leave_out_the_day_it_ends_at_midnight() -> None:
    assert days_of(Period(at("2027-01-01T17:00"), at("2027-01-07T23:00"))) == (date(2027, 1, 1), date(2027, 1, 7))


# --- coverage ---------------------------------------------------------------


def test_a_gap_is_named_in_french() -> None:
    vexin = Post(1, uid(1), "locksmith", 2, "Secteur Vexin, serrurerie, rang 2")
    shifts = [shift for shift in weekly_shifts(S1) if shift.starts_at != at("2027-02-05T17:00")]
    coverage = check_coverage([vexin], {1: shifts}, whole(S1))
    assert [str(gap) for gap in coverage.gaps] == [
        "Secteur Vexin, serrurerie, rang 2 : du 05/02/2027 18:00 au 12/02/2027 18:00"
    ]
    assert not coverage.ok
    assert coverage.overlaps == ()


def test_an_overlap_is_found_and_a_handover_is_none() -> None:
    first, second = weekly_shifts(S1)[:2]
    over = Period(first.starts_at, second.ends_at)
    assert check_coverage([post(1)], {1: [second, first]}, over).ok
    late = Period(first.starts_at, second.starts_at + HOUR)
    (overlap,) = check_coverage([post(1)], {1: [late, second]}, over).overlaps
    assert overlap.period == Period(second.starts_at, second.starts_at + HOUR)


periods = st.builds(
    lambda start, length: Period(S1.starts_at + start * HOUR, S1.starts_at + (start + length) * HOUR),
    st.integers(-48, 400),
    st.integers(1, 200),
)


@given(st.lists(periods, max_size=8))
def test_coverage_agrees_with_looking_at_every_hour(held: list[Period]) -> None:
    over = Period(S1.starts_at, S1.starts_at + 300 * HOUR)
    coverage = check_coverage([post(1)], {1: held}, over)
    for hour in range(300):
        instant = over.starts_at + hour * HOUR
        holders = sum(period.starts_at <= instant < period.ends_at for period in held)
        assert any(g.period.starts_at <= instant < g.period.ends_at for g in coverage.gaps) == (holders == 0)
        assert any(o.period.starts_at <= instant < o.period.ends_at for o in coverage.overlaps) == (holders > 1)


# --- the fair draft ---------------------------------------------------------


@st.composite
def crews(draw: st.DrawFn) -> tuple[list[Post], list[Worker], Semester]:
    """Any small cooperative: up to 3 sectors, 2 trades, 10 people with documents, absences and wishes at random."""
    semester = draw(st.sampled_from([S1, S2]))
    days = (semester.next.first_day - semester.first_day).days
    sectors = range(1, draw(st.integers(1, 3)) + 1)
    trades = ("a", "b")[: draw(st.integers(1, 2))]
    posts = [
        Post(index, uid(sector), trade, rank, f"Secteur {sector}, {trade}, rang {rank}")
        for index, (sector, trade, rank) in enumerate(
            (sector, trade, rank) for sector in sectors for trade in trades for rank in (1, 2)
        )
    ]

    def span(draw: st.DrawFn) -> Period:
        first = draw(st.integers(0, days - 1))
        last = draw(st.integers(first, days))
        start = semester.first_day + timedelta(days=first)
        return Period(paris_instant(start), paris_instant(semester.first_day + timedelta(days=last + 1)))

    workers = []
    for number in range(draw(st.integers(0, 10))):
        homes = draw(st.sets(st.sampled_from(list(sectors)), max_size=2))
        reach = draw(st.sets(st.sampled_from(list(sectors)), max_size=2)) - homes
        valid = {
            trade: draw(st.sampled_from([(whole(semester),), (), (span(draw),)]))
            for trade in trades
            if draw(st.booleans())
        }
        workers.append(
            Worker(
                uid(100 + number),
                uid(200 + number // 2),
                draw(st.sampled_from([0, 1, 5, 13.5, 26])),
                frozenset(map(uid, homes)),
                frozenset(map(uid, reach)),
                valid,
                tuple(span(draw) for _ in range(draw(st.integers(0, 2)))),
                tuple(span(draw) for _ in range(draw(st.integers(0, 1)))),
            )
        )
    return posts, workers, semester


@settings(max_examples=120, deadline=None)
@given(crews())
def test_any_draft_covers_every_instant_once_or_names_it(crew: tuple[list[Post], list[Worker], Semester]) -> None:
    """R64, R65, R105: over the whole semester, the 23 h and the 25 h day included, each post is held by exactly one
    person or the instant is in a named gap; and no hard rule is broken."""
    posts, workers, semester = crew
    draft = draft_rota(posts, workers, weekly_shifts(semester))
    by_id = {w.technician_id: w for w in workers}
    held: dict[int, list[Period]] = defaultdict(list)
    where: dict[UUID, list[Period]] = defaultdict(list)
    for given_duty in draft.assignments:
        held[given_duty.post.id].append(given_duty.period)
        where[given_duty.technician_id].append(given_duty.period)
        person = by_id[given_duty.technician_id]
        assert person.units > 0
        assert given_duty.post.sector_id in person.homes | person.reach
        assert any(given_duty.period.within(valid) for valid in person.assignable[given_duty.post.trade])
        assert not any(given_duty.period.overlaps(absence) for absence in person.hard)
    coverage = check_coverage(posts, held, whole(semester))
    assert coverage.overlaps == ()
    assert sorted(map(str, coverage.gaps)) == sorted(map(str, draft.uncovered))
    for periods_held in where.values():
        ordered = sorted(periods_held)
        assert all(not a.overlaps(b) for a, b in pairwise(ordered))
    # Each hour of the day of the time change, counted one by one in UTC.
    change = date(2027, 3, 28) if semester is S1 else date(2027, 10, 31)
    start, end = paris_instant(change), paris_instant(change + timedelta(days=1))
    assert (end - start) / HOUR == (23 if semester is S1 else 25)
    for place in posts:
        for hour in range(int((end - start) / HOUR)):
            instant = start + hour * HOUR
            count = sum(p.starts_at <= instant < p.ends_at for p in held[place.id])
            named = any(
                gap.post == place and gap.period.starts_at <= instant < gap.period.ends_at for gap in draft.uncovered
            )
            assert (count, named) in ((1, False), (0, True))


@settings(max_examples=30, deadline=None)
@given(crews())
def test_the_same_crew_gets_the_same_draft(crew: tuple[list[Post], list[Worker], Semester]) -> None:
    posts, workers, semester = crew
    assert draft_rota(posts, workers, weekly_shifts(semester)) == draft_rota(
        posts, list(reversed(workers)), weekly_shifts(semester)
    )


def test_as_many_posts_are_filled_as_the_rules_allow() -> None:
    """Somebody who can serve two sectors leaves the one that another can serve: no greedy hole."""
    posts = [post(1, sector=1), post(2, sector=2)]
    both, only_first = worker(1, homes={1, 2}, units=20), worker(2, homes={1}, units=1)
    draft = draft_rota(posts, [both, only_first], weekly_shifts(S1))
    assert draft.uncovered == ()


def loads(assignments: tuple[Assignment, ...]) -> dict[UUID, float]:
    total: dict[UUID, float] = defaultdict(float)
    for given_duty in assignments:
        total[given_duty.technician_id] += RANK_WEIGHT[given_duty.post.rank] * given_duty.period.weeks
    return total


def test_units_follow_the_engagement() -> None:
    """R53: who owes twice as much is on call twice as much, within one week."""
    people = [worker(number, units=units) for number, units in enumerate((12, 12, 6, 6, 6, 6))]
    draft = draft_rota([post(1, rank=1), post(2, rank=2)], people, weekly_shifts(S1))
    assert draft.uncovered == ()
    held = loads(draft.assignments)
    total = sum(held.values())
    for person in people:
        assert held[person.technician_id] == pytest.approx(total * person.units / 48, abs=1.0)


def test_no_two_consecutive_weeks_when_avoidable() -> None:
    draft = draft_rota([post(1), post(2, rank=2)], [worker(n, units=20) for n in range(4)], weekly_shifts(S1))
    shifts = list(weekly_shifts(S1))
    weeks = defaultdict(list)
    for given_duty in draft.assignments:
        weeks[given_duty.technician_id].append(shifts.index(given_duty.period))
    for indexes in weeks.values():
        assert all(later - earlier > 1 for earlier, later in pairwise(indexes))


def test_neighbours_come_after_home_and_before_overload() -> None:
    home, neighbour = worker(1, units=26), worker(2, units=26, homes={2}, reach={1})
    one_week = weekly_shifts(S1)[1:2]
    draft = draft_rota([post(1)], [neighbour, home], one_week)
    assert [given_duty.technician_id for given_duty in draft.assignments] == [uid(1)]
    away = worker(1, units=26, hard=one_week)
    draft = draft_rota([post(1)], [neighbour, away], one_week)
    assert [given_duty.technician_id for given_duty in draft.assignments] == [uid(2)]


def test_an_expiring_document_ends_the_duties() -> None:
    """R61"""
    until = Period(S1.starts_at, paris_instant(date(2027, 3, 13)))
    draft = draft_rota([post(1)], [worker(1, units=30, over=until)], weekly_shifts(S1))
    assert [str(gap) for gap in draft.uncovered] == ["Secteur 1, a, rang 1 : du 12/03/2027 18:00 au 01/07/2027 00:00"]


def test_fixed_duties_stay_and_only_their_gaps_are_filled() -> None:
    shift = weekly_shifts(S1)[1]
    middle = shift.starts_at + 48 * HOUR
    kept = Assignment(post(1), uid(1), uid(1001), Period(shift.starts_at, middle))
    draft = draft_rota([post(1)], [worker(1), worker(2)], [shift], fixed=[kept])
    assert [(a.technician_id, a.period) for a in draft.assignments] == [(uid(2), Period(middle, shift.ends_at))]
    nobody = draft_rota([post(1)], [], [shift], fixed=[kept])
    assert nobody.uncovered == (Gap(post(1), Period(middle, shift.ends_at)),)
