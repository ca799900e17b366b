"""How a state is shown to people."""

Look = tuple[str, str, str]
"""Word, tone, icon."""
