"""Sentences as sound: espeak-ng once, then the cache; without it a beep, and the call goes on."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from maillage_kit import clock
from maillage_tenants.calls import words as spoken
from maillage_voice import g711, words
from maillage_voice.plans import Sentence
from maillage_voice.speech import Speech
from maillage_voice.testing import BASE, hunt, laboratory, plan, put_sound, say

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


@needs_espeak
async def test_a_sentence_is_spoken_once_and_kept(tmp_path: Path) -> None:
    speech = Speech(tmp_path)
    first, second = await asyncio.gather(*(speech.sound(Sentence("Bonjour à tous.")) for _ in range(2)))
    assert first == second
    assert 0.5 < len(first) / g711.RATE < 3
    assert g711.is_loud(first)
    (kept,) = tmp_path.rglob("*.al")
    kept.write_bytes(g711.tone(500, 0.1))
    assert await Speech(tmp_path).sound(Sentence("Bonjour à tous.")) == g711.tone(500, 0.1)


async def test_what_was_made_for_one_call_is_deleted_the_next_day(tmp_path: Path) -> None:
    """It names somebody and where they live (R68)."""
    put_sound(tmp_path, "Une phrase fixe.", 500.0)
    passing = tmp_path / "speech" / "passing"
    passing.mkdir()
    for name, hours in (("old.al", 25), ("recent.al", 1)):
        (passing / name).write_bytes(b"sound")
        then = clock.now().timestamp() - hours * 3600
        os.utime(passing / name, (then, then))
    speech = Speech(tmp_path / "speech")
    speech.clean()
    assert [path.name for path in passing.iterdir()] == ["recent.al"]
    assert await speech.sound(Sentence("Une phrase fixe.")) == g711.tone(500.0, 0.3)


async def test_without_a_voice_a_beep_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await Speech(tmp_path).sound(Sentence("Bonjour.")) == g711.BEEP
    assert list(tmp_path.rglob("*.al")) == []


async def test_nothing_to_say_takes_no_time(tmp_path: Path) -> None:
    assert await Speech(tmp_path).sound(Sentence("")) == b""


async def test_a_call_goes_on_without_a_voice_and_no_call_lasts_for_ever(tmp_path: Path) -> None:
    """Two hours at most; four seconds here, after which both sides are hung up."""
    settings = {"PATH": str(tmp_path), "MAILLAGE_VOICE__MAX_CALL_SECONDS": "4"}
    async with laboratory(tmp_path, settings) as lab:
        lab.application.plans[f"{BASE}/start"] = plan(say("jamais préparée"), hunt(0, whisper=False))
        caller = await lab.call()
        assert await caller.sound.hears(1000)
        artisan = await lab.artisan(0)
        async with asyncio.timeout(8):
            await caller.ended.wait()
            await artisan.ended.wait()


@needs_espeak
def test_the_fixed_sentences_are_made_ahead(tmp_path: Path) -> None:
    """`./maillage prompts`, with most of the work already done."""
    missing = {words.WHISPER, str(spoken.HOLD_ON)}
    for text in {*words.FIXED.values(), *spoken.SENTENCES.values()} - missing:
        put_sound(tmp_path, text, 500.0, 0.05)
    before = len(list((tmp_path / "speech").glob("*.al")))
    environment = {**os.environ, "MAILLAGE_VOICE__DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "maillage_app.cli", "prompts"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "phrases prêtes" in done.stdout
    assert len(list((tmp_path / "speech").glob("*.al"))) == before + 2
