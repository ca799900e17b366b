"""May somebody take a duty: what forbids, what is only said, what it costs."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest

from maillage_kit.clock import paris_instant
from maillage_tenants.rota.checks import Held, Taker, cost, locked, objections, too_late_for_employee
from maillage_tenants.rota.rules import Period

FRIDAY = date(2027, 3, 5)


def at(days: int, hour: int = 18) -> datetime:
    """So many days after Friday 5 March."""
    return paris_instant(FRIDAY + timedelta(days=days), time(hour))


def week(number: int) -> Period:
    return Period(at(7 * number), at(7 * number + 7))


ANA = Taker(UUID(int=1), "Ana Nom", employed=False, unfit="", owed=6)
EMPLOYEE = replace(ANA, employed=True)


def rules_of(taker: Taker, rank: int = 1, period: Period | None = None) -> list[tuple[str, bool]]:
    return [(one.rule, one.hard) for one in objections(taker, rank=rank, period=period or week(1))]


def test_nothing_speaks_against_who_is_free() -> None:
    assert rules_of(ANA) == []


def test_papers_two_places_and_absence_forbid() -> None:
    assert rules_of(replace(ANA, unfit="Décennale expirée")) == [("papers", True)]
    assert rules_of(replace(ANA, held=(Held(Period(at(8), at(9)), 2),))) == [("overlap", True)]
    assert rules_of(replace(ANA, absences=(Period(at(13), at(20)),))) == [("absence", True)]
    assert rules_of(replace(ANA, absences=(Period(at(14), at(20)),))) == []  # half-open: it begins when the duty ends


def test_an_employee_rests_eleven_hours_and_thirty_five_after_a_week() -> None:
    """R63: L3131-1 and L3132-2."""
    night = Period(at(0, 18), at(1, 8))
    assert rules_of(replace(EMPLOYEE, held=(Held(night, 2),)), period=Period(at(1, 18), at(2, 8))) == [("rest", True)]
    assert rules_of(replace(EMPLOYEE, held=(Held(night, 2),)), period=Period(at(1, 19), at(2, 8))) == []
    after = replace(EMPLOYEE, held=(Held(week(0), 2),))
    assert rules_of(after, 2, Period(at(9, 4), at(9, 18))) == [("rest", True)]  # 34 hours
    assert rules_of(after, 2, Period(at(9, 5), at(9, 18))) == []
    assert rules_of(after) == [("rest", True)]


def test_the_self_employed_are_told_and_choose() -> None:
    """R62, R64: recommended, not ordered; backup duties do not count."""
    night = Held(Period(at(0, 18), at(1, 8)), 1)
    assert rules_of(replace(ANA, held=(night,)), period=Period(at(1, 12), at(2, 8))) == [("rest", False)]
    assert rules_of(replace(ANA, held=(replace(night, rank=2),)), period=Period(at(1, 12), at(2, 8))) == []
    assert rules_of(replace(ANA, held=(Held(week(0), 1),))) == []
    assert rules_of(replace(ANA, held=(Held(week(0), 1), Held(week(2), 1)))) == [("running", False)]
    assert rules_of(replace(ANA, wishes=(week(1),), at_home=False)) == [("wish", False), ("away", False)]


def test_the_rest_is_counted_in_real_hours_on_the_night_of_the_time_change() -> None:
    """R105: from Saturday 27 March 22:00 to Sunday 09:00 the clock says eleven hours, the night has ten."""
    evening = Period(paris_instant(date(2027, 3, 27), time(8)), paris_instant(date(2027, 3, 27), time(22)))
    sunday = Period(paris_instant(date(2027, 3, 28), time(9)), paris_instant(date(2027, 3, 28), time(20)))
    (found,) = objections(replace(EMPLOYEE, held=(Held(evening, 1),)), rank=1, period=sunday)
    assert found.text == "repos de 10 h au lieu de 11 h le 27/03/2027 22:00"


def test_what_it_costs_counts_a_backup_week_as_half() -> None:
    semester = Period(at(0), at(70))
    taker = replace(ANA, held=(Held(week(4), 1), Held(week(5), 2)))
    found = cost(taker, rank=1, period=week(1), over=semester)
    assert (found.before, found.after, found.owed) == pytest.approx((1.5, 2.5, 6))
    assert found.over == pytest.approx(-3.5)
    swapped = cost(taker, rank=1, period=week(1), over=semester, given=(Held(week(7), 1),))
    assert (swapped.before, swapped.after) == pytest.approx((2.5, 2.5))


def test_fifteen_days_before_a_duty_is_locked_and_an_employee_has_one_clear_day() -> None:
    """R63: L3121-12, counted in days of Paris."""
    noon = datetime(2027, 3, 1, 11, tzinfo=UTC)
    assert not locked(paris_instant(date(2027, 3, 16)), now=noon)
    assert locked(paris_instant(date(2027, 3, 15), time(23)), now=noon)
    assert not too_late_for_employee(paris_instant(date(2027, 3, 3)), now=noon)
    assert too_late_for_employee(paris_instant(date(2027, 3, 2), time(23)), now=noon)
