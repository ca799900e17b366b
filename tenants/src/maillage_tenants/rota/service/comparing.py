"""Two rotas of one semester side by side: what each gives to whom, and which duties differ."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from maillage_hooks import TradeRegistry
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.semester import Semester
from maillage_tenants import members
from maillage_tenants.rota import queries, queries_planning
from maillage_tenants.rota.balance import Tally
from maillage_tenants.rota.models import Rota
from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.service.facts import desks, tallies_of


@dataclass(frozen=True, slots=True)
class Shares:
    """One person in both rotas."""

    technician_id: UUID
    name: str
    member_name: str
    one: Tally
    other: Tally


@dataclass(frozen=True, slots=True)
class Difference:
    """A post held by somebody else over a period; None is nobody."""

    post_id: int
    post_name: str
    period: Period
    one: str | None
    other: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`shares` by name; `differences` by time then post."""

    one: Rota
    other: Rota
    shares: tuple[Shares, ...]
    differences: tuple[Difference, ...]


async def compare(
    session: TenantSession, *, one_id: UUID, other_id: UUID, trades: TradeRegistry, department: str
) -> Comparison:
    """Raises UnknownRota, Invalid for rotas of two semesters."""
    one = await queries.get_rota(session, rota_id=one_id)
    other = await queries.get_rota(session, rota_id=other_id)
    if one.semester != other.semester:
        raise Invalid("Choisissez deux plannings du même semestre.", fields={"other": "Un autre semestre."})
    semester = Semester.parse(one.semester)
    places = await desks(session, semester=semester, trades=trades)
    tallies = [
        await tallies_of(
            session, semester=semester, trades=trades, department=department, rota_id=rota.id, places=places
        )
        for rota in (one, other)
    ]
    people = {row.id: row for row in await members.technicians(session, active_only=False)}
    shares = tuple(
        Shares(row.id, row.name, row.member_name, tallies[0].get(row.id, Tally()), tallies[1].get(row.id, Tally()))
        for row in people.values()
        if row.id in tallies[0] or row.id in tallies[1]
    )
    names = {post.id: post.name for post in await queries.posts(session, semester=semester, trades=trades)}
    held = [await queries_planning.held(session, rota_id=rota.id) for rota in (one, other)]
    called = {technician_id: row.name for technician_id, row in people.items()}
    return Comparison(one, other, shares, tuple(differences(held[0], held[1], names, called)))


def differences(
    one: Sequence[queries_planning.Held],
    other: Sequence[queries_planning.Held],
    posts: Mapping[int, str],
    people: Mapping[UUID, str],
) -> list[Difference]:
    """Where two sets of duties give a post to two people; pieces that follow one another are one."""
    found: list[Difference] = []
    by_post: dict[int, list[tuple[bool, queries_planning.Held]]] = defaultdict(list)
    for second, duties in ((False, one), (True, other)):
        for duty in duties:
            by_post[duty.post_id].append((second, duty))
    for post_id, both in by_post.items():
        edges = sorted({edge for _, duty in both for edge in (duty.period.starts_at, duty.period.ends_at)})
        last: Difference | None = None
        for start, end in pairwise(edges):
            holders = [_holder(both, second, start) for second in (False, True)]
            if holders[0] == holders[1]:
                last = None
                continue
            first, then = (None if holder is None else people.get(holder, "?") for holder in holders)
            if last is not None and (last.one, last.other) == (first, then) and last.period.ends_at == start:
                found.pop()
                start = last.period.starts_at  # noqa: PLW2901 - the piece before goes on
            name = posts.get(post_id, "Secteur qui n’existe plus")
            last = Difference(post_id, name, Period(start, end), first, then)
            found.append(last)
    return sorted(found, key=lambda difference: (difference.period, difference.post_id))


def _holder(duties: Sequence[tuple[bool, queries_planning.Held]], second: bool, at: datetime) -> UUID | None:
    return next(
        (
            duty.technician_id
            for which, duty in duties
            if which is second and duty.period.starts_at <= at < duty.period.ends_at
        ),
        None,
    )
