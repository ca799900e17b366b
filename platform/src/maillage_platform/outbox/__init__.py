"""The outbox: what left a cooperative, read in order by consumers, at least once."""

from maillage_platform.outbox.reader import StoredEvent, consume

__all__ = ["StoredEvent", "consume"]
