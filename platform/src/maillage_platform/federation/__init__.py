"""What the federation may see: states and daily aggregates that came through the outbox (R73)."""
