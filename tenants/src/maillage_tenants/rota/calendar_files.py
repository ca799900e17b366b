"""Reading a calendar that somebody sends (`.ics`, RFC 5545): when they are busy, nothing of why. Pure.

What a phone, Google or Outlook writes is understood: whole days, zones by their Windows names, times without a zone
(Paris), durations, repeated events with their exceptions. Titles stay in the file: they are nobody's business (R67).
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from dateutil.rrule import rruleset, rrulestr  # type: ignore[import-untyped]
from icalendar import Calendar

from maillage_kit.clock import PARIS, paris_instant
from maillage_tenants.rota.errors import UnreadableFile
from maillage_tenants.rota.rules import Period

MOST_BYTES = 2_000_000
MOST_PERIODS = 100
_FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})


def read_busy(content: bytes, *, over: Period) -> tuple[Period, ...]:
    """The times taken in a calendar that touch `over`, the earliest first, each once, at most `MOST_PERIODS`.

    Left out: events cancelled, or shown as free. Raises UnreadableFile when it is no calendar or holds no such time.
    """
    if len(content) > MOST_BYTES:
        raise UnreadableFile("Ce calendrier est trop gros : exportez une période plus courte.")
    try:
        calendar = Calendar.from_ical(content)
        found = {period for period in _periods(list(calendar.walk("VEVENT")), over) if period.overlaps(over)}
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as wrong:
        raise UnreadableFile("Ce fichier n’est pas un calendrier lisible (.ics).") from wrong
    if not found:
        raise UnreadableFile("Ce calendrier n’a aucun évènement à venir.")
    return tuple(sorted(found)[:MOST_PERIODS])


def _periods(events: Iterable[Any], over: Period) -> Iterator[Period]:
    moved = {
        (str(event.get("UID")), _instant(event["RECURRENCE-ID"].dt)) for event in events if "RECURRENCE-ID" in event
    }
    for event in events:
        if event.get("STATUS") == "CANCELLED" or event.get("TRANSP") == "TRANSPARENT":
            continue
        start, length = event["DTSTART"].dt, _length(event)
        if length <= timedelta(0):
            continue
        if "RRULE" not in event and "RDATE" not in event:
            yield _lasting(start, length)
            continue
        for again in _repeats(event, start, over, length):
            if (str(event.get("UID")), _instant(again)) not in moved:
                yield _lasting(again, length)


def _length(event: Any) -> timedelta:
    """How long, on the wall clock: whole days are days whatever the night of the time change."""
    start = event["DTSTART"].dt
    if "DTEND" in event:
        end = event["DTEND"].dt
        if isinstance(start, datetime) and isinstance(end, datetime):
            return _instant(end) - _instant(start)
        return timedelta(days=(_day(end) - _day(start)).days)
    if "DURATION" in event:
        return timedelta(seconds=event["DURATION"].dt.total_seconds())
    return timedelta(0) if isinstance(start, datetime) else timedelta(days=1)


def _lasting(start: date, length: timedelta) -> Period:
    if isinstance(start, datetime):
        return Period(_instant(start), _instant(start) + length)
    return Period(paris_instant(start), paris_instant(start + length))


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _instant(value: date) -> datetime:
    """In UTC; a day is its midnight in Paris, a time without a zone is meant in Paris."""
    if not isinstance(value, datetime):
        return paris_instant(value)
    if value.tzinfo is None:
        return paris_instant(value.date(), value.time())
    return value.astimezone(UTC)


def _repeats(event: Any, start: date, over: Period, length: timedelta) -> Iterator[date]:
    """Repeated on the wall clock of the event's own zone, so that 18:00 stays 18:00 in summer and in winter."""
    zone = (start.tzinfo or PARIS) if isinstance(start, datetime) else PARIS
    days = not isinstance(start, datetime)

    def wall(value: date) -> datetime:
        if not isinstance(value, datetime):
            return datetime.combine(value, time(0))
        return value if value.tzinfo is None else value.astimezone(zone).replace(tzinfo=None)

    every = rruleset()
    first = wall(start)
    every.rdate(first)
    for written in _listed(event.get("RRULE")):
        if written["FREQ"][0] not in _FREQUENCIES:
            raise ValueError("nobody is away every minute")
        rule = written.copy()
        if "UNTIL" in rule:
            rule["UNTIL"] = [wall(until) for until in rule["UNTIL"]]
        every.rrule(rrulestr(rule.to_ical().decode(), dtstart=first))
    for name, add in (("RDATE", every.rdate), ("EXDATE", every.exdate)):
        for line in _listed(event.get(name)):
            for one in line.dts:
                add(wall(one.dt))
    since = over.starts_at.astimezone(PARIS).replace(tzinfo=None) - length - timedelta(days=1)
    until = over.ends_at.astimezone(PARIS).replace(tzinfo=None) + timedelta(days=1)
    for again in every.between(since, until, inc=True):
        yield again.date() if days else again.replace(tzinfo=zone)


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]
