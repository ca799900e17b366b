"""Identifiers: UUID version 7 (RFC 9562), so that keys sort by creation time and index well."""

import os
import time
from uuid import UUID


def new_id() -> UUID:
    """A fresh UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (2**48 - 1)) << 80
    value |= 0x7 << 76
    value |= ((random >> 62) & 0xFFF) << 64
    value |= 0b10 << 62
    value |= random & (2**62 - 1)
    return UUID(int=value)


def parsed_id(typed: str) -> UUID:
    """The id that a form sent; when it is none, a fresh one, which names nothing."""
    try:
        return UUID(typed)
    except ValueError:
        return new_id()
