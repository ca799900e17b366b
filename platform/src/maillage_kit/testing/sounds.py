"""Sounds for tests: silence in the forms in which telephones and people send it."""

import io
import struct
import wave


def wav(seconds: float = 1, *, rate: int = 8000, channels: int = 1, width: int = 2, level: int = 0) -> bytes:
    """PCM; `level` makes one silence differ from another."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(width)
        sound.setframerate(rate)
        sound.writeframes(bytes([level] * (int(seconds * rate) * channels * width)))
    return out.getvalue()


def alaw(seconds: int) -> bytes:
    """A WAV as telephones make it: A-law, 8000 bytes a second."""
    data = bytes([0xD5] * (8000 * seconds))
    form = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 6, 1, 8000, 8000, 1, 8, 0)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body
