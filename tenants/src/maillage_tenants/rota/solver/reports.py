"""What is asked of a search and what it tells: data alone. The web and the worker read these; only the process that
searches loads the solver."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from maillage_tenants.rota.rules import Period

BOUND_SHARE, MOST_BOUND_SECONDS = 0.2, 90.0
REPAIR = "repair"


class Ended(StrEnum):
    """Why a search ended."""

    OPTIMAL = "optimal"
    TIME = "time"
    STOPPED = "stopped"
    STEPS = "steps"


@dataclass(frozen=True, slots=True)
class Progress:
    """What a person watching is told. `bound` None: not computed yet. `spread`: worst distance from the fair share."""

    seconds: float
    steps: int
    points: int
    uncovered: int
    bound: int | None
    spread: float

    @property
    def gap(self) -> float | None:
        """How much better a plan could be at most, as a share of the points; 0 is proven best."""
        if self.bound is None:
            return None
        return 0.0 if self.points <= self.bound else (self.points - self.bound) / max(1, abs(self.points))


@dataclass(frozen=True, slots=True)
class Covered:
    """How much of a semester a first plan holds, that regards nothing else, and after how long."""

    seconds: float
    slots: int
    uncovered: int


@dataclass(frozen=True, slots=True)
class Hole:
    """One place that nobody holds, over weeks that follow one another for the same reason. `why` and `fixes` are empty
    when the reason was not looked for or not found. All in French."""

    title: str
    sector_id: UUID
    trade: str
    rank: int
    periods: tuple[Period, ...]
    why: str = ""
    fixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """`steps`: at most so many neighbourhoods, None for as many as there is time for. `bound_seconds`,
    `bound_iterations`, `changes`: see `solve`."""

    kind: str
    seconds: float
    seed: int
    steps: int | None = None
    bound_seconds: float | None = None
    bound_iterations: int | None = None
    changes: int | None = None


@dataclass(frozen=True)
class Given:
    """One unit given to one person."""

    sector_id: UUID
    trade: str
    rank: int
    person_id: UUID
    periods: tuple[Period, ...]


@dataclass(frozen=True)
class Move:
    """A place that changes hands; None is nobody. `label`: the unit, in French."""

    sector_id: UUID
    trade: str
    rank: int
    label: str
    periods: tuple[Period, ...]
    before: UUID | None
    after: UUID | None


@dataclass(frozen=True)
class Solved:
    """`least`: no plan has fewer uncovered places, proven. `fewest`: see `Repair`. `digest` tells two plans apart;
    `steps`, `bound_iterations` and `changes` make the same one again."""

    ended: str
    steps: int
    seconds: float
    slots: int
    uncovered: int
    points: int
    bound: int | None
    spread: float
    digest: str
    given: tuple[Given, ...]
    holes: tuple[Hole, ...] = ()
    least: int | None = None
    moves: tuple[Move, ...] = ()
    lost: int = 0
    fewest: bool = False
    bound_iterations: int = 0
    changes: int = 0


@dataclass(frozen=True)
class Told:
    """One line of the output: what is not None has news."""

    covered: Covered | None = None
    progress: Progress | None = None
    slots: int = 0
    plan: tuple[Given, ...] | None = None
    done: Solved | None = None
