"""Ledger: the members' operations by trade, base of the patronage refund (R56).

One entry per issued document, credited to the member named on it, reversed by the credit note's. Append-only.
"""

from .queries import StatementLine, statement, sums_by_member, sums_by_trade
from .service import cancel_note, credit_case

__all__ = ["StatementLine", "cancel_note", "credit_case", "statement", "sums_by_member", "sums_by_trade"]
