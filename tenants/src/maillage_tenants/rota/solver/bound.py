"""A proof of how good a plan can be at all: the linear bound, made safe.

PDLP finds multipliers of the rows; whatever they are, Lagrange's bound from them holds because every variable is
bounded. So the figure is proven even where PDLP stopped early, up to the rounding of double precision, for which a
margin is taken off. Points are whole numbers: the bound is rounded up.
"""

import math
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt

from maillage_tenants.rota.solver.model import Formulation

MARGIN = 1e-6
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Proof:
    """`bound`: no plan has fewer points. `dear`: by slot and person, by how much a plan with that assignment is at
    least above the bound; `iterations` of PDLP that it took: as many give the same proof on any machine."""

    bound: int
    dear: dict[tuple[int, int], float]
    iterations: int = 0


def prove(f: Formulation, *, seconds: float, threads: int = 1, iterations: int | None = None) -> Proof:
    """Always a true bound; the best of PDLP's within the time, or what the variables' own limits give. `iterations`: as
    many, whatever time they take."""
    rows = _Rows(f)
    duals = np.zeros(len(rows.low))
    best = rows.bound(duals)
    done = 0
    if seconds > 0 and len(rows.low) and iterations != 0:
        found, done = _duals(f, rows, seconds, threads, iterations)
        if found is not None and rows.bound(found) > best:
            duals, best = found, rows.bound(found)
    reduced = rows.reduced(duals)
    dear = {key: max(0.0, float(reduced[variable])) for key, variable in f.take.items()}
    return Proof(math.ceil(best - MARGIN * max(1.0, abs(best))), dear, done)


def lower_bound(f: Formulation, *, seconds: float, threads: int = 1) -> int:
    """No plan has fewer points than this."""
    return prove(f, seconds=seconds, threads=threads).bound


class _Rows:
    """`low ≤ A x ≤ high`, `0 ≤ x ≤ upper`, in arrays; A by its entries."""

    def __init__(self, f: Formulation) -> None:
        members: list[list[int]] = [*f.one_of, *f.at_most_one, *(row[1] for row in f.rows)]
        weights: list[list[int]] = [*([1] * len(row) for row in (*f.one_of, *f.at_most_one)), *(r[0] for r in f.rows)]
        infinite = float("inf")
        self.low = np.array(
            [1.0] * len(f.one_of)
            + [-infinite] * len(f.at_most_one)
            + [-infinite if low is None else float(low) for _, _, low, _ in f.rows]
        )
        self.high = np.array(
            [1.0] * len(f.one_of)
            + [1.0] * len(f.at_most_one)
            + [infinite if high is None else float(high) for _, _, _, high in f.rows]
        )
        sizes = np.array([len(row) for row in members], dtype=np.int64)
        self.row = np.repeat(np.arange(len(members)), sizes)
        self.column = np.array([v for row in members for v in row], dtype=np.int64)
        self.value = np.array([w for row in weights for w in row], dtype=float)
        self.points = np.array(f.points, dtype=float)
        self.upper = np.array(f.upper, dtype=float)
        self.constant = float(f.constant)

    def bound(self, duals: Numbers) -> float:
        """Lagrange's bound: what the rows give at these multipliers plus the least each variable can cost then."""
        y = self.signed(duals)
        finite_low, finite_high = (np.where(np.isinf(side), 0.0, side) for side in (self.low, self.high))
        sides = np.where(y > 0, finite_low, finite_high)
        return float(self.constant + y @ sides + np.minimum(self.reduced(duals), 0.0) @ self.upper)

    def signed(self, duals: Numbers) -> Numbers:
        """A row without a lower side has no positive multiplier, one without an upper side no negative one."""
        y = np.where(np.isinf(self.low), np.minimum(duals, 0.0), duals)
        return np.where(np.isinf(self.high), np.maximum(y, 0.0), y)

    def reduced(self, duals: Numbers) -> Numbers:
        """What each variable costs at these multipliers."""
        y = self.signed(duals)
        return self.points - np.bincount(self.column, weights=self.value * y[self.row], minlength=len(self.points))


def _duals(
    f: Formulation, rows: _Rows, seconds: float, threads: int, iterations: int | None
) -> tuple[Numbers | None, int]:
    """The multipliers, and how many iterations gave them; none of either when there was no time for one."""
    proto = model_pb2.ModelProto()
    columns = len(f.points)
    proto.variables.ids.extend(range(columns))
    proto.variables.lower_bounds.extend([0.0] * columns)
    proto.variables.upper_bounds.extend(rows.upper.tolist())
    proto.variables.integers.extend([False] * columns)
    proto.objective.offset = rows.constant
    priced = np.flatnonzero(rows.points)
    proto.objective.linear_coefficients.ids.extend(priced.tolist())
    proto.objective.linear_coefficients.values.extend(rows.points[priced].tolist())
    proto.linear_constraints.ids.extend(range(len(rows.low)))
    proto.linear_constraints.lower_bounds.extend(rows.low.tolist())
    proto.linear_constraints.upper_bounds.extend(rows.high.tolist())
    order = np.lexsort((rows.column, rows.row))
    proto.linear_constraint_matrix.row_ids.extend(rows.row[order].tolist())
    proto.linear_constraint_matrix.column_ids.extend(rows.column[order].tolist())
    proto.linear_constraint_matrix.coefficients.extend(rows.value[order].tolist())
    model = mathopt.Model.from_model_proto(proto)
    result = mathopt.solve(
        model,
        mathopt.SolverType.PDLP,
        params=mathopt.SolveParameters(
            time_limit=timedelta(seconds=seconds) if iterations is None else None,
            iteration_limit=iterations,
            threads=threads,
        ),
    )
    done = result.solve_stats.first_order_iterations
    for solution in result.solutions if done else ():
        if solution.dual_solution is not None:
            values = solution.dual_solution.dual_values
            return np.array([values[row] for row in model.linear_constraints()]), done
    return None, done
