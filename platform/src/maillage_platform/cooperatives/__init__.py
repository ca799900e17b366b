"""The directory of cooperatives: creation, provisioning, trades, state."""
