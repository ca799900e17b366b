"""Watch calls: planned and expected in one transaction, placed in the next, judged when over."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.dialects.postgresql import insert

from maillage_hooks import TradeRegistry
from maillage_kit import clock, outside
from maillage_kit.context import CooperativeContext
from maillage_kit.db import Database, TenantSession
from maillage_kit.ids import new_id
from maillage_kit.settings import Settings
from maillage_tenants import calls
from maillage_tenants.watch import queries, rules
from maillage_tenants.watch.errors import RunUnderWay, WatchNotSet
from maillage_tenants.watch.events import WatchCallJudged
from maillage_tenants.watch.models import RunOutcome, WatchRun, WatchSetting
from maillage_tenants.watch.placing import NotPlaced, placer

log = structlog.get_logger(__name__)
PLACE = "watch.place"
JUDGE = "watch.judge"
BY_ITSELF = "Maillage"


async def ensure_setting(session: TenantSession) -> WatchSetting:
    """The settings, written the first time: on, keys of its own choice, no address of the operator."""
    await session.execute(
        insert(WatchSetting)
        .values(id=1, enabled=True, enabled_at=clock.now(), keys="", operator_email="", changed_by=BY_ITSELF)
        .on_conflict_do_nothing()
    )
    return await session.get_one(WatchSetting, 1)


async def plan_due(
    session: TenantSession, *, cooperative: CooperativeContext, trades: TradeRegistry, settings: Settings
) -> bool:
    """Plan the watch call whose time has come; True when one was planned."""
    watch = settings.telephony.watch
    if not watch.is_set or not (await ensure_setting(session)).enabled:
        return False
    last = await queries.last_planned_at(session)
    every = timedelta(minutes=watch.every_minutes)
    if not rules.is_due(cooperative.id, last=last, now=clock.now(), every=every) or await queries.open_runs(session):
        return False
    await plan_run(session, trades=trades, settings=settings, by=BY_ITSELF)
    return True


async def plan_run(session: TenantSession, *, trades: TradeRegistry, settings: Settings, by: str) -> UUID:
    """Expect a watch call from now on and have it placed once this transaction commits; the run's id.

    The order matters: a call that arrives before it is expected would ring the people on call. Raises WatchNotSet
    without numbers, RunUnderWay while another run is not judged.
    """
    watch = settings.telephony.watch
    if watch.number is None:
        raise WatchNotSet
    now = clock.now()
    chosen = await ensure_setting(session)
    if await queries.open_runs(session):
        raise RunUnderWay
    run = WatchRun(
        id=new_id(),
        planned_at=now,
        planned_by=by,
        keys=chosen.keys or watch.keys or await own_keys(session, trades=trades, at=now),
        deadline_at=now + rules.PLACE_WITHIN + timedelta(seconds=watch.within_seconds),
    )
    session.add(run)
    await session.flush()
    await calls.expect_watch_call(
        session, watch_id=run.id, caller=watch.number, until=run.deadline_at + rules.EXPECTED_LONGER
    )
    await outside.defer(session, PLACE, {"run_id": run.id})
    await outside.notify(session, "watch")
    return run.id


async def own_keys(session: TenantSession, *, trades: TradeRegistry, at: datetime) -> str:
    """The key of a trade and a postcode that lead to one sector; empty when the cooperative has no sector yet."""
    for plugin in trades:
        postcode = await queries.postcode_of_one_sector(session, trade=plugin.trade.code, at=at)
        if postcode is not None:
            return f"{plugin.trade.keypad_digit} {postcode}"
    return ""


async def place(database: Database, *, cooperative: CooperativeContext, settings: Settings, run_id: UUID) -> None:
    """Place a planned call, unless it was, or it is too late for it. That it leaves is committed before the carrier is
    asked: a task that comes again after a kill does not call twice."""
    async with database.tenant(cooperative.tenant) as session:
        keys = await _leaves(session, run_id=run_id, within=timedelta(seconds=settings.telephony.watch.within_seconds))
    if keys is None:
        return
    reference, failure = "", ""
    try:
        reference = await placer(settings).place(run_id=run_id, number=cooperative.public_number, keys=keys)
    except NotPlaced as refused:
        log.warning("watch_call_not_placed", reason=str(refused))
        failure = str(refused)
    async with database.tenant(cooperative.tenant) as session:
        run = next(iter(await queries.open_runs(session, run_id=run_id)), None)
        if run is not None and failure:
            await _settle(session, run, failure=failure)
        elif run is not None:
            run.provider_reference = reference


async def _leaves(session: TenantSession, *, run_id: UUID, within: timedelta) -> str | None:
    """The keys to type, its clock started; None when there is nothing to place."""
    run = next(iter(await queries.open_runs(session, run_id=run_id)), None)
    if run is None or run.placed_at is not None:
        return None
    now = clock.now()
    if now - run.planned_at > rules.PLACE_WITHIN:
        await _settle(session, run, failure=rules.NOT_PLACED_IN_TIME)
        return None
    run.placed_at, run.deadline_at = now, now + within
    await session.flush()
    await outside.defer(session, JUDGE, {"run_id": run.id}, run_at=run.deadline_at + timedelta(seconds=1))
    return run.keys


async def judge(session: TenantSession, *, run_id: UUID | None = None) -> int:
    """Give their verdict to runs that are over, all or one. Returns how many were judged."""
    judged = 0
    for run in await queries.open_runs(session, run_id=run_id):
        progress = await calls.watch_progress(session, watch_id=run.id)
        if progress is not None:
            run.call_id, run.arrived_at = progress.call_id, progress.arrived_at
            run.rang_at, run.answered_at, run.accepted_at = (
                progress.rang_at,
                progress.answered_at,
                progress.accepted_at,
            )
        verdict = rules.judge(progress, keys=run.keys, deadline=run.deadline_at, now=clock.now())
        if verdict is not None:
            await _settle(session, run, failure=verdict.failure)
            judged += 1
    return judged


async def _settle(session: TenantSession, run: WatchRun, *, failure: str) -> None:
    now = clock.now()
    run.judged_at = now
    run.outcome = RunOutcome.FAILED if failure else RunOutcome.SUCCESS
    run.failure = failure
    await session.flush()
    took = run.accepted_at - run.placed_at if run.accepted_at and run.placed_at else None
    seconds = round(took.total_seconds()) if took is not None and not failure else None
    judged = WatchCallJudged(succeeded=not failure, seconds=seconds, failure=failure)
    await outside.publish(session, judged, occurred_at=now)
    await outside.notify(session, "watch")
