"""Numbering: gapless human numbers from a locked counter row (R40)."""
