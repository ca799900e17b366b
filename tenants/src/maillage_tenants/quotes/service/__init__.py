"""Use cases of quotes: drafting, sending, signing."""
