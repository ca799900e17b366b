"""A sector's shift pattern from what the office chose. Pure."""

from datetime import time

from maillage_tenants.rota.models_planning import PatternCode
from maillage_tenants.rota.rules import HANDOVER_TIME, HANDOVER_WEEKDAY
from maillage_tenants.rota.solver.units import DAY_STARTS, Pattern, days_and_nights, week_and_weekend, whole_weeks

PATTERN_LABELS = {
    PatternCode.WHOLE_WEEKS: "Semaines entières",
    PatternCode.WEEK_AND_WEEKEND: "Semaine et week-end séparés",
    PatternCode.DAYS_AND_NIGHTS: "Jours et nuits séparés",
}
WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
USUAL = whole_weeks()
"""Where nothing was chosen."""


def pattern(
    code: str,
    *,
    handover_weekday: int = HANDOVER_WEEKDAY,
    handover_at: time = HANDOVER_TIME,
    day_starts: time = DAY_STARTS,
    holidays_apart: bool = False,
) -> Pattern:
    """Raises ValueError for hours that do not cut a week."""
    match PatternCode(code):
        case PatternCode.WHOLE_WEEKS:
            return whole_weeks(handover_weekday, handover_at)
        case PatternCode.WEEK_AND_WEEKEND:
            return week_and_weekend(day_starts, handover_at)
        case PatternCode.DAYS_AND_NIGHTS:
            return days_and_nights(day_starts, handover_at, apart=holidays_apart)
