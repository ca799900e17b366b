"""`./maillage bench api`, tiny: real tokens and requests over HTTP, pgbench with the same SQL. Speed is not judged."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def figures(over_http: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return over_http("api")


@pytest.mark.parametrize("path", ["read", "request"])
def test_the_application_and_pgbench_are_measured_beside_each_other(figures: dict[str, Any], path: str) -> None:
    measured = figures[path]
    (only,) = measured["rounds"]
    assert (measured["per_second"], measured["pgbench"]["per_second"]) == (
        only["per_second"],
        only["pgbench_per_second"],
    )
    assert measured["ratio"] == pytest.approx(only["per_second"] / only["pgbench_per_second"], abs=0.02)
    for milliseconds in (measured["request_ms"], measured["half_rate"]["request_ms"]):
        assert 0 < milliseconds["p50"] <= milliseconds["p95"] <= milliseconds["p99"]
    assert measured["half_rate"]["requests_per_second"] == pytest.approx(measured["per_second"] / 2, abs=0.1)


def test_pgbench_writes_what_a_request_writes(figures: dict[str, Any]) -> None:
    for who in ("application", "pgbench"):
        rows = figures["request"]["rows_per_request"][who]
        assert (rows["intervention"], rows["partner_order"], rows["api_answer"]) == (1, 1, 1)
        assert rows["offer"] >= 2
        assert rows["message"] >= 1


def test_the_sql_of_a_request_is_counted_and_the_machine_told(figures: dict[str, Any]) -> None:
    assert 5 <= figures["sql"]["read"]["statements"] <= 12
    assert 20 <= figures["sql"]["request"]["statements"] <= 70
    assert figures["callers_ceiling"]["requests_per_second"] > 2 * figures["read"]["per_second"]
    assert str(ROOT) not in json.dumps(figures)
