"""`./maillage bench telephony`, tiny: calls through the edge, beside a constant target. Speed is not judged here."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.sip, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def figures(bench: Callable[..., str]) -> dict[str, Any]:
    sizes = ("--tenants", "2", "--customers", "120", "--rates", "5,10", "--seconds", "2")
    found: dict[str, Any] = json.loads(bench("telephony", "--json", *sizes))
    return found


def test_every_call_is_answered_and_on_record(figures: dict[str, Any]) -> None:
    assert [one["made"] for one in figures["calls"]] == [10, 20]
    for one in figures["calls"]:
        assert one["lost"] == 0
        assert one["on_record"] == one["made"]


def test_decisions_are_timed_by_the_edge(figures: dict[str, Any]) -> None:
    for one in figures["calls"]:
        milliseconds = one["decision_ms"]
        assert milliseconds["count"] == one["made"] - one["not_decided"]
        assert 0 < milliseconds["p50"] <= milliseconds["p95"] <= milliseconds["p99"]


def test_the_limit_is_measured_in_the_same_run(figures: dict[str, Any]) -> None:
    assert [one["calls_per_second"] for one in figures["constant_target"]] == [5, 10]
    assert [one["lost"] for one in figures["constant_target"]] == [0, 0]
    assert figures["without_loss_per_second"] == 10
    assert str(ROOT) not in json.dumps(figures)
