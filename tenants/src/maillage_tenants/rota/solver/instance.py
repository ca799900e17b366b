"""A semester to plan, as plain facts: what must be covered, who there is, what the cooperative decided.

Everything here is data that a person could read aloud; nothing is derived. It is kept as JSON (`dumps`, `loads`), so
that a plan can be explained, solved again and compared long after the tables have moved on. Instants are UTC and
periods half-open; days are days in Paris, both included.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

import msgspec

from maillage_tenants.rota.rules import RANKS, Period
from maillage_tenants.rota.solver.units import Kind, Pattern

PROOFS = ("liability", "decennial", "qualification")
"""What must be proven on every day of a duty: both insurances and the qualification for the trade (R8, R61). The codes
are those of the members' documents."""


@dataclass(frozen=True, slots=True)
class Days:
    """Days in Paris, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Sector:
    id: UUID
    name: str
    pattern: Pattern
    neighbours: tuple[UUID, ...] = ()
    """Sectors that touch it: where help may be asked first."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One sector, one trade: `ranks` people are on call for it at every instant. `promised_minutes`: somebody further
    away than that is never on call for it (R64)."""

    sector_id: UUID
    trade: str
    promised_minutes: int
    ranks: tuple[int, ...] = RANKS


@dataclass(frozen=True, slots=True)
class Proof:
    """A document valid on `days`; `trade` None covers every trade (insurances only)."""

    kind: str
    trade: str | None
    days: Days


@dataclass(frozen=True, slots=True)
class Absence:
    """Declared: never crossed. `label` in French, « congés ». `asked`: not decided yet, it may still be refused."""

    period: Period
    label: str = ""
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """`wanted`: would like to be on call then; else would rather not. `weight` 1 to 3."""

    period: Period
    wanted: bool = False
    weight: int = 1
    label: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """A technician who may be on call.

    `engagement`: units owed this semester (R53), by which fairness is measured; at 0 the person is never on call.
    `employed`: the labour code applies (R63). `homes`: sectors served first; `minutes`: road time to each sector that
    can be served at all. `ranks`: somebody still learning may be backup only. `available`: days of membership.
    `carried`: by kind, units done beyond (or below, negative) the fair share in earlier semesters; rank 2 under
    `carried_backup`. `held_last_year`: holidays served a year ago, by the names that `Unit.holidays` gives (R64).
    `spare_school_holidays`: how much, 0 to 3, a duty in the school holidays of the zone is unwelcome (R101).
    """

    id: UUID
    member_id: UUID
    name: str
    engagement: float
    homes: frozenset[UUID]
    minutes: Mapping[UUID, int]
    trades: frozenset[str]
    proofs: tuple[Proof, ...]
    available: Days | None = None
    employed: bool = False
    ranks: tuple[int, ...] = RANKS
    absences: tuple[Absence, ...] = ()
    wishes: tuple[Wish, ...] = ()
    carried: Mapping[Kind, float] = field(default_factory=dict)
    carried_backup: float = 0.0
    held_last_year: frozenset[str] = frozenset()
    spare_school_holidays: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """What the cooperative decided; each is explained in docs/rota-model.md. 0 switches a rule off.

    `rest_hours`: between two different units held at rank 1 by a self-employed member; two whole weeks that follow one
    another are the business of `max_weeks_running` instead. R64 recommends it, no law does (R62).
    `employee_rest_hours`, `employee_weekly_rest_hours`: between two duties of an employee at any rank, and free of duty
    at one stretch in every calendar week and after a duty of six days or more (R63: L3131-1, L3132-2).
    """

    max_weeks_running: int = 2
    max_units_a_week: int = 2
    rest_hours: int = 11
    employee_rest_hours: int = 11
    employee_weekly_rest_hours: int = 35


UNCOVERED, CHANGE = 2000, 500
"""Points, at least, of an empty slot and of a duty that changes hands in a repair."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Points of each soft wish: whole numbers, so that a proof is exact. `band`: a unit outside the fair band, by
    kind, and at 0 the kind is not balanced."""

    uncovered: int = UNCOVERED
    uncovered_first: int = 10
    """More when it is rank 1: never enough to prefer one more hole elsewhere."""
    band: Mapping[Kind, int] = field(
        default_factory=lambda: {
            Kind.FESTIVE: 40,
            Kind.HOLIDAY: 30,
            Kind.SUNDAY: 20,
            Kind.SATURDAY: 20,
            Kind.WEEKNIGHT: 20,
            Kind.WEEKDAY: 0,
        }
    )
    band_first: int = 20
    """A unit at rank 1 outside the band of all units at rank 1."""
    band_backup: int = 20
    away: int = 3
    same_again: int = 4
    """The same kind of unit two weeks running: « pas deux semaines de suite » (R64)."""
    same_holiday: int = 6
    """A holiday that one held last year already (R64)."""
    wish: int = 1
    """Times the weight of the wish."""
    change: int = CHANGE
    """In a repair: a duty that changes hands."""

    @classmethod
    def decided(
        cls,
        *,
        band: Mapping[Kind, int],
        first: int,
        backup: int,
        away: int,
        same_again: int,
        same_holiday: int,
        wish: int,
    ) -> "Weights":
        """What a cooperative decided. No fairness is worth an empty place, nor a change in a repair (R64): what those
        two weigh grows with the rest."""
        gained = 2 * (sum(band.values()) + first + backup + same_again) + away + same_holiday + 3 * wish
        change = max(CHANGE, gained)
        return cls(
            uncovered=max(UNCOVERED, 4 * change),
            band=band,
            band_first=first,
            band_backup=backup,
            away=away,
            same_again=same_again,
            same_holiday=same_holiday,
            wish=wish,
            change=change,
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """A duty of the published rota. `locked`: it may not move (past, notice given, R63)."""

    sector_id: UUID
    trade: str
    rank: int
    person_id: UUID
    period: Period
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Instance:
    """`together`: pairs of sectors that one person may serve at once; a pair of the same sector twice lets one person
    hold two trades there (R64). `before`: duties held in the last weeks before the semester, for rest and weeks
    running. `department` decides the two holidays of Alsace and Moselle (R100). `since`: in a repair, what is over by
    then and was held by nobody is not looked at any more. `owed`: by person and category of balance, the fair share
    of the semester (`owed.py`); the plain proportion to the engagements when None."""

    name: str
    over: Period
    department: str
    trades: Mapping[str, str]
    sectors: tuple[Sector, ...]
    desks: tuple[Desk, ...]
    people: tuple[Person, ...]
    together: frozenset[tuple[UUID, UUID]] = frozenset()
    school_holidays: tuple[Days, ...] = ()
    rules: Rules = field(default_factory=Rules)
    weights: Weights = field(default_factory=Weights)
    before: tuple[Kept, ...] = ()
    kept: tuple[Kept, ...] = ()
    since: datetime | None = None
    owed: Mapping[UUID, Mapping[str, float]] | None = None

    def __post_init__(self) -> None:
        """Raises ValueError when ids are not unique or name nothing."""
        known = {sector.id for sector in self.sectors}
        people = {person.id for person in self.people}
        desks = {(desk.sector_id, desk.trade) for desk in self.desks}
        if len(known) != len(self.sectors) or len(people) != len(self.people) or len(desks) != len(self.desks):
            raise ValueError("two sectors, people or desks have the same id")
        if not {desk.sector_id for desk in self.desks} <= known or not {desk.trade for desk in self.desks} <= set(
            self.trades
        ):
            raise ValueError("a desk names a sector or a trade that is not there")
        if not {kept.person_id for kept in self.kept} <= people:
            raise ValueError("a kept duty names a person who is not there")


def dumps(instance: Instance) -> bytes:
    """The instance as JSON, the same bytes for the same facts."""
    plain = msgspec.to_builtins(instance, str_keys=True, order="deterministic")
    return msgspec.json.encode(plain, order="deterministic")


def loads(text: bytes) -> Instance:
    """Raises ValueError when the text is not an instance."""
    try:
        return msgspec.json.decode(text, type=Instance)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a rota instance: {error}") from error
