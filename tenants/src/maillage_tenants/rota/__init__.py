"""Rota: who is on call, for which post, over which half-open period; never edited, always superseded (R57, R65)."""
