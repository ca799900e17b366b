"""Sound, keys and session descriptions of the voice menu, without a network."""

import io
import math
import struct
import wave
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maillage_kit.testing.sip_phone import strength
from maillage_voice import g711, plans, sdp
from maillage_voice.dtmf import Keypad, packets


@given(st.integers(-32768, 32767))
def test_a_law_loses_little(sample: int) -> None:
    """G.711: the error is at most half a step, which grows with the level."""
    heard = g711.from_a_law(g711.to_a_law(array("h", [sample])))[0]
    assert abs(heard - sample) <= max(8, abs(sample) / 31)


def test_a_law_known_values() -> None:
    """Of the ITU's table: the smallest values, the largest, and silence."""
    codes = g711.to_a_law(array("h", [0, -1, 8, 32767, -32768, 1000, -1000]))
    assert codes.hex() == "d555d5aa2afa7a"


def test_translating_between_the_laws_keeps_the_sound() -> None:
    tone = g711.tone(600, 0.1)
    there_and_back = tone.translate(g711.A_TO_MU).translate(g711.MU_TO_A)
    for before, after in zip(g711.from_a_law(tone), g711.from_a_law(there_and_back), strict=True):
        assert abs(before - after) <= max(40, abs(before) / 15)


def test_speech_is_loud_and_silence_is_not() -> None:
    assert g711.is_loud(g711.tone(300, 0.02))
    assert not g711.is_loud(g711.silence(0.02))
    assert not g711.is_loud(g711.tone(300, 0.02, level=0.01))


def test_the_ringing_tone_is_the_french_one() -> None:
    ring = g711.RINGBACK
    assert len(ring) == 5 * 8000
    assert strength(ring[4000:4160], 440) > 0.8
    assert set(ring[int(1.5 * 8000) :]) == {0xD5}


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100])
@pytest.mark.parametrize("channels", [1, 2])
def test_wav_of_any_rate_keeps_its_pitch_and_length(rate: int, channels: int) -> None:
    sound = g711.wav_to_a_law(_wav(rate, channels, 700.0, 0.5))
    assert abs(len(sound) - 4000) <= 2
    assert strength(sound[2000:2160], 700) > 0.9


def test_what_a_telephone_cannot_carry_does_not_fold_back() -> None:
    """5 kHz at a rate of 22 050 would come back as 3 kHz."""
    sound = g711.wav_to_a_law(_wav(22050, 1, 5000.0, 0.5))
    assert max(map(abs, g711.from_a_law(sound[400:3600]))) < 600


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a sound at all", b"RIFF\x00\x00\x00\x00WAVEfmt "])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        g711.wav_to_a_law(content)


def _wav(rate: int, channels: int, hertz: float, seconds: float) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        values = (round(9000 * math.sin(math.tau * hertz * n / rate)) for n in range(round(rate * seconds)))
        file.writeframes(b"".join(struct.pack("<h", value) * channels for value in values))
    return out.getvalue()


# ----------------------------------------------------------------------------------------------------------- keys


def _heard(sent: list[tuple[bytes, int, float]]) -> str:
    pad = Keypad()
    keys = (pad.heard(payload, source=1, stamp=stamp, at=at) for payload, stamp, at in sent)
    return "".join(key for key in keys if key)


def _typed(keys: str) -> list[tuple[bytes, int, float]]:
    sent = []
    for number, key in enumerate(keys):
        for index, (payload, _) in enumerate(packets(key)):
            sent.append((payload, 1600 * number, number * 0.3 + index * 0.02))
    return sent


@given(
    st.text("0123456789*#", min_size=1, max_size=12),
    st.lists(st.integers(0, 8), min_size=12, max_size=12),
    st.booleans(),
)
def test_each_key_is_heard_once_whatever_is_lost_or_repeated(keys: str, kept: list[int], twice: bool) -> None:
    """One packet of nine is enough; all of them, each twice, are still one key."""
    sent = []
    for number in range(len(keys)):
        of_key = _typed(keys)[9 * number : 9 * number + 9]
        sent += of_key[kept[number] :]
        sent += of_key[-1:] if twice else []
    assert _heard(sent) == keys


def test_a_packet_that_comes_late_is_not_a_new_key() -> None:
    sent = _typed("12")
    assert _heard([*sent, (sent[3][0], sent[3][1], sent[-1][2] + 0.01)]) == "12"


def test_a_sender_that_reuses_its_time_stamp_is_understood() -> None:
    """Some test tools replay one recording of a key: the pause between them tells two keys from one."""
    once = [(payload, 0, index * 0.02) for index, (payload, _) in enumerate(packets("3"))]
    again = [(payload, 0, 0.35 + at) for payload, _, at in once]
    assert _heard(once + again) == "33"


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x10\x0a\x00\xa0", b"\xff\x0a\x00\xa0"])
def test_events_that_are_no_keys_are_ignored(payload: bytes) -> None:
    assert Keypad().heard(payload, source=1, stamp=1, at=0.0) is None


# ------------------------------------------------------------------------------------------------ session descriptions

OFFER = """v=0
o=- 1 1 IN IP4 192.0.2.1
s=-
c=IN IP4 192.0.2.1
t=0 0
m=video 5000 RTP/AVP 96
m=audio 4000 RTP/AVP 18 0 8 97
c=IN IP4 192.0.2.7
a=rtpmap:97 telephone-event/8000
a=sendonly
"""


def test_an_offer_is_read_and_answered() -> None:
    media = sdp.read(OFFER)
    assert media == sdp.Media("192.0.2.7", 4000, sdp.PCMA, 97, "sendonly")
    assert not media.listens
    answer = sdp.answer(media, "127.0.0.1", 20000, session=7)
    assert "m=audio 20000 RTP/AVP 8 97\r\n" in answer
    assert answer.endswith("a=recvonly\r\n")
    assert sdp.read(answer) == sdp.Media("127.0.0.1", 20000, sdp.PCMA, 97, "recvonly")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=0\r\nm=audio 4000 RTP/SAVP 8\r\nc=IN IP4 192.0.2.1\r\n",
        "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 18\r\n",
        "v=0\r\nm=audio 4000 RTP/AVP 8\r\n",
        "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 70000 RTP/AVP 8\r\n",
        "v=0\r\nc=IN IP4 host.example\r\nm=audio 4000 RTP/AVP 8\r\n",
        "v=0\r\nc=IN IP4 192.0.2.1\r\nm=video 4000 RTP/AVP 96\r\n",
    ],
)
def test_offers_that_we_cannot_speak_are_refused(text: str) -> None:
    with pytest.raises(sdp.Unacceptable):
        sdp.read(text)


@given(st.text(alphabet="vcma=: 0123456789/.INIP4RTPAVP\r\n", max_size=200))
def test_no_offer_breaks_the_reader(text: str) -> None:
    try:
        media = sdp.read(text)
    except sdp.Unacceptable:
        return
    assert media.codec in (sdp.PCMA, sdp.PCMU)


# --------------------------------------------------------------------------------------------------------------- plans


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"verbs": [{}]}',
        b'{"verbs": [{"say": {"text": "a"}, "hangup": true}]}',
        b'{"verbs": [{"gather": {"say": [], "digits": 1, "timeout": 6, "then": "http://elsewhere/"}}]}',
        b'{"verbs": [{"hunt": {"steps": [], "then": "/telephony/sip/a"}}]}',
        b'{"verbs": [{"hunt": {"steps": [{"position": 0, "uri": "sip:a@b\\r\\nX: y"}], "then": "/telephony/sip/a"}}]}',
        b'{"verbs": [{"say": {"text": 3}}]}',
    ],
)  # fmt: skip
def test_nonsense_is_not_a_plan(content: bytes) -> None:
    with pytest.raises(plans.Nonsense):
        plans.read(content)


def test_a_plan_may_say_more_than_we_know() -> None:
    plan = plans.read(b'{"verbs": [{"say": {"text": "Bonjour", "speed": 2}}], "later": 1}')
    assert plans.sentences(plan) == [plans.Sentence("Bonjour")]


def test_what_the_edge_hunts_is_one_line_with_each_ones_ring_time() -> None:
    step = plans.Step(position=0, uri="sip:+33612345678@192.0.2.9:5070;user=phone", ring_seconds=7)
    document = plans.route_document((step,), "+33232402727")
    assert "\n" not in document
    assert '"fr_inv_timer":7000' in document
    assert '"uri":"sip:+33232402727@192.0.2.9:5070"' in document


@pytest.mark.parametrize("text", ["", "{}", "nothing", '[{"position": -1, "uri": "sip:a@b"}]'])
def test_a_rescue_header_that_cannot_be_read_is_no_rescue(text: str) -> None:
    assert plans.read_rescue(text) == ()
