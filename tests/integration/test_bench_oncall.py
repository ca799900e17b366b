"""`./maillage bench oncall`, tiny: it runs on its own databases and says what it promises. Speed is not judged here."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from rich.console import Console

pytestmark = pytest.mark.slow
PythonOfBenches = Callable[..., CompletedProcess[str]]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def ran(python_of_benches: PythonOfBenches) -> CompletedProcess[str]:
    sizes = "--tenants 1,3 --years 1 --seconds 1 --rounds 1"
    return python_of_benches("-m", "maillage_app.cli", "bench", "oncall", "--json", *sizes.split())


@pytest.fixture(scope="module")
def figures(ran: CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_each_number_of_cooperatives_is_measured(figures: dict[str, Any]) -> None:
    one, three = figures["by_cooperatives"]
    assert [one["cooperatives"], three["cooperatives"]] == [1, 3]
    assert three["duties"] == 3 * one["duties"] > 0
    for measured in (one, three):
        for part in ("busy", "alone", "pgbench"):
            milliseconds = measured[part]["ms"]
            assert measured[part]["per_second"] > 0
            assert 0 < milliseconds["p50"] <= milliseconds["p95"] <= milliseconds["p99"]
        assert measured["ratio"] == round(measured["busy"]["per_second"] / measured["pgbench"]["per_second"], 2)


def test_the_change_compares_the_most_with_the_fewest(figures: dict[str, Any]) -> None:
    one, three = figures["by_cooperatives"]
    change = figures["change"]
    assert (change["from"], change["to"]) == (1, 3)
    assert change["per_second"] == round(three["busy"]["per_second"] / one["busy"]["per_second"], 2)


def test_the_machine_is_told_without_its_paths(figures: dict[str, Any]) -> None:
    facts = figures["machine"]
    assert facts["cores"] > 0 and facts["memory_gb"] > 0 and facts["postgresql"]
    assert facts["postgresql_settings"]["fsync"] == "on"
    assert str(ROOT) not in json.dumps(figures)
    assert figures["load"].keys() == {"load_before", "load_after"}


def test_the_text_shows_the_same(figures: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from bench import oncall

    text = StringIO()
    Console(file=text, width=110).print(oncall.table(figures))
    duties = figures["by_cooperatives"][0]["duties"]
    assert f"{duties:,}".replace(",", " ") in text.getvalue()
    assert "p99" in text.getvalue()


def test_the_databases_serve_again(ran: CompletedProcess[str], python_of_benches: PythonOfBenches) -> None:
    prepare = "database.prepare('bench_oncall', rows.Size(years=1), [1, 3], fresh=False)"
    assert "making bench_oncall_1, bench_oncall_3" in ran.stderr
    assert "making" not in python_of_benches("-c", f"from bench import database, rows; {prepare}").stderr
