"""A new rota: its posts, an empty draft, a fair proposal."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import paris_instant
from maillage_kit.db import TenantSession
from maillage_kit.errors import Conflict
from maillage_kit.ids import new_id
from maillage_kit.semester import Semester
from maillage_tenants import audit, members, territory
from maillage_tenants.rota import queries
from maillage_tenants.rota.errors import NotADraft, RotaExists
from maillage_tenants.rota.models import Duty, OnCallPost, Rota, RotaState
from maillage_tenants.rota.rules import (
    RANKS,
    Assignment,
    Gap,
    Period,
    Post,
    Worker,
    draft_rota,
    weekly_shifts,
    whole,
)


@dataclass(frozen=True, slots=True)
class Generated:
    """How many duties were proposed, and the slots that nobody could take, by name."""

    duties: int
    uncovered: tuple[Gap, ...]


async def ensure_posts(session: TenantSession, *, semester: Semester, trades: TradeRegistry) -> tuple[Post, ...]:
    """The posts of a semester, made where they do not exist: both ranks of every sector of every enabled trade.

    A semester whose sectors nobody has prepared starts with those of the latest one before it.
    """
    for trade in trades.codes:
        await territory.prepare_semester(session, semester=semester, trade=trade)
        wanted = [
            {"sector_id": sector.id, "trade": trade, "rank": rank}
            for sector in await territory.sectors(session, trade=trade, semester=semester)
            for rank in RANKS
        ]
        if wanted:
            await session.execute(insert(OnCallPost).values(wanted).on_conflict_do_nothing())
    return await queries.posts(session, semester=semester, trades=trades)


async def create_draft(session: TenantSession, *, semester: Semester, trades: TradeRegistry, by: str) -> Rota:
    """An empty draft for a semester, with its posts. Raises RotaExists when one is published, Conflict when a draft
    is there already."""
    existing = await queries.rota_of(session, semester=semester)
    if existing is not None and existing.state != RotaState.DRAFT:
        raise RotaExists
    if existing is not None:
        raise Conflict("Ce semestre a déjà un brouillon : continuez-le.")
    await ensure_posts(session, semester=semester, trades=trades)
    rota = Rota(semester=semester.code)
    session.add(rota)
    await session.flush()
    await audit.record(
        session,
        actor=by,
        action="rota.drafted",
        subject_type="rota",
        subject_id=rota.id,
        detail={"semester": semester.code},
    )
    return rota


async def generate(
    session: TenantSession, *, rota_id: UUID, trades: TradeRegistry, by: str, keep: bool = False
) -> Generated:
    """Fill a draft fairly (`rules.draft_rota`). `keep`: what the draft holds stays and only its gaps are filled; else
    the draft is emptied first. Uncovered slots are returned by name, never an error.

    A member's engagement is shared equally between those of its technicians who may be sent.
    Raises UnknownRota, NotADraft.
    """
    rota = await queries.get_rota(session, rota_id=rota_id, lock=True)
    if rota.state != RotaState.DRAFT:
        raise NotADraft
    semester = Semester.parse(rota.semester)
    posts = await ensure_posts(session, semester=semester, trades=trades)
    fixed: tuple[Assignment, ...] = ()
    if keep:
        by_id = {post.id: post for post in posts}
        fixed = tuple(
            Assignment(by_id[duty.post_id], duty.technician_id, duty.member_id, duty.period)
            for duty in await queries.duties(session, rota_id=rota_id)
            if duty.post_id in by_id
        )
    else:
        await session.execute(sa.delete(Duty).where(Duty.rota_id == rota_id))
    workers = await _workers(session, semester=semester, trades=trades)
    before = await queries.on_call_just_before(session, instant=semester.starts_at)
    # Seconds of pure computing in the largest cooperatives: the other requests of this process go on meanwhile.
    draft = await asyncio.to_thread(draft_rota, posts, workers, weekly_shifts(semester), fixed=fixed, before=before)
    now = clock.now()
    if draft.assignments:
        await session.execute(
            sa.insert(Duty),
            [
                {
                    "id": new_id(),
                    "rota_id": rota_id,
                    "post_id": given.post.id,
                    "member_id": given.member_id,
                    "technician_id": given.technician_id,
                    "starts_at": given.period.starts_at,
                    "ends_at": given.period.ends_at,
                    "live": False,
                    "recorded_at": now,
                    "recorded_by": by,
                    "reason": "",
                }
                for given in draft.assignments
            ],
        )
    await audit.record(
        session,
        actor=by,
        action="rota.generated",
        subject_type="rota",
        subject_id=rota_id,
        detail={"duties": len(draft.assignments), "uncovered": len(draft.uncovered), "kept": len(fixed)},
    )
    return Generated(len(draft.assignments), draft.uncovered)


async def _workers(session: TenantSession, *, semester: Semester, trades: TradeRegistry) -> list[Worker]:
    """Everybody who owes duties this semester, with where and when they may serve."""
    over = whole(semester)
    first, last = semester.first_day, semester.next.first_day - timedelta(days=1)
    every_sector = frozenset(sector.id for sector in await territory.all_sectors(session))
    around: dict[UUID, set[UUID]] = defaultdict(set)
    for trade in trades.codes:
        for sector_id, others in (await territory.adjacency(session, trade=trade, semester=semester)).items():
            around[sector_id].update(others)
    absences: dict[UUID, list[queries.AbsenceRow]] = defaultdict(list)
    for absence in await queries.absences(session, over=over):
        absences[absence.technician_id].append(absence)
    able: list[tuple[members.RosterEntry, dict[str, tuple[Period, ...]]]] = []
    for person in await members.roster(session, on=first):
        assignable = {
            trade: tuple(
                Period(paris_instant(start), paris_instant(stop + timedelta(days=1)))
                for start, stop in members.assignable_days(person.standing, trade, first, last)
            )
            for trade in trades.codes
        }
        if any(assignable.values()):
            able.append((person, assignable))
    colleagues = Counter(person.member_id for person, _ in able)
    workers = []
    for person, assignable in able:
        homes = person.home_sectors
        near = {other for sector_id in homes for other in around[sector_id]} if homes else every_sector
        away = absences[person.technician_id]
        workers.append(
            Worker(
                technician_id=person.technician_id,
                member_id=person.member_id,
                units=person.units / colleagues[person.member_id],
                homes=homes,
                reach=frozenset(near) - homes,
                assignable=assignable,
                hard=tuple(Period(row.starts_at, row.ends_at) for row in away if row.hard),
                soft=tuple(Period(row.starts_at, row.ends_at) for row in away if not row.hard),
            )
        )
    return workers
