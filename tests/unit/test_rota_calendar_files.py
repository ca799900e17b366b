"""Calendars that people send: what a phone and Outlook write becomes times in UTC."""

from datetime import UTC, date, datetime

import pytest

from maillage_kit.clock import paris_instant
from maillage_tenants.rota.calendar_files import MOST_BYTES, MOST_PERIODS, read_busy
from maillage_tenants.rota.errors import UnreadableFile
from maillage_tenants.rota.rules import Period

OVER = Period(paris_instant(date(2027, 3, 1)), paris_instant(date(2028, 3, 1)))


def calendar(*events: str) -> bytes:
    inside = "".join(f"BEGIN:VEVENT\r\nUID:{n}@tests\r\n{body}END:VEVENT\r\n" for n, body in enumerate(events))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests\r\n{inside}END:VCALENDAR\r\n".encode()


def lines(*wanted: str) -> str:
    return "".join(f"{line}\r\n" for line in wanted)


def test_whole_days_are_days_in_paris_even_across_the_time_change() -> None:
    found = read_busy(calendar(lines("DTSTART;VALUE=DATE:20270326", "DTEND;VALUE=DATE:20270330")), over=OVER)
    assert found == (Period(datetime(2027, 3, 25, 23, tzinfo=UTC), datetime(2027, 3, 29, 22, tzinfo=UTC)),)
    alone = read_busy(calendar(lines("DTSTART;VALUE=DATE:20270714")), over=OVER)
    assert alone == (Period(paris_instant(date(2027, 7, 14)), paris_instant(date(2027, 7, 15))),)


def test_outlook_names_its_zone_its_own_way() -> None:
    body = lines(
        "DTSTART;TZID=Romance Standard Time:20270705T080000", "DTEND;TZID=Romance Standard Time:20270705T200000"
    )
    assert read_busy(calendar(body), over=OVER) == (
        Period(datetime(2027, 7, 5, 6, tzinfo=UTC), datetime(2027, 7, 5, 18, tzinfo=UTC)),
    )


def test_a_time_without_zone_is_meant_in_paris_and_a_duration_counts() -> None:
    found = read_busy(calendar(lines("DTSTART:20270705T080000", "DURATION:PT90M")), over=OVER)
    assert found == (Period(datetime(2027, 7, 5, 6, tzinfo=UTC), datetime(2027, 7, 5, 7, 30, tzinfo=UTC)),)


def test_repeated_events_keep_their_hour_in_summer_and_lose_their_exceptions() -> None:
    body = lines(
        "DTSTART;TZID=Europe/Paris:20270316T180000",
        "DTEND;TZID=Europe/Paris:20270316T200000",
        "RRULE:FREQ=WEEKLY;UNTIL=20270413T160000Z",
        "EXDATE;TZID=Europe/Paris:20270323T180000",
    )
    starts = [period.starts_at for period in read_busy(calendar(body), over=OVER)]
    assert starts == [
        datetime(2027, 3, 16, 17, tzinfo=UTC),
        datetime(2027, 3, 30, 16, tzinfo=UTC),
        datetime(2027, 4, 6, 16, tzinfo=UTC),
        datetime(2027, 4, 13, 16, tzinfo=UTC),
    ]


def test_an_occurrence_that_was_moved_counts_once_where_it_went() -> None:
    content = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests\r\n"
        "BEGIN:VEVENT\r\nUID:cours\r\nDTSTART:20270301T180000Z\r\nDTEND:20270301T190000Z\r\n"
        "RRULE:FREQ=WEEKLY;COUNT=2\r\nEND:VEVENT\r\n"
        "BEGIN:VEVENT\r\nUID:cours\r\nRECURRENCE-ID:20270308T180000Z\r\n"
        "DTSTART:20270309T180000Z\r\nDTEND:20270309T190000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    assert [period.starts_at for period in read_busy(content.encode(), over=OVER)] == [
        datetime(2027, 3, 1, 18, tzinfo=UTC),
        datetime(2027, 3, 9, 18, tzinfo=UTC),
    ]


def test_what_is_cancelled_free_or_over_is_left_out() -> None:
    kept = lines("DTSTART;VALUE=DATE:20270801", "DTEND;VALUE=DATE:20270816", "SUMMARY:Rendez-vous privé")
    found = read_busy(
        calendar(
            kept,
            lines("DTSTART;VALUE=DATE:20270901", "STATUS:CANCELLED"),
            lines("DTSTART;VALUE=DATE:20270902", "TRANSP:TRANSPARENT"),
            lines("DTSTART;VALUE=DATE:20270201"),
            lines("DTSTART:20270903T100000Z"),
        ),
        over=OVER,
    )
    assert found == (Period(paris_instant(date(2027, 8, 1)), paris_instant(date(2027, 8, 16))),)


def test_a_calendar_of_years_is_cut() -> None:
    body = lines("DTSTART;VALUE=DATE:20200101", "RRULE:FREQ=DAILY")
    assert len(read_busy(calendar(body), over=OVER)) == MOST_PERIODS


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"secteur;rang\n",
        b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
        calendar(lines("DTSTART:demain")),
        calendar(lines("DTSTART:19700101T000000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY")),
        calendar(lines("DTEND:20270705T080000Z")),
        b"x" * (MOST_BYTES + 1),
    ],
)
def test_anything_else_is_refused_in_french(content: bytes) -> None:
    with pytest.raises(UnreadableFile, match="calendrier"):
        read_busy(content, over=OVER)
