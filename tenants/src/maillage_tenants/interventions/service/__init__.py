"""Use cases of the case file, one module per moment of its life."""
