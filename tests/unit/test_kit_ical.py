"""Calendars as we write them, read back by another library."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from maillage_kit.ical import CalendarEvent, write_calendar

AT = datetime(2027, 3, 1, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def event(**changes: Any) -> CalendarEvent:
    base: dict[str, Any] = {
        "uid": "1-20270305T170000Z@eure",
        "sequence": 2,
        "changed_at": AT,
        "starts_at": datetime(2027, 3, 26, 17, tzinfo=UTC),
        "ends_at": datetime(2027, 4, 2, 16, tzinfo=UTC),
        "summary": "Astreinte",
    }
    return CalendarEvent(**{**base, **changes})


def read(*events: CalendarEvent) -> list[Any]:
    return list(Calendar.from_ical(write_calendar(name="Astreintes", events=events)).walk("VEVENT"))


def test_another_library_reads_the_same_event() -> None:
    content = write_calendar(name="Astreintes d’Ana", events=[event(cancelled=True, location="Évreux")])
    calendar: Any = Calendar.from_ical(content)
    (found,) = calendar.walk("VEVENT")
    assert str(calendar["NAME"]) == "Astreintes d’Ana"
    assert (str(found["UID"]), int(found["SEQUENCE"]), str(found["STATUS"])) == (
        "1-20270305T170000Z@eure",
        2,
        "CANCELLED",
    )
    assert found["DTSTART"].dt.astimezone(UTC) == datetime(2027, 3, 26, 17, tzinfo=UTC)
    assert found["DTEND"].dt.astimezone(UTC) == datetime(2027, 4, 2, 16, tzinfo=UTC)
    assert (found["DTSTART"].dt.hour, found["DTEND"].dt.hour) == (18, 18)  # 18:00 in winter and in summer
    assert str(found["LOCATION"]) == "Évreux"
    assert calendar.errors == found.errors == []


def test_the_zone_that_goes_with_it_says_what_paris_does() -> None:
    zone: Any
    (zone,) = Calendar.from_ical(write_calendar(name="x", events=[event()])).walk("VTIMEZONE")
    told = zone.to_tz()
    for wall, hours in ((datetime(2027, 1, 15, 12), 1), (datetime(2027, 7, 15, 12), 2), (datetime(2027, 3, 28, 12), 2)):  # noqa: DTZ001
        assert wall.replace(tzinfo=told).utcoffset() == timedelta(hours=hours)


def test_both_passages_of_the_repeated_hour_are_told_apart() -> None:
    """R105: 31 October 2027, 02:30 twice."""
    first, second = datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    one, other = read(event(starts_at=first, ends_at=second), event(uid="b", starts_at=second, ends_at=second + HOUR))
    assert one["DTSTART"].dt.astimezone(UTC) == first
    assert one["DTEND"].dt.astimezone(UTC) == second
    assert other["DTSTART"].dt.astimezone(UTC) == second


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=200))
def test_any_text_comes_back_and_no_line_is_too_long(words: str) -> None:
    content = write_calendar(name="x", events=[event(summary=f"{words}x", description=f"a\n{words}x")])
    assert max(len(line) for line in content.split(b"\r\n")) <= 75
    found: Any
    (found,) = Calendar.from_ical(content).walk("VEVENT")
    assert str(found["SUMMARY"]) == f"{words}x"
    assert str(found["DESCRIPTION"]) == f"a\n{words}x"
