"""The glazing trade (Vitrerie)."""
