"""Run as a process of its own, so that no phone line waits for it:

    python -m maillage_voice.synthesis speak VOICE TARGET   < text      espeak-ng, then A-law at 8 kHz
    python -m maillage_voice.synthesis convert TARGET       < WAV       a recording, to A-law at 8 kHz

The target appears whole or not at all. Exit status 1 with one line on stderr when it cannot be made.
"""

import os
import subprocess
import sys
from pathlib import Path

from maillage_voice import g711


def spoken(text: str, voice: str) -> bytes:
    """WAV of the text. Raises OSError or CalledProcessError."""
    command = ["espeak-ng", "-v", voice, "-s", "150", "-g", "3", "-a", "160", "--stdin", "--stdout"]
    made = subprocess.run(command, input=text.encode(), capture_output=True, check=True, timeout=20).stdout
    return _with_sizes(made)


def _with_sizes(wav: bytes) -> bytes:
    """espeak-ng writes to a pipe without knowing the length: its header says 2 GB."""
    size = len(wav) - 44
    return wav[:4] + (size + 36).to_bytes(4, "little") + wav[8:40] + size.to_bytes(4, "little") + wav[44:]


def main(arguments: list[str]) -> int:
    os.nice(10)  # the lines that speak now come first
    try:
        match arguments:
            case ["speak", voice, target]:
                wav = spoken(sys.stdin.buffer.read().decode(), voice)
            case ["convert", target]:
                wav = sys.stdin.buffer.read()
            case _:
                sys.stderr.write(__doc__ or "")
                return 2
        sound = g711.wav_to_a_law(wav)
        if not sound:
            raise ValueError("no sound")
        new = Path(target).with_suffix(".new")
        new.write_bytes(sound)
        new.replace(target)
    except (OSError, ValueError, subprocess.SubprocessError) as exc:
        sys.stderr.write(f"{type(exc).__name__}: {exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
