"""The school holidays of a cooperative (R101)."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from maillage_kit.departments import NAMES
from maillage_tenants.rota.school_calendar import NO_ZONE, known_holidays, zone_of


@pytest.mark.parametrize(
    ("department", "zone"),
    [("27", "B"), ("76", "B"), ("69", "A"), ("33", "A"), ("75", "C"), ("31", "C"), ("2A", NO_ZONE), ("974", NO_ZONE)],
)
def test_the_zone_follows_from_the_academie(department: str, zone: str) -> None:
    assert zone_of(department) == zone


def test_every_departement_of_the_continent_has_a_zone() -> None:
    outside = {code for code in NAMES if zone_of(code) == NO_ZONE}
    assert {code for code in outside if len(code) == 2} == {"2A", "2B"}


def test_the_eure_is_as_the_legal_study_gives_it() -> None:
    assert [(one.label, one.first, one.last + timedelta(days=1)) for one in known_holidays("B")[1:5]] == [
        ("Toussaint", date(2026, 10, 17), date(2026, 11, 2)),
        ("Noël", date(2026, 12, 19), date(2027, 1, 4)),
        ("Hiver", date(2027, 2, 20), date(2027, 3, 8)),
        ("Printemps", date(2027, 4, 17), date(2027, 5, 3)),
    ]
    assert known_holidays("B")[5].first == date(2027, 7, 3)


@pytest.mark.parametrize("zone", ["A", "B", "C"])
def test_holidays_begin_on_a_saturday_last_two_weeks_and_never_overlap(zone: str) -> None:
    known = known_holidays(zone)
    for one, other in pairwise(known):
        assert one.last < other.first
    for one in known:
        if one.label != "Été":
            assert one.first.weekday() == 5
            assert 15 <= (one.last - one.first).days <= 16


def test_the_three_zones_leave_in_winter_at_different_times() -> None:
    winters = {zone: [one.first for one in known_holidays(zone) if one.label == "Hiver"] for zone in "ABC"}
    assert len({tuple(days) for days in winters.values()}) == 3
    assert known_holidays(NO_ZONE) == ()
