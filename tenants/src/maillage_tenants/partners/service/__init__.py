"""Acts on partners, by use case."""
