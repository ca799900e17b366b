"""What a semester asks for: duty units, cut from a sector's shift pattern, and what each weighs (R64, R65, R100).

A unit is what one person takes as a whole: a week, a weekend, the nights from Monday to Thursday. It may be several
half-open periods. The units of a pattern cover the semester exactly, without gap or overlap, the two nights of the time
changes included: the week is cut on the clock of Paris and counted in real time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median

from maillage_hooks.bands import NIGHT_ENDS, NIGHT_STARTS, public_holiday
from maillage_kit.clock import paris, paris_instant
from maillage_tenants.rota.rules import HANDOVER_TIME, HANDOVER_WEEKDAY, Period

DAY = 24 * 60
WEEK_MINUTES = 7 * DAY
DAY_STARTS = time(8)
"""When a day begins for those who share days and nights. Our figure; a cooperative may choose another."""
LEAST_HOLIDAY_HOURS = 9
"""Hours of a public holiday that make a unit count as that holiday: a day of a day/night pattern does, the end of the
night before does not. Our figure."""
LEAST_FESTIVE_HOURS = 3
"""Hours of a Christmas or New Year night that make a unit count as it: the night of 31 December is cut in two by the
semester (R65) and counts for whoever holds either part. Our figure."""


class Kind(StrEnum):
    """What an hour on call is, most particular first where several would apply (R64)."""

    FESTIVE = "festive"
    HOLIDAY = "holiday"
    SUNDAY = "sunday"
    SATURDAY = "saturday"
    WEEKNIGHT = "weeknight"
    WEEKDAY = "weekday"


KIND_LABELS: Mapping[Kind, str] = {
    Kind.FESTIVE: "nuits du 24 et du 31 décembre",
    Kind.HOLIDAY: "jours fériés",
    Kind.SUNDAY: "dimanches",
    Kind.SATURDAY: "samedis",
    Kind.WEEKNIGHT: "nuits de semaine",
    Kind.WEEKDAY: "journées de semaine",
}
KIND_POINTS: Mapping[Kind, int] = {
    Kind.FESTIVE: 4,
    Kind.HOLIDAY: 3,
    Kind.SUNDAY: 2,
    Kind.SATURDAY: 2,
    Kind.WEEKNIGHT: 1,
    Kind.WEEKDAY: 1,
}
"""What a unit of each kind weighs (R64); a weekday, which R64 does not name, weighs as little as a weeknight."""


# --- patterns ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes `[starts, ends)` counted on the wall clock from Monday 00:00; `ends` may lie in the following week."""

    starts: int
    ends: int


@dataclass(frozen=True, slots=True)
class Block:
    """One unit of every week: `code` is short and stable, `label` is French."""

    code: str
    label: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """How a sector cuts its weeks. Raises ValueError unless the blocks cover a week exactly, each minute once.

    `holidays_apart`: a public holiday from Monday to Friday is a unit of its own, from `day_starts` to `day_starts`,
    taken out of the others. On a weekend it stays in the weekend's units, which then count as that holiday.
    """

    code: str
    label: str
    blocks: tuple[Block, ...]
    holidays_apart: bool = False
    day_starts: time = DAY_STARTS

    def __post_init__(self) -> None:
        pieces = sorted(_within_one_week(span for block in self.blocks for span in block.spans))
        edges = [0, *(minute for piece in pieces for minute in piece), WEEK_MINUTES]
        if any(one != other for one, other in zip(edges[::2], edges[1::2], strict=True)):
            raise ValueError(f"the blocks of pattern {self.code} do not cover a week exactly once")


def _within_one_week(spans: Iterable[Span]) -> Iterator[tuple[int, int]]:
    for span in spans:
        if not 0 <= span.starts < WEEK_MINUTES or not 0 < span.ends - span.starts <= WEEK_MINUTES:
            raise ValueError(f"not a part of a week: {span}")
        yield span.starts, min(span.ends, WEEK_MINUTES)
        if span.ends > WEEK_MINUTES:
            yield 0, span.ends - WEEK_MINUTES


def _minute(weekday: int, at: time) -> int:
    return weekday * DAY + at.hour * 60 + at.minute


def whole_weeks(weekday: int = HANDOVER_WEEKDAY, at: time = HANDOVER_TIME) -> Pattern:
    """Seven days, from one handover to the next."""
    start = _minute(weekday, at)
    week = Block("week", "semaine", (Span(start, start + WEEK_MINUTES),))
    return Pattern("whole_weeks", "Semaines entières", (week,))


def week_and_weekend(monday_at: time = DAY_STARTS, friday_at: time = HANDOVER_TIME) -> Pattern:
    """Monday to Friday, then the weekend apart."""
    monday, friday = _minute(0, monday_at), _minute(4, friday_at)
    return Pattern(
        "week_and_weekend",
        "Semaine et week-end séparés",
        (
            Block("week", "semaine", (Span(monday, friday),)),
            Block("weekend", "week-end", (Span(friday, monday + WEEK_MINUTES),)),
        ),
    )


def days_and_nights(day_at: time = DAY_STARTS, night_at: time = HANDOVER_TIME, *, apart: bool = True) -> Pattern:
    """Four units a week: the days from Monday to Friday, the nights from Monday to Thursday, the days of the weekend,
    the nights from Friday to Sunday. Public holidays on weekdays are units of their own when `apart`."""

    def days(*weekdays: int) -> tuple[Span, ...]:
        return tuple(Span(_minute(day, day_at), _minute(day, night_at)) for day in weekdays)

    def nights(*weekdays: int) -> tuple[Span, ...]:
        return tuple(Span(_minute(day, night_at), _minute(day + 1, day_at)) for day in weekdays)

    return Pattern(
        "days_and_nights",
        "Jours et nuits séparés",
        (
            Block("days", "journées du lundi au vendredi", days(0, 1, 2, 3, 4)),
            Block("nights", "nuits du lundi au jeudi", nights(0, 1, 2, 3)),
            Block("weekend_days", "journées du week-end", days(5, 6)),
            Block("weekend_nights", "nuits du vendredi au dimanche", nights(4, 5, 6)),
        ),
        holidays_apart=apart,
        day_starts=day_at,
    )


# --- units ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unit:
    """What one person takes as a whole. `periods`: in order, never overlapping another unit's. `week`: number of the
    calendar week of its first day, counted from the one before the semester. `block`: which of the pattern's blocks it
    comes from, `holiday` for a holiday apart. `counts`: how many of each kind it is, kinds at zero left out.
    `holidays`: the public holidays and festive nights it counts as, by their day."""

    key: str
    label: str
    block: str
    week: int
    periods: tuple[Period, ...]
    counts: tuple[tuple[Kind, int], ...] = ()
    holidays: tuple[tuple[date, str], ...] = ()

    @property
    def starts_at(self) -> datetime:
        return self.periods[0].starts_at

    @property
    def apart(self) -> bool:
        """A public holiday of its own."""
        return self.block == HOLIDAY_BLOCK

    def overlaps(self, period: Period) -> bool:
        return any(own.overlaps(period) for own in self.periods)

    def __str__(self) -> str:
        return self.label


HOLIDAY_BLOCK = "holiday"


def duty_units(pattern: Pattern, over: Period, department: str = "") -> tuple[Unit, ...]:
    """The units of a pattern over a semester, by start; the first and the last of each block are clipped to it.

    Guaranteed: every instant of `over` lies in exactly one period of one unit; nothing lies outside.
    """
    first_day = paris(over.starts_at).date()
    base = first_day - timedelta(days=first_day.weekday() + 7)
    apart = _holidays_apart(pattern, over, department)
    rough: list[tuple[str, str, tuple[Period, ...]]] = []
    for day, name, period in apart:
        rough.append((HOLIDAY_BLOCK, f"{name}, {_day(day)}", (period,)))
    monday = base
    while paris_instant(monday) < over.ends_at:
        for block in pattern.blocks:
            periods = _clipped([_period(monday, span) for span in block.spans], over)
            for _, _, holiday in apart:
                periods = _without(periods, holiday)
            if periods:
                rough.append((block.code, block.label, _joined(periods)))
        monday += timedelta(days=7)
    rough.sort(key=lambda unit: unit[2])
    amounts = [_amounts(periods, department) for *_, periods in rough]
    sizes = _sizes([block for block, *_ in rough], amounts)
    return tuple(
        Unit(
            key=f"{paris(periods[0].starts_at):%Y%m%dT%H%M}-{block}",
            label=label if block == HOLIDAY_BLOCK else _label(label, periods),
            block=block,
            week=(paris(periods[0].starts_at).date() - base).days // 7,
            periods=periods,
            counts=_counts(block, amount, sizes, found := _occurrences(periods, department)),
            holidays=tuple((day, name) for _, day, name in found),
        )
        for (block, label, periods), amount in zip(rough, amounts, strict=True)
    )


def _period(monday: date, span: Span) -> Period:
    return Period(_wall(monday, span.starts), _wall(monday, span.ends))


def _wall(monday: date, minutes: int) -> datetime:
    days, rest = divmod(minutes, DAY)
    return paris_instant(monday + timedelta(days=days), time(*divmod(rest, 60)))


def _holidays_apart(pattern: Pattern, over: Period, department: str) -> list[tuple[date, str, Period]]:
    if not pattern.holidays_apart:
        return []
    found = []
    for day in _days(over):
        name = public_holiday(day, department)
        if name and day.weekday() < 5:
            period = Period(
                paris_instant(day, pattern.day_starts), paris_instant(day + timedelta(days=1), pattern.day_starts)
            )
            found += [(day, _typographic(name), kept) for kept in _clipped([period], over)]
    return found


def _days(over: Period) -> Iterator[date]:
    day = paris(over.starts_at).date()
    while paris_instant(day) < over.ends_at:
        yield day
        day += timedelta(days=1)


def _clipped(periods: Iterable[Period], over: Period) -> list[Period]:
    return [
        Period(max(period.starts_at, over.starts_at), min(period.ends_at, over.ends_at))
        for period in periods
        if period.overlaps(over)
    ]


def _without(periods: Iterable[Period], cut: Period) -> list[Period]:
    left = []
    for period in periods:
        if not period.overlaps(cut):
            left.append(period)
            continue
        if period.starts_at < cut.starts_at:
            left.append(Period(period.starts_at, cut.starts_at))
        if cut.ends_at < period.ends_at:
            left.append(Period(cut.ends_at, period.ends_at))
    return left


def _joined(periods: Iterable[Period]) -> tuple[Period, ...]:
    joined: list[Period] = []
    for period in sorted(periods):
        if joined and joined[-1].ends_at == period.starts_at:
            joined[-1] = Period(joined[-1].starts_at, period.ends_at)
        else:
            joined.append(period)
    return tuple(joined)


def cut(unit: Unit, at: Iterable[datetime]) -> tuple[Unit, ...]:
    """The unit in pieces, cut at these instants; itself when none lies inside. Pieces keep the block and the week; the
    first keeps the counts, so that the demand of a semester stays the same."""
    edges = sorted(set(at))
    pieces: dict[int, list[Period]] = defaultdict(list)
    for period in unit.periods:
        inside = [edge for edge in edges if period.starts_at < edge < period.ends_at]
        for start, end in pairwise([period.starts_at, *inside, period.ends_at]):
            pieces[sum(edge <= start for edge in edges)].append(Period(start, end))
    if len(pieces) == 1:
        return (unit,)
    return tuple(
        Unit(
            key=f"{unit.key}/{number}",
            label=_label(unit.label.partition(",")[0], tuple(periods)),
            block=unit.block,
            week=unit.week,
            periods=tuple(periods),
            counts=unit.counts if number == 0 else (),
            holidays=unit.holidays if number == 0 else (),
        )
        for number, (_, periods) in enumerate(sorted(pieces.items()))
    )


# --- what a unit counts for -------------------------------------------------


def kind_minutes(period: Period, department: str = "") -> dict[Kind, int]:
    """Real minutes of each kind in a period: every minute in exactly one kind. Calendar days of Paris decide Saturday,
    Sunday and public holidays; nights are those of the time bands, 20:00 to 07:00."""
    found: dict[Kind, int] = defaultdict(int)
    for day in _days(period):
        following = day + timedelta(days=1)
        edges = [paris_instant(day), paris_instant(day, NIGHT_ENDS), paris_instant(day, NIGHT_STARTS)]
        edges.append(paris_instant(following))
        for part, (starts_at, ends_at) in enumerate(pairwise(edges)):
            shared = min(ends_at, period.ends_at) - max(starts_at, period.starts_at)
            if shared > timedelta():
                found[_kind(day, part, department)] += shared // timedelta(minutes=1)
    return dict(found)


def _kind(day: date, part: int, department: str) -> Kind:
    """`part`: 0 before the night ends, 1 by day, 2 after the night begins."""
    night_of = day - timedelta(days=1) if part == 0 else day
    if part != 1 and _festive(night_of):
        return Kind.FESTIVE
    if public_holiday(day, department):
        return Kind.HOLIDAY
    if day.weekday() >= 5:
        return Kind.SUNDAY if day.weekday() == 6 else Kind.SATURDAY
    return Kind.WEEKDAY if part == 1 else Kind.WEEKNIGHT


def _festive(day: date) -> bool:
    """Does a Christmas or New Year night begin on that day (R64)?"""
    return day.month == 12 and day.day in (24, 31)


def _amounts(periods: Sequence[Period], department: str) -> dict[Kind, int]:
    total: dict[Kind, int] = defaultdict(int)
    for period in periods:
        for kind, minutes in kind_minutes(period, department).items():
            total[kind] += minutes
    return dict(total)


def _sizes(blocks: Sequence[str], amounts: Sequence[Mapping[Kind, int]]) -> dict[Kind, float]:
    """What one of each kind is in this pattern: what the block richest in it usually holds."""
    sizes: dict[Kind, float] = {}
    for kind in (Kind.SUNDAY, Kind.SATURDAY, Kind.WEEKNIGHT, Kind.WEEKDAY):
        by_block: dict[str, list[int]] = defaultdict(list)
        for block, amount in zip(blocks, amounts, strict=True):
            if block != HOLIDAY_BLOCK:
                by_block[block].append(amount.get(kind, 0))
        sizes[kind] = max((median(values) for values in by_block.values()), default=0)
    return sizes


def _counts(
    block: str,
    amount: Mapping[Kind, int],
    sizes: Mapping[Kind, float],
    occurrences: Sequence[tuple[Kind, date, str]],
) -> tuple[tuple[Kind, int], ...]:
    """A unit is one of a kind from half of the usual amount on; a holiday apart is that holiday and nothing else."""
    counts = {kind: sum(found is kind for found, _, _ in occurrences) for kind in (Kind.FESTIVE, Kind.HOLIDAY)}
    if block != HOLIDAY_BLOCK:
        for kind, size in sizes.items():
            counts[kind] = int(amount.get(kind, 0) / size + 0.5) if size else 0
    return tuple((kind, counts[kind]) for kind in Kind if counts.get(kind))


def _occurrences(periods: Sequence[Period], department: str) -> list[tuple[Kind, date, str]]:
    """The public holidays and the festive nights a unit counts as."""
    found = []
    first = paris(periods[0].starts_at).date() - timedelta(days=1)
    last = paris(periods[-1].ends_at).date()
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        following = day + timedelta(days=1)
        night = Period(paris_instant(day, NIGHT_STARTS), paris_instant(following, NIGHT_ENDS))
        if _festive(day) and _shared(periods, night) >= timedelta(hours=LEAST_FESTIVE_HOURS):
            found.append((Kind.FESTIVE, day, f"nuit du {day.day} décembre"))
        name = public_holiday(day, department)
        whole = Period(paris_instant(day), paris_instant(following))
        if name and _shared(periods, whole) >= timedelta(hours=LEAST_HOLIDAY_HOURS):
            found.append((Kind.HOLIDAY, day, _typographic(name)))
    return found


def _shared(periods: Sequence[Period], other: Period) -> timedelta:
    return sum(
        (
            min(period.ends_at, other.ends_at) - max(period.starts_at, other.starts_at)
            for period in periods
            if period.overlaps(other)
        ),
        timedelta(),
    )


# --- in words ---------------------------------------------------------------

_WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)


def _typographic(name: str) -> str:
    return name.replace("'", "’")


def _day(day: date) -> str:
    return f"{_WEEKDAYS[day.weekday()]} {'1er' if day.day == 1 else day.day} {_MONTHS[day.month - 1]} {day.year}"


def _label(name: str, periods: Sequence[Period]) -> str:
    """« semaine, du vendredi 5 février 2027 au vendredi 12 février 2027 »."""
    first, last = paris(periods[0].starts_at).date(), paris(periods[-1].ends_at - timedelta(microseconds=1)).date()
    return f"{name}, {_day(first)}" if first == last else f"{name}, du {_day(first)} au {_day(last)}"
