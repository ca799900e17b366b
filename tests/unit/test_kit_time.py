"""Half-open time: stored in UTC, decided in Paris; the 23-hour and 25-hour days without gap or overlap (R105)."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage_app.web.filters import duration_fr, paris
from maillage_kit import clock
from maillage_kit.clock import MovableClock, SharedClock, paris_instant
from maillage_kit.errors import Invalid
from maillage_kit.semester import Semester


@pytest.mark.parametrize(("day", "hours"), [(date(2027, 3, 28), 23), (date(2027, 10, 31), 25), (date(2027, 6, 1), 24)])
def test_a_day_in_paris_has_its_real_hours(day: date, hours: int) -> None:
    assert paris_instant(day + timedelta(days=1)) - paris_instant(day) == timedelta(hours=hours)


def test_the_missing_hour_is_the_instant_after_the_change() -> None:
    assert paris_instant(date(2027, 3, 28), time(2, 30)) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(0, 23))
def test_consecutive_days_always_meet(day: date, hour: int) -> None:
    assert paris_instant(day, time(hour)) < paris_instant(day + timedelta(days=1), time(hour))


def test_the_repeated_hour_of_october_says_its_offset() -> None:
    first = paris(datetime(2027, 10, 31, 0, 30, tzinfo=UTC))
    second = paris(datetime(2027, 10, 31, 1, 30, tzinfo=UTC))
    assert first == "31/10 02:30 (UTC+0200)"
    assert second == "31/10 02:30 (UTC+0100)"
    assert paris(datetime(2027, 3, 1, 8, 0, tzinfo=UTC)) == "01/03 09:00"


def test_naive_instants_are_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        clock.require_aware(datetime(2027, 1, 1))  # noqa: DTZ001


def test_time_never_goes_back() -> None:
    movable = MovableClock(datetime(2027, 1, 1, tzinfo=UTC))
    movable.advance(minutes=5)
    with pytest.raises(ValueError, match="back"):
        movable.move_to(datetime(2027, 1, 1, tzinfo=UTC))


def test_a_clock_file_is_one_time_for_several_processes(tmp_path: Path) -> None:
    here, there = SharedClock(tmp_path / "clock"), SharedClock(tmp_path / "clock")
    here.move_to(datetime(2027, 3, 28, 0, 59, 59, 999999, tzinfo=UTC))
    assert there.now() == datetime(2027, 3, 28, 0, 59, 59, 999999, tzinfo=UTC)
    there.advance(minutes=3)
    assert here.now().minute == 2


def test_semesters_start_at_midnight_in_paris_and_meet() -> None:
    first = Semester.parse("2027-s1")
    assert first.starts_at == datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
    assert first.ends_at == first.next.starts_at == datetime(2027, 6, 30, 22, 0, tzinfo=UTC)
    assert Semester.containing(datetime(2026, 12, 31, 23, 0, tzinfo=UTC)) == first
    assert first.next.next.code == "2028-S1"
    with pytest.raises(Invalid):
        Semester.parse("2027-S3")


@pytest.mark.parametrize(("seconds", "text"), [(40, "40\u00a0s"), (12 * 60, "12\u00a0min"), (3900, "1\u00a0h\u00a005")])
def test_durations_are_written_for_people(seconds: int, text: str) -> None:
    assert duration_fr(timedelta(seconds=seconds)) == text
