"""Desk: the office's live board: calls ringing, cases by state, alarms, callbacks owed."""
