"""The data plane: everything one cooperative owns."""
