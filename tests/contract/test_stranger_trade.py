"""A fourth trade, written outside, is installed, then found beside the three without a change in the core."""

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

FIXTURE = Path(__file__).resolve().parents[1] / "plugins_fixture" / "roofing"
THREE = {"plumbing", "locksmith", "glazing"}

ASK = """
import json
from maillage_hooks import TradeRegistry
from maillage_hooks.conformance import check_trade
registry = TradeRegistry.from_entry_points()
roofing = registry.get("roofing")
gas = roofing.triage.assess({"danger": "gas_smell"})
print(json.dumps({
    "codes": registry.codes,
    "label": registry.label("roofing"),
    "digit": roofing.trade.keypad_digit,
    "type": roofing.triage.assess({"problem": "open"}).type_code,
    "gas_blocks": gas.redirect.blocks_dispatch,
    "enabled": registry.enabled(["roofing", "absent"]).codes,
    "problems": check_trade(roofing),
}))
"""


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    target = tmp_path_factory.mktemp("stranger")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run([*pip, "--target", str(target), str(FIXTURE)], check=True, env=quiet)
    asked = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**os.environ, "PYTHONPATH": str(target)},
        cwd=target,
        check=True,
        capture_output=True,
        text=True,
    )
    said: dict[str, object] = json.loads(asked.stdout)
    return said


def test_the_stranger_stands_beside_the_three(answer: dict[str, object]) -> None:
    assert answer["codes"] == ["plumbing", "locksmith", "glazing", "roofing"]
    assert (answer["label"], answer["digit"]) == ("Couverture", 4)


def test_the_stranger_answers_like_any_trade(answer: dict[str, object]) -> None:
    assert answer["type"] == "BACHAGE"
    assert answer["gas_blocks"] is True
    assert answer["enabled"] == ["roofing"]


def test_the_stranger_conforms(answer: dict[str, object]) -> None:
    assert answer["problems"] == []


def test_the_stranger_is_not_installed_here() -> None:
    assert {entry.name for entry in entry_points(group="maillage.trades")} == THREE
