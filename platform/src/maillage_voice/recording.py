"""Recording lines to disk, 16-bit PCM WAV at 8 kHz, as they speak: a killed process leaves what was said so far."""

import json
import struct
import uuid
import wave
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from maillage_voice import g711
from maillage_voice.rtp import Beat, Endpoint
from maillage_voice.spool import Outbox

_FLUSH: Final = 50  # beats
_JITTER: Final = 15  # frames kept for a line that speaks in bursts
_HEADER: Final = 44


class Recorder:
    """Mixes what is heard on some lines, one frame a beat, and hands the file to the outbox when finished."""

    def __init__(self, beat: Beat, lines: list[Endpoint], outbox: Outbox, path: str, *, max_seconds: float) -> None:
        self._beat, self._lines, self._outbox, self._path = beat, lines, outbox, path
        self._frames: list[deque[bytes]] = [deque(maxlen=_JITTER) for _ in lines]
        self._left = int(max_seconds * g711.RATE / g711.FRAME)
        self._pending = bytearray()
        self._count = 0
        self.quiet_beats = 0
        self.heard_speech = False
        self.full: Callable[[], None] | None = None
        self.file = outbox.folder / f"{uuid.uuid4()}.wav"
        self.file.with_suffix(".path").write_text(json.dumps({"path": path}))
        self._out: BinaryIO | None = self.file.open("wb")
        self._out.write(_header(0))
        for line, frames in zip(lines, self._frames, strict=True):
            line.tap = frames.append
        beat.join(self)

    @property
    def quiet_seconds(self) -> float:
        return self.quiet_beats * g711.FRAME / g711.RATE

    @property
    def seconds(self) -> float:
        return self._count * g711.FRAME / g711.RATE

    def beat(self) -> None:
        sounds = [
            frames.popleft().ljust(g711.FRAME, g711.QUIET)[: g711.FRAME] if frames else None for frames in self._frames
        ]
        heard = [sound for sound in sounds if sound is not None]
        speech = any(g711.is_loud(sound) for sound in heard)
        self.heard_speech |= speech
        self.quiet_beats = 0 if speech else self.quiet_beats + 1
        samples = g711.mix(heard) if heard else g711.from_a_law(g711.QUIET * g711.FRAME)
        self._pending += samples.tobytes()
        self._count += 1
        if self._count % _FLUSH == 0:
            self._flush()
        if self._count >= self._left:
            self._beat.leave(self)
            if self.full is not None:
                self.full()

    def _flush(self) -> None:
        if self._out is not None and self._pending:
            self._out.write(self._pending)
            self._out.flush()
            self._pending.clear()

    def finish(self) -> None:
        """Idempotent. Less than half a second is nobody's message and is dropped."""
        if self._out is None:
            return
        self._beat.leave(self)
        for line, frames in zip(self._lines, self._frames, strict=True):
            if line.tap == frames.append:
                line.tap = None
        self._flush()
        self._out.close()
        self._out = None
        _hand_over(self.file, self._path, self._outbox, keep=self.seconds >= 0.5)


def recover(outbox: Outbox) -> int:
    """Recordings that a killed process left unfinished are closed and uploaded like the others. Returns how many."""
    found = 0
    for label in outbox.folder.glob("*.path"):
        sound = label.with_suffix(".wav")
        try:
            path = str(json.loads(label.read_text())["path"])
        except (OSError, ValueError, KeyError):
            continue
        if sound.exists():
            _hand_over(sound, path, outbox, keep=sound.stat().st_size > _HEADER + g711.RATE)
            found += 1
        else:
            label.unlink(missing_ok=True)
    return found


def _hand_over(sound: Path, path: str, outbox: Outbox, *, keep: bool) -> None:
    if keep:
        with sound.open("r+b") as file:
            file.write(_header(sound.stat().st_size - _HEADER))
        outbox.add(sound, path)
    else:
        sound.unlink(missing_ok=True)
    sound.with_suffix(".path").unlink(missing_ok=True)


def _header(size: int) -> bytes:
    """Of `wave`'s own making, checked by its reader in the tests."""
    rate = g711.RATE
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, wave.WAVE_FORMAT_PCM, 1, rate, 2 * rate, 2, 16, b"data", size),
    )
