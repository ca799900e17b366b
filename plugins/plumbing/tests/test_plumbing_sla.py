"""Delays of R88, the same for the three trades."""

import pytest

from maillage_hooks.types import Place, PlanPromise, Priority, SlaRequest, SlaTargets, TimeBand
from maillage_plumbing.sla import SLA

NIGHT_AND_SUNDAY = frozenset({TimeBand.NIGHT, TimeBand.SUNDAY})


def targets(priority: Priority, place: Place, plan: PlanPromise | None = None) -> SlaTargets:
    return SLA.targets(SlaRequest("FUITE_ACTIVE", priority, NIGHT_AND_SUNDAY, place, plan))


@pytest.mark.parametrize("priority", [Priority.P1, Priority.P2])
def test_an_emergency_is_accepted_in_15_minutes_and_reached_in_2_or_3_hours(priority: Priority) -> None:
    assert targets(priority, Place.URBAN) == SlaTargets(15, 120, 180)
    assert targets(priority, Place.RURAL) == SlaTargets(15, 180, 240)


def test_a_stricter_plan_wins_and_a_slower_one_does_not() -> None:
    assert targets(Priority.P1, Place.URBAN, PlanPromise("premium", 10, 60, 90)) == SlaTargets(10, 60, 120)
    assert targets(Priority.P1, Place.RURAL, PlanPromise("premium", None, 60, 90)) == SlaTargets(15, 90, 150)
    assert targets(Priority.P1, Place.URBAN, PlanPromise("lent", 60, 480, 600)) == SlaTargets(15, 120, 180)


def test_what_can_wait_is_for_the_next_working_day() -> None:
    assert targets(Priority.P3, Place.URBAN) == SlaTargets(None, None, None, next_working_day=True)


def test_an_emergency_service_is_not_our_promise() -> None:
    assert targets(Priority.P0, Place.URBAN) == SlaTargets(None, None)
