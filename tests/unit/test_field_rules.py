"""Door codes: only while they are needed (R72)."""

from datetime import UTC, datetime, timedelta

import pytest

from maillage_tenants.field.rules import may_read_access_notes
from maillage_tenants.interventions import Clock, State

T = datetime(2027, 3, 1, 8, tzinfo=UTC)
ACCEPTED = {Clock.ACCEPTED: T}


@pytest.mark.parametrize("state", [State.ACCEPTED, State.EN_ROUTE, State.ON_SITE, State.ON_HOLD, State.DONE])
def test_from_acceptance_on(state: State) -> None:
    assert may_read_access_notes(state, clocks=ACCEPTED, closed_at=None, at=T + timedelta(days=3))


def test_never_before_acceptance_nor_for_a_case_lost() -> None:
    assert not may_read_access_notes(State.OFFERED, clocks={}, closed_at=None, at=T)
    for state in (State.REQUESTED, State.OFFERED, State.CANCELLED, State.REDIRECTED):
        assert not may_read_access_notes(state, clocks=ACCEPTED, closed_at=None, at=T)


def test_until_a_day_after_closing_half_open() -> None:
    end = T + timedelta(hours=24)
    assert may_read_access_notes(State.CLOSED, clocks=ACCEPTED, closed_at=T, at=end - timedelta(seconds=1))
    assert not may_read_access_notes(State.CLOSED, clocks=ACCEPTED, closed_at=T, at=end)
