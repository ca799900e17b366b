"""Masked calls: while a case is open, the artisan and the customer reach each other through a number of the pool.

Neither sees the other's number: each is shown the pool's, which is the cooperative's own (R103). A number is lent per
case and pair, until 24 hours after the end; it serves several pairs at once only when the caller alone tells which pair
is meant. Whoever else calls it gets the emergency service: no call is lost.
"""

from .calls import Joining, Pair, Through, begin_call, call_over, find, joining, line_over, names_of
from .lending import LENT_AFTER, OVER, lend, may_lend, number_of
from .numbers import NumberLine, add_number, numbers, retire_number

__all__ = [
    "LENT_AFTER",
    "OVER",
    "Joining",
    "NumberLine",
    "Pair",
    "Through",
    "add_number",
    "begin_call",
    "call_over",
    "find",
    "joining",
    "lend",
    "line_over",
    "may_lend",
    "names_of",
    "number_of",
    "numbers",
    "retire_number",
]
