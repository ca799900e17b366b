"""Quotes: before work, whatever the amount (R4, R6, R15)."""
