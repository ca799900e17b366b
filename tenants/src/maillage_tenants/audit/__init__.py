"""Audit: who did what sensitive thing, when (R68, R72)."""
