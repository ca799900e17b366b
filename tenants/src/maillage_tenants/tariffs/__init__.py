"""Tariffs: versioned price grids per trade (R2, R3)."""
