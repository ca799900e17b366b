"""The relaxation: the model's rows with fractions, in arrays, and PDLP, which solves it.

PDLP is a first-order method: quick on large models, exact to some digits. As many iterations give the same numbers on
any machine.
"""

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt
from ortools.pdlp import solvers_pb2  # type: ignore[import-untyped]
from ortools.util.python.solve_interrupter import SolveInterrupter  # type: ignore[import-untyped]

from maillage_tenants.rota.solver.model import Formulation
from maillage_tenants.rota.solver.problem import Stop

Numbers = NDArray[np.float64]
LOOK_SECONDS = 0.5
"""How often whoever waits for a solve under way looks whether somebody said stop."""


class Rows:
    """`low ≤ A x ≤ high`, `0 ≤ x ≤ upper`, `points · x + constant`, in arrays; A by its entries."""

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


@dataclass(frozen=True)
class Relaxed:
    """Values of the variables, multipliers of the rows, and the iterations that it took."""

    values: Numbers
    duals: Numbers
    iterations: int


def relax(
    rows: Rows,
    *,
    squares: Numbers | None = None,
    seconds: float | None = None,
    iterations: int | None = None,
    precision: float | None = None,
    threads: int = 1,
    stop: Stop = lambda: False,
) -> Relaxed | None:
    """The least of the points, plus `squares · x²` where given. None when there was no time for one iteration.

    Ends after `seconds` or `iterations`, when rows, multipliers and points agree to `precision`, PDLP's own usual
    figure when None, or when `stop`, asked every half second, says so.
    """
    columns = len(rows.points)
    proto = model_pb2.ModelProto()
    proto.variables.ids.extend(range(columns))
    proto.variables.lower_bounds.extend([0.0] * columns)
    proto.variables.upper_bounds.extend(rows.upper.tolist())
    proto.variables.integers.extend([False] * columns)
    proto.objective.offset = rows.constant
    priced = np.flatnonzero(rows.points)
    proto.objective.linear_coefficients.ids.extend(priced.tolist())
    proto.objective.linear_coefficients.values.extend(rows.points[priced].tolist())
    if squares is not None:
        squared = np.flatnonzero(squares)
        proto.objective.quadratic_coefficients.row_ids.extend(squared.tolist())
        proto.objective.quadratic_coefficients.column_ids.extend(squared.tolist())
        proto.objective.quadratic_coefficients.coefficients.extend(squares[squared].tolist())
    proto.linear_constraints.ids.extend(range(len(rows.low)))
    proto.linear_constraints.lower_bounds.extend(rows.low.tolist())
    proto.linear_constraints.upper_bounds.extend(rows.high.tolist())
    order = np.lexsort((rows.column, rows.row))
    proto.linear_constraint_matrix.row_ids.extend(rows.row[order].tolist())
    proto.linear_constraint_matrix.column_ids.extend(rows.column[order].tolist())
    proto.linear_constraint_matrix.coefficients.extend(rows.value[order].tolist())
    model = mathopt.Model.from_model_proto(proto)
    pdlp = solvers_pb2.PrimalDualHybridGradientParams()
    if precision is not None:
        agree = pdlp.termination_criteria.simple_optimality_criteria
        agree.eps_optimal_absolute = agree.eps_optimal_relative = precision
    params = mathopt.SolveParameters(
        time_limit=timedelta(seconds=seconds) if seconds is not None and iterations is None else None,
        iteration_limit=iterations,
        threads=threads,
        pdlp=pdlp,
    )
    halt = SolveInterrupter()
    with ThreadPoolExecutor(1) as beside:
        solving = beside.submit(mathopt.solve, model, mathopt.SolverType.PDLP, params=params, interrupter=halt)
        while not wait([solving], timeout=LOOK_SECONDS).done:
            if stop():
                halt.interrupt()
    result = solving.result()
    done = result.solve_stats.first_order_iterations
    for solution in result.solutions if done else ():
        if solution.dual_solution is not None and solution.primal_solution is not None:
            duals, values = solution.dual_solution.dual_values, solution.primal_solution.variable_values
            return Relaxed(
                np.array([values[variable] for variable in model.variables()]),
                np.array([duals[row] for row in model.linear_constraints()]),
                done,
            )
    return None
