"""Invoices: note before payment, gapless, immutable; the payment journal (R7, R40, R42)."""
