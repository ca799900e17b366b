"""Plans and subscriptions: what was promised to whom (R28)."""
