"""Rota: who is on call, for which post, over which half-open period; never edited, always superseded (R57, R65).

Other domains import from here only. `on_call` answers for any instant, past or future, and as known at another.
"""

from .queries import OnCall, on_call

__all__ = ["OnCall", "on_call"]
