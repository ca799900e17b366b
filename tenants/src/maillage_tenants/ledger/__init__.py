"""Ledger: the members' operations by trade, base of the patronage refund (R56)."""
