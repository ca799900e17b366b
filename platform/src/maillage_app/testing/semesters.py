"""Small instances for the rota's solver: people with all sorts of facts, in four or five weeks with a time change."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from hypothesis import strategies as st

from maillage_kit.clock import paris_instant
from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.solver.instance import Absence, Days, Desk, Instance, Kept, Person, Proof, Sector, Wish
from maillage_tenants.rota.solver.problem import Plan, Problem
from maillage_tenants.rota.solver.state import assigned
from maillage_tenants.rota.solver.units import Kind, days_and_nights, week_and_weekend, whole_weeks

EVER = Days(date(2020, 1, 1), date(2035, 12, 31))
MARCH = Period(paris_instant(date(2027, 3, 15)), paris_instant(date(2027, 4, 12)))
"""Four weeks with the night of 23 hours, Easter Sunday and Easter Monday."""
OCTOBER = Period(paris_instant(date(2026, 10, 12)), paris_instant(date(2026, 11, 16)))
"""Five weeks with the night of 25 hours and two public holidays."""
NAMES = ("Anne", "Bruno", "Claire", "David", "Élise", "Franck", "Gaëlle", "Hugo", "Inès", "Jean")


def uid(number: int) -> UUID:
    """Of sector 1, 2 …; of person `n` and their member: 100 + n, 200 + n."""
    return UUID(int=number)


def proofs(*trades: str, until: date = EVER.last) -> tuple[Proof, ...]:
    """All the documents that are asked for; the ten-year insurance ends then."""
    days = Days(EVER.first, until)
    return (
        Proof("liability", None, EVER),
        Proof("decennial", None, days),
        *(Proof("qualification", trade, EVER) for trade in trades),
    )


def person(number: int, *, homes: tuple[int, ...] = (1,), trades: tuple[str, ...] = ("a",), **more: object) -> Person:
    """Somebody who may take anything at home; `more` says otherwise."""
    facts: dict[str, object] = {
        "id": uid(100 + number),
        "member_id": uid(200 + number),
        "name": f"{NAMES[number % 10]} {number}",
        "engagement": 10.0,
        "homes": frozenset(map(uid, homes)),
        "minutes": {uid(home): 20 for home in homes},
        "trades": frozenset(trades),
        "proofs": proofs(*trades),
    }
    return Person(**(facts | more))  # type: ignore[arg-type]


def instance(people: tuple[Person, ...], *, over: Period = MARCH, sectors: int = 1, **more: object) -> Instance:
    """One desk a sector, of trade "a", days and nights; `more` says otherwise."""
    pattern = more.pop("pattern", days_and_nights())
    facts: dict[str, object] = {
        "name": "essai",
        "over": over,
        "department": "27",
        "trades": {"a": "Plomberie", "b": "Serrurerie"},
        "sectors": tuple(Sector(uid(n), f"Secteur {n}", pattern) for n in range(1, sectors + 1)),  # type: ignore[arg-type]
        "desks": tuple(Desk(uid(n), "a", 60) for n in range(1, sectors + 1)),
        "people": people,
    }
    return Instance(**(facts | more))  # type: ignore[arg-type]


def week(number: int, over: Period = MARCH) -> Period:
    """The week of that number, from 0."""
    return Period(over.starts_at + timedelta(days=7 * number), over.starts_at + timedelta(days=7 * number + 7))


def kept(problem: Problem, plan: Plan) -> tuple[Kept, ...]:
    """The plan's duties as published ones."""
    return tuple(
        Kept(given.sector_id, given.trade, given.rank, given.person_id, period)
        for given in assigned(problem, plan)
        for period in given.periods
    )


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    """Two sectors with patterns of their own, one or two trades, people with all sorts of facts."""
    over = draw(st.sampled_from([MARCH, OCTOBER]))
    sectors = draw(st.integers(1, 2))
    trades = draw(st.sampled_from([("a",), ("a", "b")]))
    patterns = st.sampled_from([whole_weeks(), week_and_weekend(), days_and_nights(), days_and_nights(apart=False)])
    people = []
    for number in range(draw(st.integers(4, 9))):
        home = draw(st.integers(1, sectors))
        first = draw(st.integers(0, 24))
        people.append(
            person(
                number,
                homes=(home,),
                trades=draw(st.sampled_from([("a",), ("b",), ("a", "b")])) if len(trades) > 1 else ("a",),
                minutes={uid(n): draw(st.sampled_from([20, 20, 90])) for n in range(1, sectors + 1)} | {uid(home): 15},
                engagement=float(draw(st.integers(5, 20))),
                employed=draw(st.booleans()),
                ranks=draw(st.sampled_from([(1, 2), (1, 2), (2,)])),
                absences=(
                    Absence(
                        Period(over.starts_at + timedelta(days=first), over.starts_at + timedelta(days=first + 5)),
                        "congés",
                    ),
                )
                if draw(st.booleans())
                else (),
                wishes=(Wish(week(draw(st.integers(0, 3)), over), wanted=draw(st.booleans()), weight=2),),
                proofs=proofs("a", "b", until=draw(st.sampled_from([EVER.last, date(2027, 4, 1), date(2026, 11, 2)]))),
                carried={Kind.SUNDAY: draw(st.floats(-2, 2))},
            )
        )
    together = draw(st.sampled_from([frozenset(), frozenset({(uid(1), uid(1))}), frozenset({(uid(1), uid(2))})]))
    made = instance(
        tuple(people),
        over=over,
        sectors=sectors,
        desks=tuple(Desk(uid(n), trade, 60) for n in range(1, sectors + 1) for trade in trades),
        together=together if sectors == 2 else frozenset(),
    )
    return replace(made, sectors=tuple(replace(sector, pattern=draw(patterns)) for sector in made.sectors))


def usual_semester() -> Problem:
    """Two sectors, fourteen people, of whom two serve both."""
    people = tuple(
        person(n, homes=(1 + n % 2,), minutes={uid(1 + n % 2): 10} | ({uid(2 - n % 2): 40} if n < 2 else {}),
               engagement=10.0 + 5 * (n % 3), employed=n == 4)
        for n in range(14)
    )  # fmt: skip
    return Problem(instance(people, over=OCTOBER, sectors=2))
