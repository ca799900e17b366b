"""Fakes that ship with the product, for its tests, its demo and the tests of trade authors. Nothing here is imported by
the running service."""
