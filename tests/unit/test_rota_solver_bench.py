"""The rota bench, tiny: instances as kept, the peers' rules under ours, figures that make sense. Not how fast."""

import gzip
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def _checkout() -> None:
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))


def test_kept_instances_are_what_the_program_writes() -> None:
    from bench.rota_instances import SEEDS, SHAPES, make, path_of

    from maillage_tenants.rota.solver.instance import dumps

    assert all(path_of(shape.name, seed).exists() for shape in SHAPES for seed in SEEDS)
    for shape in (SHAPES[0], SHAPES[3]):
        assert gzip.decompress(path_of(shape.name, 2).read_bytes()) == dumps(make(shape, 2))


def test_a_short_run_tells_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sectors of an instance, one of them with the weekend that nobody can cover."""
    from bench.rota import run, table
    from bench.rota_instances import read

    whole = read("tight-few", 0)
    monkeypatch.setattr("bench.rota.read", lambda *_: replace(whole, desks=whole.desks[-2:]))

    figures = run(["tight-few"], [0], seconds=1.0, solver_seed=0, keep=False)
    (one,) = figures["instances"]
    assert set(one["peers"]) == {"round_robin", "longest_idle", "least_loaded"}
    assert all(peer["uncovered"] >= one["least_uncovered"] >= 4 for peer in (*one["peers"].values(), one["ours"]))
    assert one["ours"]["bound"] <= one["ours"]["points"] < min(peer["points"] for peer in one["peers"].values())
    assert one["illness"]["changed"] >= one["illness"]["lost"] > 0
    assert table(figures).row_count == 4


@pytest.mark.parametrize("proof", [0.0, 60.0], ids=["search", "proof"])
def test_a_long_solve_under_way_ends_when_somebody_says_stop(proof: float) -> None:
    """The runner ends a search that does not stop within fifteen seconds: the best plan is then one that was told."""
    from threading import Event, Timer

    from bench.rota_instances import read

    from maillage_tenants.rota.runner import STOP_SECONDS
    from maillage_tenants.rota.solver.problem import Problem
    from maillage_tenants.rota.solver.reports import Ended
    from maillage_tenants.rota.solver.search import solve

    said = Event()
    timer = Timer(6.0, said.set)
    timer.start()
    try:
        found = solve(Problem(read("eure", 0)), seconds=300, bound_seconds=proof, stop=said.is_set)
    finally:
        timer.cancel()
    assert found.ended is Ended.STOPPED
    assert found.seconds < 6 + STOP_SECONDS / 3
    assert found.score.total == found.trace[-1].points
