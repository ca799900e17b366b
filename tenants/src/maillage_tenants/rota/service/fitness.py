"""Who could take a duty, and what speaks against each: what `checks` needs to know, gathered."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from maillage_kit.clock import paris
from maillage_kit.db import TenantSession
from maillage_kit.semester import Semester
from maillage_tenants import members
from maillage_tenants.rota import checks, queries, queries_life
from maillage_tenants.rota.checks import Cost, Held, Objection, Taker
from maillage_tenants.rota.errors import NotAssignable
from maillage_tenants.rota.models import Rota
from maillage_tenants.rota.queries import AbsenceRow
from maillage_tenants.rota.queries_life import HeldDuty, Place
from maillage_tenants.rota.rules import Period, days_of, whole


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who might take a duty. `objections`: what forbids first."""

    taker: Taker
    member_name: str
    objections: tuple[Objection, ...]
    cost: Cost

    @property
    def may(self) -> bool:
        return not any(one.hard for one in self.objections)


@dataclass(frozen=True, slots=True)
class People:
    """Everybody active with what they hold and when they are away, around the semester of a rota: read once, asked
    about as many duties as one likes."""

    over: Period
    roster: Sequence[members.RosterEntry]
    held: Mapping[UUID, Sequence[HeldDuty]]
    away: Mapping[UUID, Sequence[AbsenceRow]]

    def weigh(
        self, place: Place, period: Period, *, among: Collection[UUID] | None = None, besides: Collection[UUID] = ()
    ) -> tuple[Candidate, ...]:
        """As `candidates`."""
        first, last = days_of(period)
        verdicts = {
            one.technician_id: members.assignability_over(one.standing, place.trade, first, last) for one in self.roster
        }
        colleagues = Counter(one.member_id for one in self.roster if verdicts[one.technician_id].ok)
        found = []
        for one in self.roster:
            if among is not None and one.technician_id not in among:
                continue
            mine = self.held.get(one.technician_id, ())
            away = self.away.get(one.technician_id, ())
            taker = Taker(
                technician_id=one.technician_id,
                name=one.name,
                employed=one.employed,
                unfit=verdicts[one.technician_id].reason,
                held=tuple(Held(row.period, row.rank) for row in mine if row.id not in besides),
                absences=tuple(Period(row.starts_at, row.ends_at) for row in away if row.hard),
                wishes=tuple(Period(row.starts_at, row.ends_at) for row in away if not row.hard),
                at_home=not one.home_sectors or place.sector_id in one.home_sectors,
                owed=one.units / (colleagues[one.member_id] or 1),
            )
            leaving = tuple(Held(row.period, row.rank) for row in mine if row.id in besides)
            found.append(
                Candidate(
                    taker,
                    one.member_name,
                    checks.objections(taker, rank=place.rank, period=period),
                    checks.cost(taker, rank=place.rank, period=period, over=self.over, given=leaving),
                )
            )
        return tuple(sorted(found, key=lambda one: (not one.may, len(one.objections), one.cost.over, one.taker.name)))

    def may_take(
        self, place: Place, period: Period, *, technician_id: UUID, besides: Collection[UUID]
    ) -> Candidate | None:
        """This person, when nothing forbids it."""
        found = self.weigh(place, period, among=[technician_id], besides=besides)
        return next((one for one in found if one.may), None)


async def people_of(session: TenantSession, *, rota: Rota, technician_ids: Collection[UUID] | None = None) -> People:
    """Who may be asked; what is held is read for `technician_ids` alone when they are given."""
    over = whole(Semester.parse(rota.semester))
    away = defaultdict(list)
    around = Period(over.starts_at - queries_life.AROUND, over.ends_at + queries_life.AROUND)
    for row in await queries.absences(session, over=around):
        away[row.technician_id].append(row)
    return People(
        over,
        await members.roster(session, on=paris(over.starts_at).date()),
        await queries_life.held_by(session, rota=rota, over=over, technician_ids=technician_ids),
        away,
    )


async def candidates(
    session: TenantSession,
    *,
    rota: Rota,
    post_id: int,
    period: Period,
    technician_ids: Collection[UUID] | None = None,
    besides: Collection[UUID] = (),
) -> tuple[Candidate, ...]:
    """Everybody active, or those asked for: who may first, then who has the most room in the fair share, then by name.

    `besides`: duties that leave their holder in the same act; they count as nobody's.
    """
    place = await queries_life.place(session, post_id=post_id)
    people = await people_of(session, rota=rota, technician_ids=technician_ids)
    return people.weigh(place, period, among=technician_ids, besides=besides)


async def require_fit(
    session: TenantSession,
    *,
    rota: Rota,
    post_id: int,
    technician_id: UUID,
    period: Period,
    besides: Collection[UUID] = (),
) -> None:
    """Raises NotAssignable when the person is absent then, or an employee who would not rest (R63).

    Papers and two places are refused by their own errors (`require_assignable`, TwoPlaces).
    """
    for one in await candidates(
        session, rota=rota, post_id=post_id, period=period, technician_ids=[technician_id], besides=besides
    ):
        for objection in one.objections:
            if objection.hard and objection.rule in ("absence", "rest"):
                raise NotAssignable(f"{one.taker.name} : {objection.text}.")


async def able(
    session: TenantSession, *, rota: Rota, post_id: int, period: Period, besides: Collection[UUID] = ()
) -> tuple[Candidate, ...]:
    """Those who may take it, and serve that sector or live nowhere in particular."""
    return tuple(
        one
        for one in await candidates(session, rota=rota, post_id=post_id, period=period, besides=besides)
        if one.may and one.taker.at_home
    )
