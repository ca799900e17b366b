"""G.711 (A-law and µ-law) by tables, tones, and WAV to telephone sound. Pure; 8000 samples a second, 20 ms frames."""

import io
import math
import operator
import sys
import wave
from array import array
from functools import lru_cache
from typing import Final

RATE: Final = 8000
FRAME: Final = 160  # 20 ms
QUIET: Final = b"\xd5"  # the smallest positive A-law value
LOUD: Final = 700  # of 32768: speech on a telephone line is far above, comfort noise far below


def _a_law(sample: int) -> int:
    value, mask = sample >> 3, 0xD5
    if value < 0:
        value, mask = -value - 1, 0x55
    segment = max(value.bit_length() - 5, 0)
    if segment > 7:
        return 0x7F ^ mask
    return (segment << 4 | value >> (segment or 1) & 0x0F) ^ mask


def _from_a_law(code: int) -> int:
    code ^= 0x55
    value, segment = (code & 0x0F) << 4, code >> 4 & 7
    value += 0x108 if segment else 8
    value <<= max(segment - 1, 0)
    return value if code & 0x80 else -value


def _mu_law(sample: int) -> int:
    value, mask = sample >> 2, 0xFF
    if value < 0:
        value, mask = -value, 0x7F
    value = min(value, 8158) + 33
    segment = max(value.bit_length() - 6, 0)
    return (segment << 4 | value >> (segment + 1) & 0x0F) ^ mask


def _from_mu_law(code: int) -> int:
    code = ~code & 0xFF
    value = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return -value if code & 0x80 else value


_LINEAR: Final = tuple(_from_a_law(code) for code in range(256))
A_TO_MU: Final = bytes(_mu_law(value) for value in _LINEAR)
MU_TO_A: Final = bytes(_a_law(_from_mu_law(code)) for code in range(256))
_IS_LOUD: Final = bytes(abs(value) > LOUD for value in _LINEAR)


@lru_cache(maxsize=1)
def _a_law_table() -> bytes:
    """By the sample as an unsigned 16-bit number."""
    return bytes(_a_law(value if value < 0x8000 else value - 0x10000) for value in range(0x10000))


def to_a_law(samples: "array[int]") -> bytes:
    """Signed 16-bit samples as A-law."""
    return bytes(map(_a_law_table().__getitem__, array("H", samples.tobytes())))


def from_a_law(sound: bytes) -> "array[int]":
    """A-law as signed 16-bit samples."""
    return array("h", map(_LINEAR.__getitem__, sound))


def is_loud(sound: bytes) -> bool:
    """Whether somebody speaks (or something sounds) in these frames: one sample in twenty stands out."""
    return sound.translate(_IS_LOUD).count(1) * 20 > len(sound)


def mix(sounds: list[bytes]) -> "array[int]":
    """Several A-law sounds of the same length, heard together."""
    columns = zip(*(map(_LINEAR.__getitem__, sound) for sound in sounds), strict=True)
    return array("h", (max(-32768, min(32767, sum(column))) for column in columns))


def tone(hertz: float, seconds: float, *, level: float = 0.25) -> bytes:
    """A sine, A-law. `level` 1 is as loud as the line carries."""
    peak = 32767 * level
    count = round(RATE * seconds)
    return to_a_law(array("h", (round(peak * math.sin(math.tau * hertz * n / RATE)) for n in range(count))))


def silence(seconds: float) -> bytes:
    return QUIET * round(RATE * seconds)


BEEP: Final = tone(1000, 0.2)
RINGBACK: Final = tone(440, 1.5, level=0.12) + silence(3.5)
"""What a French caller hears while a line rings: 440 Hz, 1.5 s of sound, 3.5 s of silence."""


def wav_to_a_law(content: bytes) -> bytes:
    """A WAV file (PCM, any rate from 8 kHz, 8 or 16 bits; channels are averaged). Raises ValueError on others."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(min(file.getnframes(), 600 * rate))
    except (wave.Error, EOFError) as exc:
        raise ValueError(f"not a WAV file: {exc}") from exc
    if width not in (1, 2) or not RATE <= rate <= 96_000 or not 1 <= channels <= 2:
        raise ValueError(f"unsupported WAV: {rate} Hz, {8 * width} bits, {channels} channels")
    if width == 1:
        samples = array("h", ((byte - 128) << 8 for byte in data))
    else:
        samples = array("h", data[: len(data) // 2 * 2])
        if sys.byteorder == "big":
            samples.byteswap()
    if channels == 2:
        samples = array("h", ((left + right) // 2 for left, right in zip(samples[::2], samples[1::2], strict=False)))
    return to_a_law(resampled(samples, rate))


def resampled(samples: "array[int]", rate: int) -> "array[int]":
    """The same sound at 8 kHz: a windowed sinc cut at 3.6 kHz, so that nothing folds back."""
    if rate == RATE or not samples:
        return samples
    half = math.ceil(6 * rate / RATE)
    width, phases, cut = 2 * half, 32, 2 * 3600 / rate
    filters: list[list[float]] = []
    for phase in range(phases):
        taps = []
        for index in range(width):
            x = index - half + 1 - phase / phases
            window = 0.5 + 0.5 * math.cos(math.pi * x / (half + 1))
            taps.append((math.sin(math.pi * cut * x) / (math.pi * x) if x else cut) * window)
        total = sum(taps)
        filters.append([tap / total for tap in taps])
    padded = [0] * half + samples.tolist() + [0] * half  # a list: its slices cost no new integers
    out = array("h")
    ratio = rate / RATE
    for number in range(int(len(samples) / ratio)):
        at = number * ratio
        whole = int(at)
        taps = filters[int((at - whole) * phases)]
        start = whole + 1
        value = sum(map(operator.mul, taps, padded[start : start + width]))
        out.append(max(-32768, min(32767, round(value))))
    return out
