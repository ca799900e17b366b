"""Time bands and public holidays: decided on the clock in Paris, at the local start of the intervention (R89, R100)."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache

import holidays
import holidays.countries.france  # now: a process that loads it for its first caller keeps them waiting

from maillage_hooks.types import TimeBand
from maillage_kit.clock import paris

NIGHT_STARTS = time(20)
NIGHT_ENDS = time(7)
_ALSACE_MOSELLE = frozenset({"57", "67", "68"})


@lru_cache(maxsize=64)
def _holidays(year: int, alsace_moselle: bool) -> Mapping[date, str]:
    calendar = holidays.country_holidays("FR", subdiv="57" if alsace_moselle else None, years=year, language="fr")
    return dict(calendar)


def public_holiday(day: date, department: str = "") -> str | None:
    """The French name of the public holiday on `day`, or None. Alsace and Moselle have two more (R100)."""
    return _holidays(day.year, department in _ALSACE_MOSELLE).get(day)


def bands_at(instant: datetime, department: str = "") -> frozenset[TimeBand]:
    """Every band that `instant` belongs to; DAY alone when no other applies.

    A night belongs to the day it started on for Sunday and holidays only in its own calendar hours: 01:00 on Monday is
    night, not Sunday.
    """
    local = paris(instant)
    bands = set()
    if local.time() >= NIGHT_STARTS or local.time() < NIGHT_ENDS:
        bands.add(TimeBand.NIGHT)
    if local.weekday() == 5:
        bands.add(TimeBand.SATURDAY)
    if local.weekday() == 6:
        bands.add(TimeBand.SUNDAY)
    if public_holiday(local.date(), department):
        bands.add(TimeBand.HOLIDAY)
    return frozenset(bands) or frozenset({TimeBand.DAY})


def highest_surcharge(bands: frozenset[TimeBand], surcharges: Mapping[TimeBand, int]) -> tuple[TimeBand, int]:
    """The one band whose surcharge applies, and its basis points: the highest, never a sum (R89)."""
    return max(((band, surcharges.get(band, 0)) for band in sorted(bands)), key=lambda pair: pair[1])


def next_working_day(instant: datetime, department: str = "") -> date:
    """The first day after `instant`, in Paris, that is neither a Saturday, a Sunday nor a public holiday."""
    day = paris(instant).date() + timedelta(days=1)
    while day.weekday() >= 5 or public_holiday(day, department):
        day += timedelta(days=1)
    return day
