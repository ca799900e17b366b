"""School holidays: the zone of a département and the ministry's calendar of each zone (R101). Pure.

The calendar is a decree's, three years ahead; it weighs on wishes only, never on what is due. Sources: the calendars of
2026-2027 and 2027-2028 as published by the ministry of education (open data, checked against R101 for zone B); the
académies of each zone, code de l'éducation D521-1 and following. Corsica and overseas decide their own: the office
writes theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

NO_ZONE = ""
"""A calendar of one's own: Corsica, overseas, or as the office decides."""
ZONE_LABELS: Mapping[str, str] = {"A": "Zone A", "B": "Zone B", "C": "Zone C", NO_ZONE: "Autre calendrier"}
_ACADEMIES: Mapping[str, Mapping[str, str]] = {
    "A": {
        "Besançon": "25 39 70 90",
        "Bordeaux": "24 33 40 47 64",
        "Clermont-Ferrand": "03 15 43 63",
        "Dijon": "21 58 71 89",
        "Grenoble": "07 26 38 73 74",
        "Limoges": "19 23 87",
        "Lyon": "01 42 69",
        "Poitiers": "16 17 79 86",
    },
    "B": {
        "Aix-Marseille": "04 05 13 84",
        "Amiens": "02 60 80",
        "Lille": "59 62",
        "Nancy-Metz": "54 55 57 88",
        "Nantes": "44 49 53 72 85",
        "Nice": "06 83",
        "Normandie": "14 27 50 61 76",
        "Orléans-Tours": "18 28 36 37 41 45",
        "Reims": "08 10 51 52",
        "Rennes": "22 29 35 56",
        "Strasbourg": "67 68",
    },
    "C": {
        "Créteil": "77 93 94",
        "Montpellier": "11 30 34 48 66",
        "Paris": "75",
        "Toulouse": "09 12 31 32 46 65 81 82",
        "Versailles": "78 91 92 95",
    },
}
_ZONE_OF: Mapping[str, str] = {
    department: zone
    for zone, academies in _ACADEMIES.items()
    for departments in academies.values()
    for department in departments.split()
}


@dataclass(frozen=True, slots=True, order=True)
class Holidays:
    """Both days included; the last is the eve of the return."""

    first: date
    last: date
    label: str


def zone_of(department: str) -> str:
    """`B` for the Eure (27); `NO_ZONE` outside the three."""
    return _ZONE_OF.get(department, NO_ZONE)


def known_holidays(zone: str) -> tuple[Holidays, ...]:
    """What is known of a zone, in order; nothing for `NO_ZONE`. The office adds the years that follow."""
    if zone not in _SPREAD:
        return ()
    return tuple(sorted((*_COMMON, *_SPREAD[zone])))


def _days(label: str, first: str, last: str) -> Holidays:
    return Holidays(date.fromisoformat(first), date.fromisoformat(last), label)


_COMMON = (
    _days("Été", "2026-07-04", "2026-08-31"),
    _days("Toussaint", "2026-10-17", "2026-11-01"),
    _days("Noël", "2026-12-19", "2027-01-03"),
    _days("Été", "2027-07-03", "2027-08-31"),
    _days("Toussaint", "2027-10-23", "2027-11-07"),
    _days("Noël", "2027-12-18", "2028-01-02"),
    _days("Été", "2028-07-04", "2028-08-31"),
)
_SPREAD: Mapping[str, tuple[Holidays, ...]] = {
    "A": (
        _days("Hiver", "2027-02-13", "2027-02-28"),
        _days("Printemps", "2027-04-10", "2027-04-25"),
        _days("Hiver", "2028-02-19", "2028-03-05"),
        _days("Printemps", "2028-04-22", "2028-05-08"),
    ),
    "B": (
        _days("Hiver", "2027-02-20", "2027-03-07"),
        _days("Printemps", "2027-04-17", "2027-05-02"),
        _days("Hiver", "2028-02-05", "2028-02-20"),
        _days("Printemps", "2028-04-08", "2028-04-23"),
    ),
    "C": (
        _days("Hiver", "2027-02-06", "2027-02-21"),
        _days("Printemps", "2027-04-03", "2027-04-18"),
        _days("Hiver", "2028-02-12", "2028-02-27"),
        _days("Printemps", "2028-04-15", "2028-05-01"),
    ),
}
