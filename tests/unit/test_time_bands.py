"""Public holidays and time bands, on the clock in Paris (R89, R100)."""

from datetime import UTC, date, datetime, time

import pytest

from maillage_hooks.bands import bands_at, highest_surcharge, next_working_day, public_holiday
from maillage_hooks.types import TimeBand
from maillage_kit.clock import paris_instant

DAY, NIGHT, SATURDAY, SUNDAY, HOLIDAY = TimeBand

FIXED = ("01-01", "05-01", "05-08", "07-14", "08-15", "11-01", "11-11", "12-25")
MOVING = {
    2026: ("04-06", "05-14", "05-25"),
    2027: ("03-29", "05-06", "05-17"),
    2028: ("04-17", "05-25", "06-05"),
}


def days_of(year: int, department: str = "") -> set[date]:
    every = (date.fromordinal(n) for n in range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1))
    return {day for day in every if public_holiday(day, department)}


@pytest.mark.parametrize("year", [2026, 2027, 2028])
def test_a_year_has_exactly_the_eleven_holidays_of_r100(year: int) -> None:
    assert days_of(year, "27") == {date.fromisoformat(f"{year}-{day}") for day in (*FIXED, *MOVING[year])}


@pytest.mark.parametrize("department", ["57", "67", "68"])
def test_alsace_and_moselle_have_two_more(department: str) -> None:
    assert days_of(2027, department) - days_of(2027, "27") == {date(2027, 3, 26), date(2027, 12, 26)}


def test_a_holiday_says_its_french_name() -> None:
    assert public_holiday(date(2027, 7, 14)) == "Fête nationale"
    assert public_holiday(date(2027, 7, 15)) is None


@pytest.mark.parametrize(
    ("day", "at", "bands"),
    [
        (date(2026, 11, 24), time(6, 59), {NIGHT}),
        (date(2026, 11, 24), time(7, 0), {DAY}),
        (date(2026, 11, 24), time(19, 59), {DAY}),
        (date(2026, 11, 24), time(20, 0), {NIGHT}),
        (date(2026, 11, 24), time(0, 0), {NIGHT}),
        (date(2026, 11, 21), time(12), {SATURDAY}),
        (date(2026, 11, 21), time(23, 59), {SATURDAY, NIGHT}),
        (date(2026, 11, 22), time(3, 12), {SUNDAY, NIGHT}),
        (date(2026, 11, 23), time(1), {NIGHT}),
        (date(2027, 5, 1), time(12), {SATURDAY, HOLIDAY}),
        (date(2027, 5, 8), time(21), {SATURDAY, HOLIDAY, NIGHT}),
    ],
)
def test_the_bands_of_an_instant(day: date, at: time, bands: set[TimeBand]) -> None:
    assert bands_at(paris_instant(day, at), "27") == bands


@pytest.mark.parametrize(
    ("instant", "bands"),
    [
        (datetime(2027, 3, 28, 0, 59, tzinfo=UTC), {SUNDAY, NIGHT}),  # 01:59, before the change
        (datetime(2027, 3, 28, 1, 0, tzinfo=UTC), {SUNDAY, NIGHT}),  # 03:00, just after
        (datetime(2027, 3, 28, 5, 0, tzinfo=UTC), {SUNDAY}),  # 07:00 summer time; 06:00 had there been no change
        (datetime(2027, 3, 28, 21, 59, tzinfo=UTC), {SUNDAY, NIGHT}),  # 23:59
        (datetime(2027, 3, 28, 22, 0, tzinfo=UTC), {HOLIDAY, NIGHT}),  # Easter Monday, 00:00
    ],
)
def test_easter_sunday_2027_lasts_23_hours_and_is_not_a_public_holiday(instant: datetime, bands: set[TimeBand]) -> None:
    assert bands_at(instant, "27") == bands


def test_both_passages_of_the_repeated_hour_are_night() -> None:
    for hour in (0, 1):
        assert NIGHT in bands_at(datetime(2026, 10, 25, hour, 30, tzinfo=UTC))


def test_surcharges_never_stack() -> None:
    """R89: the single highest one."""
    surcharges = {NIGHT: 5000, SUNDAY: 5000, HOLIDAY: 10000}
    assert highest_surcharge(frozenset({NIGHT, SUNDAY, HOLIDAY}), surcharges) == (HOLIDAY, 10000)
    assert highest_surcharge(frozenset({NIGHT, SATURDAY}), surcharges) == (NIGHT, 5000)
    assert highest_surcharge(frozenset({DAY}), surcharges) == (DAY, 0)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 11, 20), date(2026, 11, 23)),  # Friday
        (date(2026, 11, 22), date(2026, 11, 23)),
        (date(2027, 3, 26), date(2027, 3, 30)),  # Good Friday: over Easter Monday
        (date(2026, 11, 10), date(2026, 11, 12)),
    ],
)
def test_the_next_working_day_skips_weekends_and_holidays(day: date, expected: date) -> None:
    assert next_working_day(paris_instant(day, time(22)), "27") == expected


def test_the_next_working_day_counts_from_the_day_in_paris() -> None:
    assert next_working_day(datetime(2026, 11, 22, 23, 30, tzinfo=UTC)) == date(2026, 11, 24)  # Monday 00:30 in Paris


def test_an_instant_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        bands_at(datetime(2026, 11, 22, 3))  # noqa: DTZ001
