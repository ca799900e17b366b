"""Use cases of the watch: calling, auditing, the static forward list, its settings."""
