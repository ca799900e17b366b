"""Duty units of a semester: exact cover, both nights of the time changes, what each counts as (R64, R65, R100)."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maillage_kit.clock import paris, paris_instant
from maillage_kit.semester import Semester
from maillage_tenants.rota.rules import Period, weekly_shifts, whole
from maillage_tenants.rota.solver.units import (
    WEEK_MINUTES,
    Block,
    Kind,
    Pattern,
    Span,
    Unit,
    cut,
    days_and_nights,
    duty_units,
    kind_minutes,
    week_and_weekend,
    whole_weeks,
)

S1, S2 = Semester(2027, 1), Semester(2026, 2)
HOUR = timedelta(hours=1)
PATTERNS = (whole_weeks(), week_and_weekend(), days_and_nights(), days_and_nights(apart=False))


def unit_of(units: tuple[Unit, ...], text: str, *, block: str = "") -> Unit:
    """The unit on call at an instant of Paris."""
    instant = paris_instant(datetime.fromisoformat(text).date(), datetime.fromisoformat(text).time())
    (found,) = [u for u in units if any(p.starts_at <= instant < p.ends_at for p in u.periods)]
    assert not block or found.block == block
    return found


def counts(unit: Unit) -> dict[str, int]:
    return {kind.value: number for kind, number in unit.counts}


@st.composite
def patterns(draw: st.DrawFn) -> Pattern:
    """Any cut of the week at quarters of an hour, given to one to five blocks."""
    edges = sorted(draw(st.sets(st.integers(0, WEEK_MINUTES // 15 - 1), min_size=1, max_size=12)))
    minutes = [edge * 15 for edge in edges]
    spans = [Span(one, other) for one, other in pairwise([*minutes, minutes[0] + WEEK_MINUTES])]
    owners = [draw(st.integers(0, 4)) for _ in spans]
    blocks = tuple(
        Block(f"b{owner}", f"bloc {owner}", tuple(s for s, o in zip(spans, owners, strict=True) if o == owner))
        for owner in sorted(set(owners))
    )
    return Pattern("any", "Quelconque", blocks, draw(st.booleans()), time(draw(st.integers(0, 23))))


@settings(max_examples=30, deadline=None)
@given(patterns(), st.integers(2020, 2060), st.sampled_from([1, 2]))
def test_any_pattern_covers_any_semester_exactly_once(pattern: Pattern, year: int, half: int) -> None:
    over = whole(Semester(year, half))
    units = duty_units(pattern, over)
    periods = sorted(period for unit in units for period in unit.periods)
    assert (periods[0].starts_at, periods[-1].ends_at) == (over.starts_at, over.ends_at)
    assert all(one.ends_at == other.starts_at for one, other in pairwise(periods))
    assert all(period.starts_at < period.ends_at for period in periods)
    assert len({unit.key for unit in units}) == len(units)
    assert all(list(unit.periods) == sorted(unit.periods) for unit in units)


def test_whole_weeks_are_the_shifts_the_product_already_knows() -> None:
    for semester in (S1, S2):
        units = duty_units(whole_weeks(), whole(semester))
        assert tuple(period for unit in units for period in unit.periods) == weekly_shifts(semester)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: f"{pattern.code}-{pattern.holidays_apart}")
@pytest.mark.parametrize(
    ("semester", "change", "hours"), [(S1, date(2027, 3, 28), 23), (S2, date(2026, 10, 25), 25)], ids=["23h", "25h"]
)
def test_the_day_of_a_time_change_is_covered_in_real_hours(
    pattern: Pattern, semester: Semester, change: date, hours: int
) -> None:
    """R65, R105: every minute of the 23-hour and of the 25-hour Sunday is in exactly one unit."""
    units = duty_units(pattern, whole(semester))
    start, end = paris_instant(change), paris_instant(change + timedelta(days=1))
    held = sum(
        (
            min(p.ends_at, end) - max(p.starts_at, start)
            for u in units
            for p in u.periods
            if p.overlaps(Period(start, end))
        ),
        timedelta(),
    )
    assert held == end - start == hours * HOUR
    instant = start
    while instant < end:
        assert sum(p.starts_at <= instant < p.ends_at for u in units for p in u.periods) == 1
        instant += timedelta(minutes=15)


def test_the_night_of_march_lasts_thirteen_hours() -> None:
    night = unit_of(duty_units(days_and_nights(), whole(S1)), "2027-03-28T01:00", block="weekend_nights")
    assert [(p.ends_at - p.starts_at) // HOUR for p in night.periods] == [14, 13, 14]
    # The night of Sunday ends at 08:00 on Easter Monday, which is a unit of its own
    assert unit_of(duty_units(days_and_nights(), whole(S1)), "2027-03-29T09:00").holidays == (
        (date(2027, 3, 29), "Lundi de Pâques"),
    )


def test_public_holidays_on_weekdays_are_apart_and_those_of_a_weekend_stay_in_it() -> None:
    """R100: early in 2027, 1 January, Easter Monday, Ascension, Whit Monday; 1 and 8 May are Saturdays."""
    units = duty_units(days_and_nights(), whole(S1))
    apart = [unit for unit in units if unit.apart]
    assert [paris(unit.starts_at).date() for unit in apart] == [
        date(2027, 1, 1),
        date(2027, 3, 29),
        date(2027, 5, 6),
        date(2027, 5, 17),
    ]
    assert all(counts(unit) == {"holiday": 1} for unit in apart)
    assert all(unit.periods[0].ends_at - unit.periods[0].starts_at == 24 * HOUR for unit in apart)
    for text in ("2027-05-01T10:00", "2027-05-08T23:00"):
        weekend = unit_of(units, text)
        assert weekend.block.startswith("weekend")
        assert counts(weekend) == {"holiday": 1, "sunday": 1}


def test_alsace_and_moselle_have_two_holidays_more() -> None:
    normandy = duty_units(whole_weeks(), whole(S1), "27")
    alsace = duty_units(whole_weeks(), whole(S1), "67")
    assert unit_of(normandy, "2027-03-26T12:00").holidays == ()
    assert unit_of(alsace, "2027-03-26T12:00").holidays == ((date(2027, 3, 26), "Vendredi saint"),)


def test_what_units_count_as() -> None:
    week = duty_units(whole_weeks(), whole(S2))
    assert counts(unit_of(week, "2026-09-09T12:00")) == {"weekday": 1, "weeknight": 1, "saturday": 1, "sunday": 1}
    christmas = unit_of(week, "2026-12-24T23:00")
    assert counts(christmas) == {
        "festive": 1,
        "holiday": 1,
        "weekday": 1,
        "weeknight": 1,
        "saturday": 1,
        "sunday": 1,
    }
    assert [name for _, name in christmas.holidays] == ["nuit du 24 décembre", "Noël"]
    split = duty_units(week_and_weekend(), whole(S2))
    assert counts(unit_of(split, "2026-09-09T12:00")) == {"weekday": 1, "weeknight": 1}
    assert counts(unit_of(split, "2026-09-12T12:00")) == {"saturday": 1, "sunday": 1}
    blocks = duty_units(days_and_nights(), whole(S2))
    assert counts(unit_of(blocks, "2026-09-09T12:00")) == {"weekday": 1}
    assert counts(unit_of(blocks, "2026-09-09T23:00")) == {"weeknight": 1}
    assert counts(unit_of(blocks, "2026-09-12T12:00")) == {"saturday": 1, "sunday": 1}
    assert counts(unit_of(blocks, "2026-09-13T03:00")) == {"saturday": 1, "sunday": 1}


def test_the_night_of_31_december_counts_in_both_semesters() -> None:
    """The semester ends at midnight (R65): each part is somebody's New Year night (R64)."""
    assert counts(duty_units(whole_weeks(), whole(S2))[-1])["festive"] == 1
    assert counts(duty_units(whole_weeks(), whole(S1))[0])["festive"] == 1


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2 * 365 * 24 * 60).map(lambda minute: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)),
    st.integers(1, 20_000),
)
def test_every_minute_has_one_kind(starts_at: datetime, minutes: int) -> None:
    found = kind_minutes(Period(starts_at, starts_at + timedelta(minutes=minutes)))
    assert sum(found.values()) == minutes
    assert all(value > 0 for value in found.values())


def test_minutes_follow_the_calendar_of_paris() -> None:
    def kinds(start: str, end: str) -> Counter[str]:
        period = Period(*(datetime.fromisoformat(text).astimezone(UTC) for text in (start, end)))
        return Counter({kind.value: minutes // 60 for kind, minutes in kind_minutes(period).items()})

    # Friday 18:00 to Monday 08:00 over the change of 28 March 2027; Monday is Easter Monday
    assert kinds("2027-03-26T18:00+01:00", "2027-03-29T08:00+02:00") == {
        "weekday": 2,
        "weeknight": 4,
        "saturday": 24,
        "sunday": 23,
        "holiday": 8,
    }
    assert kinds("2026-12-24T18:00+01:00", "2026-12-25T08:00+01:00") == {"weekday": 2, "festive": 11, "holiday": 1}


def test_a_pattern_that_leaves_a_hole_or_overlaps_is_refused() -> None:
    for spans in ((Span(0, 100),), (Span(0, WEEK_MINUTES), Span(5, 6)), (Span(10, WEEK_MINUTES + 20),)):
        with pytest.raises(ValueError, match=r"exactly once|part of a week"):
            Pattern("bad", "Mauvais", (Block("b", "b", spans),))


def test_a_cut_unit_keeps_its_time_and_its_counts() -> None:
    unit = unit_of(duty_units(days_and_nights(), whole(S1)), "2027-02-03T23:00", block="nights")
    pieces = cut(unit, [paris_instant(date(2027, 2, 3), time(20)), unit.starts_at])
    assert [len(piece.periods) for piece in pieces] == [3, 2]
    assert pieces[0].periods[-1].ends_at == pieces[1].periods[0].starts_at
    total = [sum((p.ends_at - p.starts_at for p in periods), timedelta()) for periods in
             (unit.periods, [p for piece in pieces for p in piece.periods])]  # fmt: skip
    assert total[0] == total[1]
    assert (pieces[0].counts, pieces[1].counts) == (((Kind.WEEKNIGHT, 1),), ())
    assert cut(unit, [unit.starts_at]) == (unit,)
