"""Rota instances made from real communes, public holidays and the school calendar; people are invented, by seed.

`python -m bench.rota_instances` writes them all again under `bench/instances/rota`: the same bytes for the same
program. Sectors: communes of the product's own table, grouped by closeness with equal populations. Minutes by road: the
product's estimate from each person's commune to the centre of each sector.
"""

import gzip
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from pathlib import Path
from uuid import UUID

from maillage_kit.clock import paris_instant
from maillage_kit.semester import Semester
from maillage_tenants.rota.rules import Period, whole
from maillage_tenants.rota.solver.instance import (
    Absence,
    Days,
    Desk,
    Instance,
    Person,
    Proof,
    Sector,
    Wish,
    dumps,
    loads,
)
from maillage_tenants.rota.solver.units import Kind, days_and_nights
from maillage_tenants.territory import Commune, load_communes, population_centre, road_km, travel_minutes

FOLDER = Path(__file__).resolve().parent / "instances" / "rota"
SEEDS = range(6)
SEMESTER = Semester(2027, 1)
SCHOOL_HOLIDAYS_ZONE_B = (
    Days(date(2026, 12, 19), date(2027, 1, 3)),
    Days(date(2027, 2, 20), date(2027, 3, 7)),
    Days(date(2027, 4, 17), date(2027, 5, 2)),
)
"""Zone B in the first semester of 2027 (R101): last day of each is the eve of the return."""
FEAST = Absence(
    Period(paris_instant(date(2027, 6, 11), time(12)), paris_instant(date(2027, 6, 14), time(12))), "fête de la ville"
)
TRADES = {"plumbing": "Plomberie", "locksmith": "Serrurerie", "glazing": "Vitrerie"}
FIRST_NAMES = ("Anne", "Bruno", "Claire", "David", "Élise", "Franck", "Gaëlle", "Hugo", "Inès", "Jean", "Karine", "Luc",
               "Marie", "Nadia", "Olivier", "Pauline", "Rémi", "Sophie", "Thomas", "Valérie")  # fmt: skip
LAST_NAMES = ("Aubert", "Binet", "Carpentier", "Delamare", "Duval", "Fouquet", "Grandin", "Hébert", "Lainé", "Lefèvre",
              "Lemoine", "Levasseur", "Mallet", "Morel", "Ozanne", "Picard", "Quesnel", "Renault", "Tessier", "Vasseur",
              "Leblond", "Dubosc", "Hamel")  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """What an instance is made of. `leave`: how much people are away, 1 as usual; `autonomous`: share who may be first
    called; `two_trades`: share of members who practise two; `lapsing`: share whose insurance ends within the semester;
    `leaders`: so many of a desk, or all there are, may be first called; `feast`: everybody who serves the smallest
    sector is away one weekend, so that nobody can cover it then."""

    name: str
    departments: tuple[str, ...]
    sectors: int
    trades: tuple[str, ...]
    people: int
    leave: float = 1.0
    autonomous: float = 0.85
    two_trades: float = 0.0
    lenders: float = 0.5
    lapsing: float = 0.03
    fewest: int = 5
    promised: int = 75
    feast: bool = False
    leaders: int = 5


SHAPES = (
    Shape("eure", ("27",), 8, ("plumbing",), 60),
    Shape("normandie", ("14", "27", "76"), 20, tuple(TRADES), 400, two_trades=0.12),
    Shape("tight-winter", ("27",), 8, ("plumbing",), 56, leave=1.45, lenders=0.35, leaders=4, feast=True),
    Shape("tight-few", ("27",), 6, ("locksmith",), 36, lenders=0.5, leaders=4, feast=True),
    Shape("tight-papers", ("76",), 7, ("glazing",), 52, lenders=0.4, lapsing=0.12, leaders=4, feast=True),
)


def path_of(shape: str, seed: int) -> Path:
    return FOLDER / f"{shape}-{seed}.json.gz"


def read(shape: str, seed: int) -> Instance:
    return loads(gzip.decompress(path_of(shape, seed).read_bytes()))


# --- territory --------------------------------------------------------------


def grouped(communes: Sequence[Commune], number: int, draw: random.Random) -> list[list[Commune]]:
    """Communes in `number` groups of about the same population, each around its own centre."""
    scale = math.cos(math.radians(sum(c.lat for c in communes) / len(communes)))
    where = [(c.lon * scale * 111.3, c.lat * 111.3) for c in communes]
    weights = [c.population for c in communes]
    centres = [where[i] for i in _spread(weights, where, number, draw)]
    burden = [0.0] * number
    mean = sum(weights) / number
    best: tuple[float, list[int]] = (math.inf, [])
    for _ in range(150):
        held = [min(range(number), key=lambda g: math.dist(point, centres[g]) + burden[g]) for point in where]
        total = [0.0] * number
        sums = [[0.0, 0.0, 0.0] for _ in range(number)]
        for group, point, weight in zip(held, where, weights, strict=True):
            total[group] += weight
            for axis, part in enumerate((*point, 1.0)):
                sums[group][axis] += part * (weight + 200)
        best = min(best, (max(abs(one / mean - 1) for one in total), held))
        for group in range(number):
            if sums[group][2]:
                centres[group] = (sums[group][0] / sums[group][2], sums[group][1] / sums[group][2])
            burden[group] += 0.6 * (total[group] / mean - 1)
    groups = [[c for c, g in zip(communes, best[1], strict=True) if g == group] for group in range(number)]
    return sorted(groups, key=lambda g: -sum(c.population for c in g))


def _spread(
    weights: Sequence[int], where: Sequence[tuple[float, float]], number: int, draw: random.Random
) -> list[int]:
    """Starting points far from one another, the populated ones first."""
    chosen = [draw.choices(range(len(where)), weights)[0]]
    while len(chosen) < number:
        far = [w * min(math.dist(p, where[c]) for c in chosen) ** 2 for p, w in zip(where, weights, strict=True)]
        chosen.append(draw.choices(range(len(where)), far)[0])
    return chosen


def _uuid(draw: random.Random) -> UUID:
    return UUID(int=draw.getrandbits(128), version=4)


# --- people -----------------------------------------------------------------


def make(shape: Shape, seed: int) -> Instance:
    """The instance of a shape and a seed: always the same."""
    ground = random.Random(f"{shape.name} ground")
    draw = random.Random(f"{shape.name} {seed}")
    communes = [commune for department in shape.departments for commune in load_communes(department)]
    groups = grouped(communes, shape.sectors, ground)
    ids = [_uuid(ground) for _ in groups]
    group_of = {c.insee: g for g, group in enumerate(groups) for c in group}
    touching: dict[int, set[int]] = defaultdict(set)
    for commune in communes:
        for other in commune.neighbours:
            if other in group_of and group_of[other] != group_of[commune.insee]:
                touching[group_of[commune.insee]].add(group_of[other])
                touching[group_of[other]].add(group_of[commune.insee])
    centres = [population_centre(group) for group in groups]
    pattern = days_and_nights()
    sectors = tuple(
        Sector(ids[g], max(group, key=lambda c: c.population).name, pattern, tuple(ids[n] for n in sorted(touching[g])))
        for g, group in enumerate(groups)
    )
    desks = tuple(Desk(ids[g], trade, shape.promised) for g in range(len(groups)) for trade in shape.trades)
    people = tuple(_people(shape, draw, groups, centres, ids, touching))
    if shape.feast:
        people = tuple(
            replace(person, absences=(*person.absences, FEAST)) if ids[-1] in person.minutes else person
            for person in people
        )
    return Instance(
        name=f"{shape.name}-{seed}",
        over=whole(SEMESTER),
        department=shape.departments[0],
        trades={trade: TRADES[trade] for trade in shape.trades},
        sectors=sectors,
        desks=desks,
        people=people,
        school_holidays=SCHOOL_HOLIDAYS_ZONE_B,
    )


def _people(
    shape: Shape,
    draw: random.Random,
    groups: Sequence[Sequence[Commune]],
    centres: Sequence[tuple[float, float]],
    ids: Sequence[UUID],
    touching: dict[int, set[int]],
) -> Iterator[Person]:
    places = [(g, trade) for g in range(len(groups)) for trade in shape.trades]
    homes = [place for place in places for _ in range(shape.fewest)][: shape.people]
    size = [sum(c.population for c in group) for group in groups]
    while len(homes) < shape.people:
        weights = [size[place[0]] / homes.count(place) ** 2 for place in places]
        homes.append(draw.choices(places, weights)[0])
    first_called: dict[tuple[int, str], int] = defaultdict(int)
    for number, (group, trade) in enumerate(homes):
        commune = draw.choices(groups[group], [c.population for c in groups[group]])[0]
        lends = sorted(touching[group], key=lambda g: _minutes(commune, centres[g]))[:2]
        served = [group, *(lends if draw.random() < shape.lenders else ())]
        trades = {trade}
        if len(shape.trades) > 1 and draw.random() < shape.two_trades:
            trades.add(draw.choice([other for other in shape.trades if other != trade]))
        left = sum(home == (group, trade) for home in homes[number:])
        alone = draw.random() < shape.autonomous or first_called[group, trade] + left <= shape.leaders
        first_called[group, trade] += alone
        off = list(_leave(shape, draw))
        yield Person(
            id=_uuid(draw),
            member_id=_uuid(draw),
            name=f"{draw.choice(FIRST_NAMES)} {draw.choice(LAST_NAMES)}",
            engagement=float(draw.choice([10, 15, 20, 20, 20, 25])),
            homes=frozenset({ids[group]}),
            minutes={ids[g]: min(shape.promised, _minutes(commune, centres[g])) for g in served},
            trades=frozenset(trades),
            proofs=tuple(_proofs(shape, draw, sorted(trades))),
            employed=draw.random() < 0.1,
            ranks=(1, 2) if alone else (2,),
            absences=tuple(off),
            wishes=tuple(_wishes(draw)),
            carried={kind: round(draw.gauss(0, 0.7), 1) for kind in (Kind.HOLIDAY, Kind.SUNDAY, Kind.WEEKNIGHT)},
            held_last_year=frozenset(name for name in ("Jour de l’an", "Lundi de Pâques", "Ascension",
                                                       "Lundi de Pentecôte", "Fête du Travail")
                                     if draw.random() < 0.12),
            spare_school_holidays=draw.choice([0, 0, 0, 1, 2]),
        )  # fmt: skip


def _minutes(commune: Commune, centre: tuple[float, float]) -> int:
    return travel_minutes(road_km(commune.lat, commune.lon, *centre))


def _week(number: int, days: int = 7) -> Period:
    """From Monday 4 January 2027, 00:00."""
    monday = date(2027, 1, 4) + timedelta(days=7 * number)
    return Period(paris_instant(monday), paris_instant(monday + timedelta(days=days)))


def _in_school_holidays(number: int) -> bool:
    middle = date(2027, 1, 6) + timedelta(days=7 * number)
    return any(days.first <= middle <= days.last for days in SCHOOL_HOLIDAYS_ZONE_B)


def _leave(shape: Shape, draw: random.Random) -> Iterator[Absence]:
    """One to three holidays of a week or two, four times likelier in the school holidays; some weekends."""
    weights = [4 if _in_school_holidays(number) else 1 for number in range(25)]
    taken = sum(draw.random() < shape.leave / 2 for _ in range(2 * draw.choice([1, 2, 2, 3])))
    for _ in range(taken):
        first = draw.choices(range(25), weights)[0]
        last = first + draw.choice([0, 0, 1])
        yield Absence(Period(_week(first).starts_at, _week(last).ends_at), "congés")
    for _ in range(draw.choice([0, 1, 2])):
        saturday = date(2027, 1, 9) + timedelta(days=7 * draw.randrange(25))
        yield Absence(
            Period(paris_instant(saturday), paris_instant(saturday + timedelta(days=2))), "week-end en famille"
        )


def _wishes(draw: random.Random) -> Iterator[Wish]:
    for number in range(25):
        if draw.random() < 0.16:
            start = draw.choice([0, 0, 1, 4])
            monday = date(2027, 1, 4) + timedelta(days=7 * number + start)
            period = Period(paris_instant(monday), paris_instant(monday + timedelta(days=draw.choice([1, 2, 3]))))
            yield Wish(period, wanted=False, weight=draw.choice([1, 2, 3]))
    if draw.random() < 0.3:
        yield Wish(_week(draw.randrange(25)), wanted=True, weight=draw.choice([1, 2]))


def _proofs(shape: Shape, draw: random.Random, trades: Sequence[str]) -> Iterator[Proof]:
    """Both insurances and a qualification for each trade; some insurances end within the semester (R61)."""
    end = date(2027, 12, 31)
    if draw.random() < shape.lapsing:
        end = date(2027, 2, 15) + timedelta(days=draw.randrange(130))
    yield Proof("liability", None, Days(date(2026, 1, 1), date(2027, 12, 31)))
    yield Proof("decennial", None, Days(date(2026, 1, 1), end))
    for trade in trades:
        yield Proof("qualification", trade, Days(date(2015, 1, 1), date(2035, 12, 31)))


def write() -> None:
    """Every instance of the bench, again."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for shape in SHAPES:
        for seed in SEEDS:
            text = dumps(make(shape, seed))
            path_of(shape.name, seed).write_bytes(gzip.compress(text, 9, mtime=0))


if __name__ == "__main__":
    write()
