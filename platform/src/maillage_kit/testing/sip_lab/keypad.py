"""Keys as a telephone sends them (RFC 4733, payload 101), in a capture that sipp plays.

The captures that come with sipp give every key the same RTP time, so that "33" is one key to a strict listener.
"""

import random
import struct
from pathlib import Path

SIGNS = "0123456789*#"
_PAYLOAD = 101
_FRAMES = 5
_FRAME_MS = 20
_BETWEEN_MS = 350


def capture(path: Path, keys: str) -> Path:
    """Write a capture of these keys typed one after the other."""
    chance = random.Random(str(path))  # noqa: S311 - not a secret
    source, stamp, sequence = chance.getrandbits(32), chance.getrandbits(31), chance.getrandbits(15)
    frames: list[tuple[int, bytes]] = []
    for number, key in enumerate(keys):
        began = number * _BETWEEN_MS
        at = (stamp + began * 8) & 0xFFFFFFFF
        for step in range(1, _FRAMES + 4):
            over = step > _FRAMES
            event = struct.pack("!BBH", SIGNS.index(key), (0x80 if over else 0) | 10, min(step, _FRAMES + 1) * 160)
            marked = _PAYLOAD | (0x80 if step == 1 else 0)
            rtp = struct.pack("!BBHII", 0x80, marked, sequence & 0xFFFF, at, source) + event
            frames.append((began + step * _FRAME_MS, rtp))
            sequence += 1
    records = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for milliseconds, rtp in frames:
        packet = _ethernet(rtp)
        seconds, rest = divmod(milliseconds, 1000)
        records.append(struct.pack("<IIII", seconds, rest * 1000, len(packet), len(packet)) + packet)
    path.write_bytes(b"".join(records))
    return path


def _ethernet(rtp: bytes) -> bytes:
    udp = struct.pack("!HHHH", 4000, 4000, 8 + len(rtp), 0) + rtp
    ip = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, 0x7F000001, 0x7F000001) + udp
    return bytes(12) + b"\x08\x00" + ip
