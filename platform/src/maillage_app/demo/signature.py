"""Small pictures: a drawn signature as the signature pad sends it, and what a photo is taken of."""

import base64
import math
import random
import struct
import zlib

WIDTH, HEIGHT = 300, 100


def drawn_signature(name: str) -> str:
    """The data URL of a scribble; the same name signs the same way."""
    return "data:image/png;base64," + base64.b64encode(drawing(name)).decode()


def drawing(name: str) -> bytes:
    """A PNG with some ink in it, the same for the same name."""
    rows = [bytearray(WIDTH) for _ in range(HEIGHT)]
    waves = random.Random(f"maillage:{name}")  # noqa: S311 - a drawing
    high, slow, fast = waves.uniform(12, 30), waves.uniform(0.04, 0.09), waves.uniform(0.2, 0.5)
    for x in range(30, WIDTH - 30):
        y = HEIGHT / 2 + high * math.sin(x * slow) + 8 * math.sin(x * fast)
        for thick in range(3):
            rows[min(HEIGHT - 1, max(0, round(y) + thick))][x] = 1
    pixels = b"".join(b"\x00" + b"".join(b"\x00\x00\x00\xff" if dot else b"\xff" * 4 for dot in row) for row in rows)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(pixels)) + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
