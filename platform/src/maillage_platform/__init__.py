"""The control plane: what the federation runs for everybody."""
