"""Who could take a duty, and what speaks against each: what `checks` needs to know, gathered."""

from collections import Counter, defaultdict
from collections.abc import Collection
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
    over = whole(Semester.parse(rota.semester))
    first, last = days_of(period)
    people = await members.roster(session, on=paris(over.starts_at).date())
    wanted = [one for one in people if technician_ids is None or one.technician_id in technician_ids]
    held = await queries_life.held_by(session, rota=rota, over=over, technician_ids=technician_ids)
    away = defaultdict(list)
    for row in await queries.absences(session, over=period):
        away[row.technician_id].append(row)
    colleagues = Counter(
        one.member_id for one in people if members.assignability_over(one.standing, place.trade, first, last).ok
    )
    found = []
    for one in wanted:
        mine = held.get(one.technician_id, ())
        taker = Taker(
            technician_id=one.technician_id,
            name=one.name,
            employed=one.employed,
            unfit=members.assignability_over(one.standing, place.trade, first, last).reason,
            held=tuple(Held(row.period, row.rank) for row in mine if row.id not in besides),
            absences=tuple(Period(row.starts_at, row.ends_at) for row in away[one.technician_id] if row.hard),
            wishes=tuple(Period(row.starts_at, row.ends_at) for row in away[one.technician_id] if not row.hard),
            at_home=not one.home_sectors or place.sector_id in one.home_sectors,
            owed=one.units / (colleagues[one.member_id] or 1),
        )
        leaving = tuple(Held(row.period, row.rank) for row in mine if row.id in besides)
        found.append(
            Candidate(
                taker,
                one.member_name,
                checks.objections(taker, rank=place.rank, period=period),
                checks.cost(taker, rank=place.rank, period=period, over=over, given=leaving),
            )
        )
    return tuple(sorted(found, key=lambda one: (not one.may, len(one.objections), one.cost.over, one.taker.name)))


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


async def may_take(
    session: TenantSession, *, rota: Rota, post_id: int, period: Period, technician_id: UUID, besides: Collection[UUID]
) -> Candidate | None:
    """This person, when nothing forbids it."""
    for one in await candidates(
        session, rota=rota, post_id=post_id, period=period, technician_ids=[technician_id], besides=besides
    ):
        if one.may:
            return one
    return None
