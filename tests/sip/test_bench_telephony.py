"""`./maillage bench telephony`, tiny: calls through the edge, beside a constant target. Speed is not judged here."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.sip, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def figures() -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="maillage-bench-") as folder:
        sizes = ("--tenants", "2", "--customers", "120", "--rates", "5,10", "--seconds", "2")
        done = subprocess.run(
            [sys.executable, "-m", "maillage_app.cli", "bench", "telephony", "--json", *sizes],
            cwd=ROOT,
            env={**os.environ, "MAILLAGE_BENCH_DIR": folder},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        yield json.loads(done.stdout)


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
