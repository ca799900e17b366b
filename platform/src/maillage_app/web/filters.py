"""Template filters: how instants, amounts, numbers and durations are written for French readers."""

import unicodedata
from datetime import date, datetime, timedelta

from babel.dates import format_date, format_datetime

from maillage_kit.clock import paris as to_paris
from maillage_kit.departments import department_label
from maillage_kit.money import Money
from maillage_kit.phone import show_phone

_VOWELS, _AFTER_A_SILENT_H = (*"aeiouyœæ",), ("e", "u")
_FORMATS = {
    "short": "dd/MM HH:mm",
    "time": "HH:mm",
    "seconds": "HH:mm:ss",
    "long": "EEEE d MMMM y 'à' HH:mm",
    "day": "EEEE d MMMM",
    "full": "dd/MM/y HH:mm:ss",
}


def paris(instant: datetime | None, style: str = "short") -> str:
    """An instant on the clock in Paris; `full` and `long` say the zone, and so does the repeated hour of October.

    `style` is a name, a CLDR pattern, or a strftime pattern with `%` (`%Z` writes CET or CEST).
    """
    if instant is None:
        return "—"
    local = to_paris(instant)
    if "%" in style:
        return local.strftime(style)
    text = format_datetime(local, _FORMATS.get(style, style), locale="fr_FR")
    if style in ("long", "full"):
        return f"{text} (heure de Paris, UTC{int(format(local, '%z')[:3]):+d})"
    ambiguous = to_paris(instant).replace(fold=0).utcoffset() != to_paris(instant).replace(fold=1).utcoffset()
    return f"{text} (UTC{local:%z})" if ambiguous else text


def date_fr(day: date | datetime | None, style: str = "long") -> str:
    if day is None:
        return "—"
    if isinstance(day, datetime):
        day = to_paris(day).date()
    return format_date(day, format=style, locale="fr_FR")


def money(amount: Money | int | None) -> str:
    """An amount in euro; an integer counts cents."""
    if amount is None:
        return "—"
    return str(amount if isinstance(amount, Money) else Money(amount))


def duration_fr(value: timedelta | float | None) -> str:
    """`1 h 05`, `12 min`, `40 s`; a number counts seconds."""
    if value is None:
        return "—"
    seconds = round(value.total_seconds() if isinstance(value, timedelta) else value)
    if seconds < 60:
        return f"{seconds}\u00a0s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes}\u00a0min"
    return f"{minutes // 60}\u00a0h\u00a0{minutes % 60:02d}"


def of(name: str) -> str:
    """« d’Anne », « de Bruno »: a name as the complement of what comes before it. An h is silent where first names
    have it so: « d’Hélène », « d’Hugo », but « de Hamid »."""
    first = unicodedata.normalize("NFD", name[:2].casefold())
    vowel = first[:1] in _VOWELS or (first[:1] == "h" and first[1:2] in _AFTER_A_SILENT_H)
    consonant = first[:1] == "y" and first[1:2] in "aeiou"  # « de Yann », « d’Yves »
    return f"d’{name}" if vowel and not consonant else f"de {name}"


FILTERS = {
    "paris": paris,
    "date_fr": date_fr,
    "money": money,
    "duration_fr": duration_fr,
    "phone_fr": show_phone,
    "department": department_label,
    "of": of,
    "instant": datetime.fromisoformat,
}
