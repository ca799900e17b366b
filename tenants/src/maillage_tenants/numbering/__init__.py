"""Numbering: gapless human numbers from a locked counter row (R40).

`next_number` (or `next_numbers`) is called in the transaction that writes the thing numbered: both happen or neither
does.
"""

from .service import next_number, next_numbers

__all__ = ["next_number", "next_numbers"]
