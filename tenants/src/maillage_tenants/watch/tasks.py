"""Background entry points: they only say « look now », the rows hold the truth."""

from uuid import UUID

import structlog

from maillage_hooks import TradeRegistry
from maillage_kit.context import CooperativeContext
from maillage_kit.db import Database, TenantSession
from maillage_kit.settings import Settings
from maillage_tenants.watch.service import forwarding, purging, running

log = structlog.get_logger(__name__)


async def look_for_watch_calls(
    session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry, settings: Settings
) -> None:
    """Runs that are over get their verdict; a run whose time has come is planned."""
    await running.judge(session)
    await running.plan_due(session, cooperative=cooperative, trades=trades, settings=settings)


async def place(database: Database, cooperative: CooperativeContext, settings: Settings, run_id: str) -> None:
    """`watch.place`: the planned call leaves."""
    await running.place(database, cooperative=cooperative, settings=settings, run_id=UUID(run_id))


async def judge(session: TenantSession, run_id: str) -> None:
    """`watch.judge`: the time limit of a run is reached."""
    await running.judge(session, run_id=UUID(run_id))


async def look_for_forwards(session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry) -> None:
    """The static forward list of the day (R104)."""
    await forwarding.make_daily(session, cooperative=cooperative, trades=trades)


async def look_for_old(session: TenantSession) -> None:
    """Watch calls, runs and findings whose time is over (R68)."""
    gone = await purging.purge(session)
    if gone:
        log.info("watch_purged", count=gone)
