"""Effective work during on-call time (R63: L3121-9)."""

from datetime import date, datetime, time, timedelta
from uuid import UUID

from maillage_kit.clock import paris_instant
from maillage_tenants.interventions import Outing
from maillage_tenants.interventions.rules import Pause
from maillage_tenants.rota import Period
from maillage_tenants.worktime.rules import by_day, worked_on_call

OCTOBER = Period(paris_instant(date(2027, 10, 1)), paris_instant(date(2027, 11, 1)))
DUTY = Period(paris_instant(date(2027, 10, 29), time(18)), paris_instant(date(2027, 11, 5), time(18)))
LATER = paris_instant(date(2027, 11, 20))


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return paris_instant(date(2027, month, day), time(hour, minute))


def outing(began: datetime, ended: datetime | None, *pauses: Pause) -> Outing:
    return Outing(UUID(int=1), "I-1", UUID(int=2), "plumbing", began, True, ended, pauses)


def test_the_night_of_october_lasts_an_hour_more() -> None:
    """At three it is two again: from one to four is four hours."""
    (one,) = worked_on_call([outing(at(10, 31, 1), at(10, 31, 4))], [DUTY], OCTOBER, now=LATER)
    assert by_day([one]) == ((date(2027, 10, 31), 240),)


def test_a_month_takes_its_own_part() -> None:
    across = outing(at(10, 31, 23, 30), at(11, 1, 0, 45))
    (october,) = worked_on_call([across], [DUTY], OCTOBER, now=LATER)
    (november,) = worked_on_call([across], [DUTY], Period(OCTOBER.ends_at, LATER), now=LATER)
    assert (october.minutes, november.minutes) == (30, 45)


def test_two_outings_at_once_count_once_and_each_has_its_line() -> None:
    made = worked_on_call(
        [outing(at(10, 30, 9), at(10, 30, 11)), outing(at(10, 30, 10), at(10, 30, 12))], [DUTY], OCTOBER, now=LATER
    )
    assert [one.minutes for one in made] == [120, 120]
    assert by_day(made) == ((date(2027, 10, 30), 180),)


def test_what_began_on_call_counts_to_its_end_and_the_rest_of_the_month_does_not() -> None:
    ends_late = outing(DUTY.starts_at - timedelta(minutes=30), DUTY.starts_at + timedelta(minutes=30))
    made = worked_on_call([ends_late, outing(at(10, 4, 9), at(10, 4, 10))], [DUTY], OCTOBER, now=LATER)
    assert [one.minutes for one in made] == [60]


def test_a_minute_begun_is_worked_and_pauses_are_whole_minutes_inside_the_outing() -> None:
    began, ended = at(10, 30, 9) + timedelta(seconds=50), at(10, 30, 10) + timedelta(seconds=5)
    pause = Pause(at(10, 30, 9, 20) + timedelta(seconds=10), at(10, 30, 9, 30) + timedelta(seconds=40))
    after = Pause(at(10, 30, 11), None)
    (one,) = worked_on_call([outing(began, ended, pause, after)], [DUTY], OCTOBER, now=LATER)
    assert (one.minutes, one.paused) == (61 - 9, 9)


def test_somebody_who_waits_for_a_part_is_not_at_work_until_now() -> None:
    waits = outing(at(10, 30, 9), None, Pause(at(10, 30, 10), None))
    (one,) = worked_on_call([waits], [DUTY], OCTOBER, now=at(10, 31, 9))
    assert (one.minutes, one.running) == (60, True)
