"""Numbering: gapless human numbers from a locked counter row (R40).

`next_number` is called in the transaction that writes the thing numbered: both happen or neither does.
"""

from .service import next_number

__all__ = ["next_number"]
