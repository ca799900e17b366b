"""The plumbing trade (Plomberie)."""
