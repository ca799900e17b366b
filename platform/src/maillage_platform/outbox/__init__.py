"""The outbox: what left a cooperative, read in order by consumers, at least once."""
