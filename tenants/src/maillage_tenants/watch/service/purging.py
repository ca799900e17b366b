"""What the watch wrote is not kept for ever: calls thirty days, runs and findings a year (R68)."""

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_tenants import calls
from maillage_tenants.watch import rules
from maillage_tenants.watch.models import WatchFinding, WatchRun


async def purge(session: TenantSession) -> int:
    """Erase what is over its time. A run not judged yet and a finding whose cause is there stay. Returns how many rows
    of the watch went, calls included."""
    now = clock.now()
    forgotten = await calls.forget_watch_calls(session, before=now - rules.CALLS_KEPT)
    runs = await session.scalars(
        sa.delete(WatchRun)
        .where(WatchRun.planned_at < now - rules.RUNS_KEPT, WatchRun.outcome.is_not(None))
        .returning(WatchRun.id)
    )
    findings = await session.scalars(
        sa.delete(WatchFinding).where(WatchFinding.gone_at < now - rules.RUNS_KEPT).returning(WatchFinding.id)
    )
    return forgotten + len(runs.all()) + len(findings.all())
