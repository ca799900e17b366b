"""`./maillage demo --once --json`, the short night with few customers: the same code as the whole demo."""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

TIMEOUT_S = 300
"""Generous: some twenty seconds on two quiet cores."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def night(folder: Path) -> dict[str, Any]:
    """The JSON report of one run; nothing else may be on standard output."""
    options = ("--once", "--json", "--short", "--customers", "60", "--dir", str(folder))
    done = subprocess.run(
        [sys.executable, "-m", "maillage_app.cli", "demo", *options],
        env={name: value for name, value in os.environ.items() if not name.startswith("MAILLAGE_")},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr[-3000:]}\n{done.stdout[-3000:]}"
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def one(night: dict[str, Any], call_id: str) -> dict[str, Any]:
    (found,) = [call for call in night["calls"] if call["id"] == call_id]
    return dict(found)


def rung(call: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["kind"], step["result"]) for step in call["ladder"] if step["result"]]


def test_nothing_is_lost_and_every_invariant_held(night: dict[str, Any]) -> None:
    assert night["ok"] is True
    assert night["summary"]["lost"] == 0
    assert night["summary"]["calls"] == len(night["calls"]) >= 12
    assert len(night["invariants"]) > 40
    assert [verdict["code"] for verdict in night["invariants"] if not verdict["held"]] == []
    assert night["troubles"] == []


def test_every_call_ended_as_the_story_says(night: dict[str, Any]) -> None:
    assert [call["id"] for call in night["calls"] if not call["as_expected"] or call["trouble"]] == []
    assert {"accepted", "fallback", "redirected", "abandoned", "missed"} <= set(night["summary"]["outcomes"])


def test_the_cooperatives_are_whole(night: dict[str, Any]) -> None:
    for cooperative in night["cooperatives"]:
        assert cooperative["customers"] == 60
        assert cooperative["members"] == 30
        assert cooperative["duties"] > 500
        assert "27 novembre 2026" in cooperative["rota_decision"]  # R57


def test_a_machine_and_an_empty_line_are_no_acceptance(night: dict[str, Any]) -> None:
    assert rung(one(night, "repondeur")) == [("rank1", "not_accepted"), ("rank2", "accepted")]
    assert rung(one(night, "rang1-ne-repond-pas")) == [("rank1", "no_answer"), ("rank2", "accepted")]
    assert rung(one(night, "mauvais-numero")) == [("rank1", "unreachable"), ("rank2", "accepted")]


def test_an_expired_insurance_is_skipped_with_its_reason(night: dict[str, Any]) -> None:
    """R8, R61."""
    first = one(night, "assurance-expiree")["ladder"][0]
    assert (first["kind"], first["skipped"]) == ("rank1", "Assurance décennale expirée le 20/03/2027")
    assert rung(one(night, "assurance-expiree")) == [("rank2", "accepted")]


def test_two_at_once_in_one_sector_reach_two_people(night: dict[str, Any]) -> None:
    both = [one(night, f"deux-a-la-fois-{which}") for which in "ab"]
    assert both[0]["at"] == both[1]["at"]
    assert {call["accepted_kind"] for call in both} == {"rank1", "rank2"}
    assert both[0]["accepted_by"] != both[1]["accepted_by"]


def test_gas_is_redirected_and_nobody_is_sent(night: dict[str, Any]) -> None:
    """R86, R87."""
    call = one(night, "odeur-de-gaz")
    assert (call["outcome"], call["ladder"], call["case_state"], call["note"]) == ("redirected", [], "redirected", None)


def test_a_missed_call_is_alarmed_called_back_and_served_in_the_morning(night: dict[str, Any]) -> None:
    call = one(night, "personne-du-tout")
    assert call["callback"] is True
    assert call["alarm"] is True
    assert {result for _, result in rung(call)} == {"no_answer"}
    assert rung(call)[-1] == ("fallback", "no_answer")
    assert (call["case_state"], call["lost"]) == ("closed", False)


def test_the_ladder_crosses_the_hour_that_does_not_exist(night: dict[str, Any]) -> None:
    """R105: from 01:59 to 03:00, one minute of waiting and not one hour."""
    call = one(night, "pendant-le-changement-d-heure")
    assert datetime.fromisoformat(call["at"]).strftime("%H:%M %z") == "01:59 +0100"
    assert call["accepted_kind"] == "rank2"
    assert call["seconds_to_person"] < 120


def test_an_unknown_caller_says_who_and_where_and_gets_a_note(night: dict[str, Any]) -> None:
    for call_id, caller in (("inconnu-code-postal", "Appelant inconnu"), ("numero-masque", "Numéro masqué")):
        call = one(night, call_id)
        assert call["caller"] == caller
        assert call["note"].startswith("F-2027-")
        assert call["note_cents"] > 0
    assert one(night, "numero-masque")["caller_number"] == "numéro masqué"


def test_delays_are_measured_against_the_promise(night: dict[str, Any]) -> None:
    (arrival,) = [delay for delay in one(night, "fuite-abonnee")["delays"] if delay["code"] == "arrive"]
    assert arrival["promised_minutes"] >= 60
    assert 0 < arrival["taken_minutes"] <= arrival["promised_minutes"]
    assert arrival["kept"] is True


@pytest.mark.usefixtures("night")
def test_everything_is_stopped(folder: Path) -> None:
    left = [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline", "cwd"])
        if str(folder) in " ".join(process.info["cmdline"] or []) or (process.info["cwd"] or "").startswith(str(folder))
    ]
    assert left == []
    assert list(folder.glob("*.pid")) == []
