"""Dispatch: whom a request rings, in which order, and why.

`build_ladder` answers with every candidate, also those who are left out and for what reason; the last one is always a
human number of the cooperative, whatever the rota, the sector or the trade (rule 1, never lost). The ladder is frozen
by whoever asked for it: it is explained from what was stored, never computed again (rule 3).
"""

from .rules import Candidate, StepKind
from .service import build_ladder

__all__ = ["Candidate", "StepKind", "build_ladder"]
