"""What a sound is: checked before it may speak for the cooperative."""

import pytest

from maillage_kit.testing.sounds import alaw, wav
from maillage_tenants.recordings import rules
from maillage_tenants.recordings.errors import NotASound, SoundTooLarge


@pytest.mark.parametrize("rate", [8000, 16000])
def test_a_prompt_has_a_length_and_a_version(rate: int) -> None:
    sound = rules.read_prompt(wav(2.5, rate=rate))
    assert sound.milliseconds == 2500
    assert sound.version != rules.read_prompt(wav(2.4, rate=rate)).version
    assert len(sound.version) == 16


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"ID3 music",
        wav(rate=44100),
        wav(channels=2),
        wav(width=1),
        wav(0),
        wav()[:40],
        alaw(1),
        b"RIFF\x00\x00\x00\x00WAVE",
    ],
)
def test_another_sound_is_refused(content: bytes) -> None:
    with pytest.raises(NotASound):
        rules.read_prompt(content)


def test_a_prompt_is_short() -> None:
    assert rules.read_prompt(wav(30)).milliseconds == 30_000
    with pytest.raises(SoundTooLarge):
        rules.read_prompt(wav(30.1))


def test_the_length_of_any_wav_is_read_from_its_header() -> None:
    assert (rules.wav_seconds(wav(3)), rules.wav_seconds(alaw(7)), rules.wav_seconds(b"RIFF")) == (3, 7, None)


def test_a_sound_is_known_by_its_first_bytes() -> None:
    assert (rules.media_type(wav()), rules.media_type(b"\xff\xfb\x90\x00")) == ("audio/wav", "audio/mpeg")
    with pytest.raises(NotASound):
        rules.media_type(b"<html>")
