"""`./maillage bench routing`, tiny: real calls over HTTP, pgbench with the same SQL. Speed is not judged here."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def figures(over_http: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return over_http("routing")


@pytest.mark.parametrize("path", ["call", "ring_only"])
def test_the_application_and_pgbench_are_measured_beside_each_other(figures: dict[str, Any], path: str) -> None:
    measured = figures[path]
    rounds = measured["rounds"]
    assert len(rounds) == figures["sizes"]["rounds"]
    rates = sorted(one["per_second"] for one in rounds)
    limits = sorted(one["pgbench_per_second"] for one in rounds)
    middle = len(rounds) // 2
    assert (measured["per_second"], measured["pgbench"]["per_second"]) == (rates[middle], limits[middle])
    assert measured["ratio"] == pytest.approx(rates[middle] / limits[middle], abs=0.02)
    milliseconds = measured["webhook_ms"]
    assert 0 < milliseconds["p50"] <= milliseconds["p95"] <= milliseconds["p99"]


def test_pgbench_writes_what_a_call_writes(figures: dict[str, Any]) -> None:
    written = figures["call"]["rows_per_call"]
    for who in ("application", "pgbench"):
        rows = written[who]
        assert (rows["call"], rows["call_event"], rows["call_leg"], rows["intervention"]) == (1, 2, 1, 1)
        assert rows["ladder_step"] >= 3


def test_the_answers_at_half_the_rate_have_their_times(figures: dict[str, Any]) -> None:
    half = figures["half_rate"]
    assert half["calls_per_second"] == pytest.approx(figures["call"]["per_second"] / 2, abs=0.1)
    assert half["webhook_ms"]["p99"] == figures["half_rate_p99_ms"] > 0
    rings = figures["ring_half_rate"]
    assert set(rings["by_webhook_ms"]) == {"ring"}
    assert rings["webhook_ms"]["p99"] == figures["ring_half_rate_p99_ms"] > 0
    assert set(half["by_webhook_ms"]) == {"ring", "key"}


def test_the_callers_are_not_the_limit(figures: dict[str, Any]) -> None:
    assert figures["callers_ceiling"]["calls_per_second"] > 2 * figures["call"]["per_second"]


def test_the_sql_of_a_call_is_counted_and_the_machine_told(figures: dict[str, Any]) -> None:
    assert 3 <= figures["sql"]["ring"]["statements"] <= 4
    assert 10 <= figures["sql"]["key"]["statements"] <= 30
    assert figures["machine"]["postgresql_settings"]["fsync"] == "on"
    assert str(ROOT) not in json.dumps(figures)
