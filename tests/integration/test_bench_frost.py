"""`./maillage bench frost`, short: both restarts, repeats and late events; nothing is lost and nobody comes twice."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def figures() -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="maillage-bench-") as folder:
        sizes = ("--tenants", "2", "--customers", "120", "--rate", "3", "--seconds", "20")
        done = subprocess.run(
            [sys.executable, "-m", "maillage_app.cli", "bench", "frost", "--json", *sizes],
            cwd=ROOT,
            env={**os.environ, "MAILLAGE_BENCH_DIR": folder},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        yield json.loads(done.stdout)


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
