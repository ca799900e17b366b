"""`./maillage bench frost`, short: both restarts, repeats and late events; nothing is lost and nobody comes twice."""

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def figures(bench: Callable[..., str]) -> dict[str, Any]:
    sizes = ("--tenants", "2", "--customers", "120", "--rate", "3", "--seconds", "12")
    found: dict[str, Any] = json.loads(bench("frost", "--json", *sizes))
    return found


def test_no_call_is_lost_and_none_is_there_twice(figures: dict[str, Any]) -> None:
    assert figures["made"] > 20
    assert (figures["lost"], figures["twice"]) == (0, 0)
    assert (figures["nobody_reached"], figures["without_case"]) == (0, 0)


def test_nobody_is_dispatched_twice_and_who_answered_is_who_is_written(figures: dict[str, Any]) -> None:
    assert (figures["double_dispatch"], figures["reached_otherwise"]) == (0, 0)
    assert figures["requests"]["answered_otherwise"] == 0


def test_every_event_is_kept_once_over_both_restarts(figures: dict[str, Any]) -> None:
    events = figures["events"]
    assert events["missing"] == 0
    assert events["kept"] == events["told"]
    assert events["repeated"] > 0
    assert events["late"] > 0
    assert sum(figures["decided"].values()) == figures["made"]


def test_the_ladder_lasted_what_was_decided(figures: dict[str, Any]) -> None:
    assert figures["ladder"]["late_seconds"] < 1.0
