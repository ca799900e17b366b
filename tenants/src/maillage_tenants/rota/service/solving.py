"""Solving a semester in the background: asking, watching, stopping, and keeping what came of it.

The process that searches is run by `rota.runner`; here are the acts, each in the transaction of who asks. What is found
becomes a draft beside the others: nothing here touches a published rota.
"""

import gzip
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from maillage_hooks import TradeRegistry
from maillage_kit import clock, outside
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.ids import new_id
from maillage_kit.semester import Semester
from maillage_tenants import audit
from maillage_tenants.rota import queries, queries_planning
from maillage_tenants.rota.errors import NobodyToPlan, NotPublished, RunIsOver, TooManyRuns
from maillage_tenants.rota.models import Duty, Rota
from maillage_tenants.rota.models_planning import RunKind, RunState, SolveRun
from maillage_tenants.rota.service.drafting import ensure_posts
from maillage_tenants.rota.service.facts import gather
from maillage_tenants.rota.solver.instance import Instance, dumps, loads
from maillage_tenants.rota.solver.reports import Given

LEAST_SECONDS, MOST_SECONDS = 2, 1800
MOST_AT_ONCE = 2
"""Runs of one cooperative that wait or go on: each takes up to two processors."""
REPAIR_SECONDS = 60
TASK = "rota.solve"


def topic(run_id: UUID) -> str:
    """What open pages of a run listen to."""
    return f"run:{run_id}"


async def ask_draft(
    session: TenantSession,
    *,
    semester: Semester,
    trades: TradeRegistry,
    department: str,
    seconds: int,
    seed: int,
    by: str,
    label: str = "",
    without: Iterable[UUID] = (),
) -> SolveRun:
    """Ask for a new draft of a semester, searched for `seconds` at most. The facts are read now and kept with the run.

    `without`: people left out of it, to see what would happen. Raises Invalid for a budget or a seed out of bounds,
    NobodyToPlan, TooManyRuns.
    """
    wrong = {}
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        wrong["seconds"] = f"Entre {LEAST_SECONDS} secondes et {MOST_SECONDS // 60} minutes."
    if not 0 <= seed < 2**31:
        wrong["seed"] = "Un nombre entier positif."
    if wrong:
        raise Invalid(fields=wrong)
    await ensure_posts(session, semester=semester, trades=trades)
    instance = await gather(
        session, semester=semester, trades=trades, department=department, name=semester.code, without=without
    )
    return await _ask(
        session,
        SolveRun(
            semester=semester.code,
            kind=RunKind.DRAFT,
            label=label.strip(),
            seconds=seconds,
            seed=seed,
            asked_by=by,
        ),
        instance,
    )


async def ask_again(session: TenantSession, *, run_id: UUID, by: str) -> SolveRun:
    """The same search once more: same facts, same seed, as many steps and iterations of the proof. It gives the same
    plan, which `digest` shows, unless the machine is ten times slower than the first time.

    Raises UnknownRun, RunIsOver unless the run made a draft, TooManyRuns.
    """
    first = await queries_planning.get_run(session, run_id=run_id)
    if first.kind != RunKind.DRAFT or first.state != RunState.DONE:
        raise RunIsOver("Seul un calcul terminé peut être refait à l’identique.")
    return await _ask(
        session,
        SolveRun(
            semester=first.semester,
            kind=RunKind.DRAFT,
            label=first.label,
            seconds=min(10 * first.seconds + 300, MOST_SECONDS * 2),
            seed=first.seed,
            most_steps=first.steps,
            replays_id=first.id,
            asked_by=by,
        ),
        loads(gzip.decompress(first.instance)),
    )


async def ask_repair(
    session: TenantSession,
    *,
    semester: Semester,
    trades: TradeRegistry,
    department: str,
    by: str,
    label: str = "",
) -> SolveRun:
    """Ask how the published rota could hold again with as few changes as can be: illness, somebody who leaves, a sector
    that was cut. Raises NotPublished, NobodyToPlan, TooManyRuns."""
    rota = await queries_planning.published(session, semester=semester)
    if rota is None:
        raise NotPublished("Ce semestre n’a pas de planning publié.")
    await ensure_posts(session, semester=semester, trades=trades)
    instance = await gather(
        session, semester=semester, trades=trades, department=department, name=semester.code, repair_of=rota.id
    )
    return await _ask(
        session,
        SolveRun(
            semester=semester.code,
            kind=RunKind.REPAIR,
            label=label.strip(),
            seconds=REPAIR_SECONDS,
            seed=0,
            base_rota_id=rota.id,
            asked_by=by,
        ),
        instance,
    )


async def ask_stop(session: TenantSession, *, run_id: UUID, by: str) -> SolveRun:
    """Stop a search: within seconds it ends and keeps the best plan so far. Raises UnknownRun, RunIsOver."""
    run = await queries_planning.get_run(session, run_id=run_id, lock=True)
    if run.state not in (RunState.WAITING, RunState.RUNNING):
        raise RunIsOver
    if run.stop_asked_at is None:
        run.stop_asked_at = clock.now()
        await session.flush()
        await _record(session, run, "rota.solve_stopped", by)
        await outside.notify(session, topic(run.id))
    return run


async def _ask(session: TenantSession, run: SolveRun, instance: Instance) -> SolveRun:
    if not instance.desks or not any(person.engagement > 0 for person in instance.people):
        raise NobodyToPlan
    if await queries_planning.at_work(session) >= MOST_AT_ONCE:
        raise TooManyRuns
    run.id = new_id()
    run.instance = gzip.compress(dumps(instance), mtime=0)
    session.add(run)
    await session.flush()
    await outside.defer(session, TASK, {"run_id": run.id}, unique=f"{TASK}:{run.id}")
    await _record(session, run, "rota.solve_asked", run.asked_by)
    return run


async def _record(session: TenantSession, run: SolveRun, action: str, by: str, **more: Any) -> None:
    await audit.record(
        session,
        actor=by,
        action=action,
        subject_type="solve_run",
        subject_id=run.id,
        detail={"semester": run.semester, "kind": run.kind, "seed": run.seed, "seconds": run.seconds, **more},
    )


# --- what the runner tells --------------------------------------------------


async def begin(session: TenantSession, *, run_id: UUID) -> SolveRun | None:
    """The run, now running; None when it is over already. One that a worker left behind begins again."""
    run = await queries_planning.get_run(session, run_id=run_id, lock=True)
    if run.state not in (RunState.WAITING, RunState.RUNNING):
        return None
    run.state, run.started_at = RunState.RUNNING, clock.now()
    await session.flush()
    await outside.notify(session, topic(run_id))
    return run


async def note_progress(session: TenantSession, *, run_id: UUID, **figures: Any) -> None:
    """How far the search is, for whoever watches."""
    await session.execute(sa.update(SolveRun).where(SolveRun.id == run_id).values(**figures))
    await outside.notify(session, topic(run_id))


async def keep(
    session: TenantSession,
    *,
    run_id: UUID,
    trades: TradeRegistry,
    given: Iterable[Given],
    result: dict[str, Any],
    **figures: Any,
) -> None:
    """The search is over: its figures, and for a draft its duties, in a new draft of the semester. `given`: units given
    to people (`solver.process.Given`). Harmless when it was kept already."""
    run = await queries_planning.get_run(session, run_id=run_id, lock=True)
    if run.state in (RunState.DONE, RunState.FAILED):
        return
    for name, value in figures.items():
        setattr(run, name, value)
    run.state, run.ended_at, run.result = RunState.DONE, clock.now(), result
    if run.kind == RunKind.DRAFT:
        run.rota_id = await _draft(session, run, given, trades)
    await session.flush()
    await outside.notify(session, topic(run_id))


async def fail(session: TenantSession, *, run_id: UUID, why: str) -> None:
    """The search broke: `why` in French is shown."""
    run = await queries_planning.get_run(session, run_id=run_id, lock=True)
    if run.state in (RunState.DONE, RunState.FAILED):
        return
    run.state, run.ended_at, run.result = RunState.FAILED, clock.now(), {"why": why}
    await session.flush()
    await outside.notify(session, topic(run_id))


async def _draft(session: TenantSession, run: SolveRun, given: Iterable[Given], trades: TradeRegistry) -> UUID:
    semester = Semester.parse(run.semester)
    posts = {
        (post.sector_id, post.trade, post.rank): post.id
        for post in await queries.posts(session, semester=semester, trades=trades)
    }
    member_of = {person.id: person.member_id for person in loads(gzip.decompress(run.instance)).people}
    rota = Rota(semester=run.semester)
    session.add(rota)
    await session.flush()
    now = clock.now()
    rows = [
        {
            "id": new_id(),
            "rota_id": rota.id,
            "post_id": post_id,
            "member_id": member_of[unit.person_id],
            "technician_id": unit.person_id,
            "starts_at": period.starts_at,
            "ends_at": period.ends_at,
            "live": False,
            "recorded_at": now,
            "recorded_by": run.asked_by,
            "reason": "",
        }
        for unit in given
        if (post_id := posts.get((unit.sector_id, unit.trade, unit.rank))) is not None
        for period in unit.periods
    ]
    if rows:
        await session.execute(sa.insert(Duty), rows)
    await audit.record(
        session,
        actor=run.asked_by,
        action="rota.solved",
        subject_type="rota",
        subject_id=rota.id,
        detail={"run": str(run.id), "duties": len(rows), "uncovered": run.uncovered or 0},
    )
    return rota.id
