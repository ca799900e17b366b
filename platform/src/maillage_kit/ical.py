"""Writing calendars (RFC 5545): a feed that phones and Outlook subscribe to. Pure.

Times are written on the clock of Paris with the zone beside, so that a calendar shows 18:00 in summer and in winter.
Reading what others write is another matter, left to a library.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from maillage_kit.clock import paris, require_aware

_FOLD = 75
_ZONE = (
    "BEGIN:VTIMEZONE",
    "TZID:Europe/Paris",
    "BEGIN:STANDARD",
    "DTSTART:19961027T030000",
    "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
    "TZNAME:CET",
    "TZOFFSETFROM:+0200",
    "TZOFFSETTO:+0100",
    "END:STANDARD",
    "BEGIN:DAYLIGHT",
    "DTSTART:19810329T020000",
    "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
    "TZNAME:CEST",
    "TZOFFSETFROM:+0100",
    "TZOFFSETTO:+0200",
    "END:DAYLIGHT",
    "END:VTIMEZONE",
)


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """One event over `[starts_at, ends_at)`. `uid` never changes; `sequence` grows with each change of the rest.

    `changed_at`: when it was last changed. A cancelled event stays in the feed so that calendars take it out.
    """

    uid: str
    sequence: int
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    summary: str
    description: str = ""
    location: str = ""
    cancelled: bool = False


def write_calendar(*, name: str, events: Iterable[CalendarEvent], refresh: timedelta = timedelta(hours=1)) -> bytes:
    """A whole calendar named `name`, CRLF lines of at most 75 bytes, as `text/calendar; charset=utf-8`."""
    hours = max(1, int(refresh / timedelta(hours=1)))
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Maillage//Astreintes//FR",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_text(name)}",
        f"NAME:{_text(name)}",
        f"REFRESH-INTERVAL;VALUE=DURATION:PT{hours}H",
        f"X-PUBLISHED-TTL:PT{hours}H",
        *_ZONE,
        *(line for event in events for line in _event(event)),
        "END:VCALENDAR",
    ]
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line)).encode()


def _event(event: CalendarEvent) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{_text(event.uid)}"
    yield f"SEQUENCE:{event.sequence}"
    yield f"DTSTAMP:{_utc(event.changed_at)}"
    yield f"LAST-MODIFIED:{_utc(event.changed_at)}"
    yield from _instant("DTSTART", event.starts_at)
    yield from _instant("DTEND", event.ends_at)
    yield f"SUMMARY:{_text(event.summary)}"
    if event.description:
        yield f"DESCRIPTION:{_text(event.description)}"
    if event.location:
        yield f"LOCATION:{_text(event.location)}"
    yield f"STATUS:{'CANCELLED' if event.cancelled else 'CONFIRMED'}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _instant(name: str, at: datetime) -> Iterator[str]:
    """On the clock of Paris; in the hour that October repeats, the second passage can only be said in UTC (R105)."""
    wall = paris(at)
    if wall.fold:
        yield f"{name}:{_utc(at)}"
    else:
        yield f"{name};TZID=Europe/Paris:{wall:%Y%m%dT%H%M%S}"


def _utc(at: datetime) -> str:
    return f"{require_aware(at).astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(value: str) -> str:
    """Escaped; control characters, which no calendar may hold, become spaces."""
    value = (
        value.replace("\r\n", "\n").replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    )
    return "".join(sign if sign >= " " and sign != "\x7f" else " " for sign in value)


def _folded(line: str) -> Iterator[str]:
    """Cut between characters, never inside one: 75 bytes in UTF-8, the space that continues included."""
    part, size = "", 0
    for sign in line:
        width = len(sign.encode())
        if size + width > _FOLD:
            yield part
            part, size = " ", 1
        part, size = part + sign, size + width
    yield part
