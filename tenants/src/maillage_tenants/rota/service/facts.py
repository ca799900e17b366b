"""Everything a semester is planned from, read from the tables as one solver instance; and the fairness of the past."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.semester import Semester
from maillage_tenants import members, territory
from maillage_tenants.members import RosterEntry
from maillage_tenants.rota import queries, queries_planning
from maillage_tenants.rota.balance import BACKUP, Counted, DutyHeld, Tally, tallies
from maillage_tenants.rota.models_planning import DutyPreference
from maillage_tenants.rota.queries_planning import Away, PatternRow, WishRow
from maillage_tenants.rota.rules import EMPLOYEE_NOTICE_DAYS, Period, whole
from maillage_tenants.rota.service.losing import held_until
from maillage_tenants.rota.service.planning import school_holidays
from maillage_tenants.rota.solver import instance as facts
from maillage_tenants.rota.solver.units import Kind, Pattern

PAST_SEMESTERS = 4
"""How far back a balance is carried: two years. Our figure."""
BEFORE = timedelta(weeks=4)
"""Duties before the semester that rest and weeks running depend on."""
SOFT_WEIGHT = 2
"""What an absence that is only a wish weighs, between 1 and 3."""
EVER = date(2999, 12, 31)
Row = TypeVar("Row", Away, WishRow)


@dataclass(frozen=True, slots=True)
class Desks:
    """The places of a semester: who shares a demand, and by which pattern."""

    patterns: Mapping[tuple[UUID, str], Pattern]
    names: Mapping[UUID, str]
    ranks: Mapping[tuple[UUID, str], tuple[int, ...]]


async def desks(session: TenantSession, *, semester: Semester, trades: TradeRegistry) -> Desks:
    """Sectors and trades of a semester in the order of its posts."""
    chosen = await queries_planning.patterns(session)
    names = {sector.id: sector.name for sector in await territory.all_sectors(session)}
    ranks: dict[tuple[UUID, str], list[int]] = defaultdict(list)
    for post in await queries.posts(session, semester=semester, trades=trades):
        ranks[post.sector_id, post.trade].append(post.rank)
    return Desks(
        patterns={place: chosen.get(place[0], PatternRow()).pattern for place in ranks},
        names=names,
        ranks={place: tuple(sorted(own)) for place, own in ranks.items()},
    )


async def tallies_of(
    session: TenantSession,
    *,
    semester: Semester,
    trades: TradeRegistry,
    department: str,
    rota_id: UUID,
    places: Desks | None = None,
) -> dict[UUID, Tally]:
    """By technician: units of a rota, done and to come, against the fair share of its semester (R53, R64)."""
    places = places or await desks(session, semester=semester, trades=trades)
    people = await roster_of(session, semester=semester, trades=trades)
    every_sector = frozenset(sector_id for sector_id, _ in places.patterns)
    return await asyncio.to_thread(
        tallies,
        over=whole(semester),
        department=department,
        desks=places.patterns,
        people=[
            Counted(one.entry.technician_id, one.engagement, one.entry.home_sectors or every_sector, one.able)
            for one in people
        ],
        duties=[
            DutyHeld(held.sector_id, held.trade, held.rank, held.technician_id, held.period)
            for held in await queries_planning.held(session, rota_id=rota_id)
        ],
        now=clock.now(),
    )


async def past_tallies(
    session: TenantSession, *, before: Semester, trades: TradeRegistry, department: str
) -> dict[str, dict[UUID, Tally]]:
    """The same for the published rotas before a semester, the latest first, by their code."""
    return {
        rota.semester: await tallies_of(
            session,
            semester=Semester.parse(rota.semester),
            trades=trades,
            department=department,
            rota_id=rota.id,
        )
        for rota in await queries_planning.published_semesters(session, before=before, most=PAST_SEMESTERS)
    }


# --- people -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Engaged:
    """Somebody of the roster. `engagement`: the member's, shared equally by its people who may be sent. `able`: by
    trade, the part of the semester over which they may be."""

    entry: RosterEntry
    engagement: float
    able: Mapping[str, float]


async def roster_of(session: TenantSession, *, semester: Semester, trades: TradeRegistry) -> tuple[Engaged, ...]:
    """Who owes duties in a semester."""
    first, last = semester.first_day, semester.next.first_day - timedelta(days=1)
    length = (last - first).days + 1
    found: list[tuple[RosterEntry, dict[str, float]]] = []
    for entry in await members.roster(session, on=first):
        able = {
            trade: sum(
                (stop - start).days + 1 for start, stop in members.assignable_days(entry.standing, trade, first, last)
            )
            / length
            for trade in trades.codes
        }
        if any(able.values()):
            found.append((entry, able))
    colleagues = Counter(entry.member_id for entry, _ in found)
    return tuple(Engaged(entry, entry.units / colleagues[entry.member_id], able) for entry, able in found)


async def gather(
    session: TenantSession,
    *,
    semester: Semester,
    trades: TradeRegistry,
    department: str,
    name: str,
    without: Iterable[UUID] = (),
    repair_of: UUID | None = None,
) -> facts.Instance:
    """The instance of a semester. `without`: people left out, to see what would happen. `repair_of`: the published rota
    that is to be kept as far as it can be; what is over or within the notice of employees (R63, R65) may not move.

    The posts of the semester must be there (`ensure_posts`). A semester without posts or people gives an instance
    without desks or people.
    """
    over, left_out = whole(semester), frozenset(without)
    places = await desks(session, semester=semester, trades=trades)
    policy = await queries_planning.policy(session)
    metres: dict[UUID, dict[UUID, int]] = defaultdict(dict)
    for trade in trades.codes:
        for sector_id, others in (await territory.distances(session, trade=trade, semester=semester)).items():
            metres[sector_id].update(others)
    sector_ids = list(dict.fromkeys(sector_id for sector_id, _ in places.patterns))
    sectors = tuple(
        facts.Sector(
            id=sector_id,
            name=places.names[sector_id],
            pattern=next(pattern for (where, _), pattern in places.patterns.items() if where == sector_id),
            neighbours=tuple(
                other for other, _ in sorted(metres[sector_id].items(), key=lambda near: near[1]) if other in sector_ids
            ),
        )
        for sector_id in sector_ids
    )
    past = await past_tallies(session, before=semester, trades=trades, department=department)
    engaged = await roster_of(session, semester=semester, trades=trades)
    people = _People(
        over=over,
        sector_ids=sector_ids,
        metres=metres,
        absences=_by_person(await queries_planning.away(session, over=over)),
        wishes=_by_person(await queries_planning.wishes(session, over=over)),
        preferences=await queries_planning.preferences(session),
        past=past,
        last_year=past.get(Semester(semester.year - 1, semester.half).code, {}),
        trades=frozenset(trades.codes),
    )
    persons = [people.person(one) for one in engaged if one.entry.technician_id not in left_out]
    published = await queries_planning.held(session, rota_id=repair_of) if repair_of else ()
    known = {person.id for person in persons}
    gone = {held.technician_id: held.member_id for held in published if held.technician_id not in known}
    names = {row.id: row.name for row in await members.technicians(session, active_only=False)} if gone else {}
    persons += [_gone(technician_id, member_id, names) for technician_id, member_id in gone.items()]
    before = await queries_planning.held_between(session, over=Period(over.starts_at - BEFORE, over.starts_at))
    standings = {one.entry.technician_id: one.entry.standing for one in engaged}
    now = clock.now()
    return facts.Instance(
        name=name,
        over=over,
        department=department,
        trades={trade: trades.label(trade) for trade in trades.codes},
        sectors=sectors,
        desks=tuple(
            facts.Desk(sector_id, trade, policy.promised_minutes, places.ranks[sector_id, trade])
            for sector_id, trade in places.patterns
        ),
        people=tuple(persons),
        school_holidays=tuple(
            facts.Days(one.first, one.last)
            for one in await school_holidays(session, department=department, semester=semester)
        ),
        rules=policy.rules,
        weights=(await queries_planning.weighed(session)).weights,
        before=tuple(
            facts.Kept(held.sector_id, held.trade, held.rank, held.technician_id, held.period) for held in before
        ),
        kept=tuple(_kept(persons, standings, published, now)),
        since=now if repair_of else None,
    )


@dataclass(frozen=True, slots=True)
class _People:
    """What is known of everybody, to make the solver's people."""

    over: Period
    sector_ids: Sequence[UUID]
    metres: Mapping[UUID, Mapping[UUID, int]]
    absences: Mapping[UUID, Sequence[Away]]
    wishes: Mapping[UUID, Sequence[WishRow]]
    preferences: Mapping[UUID, DutyPreference]
    past: Mapping[str, Mapping[UUID, Tally]]
    last_year: Mapping[UUID, Tally]
    trades: frozenset[str]

    def person(self, one: Engaged) -> facts.Person:
        entry, standing = one.entry, one.entry.standing
        away = self.absences.get(entry.technician_id, ())
        choice = self.preferences.get(entry.technician_id)
        earlier = [semester[entry.technician_id] for semester in self.past.values() if entry.technician_id in semester]
        homes = frozenset(entry.home_sectors & set(self.sector_ids)) or frozenset(self.sector_ids)
        soft = tuple(
            facts.Wish(Period(row.starts_at, row.ends_at), weight=SOFT_WEIGHT, label=row.reason)
            for row in away
            if not row.hard
        )
        wished = tuple(
            facts.Wish(Period(row.starts_at, row.ends_at), wanted=row.wanted, weight=row.weight)
            for row in self.wishes.get(entry.technician_id, ())
        )
        return facts.Person(
            id=entry.technician_id,
            member_id=entry.member_id,
            name=entry.name,
            engagement=one.engagement,
            homes=homes,
            minutes=self._minutes(homes),
            trades=standing.trades & self.trades,
            proofs=tuple(
                facts.Proof(paper.kind, paper.trade, facts.Days(paper.valid_from, paper.valid_to))
                for paper in standing.documents
                if paper.kind in facts.PROOFS
            ),
            available=facts.Days(
                standing.joined_on, EVER if standing.left_on is None else standing.left_on - timedelta(days=1)
            ),
            employed=entry.employed,
            ranks=(2,) if choice is not None and choice.backup_only else (1, 2),
            absences=tuple(
                facts.Absence(Period(row.starts_at, row.ends_at), row.reason, asked=row.asked)
                for row in away
                if row.hard
            ),
            wishes=(*soft, *wished),
            carried={kind: round(sum(tally.balance(kind.value) for tally in earlier), 2) for kind in Kind},
            carried_backup=round(sum(tally.balance(BACKUP) for tally in earlier), 2),
            held_last_year=frozenset(
                self.last_year[entry.technician_id].holidays if entry.technician_id in self.last_year else ()
            ),
            spare_school_holidays=choice.spare_school_holidays if choice is not None else 0,
        )

    def _minutes(self, homes: frozenset[UUID]) -> dict[UUID, int]:
        """Road from the nearest home sector; none at home."""
        found = dict.fromkeys(sorted(homes), 0)
        for home in sorted(homes):
            for sector_id, metres in sorted(self.metres.get(home, {}).items()):
                minutes = territory.travel_minutes(metres / 1000)
                found[sector_id] = min(minutes, found.get(sector_id, minutes))
        return found


def _gone(technician_id: UUID, member_id: UUID, names: Mapping[UUID, str]) -> facts.Person:
    """Somebody who holds published duties and may not any more."""
    return facts.Person(
        id=technician_id,
        member_id=member_id,
        name=names.get(technician_id, "Ancien associé"),
        engagement=0.0,
        homes=frozenset(),
        minutes={},
        trades=frozenset(),
        proofs=(),
    )


def _kept(
    persons: Sequence[facts.Person],
    standings: Mapping[UUID, members.Standing],
    published: Sequence[queries_planning.Held],
    now: datetime,
) -> Iterable[facts.Kept]:
    """The published duties. What has begun is locked for as long as its holder can hold it, the rest of it is open. An
    employee's next duties are locked too, unless they cannot be held (R63)."""
    by_id = {person.id: person for person in persons}
    notice = now + timedelta(days=EMPLOYEE_NOTICE_DAYS)
    for held in published:
        person = by_id[held.technician_id]
        until = held_until(held, [one.period for one in person.absences], standings.get(held.technician_id), now)
        place = (held.sector_id, held.trade, held.rank, held.technician_id)
        if held.period.starts_at > now:
            locked = person.employed and held.period.starts_at < notice and until == held.period.ends_at
            yield facts.Kept(*place, held.period, locked=locked)
        elif until > held.period.starts_at:
            yield facts.Kept(*place, Period(held.period.starts_at, until), locked=True)


def _by_person(rows: Iterable[Row]) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.technician_id].append(row)
    return found
