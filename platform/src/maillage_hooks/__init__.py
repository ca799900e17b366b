"""The contract between the core and the trades."""
