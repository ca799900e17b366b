"""What the federation may see: states and daily aggregates that came through the outbox (R73)."""

from maillage_platform.federation.service import CONSUMER, Totals, count_event, days_of, totals_by_cooperative
from maillage_platform.federation.watching import watch_states

__all__ = ["CONSUMER", "Totals", "count_event", "days_of", "totals_by_cooperative", "watch_states"]
