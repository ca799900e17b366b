"""Is a plan right? Written from the rules alone (R61, R63, R64): it shares with the solver the facts, nothing else.

Slow and plain on purpose. Every plan that the solver makes is held against it in tests and in the bench.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, pairwise
from uuid import UUID

from maillage_hooks.bands import public_holiday
from maillage_kit.clock import paris, paris_instant
from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.solver.instance import Desk, Instance, Kept, Person

SIX_DAYS = timedelta(days=6)


@dataclass(frozen=True, slots=True)
class Assigned:
    """One unit given to one person; `unit` tells the units of a desk and rank apart, `periods` are all of its times."""

    sector_id: UUID
    trade: str
    rank: int
    unit: str
    person_id: UUID
    periods: tuple[Period, ...]


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that a plan breaks, and for whom. `rule` is stable, `text` is French."""

    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`breaches`: rules broken. `gaps`: times at which a rank of a desk has nobody, in seconds, by desk and rank."""

    breaches: tuple[Breach, ...]
    gaps: tuple[tuple[UUID, str, int, Period], ...]

    @property
    def ok(self) -> bool:
        return not self.breaches and not self.gaps


def check(instance: Instance, plan: Sequence[Assigned]) -> Verdict:
    """Everything that is wrong with a plan. A gap is told, not a breach: a plan may be the best there is."""
    people = {person.id: person for person in instance.people}
    desks = {(desk.sector_id, desk.trade): desk for desk in instance.desks}
    breaches: list[Breach] = []
    known = []
    for given in plan:
        person, desk = people.get(given.person_id), desks.get((given.sector_id, given.trade))
        if person is None or desk is None or given.rank not in desk.ranks or not given.periods:
            breaches.append(Breach("unknown", f"astreinte inconnue : {given.unit}"))
            continue
        known.append(given)
        breaches += [Breach(rule, f"{person.name}, {given.unit} : {why}") for rule, why in _unfit(person, desk, given)]
    gaps, twice = _cover(instance, known)
    breaches += twice
    by_person: dict[UUID, list[Assigned]] = defaultdict(list)
    for given in known:
        by_person[given.person_id].append(given)
    for person_id, held in by_person.items():
        person = people[person_id]
        for rule, why in _person(instance, person, held):
            breaches.append(Breach(rule, f"{person.name} : {why}"))
    breaches += _moved(instance, known)
    return Verdict(tuple(breaches), tuple(gaps))


# --- the person and the post ------------------------------------------------


def _unfit(person: Person, desk: Desk, given: Assigned) -> Iterator[tuple[str, str]]:
    if person.engagement <= 0:
        yield "engagement", "aucun engagement ce semestre"
    if given.trade not in person.trades:
        yield "trade", "n’exerce pas ce métier"
    if given.rank not in person.ranks:
        yield "rank", "ne tient pas ce rang"
    if person.minutes.get(given.sector_id, 10**9) > desk.promised_minutes:
        yield "reach", "trop loin du secteur"
    days = {day for period in given.periods for day in _days(period)}
    if person.available and not all(person.available.first <= day <= person.available.last for day in days):
        yield "membership", "pas associé tous ces jours"
    for kind in ("liability", "decennial", "qualification"):
        valid = [
            proof.days
            for proof in person.proofs
            if proof.kind == kind and (proof.trade == given.trade or (kind != "qualification" and proof.trade is None))
        ]
        if any(not any(one.first <= day <= one.last for one in valid) for day in days):
            yield "proof", f"{kind} non valable un de ces jours"
    if any(_meet(absence.period, period) for absence in person.absences for period in given.periods):
        yield "absence", "absent"


def _days(period: Period) -> Iterator[date]:
    day = paris(period.starts_at).date()
    while paris_instant(day) < period.ends_at:
        yield day
        day += timedelta(days=1)


def _meet(one: Period, other: Period) -> bool:
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at


# --- cover ------------------------------------------------------------------


def _cover(instance: Instance, plan: Iterable[Assigned]) -> tuple[list[tuple[UUID, str, int, Period]], list[Breach]]:
    """At every instant of the semester, for every desk and rank: exactly one person."""
    gaps: list[tuple[UUID, str, int, Period]] = []
    twice: list[Breach] = []
    held: dict[tuple[UUID, str, int], list[Period]] = defaultdict(list)
    for given in plan:
        held[given.sector_id, given.trade, given.rank] += given.periods
    for desk in instance.desks:
        for rank in desk.ranks:
            reached = instance.over.starts_at
            for period in sorted(held[desk.sector_id, desk.trade, rank]):
                if period.starts_at < reached or period.ends_at <= period.starts_at:
                    twice.append(Breach("twice", f"deux personnes au même poste, ou hors du semestre : {period}"))
                elif period.starts_at > reached:
                    gaps.append((desk.sector_id, desk.trade, rank, Period(reached, period.starts_at)))
                reached = max(reached, period.ends_at)
            if reached > instance.over.ends_at:
                twice.append(Breach("twice", "au-delà de la fin du semestre"))
            elif reached < instance.over.ends_at:
                gaps.append((desk.sector_id, desk.trade, rank, Period(reached, instance.over.ends_at)))
    return gaps, twice


# --- one person's semester --------------------------------------------------


def _person(instance: Instance, person: Person, held: Sequence[Assigned]) -> Iterator[tuple[str, str]]:
    yield from _places(instance, held)
    yield from _rests(instance, person, held)
    yield from _weeks(instance, person, held)
    if person.employed:
        yield from _weekly_rest(instance, held)


def _places(instance: Instance, held: Sequence[Assigned]) -> Iterator[tuple[str, str]]:
    """One place at a time; two when the cooperative declared the two sectors together."""
    times = sorted({edge for given in held for period in given.periods for edge in (period.starts_at, period.ends_at)})
    for start, end in pairwise(times):
        now = [given for given in held if any(p.starts_at <= start and end <= p.ends_at for p in given.periods)]
        if len(now) < 2:
            continue
        one, other = now[0], now[1]
        joined = {(one.sector_id, other.sector_id), (other.sector_id, one.sector_id)} & instance.together
        same_desk = (one.sector_id, one.trade) == (other.sector_id, other.trade)
        if len(now) > 2 or same_desk or not joined:
            yield "place", f"à deux endroits {Period(start, end)}"
            return


def _rests(instance: Instance, person: Person, held: Sequence[Assigned]) -> Iterator[tuple[str, str]]:
    counted = [given for given in held if person.employed or given.rank == 1]
    for one, other in combinations(counted, 2):
        if any(_meet(p, q) for p in one.periods for q in other.periods):
            continue
        for p in one.periods:
            for q in other.periods:
                if _too_soon(instance, person, *sorted((p, q))):
                    yield "rest", f"repos trop court entre {p} et {q}"
                    return
    for before in _before(instance, person):
        for given in counted:
            if (person.employed or before.rank == 1) and any(
                before.period.ends_at <= p.starts_at and _too_soon(instance, person, before.period, p)
                for p in given.periods
            ):
                yield "rest", f"repos trop court après {before.period}"
                return


def _before(instance: Instance, person: Person) -> list[Kept]:
    return [kept for kept in instance.before if kept.person_id == person.id]


def _too_soon(instance: Instance, person: Person, first: Period, then: Period) -> bool:
    free = then.starts_at - first.ends_at
    long = first.ends_at - first.starts_at >= SIX_DAYS
    rules = instance.rules
    if person.employed:
        if free < timedelta(hours=rules.employee_rest_hours):
            return True
        return long and free < timedelta(hours=rules.employee_weekly_rest_hours)
    if long and then.ends_at - then.starts_at >= SIX_DAYS:
        return False
    return free < timedelta(hours=rules.rest_hours)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _weeks(instance: Instance, person: Person, held: Sequence[Assigned]) -> Iterator[tuple[str, str]]:
    rules = instance.rules
    number: dict[date, int] = defaultdict(int)
    first: set[date] = {
        _monday(paris(kept.period.starts_at).date()) for kept in _before(instance, person) if kept.rank == 1
    }
    own: set[date] = set()
    for given in held:
        week = _monday(paris(min(given.periods).starts_at).date())
        number[week] += not _holiday_apart(instance, given)
        if given.rank == 1:
            own.add(week)
    for week, units in number.items():
        if rules.max_units_a_week and units > rules.max_units_a_week:
            yield "week", f"{units} astreintes la semaine du {week:%d/%m/%Y}"
    first |= own
    for week in own if rules.max_weeks_running else ():
        row = 1
        while week + timedelta(days=7 * row) in first:
            row += 1
        back = 1
        while week - timedelta(days=7 * back) in first:
            back += 1
        if row + back - 1 > rules.max_weeks_running:
            yield "running", f"rang 1 {row + back - 1} semaines de suite"
            return


def _holiday_apart(instance: Instance, given: Assigned) -> bool:
    """A public holiday from Monday to Friday that the sector's pattern makes a unit of its own."""
    (sector,) = [sector for sector in instance.sectors if sector.id == given.sector_id]
    pattern = sector.pattern
    if not pattern.holidays_apart:
        return False
    for day in {d for period in given.periods for d in _days(period)}:
        if day.weekday() < 5 and public_holiday(day, instance.department):
            whole = Period(
                paris_instant(day, pattern.day_starts), paris_instant(day + timedelta(days=1), pattern.day_starts)
            )
            if all(whole.starts_at <= p.starts_at and p.ends_at <= whole.ends_at for p in given.periods):
                return True
    return False


def _weekly_rest(instance: Instance, held: Sequence[Assigned]) -> Iterator[tuple[str, str]]:
    """In every whole calendar week, one stretch free of duty (R63), unless one unit alone leaves none."""
    needed = timedelta(hours=instance.rules.employee_weekly_rest_hours)
    monday = _monday(paris(instance.over.starts_at).date())
    while paris_instant(monday) < instance.over.ends_at:
        week = Period(paris_instant(monday), paris_instant(monday + timedelta(days=7)))
        monday += timedelta(days=7)
        if week.starts_at < instance.over.starts_at or week.ends_at > instance.over.ends_at or not needed:
            continue
        busy = [period for given in held for period in given.periods if _meet(period, week)]
        if _longest_free(busy, week) < needed and all(_longest_free(given.periods, week) >= needed for given in held):
            yield "weekly_rest", f"pas de repos hebdomadaire {week}"
            return


def _longest_free(busy: Iterable[Period], week: Period) -> timedelta:
    longest, reached = timedelta(), week.starts_at
    for period in sorted(busy):
        longest = max(longest, min(period.starts_at, week.ends_at) - reached)
        reached = max(reached, period.ends_at)
    return max(longest, week.ends_at - reached)


# --- what was published -----------------------------------------------------


def _moved(instance: Instance, plan: Sequence[Assigned]) -> Iterator[Breach]:
    """Locked duties stay with whom they were given."""
    for kept in instance.kept:
        if kept.locked and not any(
            given.person_id == kept.person_id
            and (given.sector_id, given.trade, given.rank) == (kept.sector_id, kept.trade, kept.rank)
            and any(p.starts_at <= kept.period.starts_at and kept.period.ends_at <= p.ends_at for p in given.periods)
            for given in plan
        ):
            yield Breach("locked", f"une astreinte figée a changé de mains : {kept.period}")
