"""A proof of how good a plan can be at all: the linear bound, made safe.

PDLP finds multipliers of the rows; whatever they are, Lagrange's bound from them holds because every variable is
bounded. So the figure is proven even where PDLP stopped early, up to the rounding of double precision, for which a
margin is taken off. Points are whole numbers: the bound is rounded up.
"""

import math
from dataclasses import dataclass

import numpy as np

from maillage_tenants.rota.solver.linear import Rows, relax
from maillage_tenants.rota.solver.model import Formulation
from maillage_tenants.rota.solver.problem import Stop

MARGIN = 1e-6
PRECISION = 1e-5
"""To which PDLP's figures agree: closer ones take three times as long, and better the bound by less than a point."""


@dataclass(frozen=True)
class Proof:
    """`bound`: no plan has fewer points. `dear`: by slot and person, by how much a plan with that assignment is at
    least above the bound. `worth`: by slot, what somebody to hold it is worth. `iterations` of PDLP that it took: as
    many give the same proof on any machine."""

    bound: int
    dear: dict[tuple[int, int], float]
    worth: dict[int, float]
    iterations: int = 0


def prove(
    f: Formulation,
    *,
    seconds: float,
    threads: int = 1,
    iterations: int | None = None,
    stop: Stop = lambda: False,
) -> Proof:
    """Always a true bound; the best of PDLP's within the time, or what the variables' own limits give. `iterations`: as
    many, whatever time they take. Ends earlier when `stop`, asked every half second, says so."""
    rows = Rows(f)
    duals = np.zeros(len(rows.low))
    best = rows.bound(duals)
    done = 0
    if seconds > 0 and len(rows.low) and iterations != 0:
        found = relax(rows, seconds=seconds, iterations=iterations, precision=PRECISION, threads=threads, stop=stop)
        if found is not None:
            done = found.iterations
            if rows.bound(found.duals) > best:
                duals, best = found.duals, rows.bound(found.duals)
    reduced = rows.reduced(duals)
    dear = {key: max(0.0, float(reduced[variable])) for key, variable in f.take.items()}
    # The rows of the slots come first, in the order of the slots.
    worth = dict(zip(f.hole, rows.signed(duals)[: len(f.one_of)].tolist(), strict=False))
    return Proof(math.ceil(best - MARGIN * max(1.0, abs(best))), dear, worth, done)


def lower_bound(f: Formulation, *, seconds: float, threads: int = 1) -> int:
    """No plan has fewer points than this."""
    return prove(f, seconds=seconds, threads=threads).bound
