"""Writing and reading heartbeats, and what waits too long in the queue of background tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock
from maillage_kit.db import PlatformSession
from maillage_platform.heartbeat.models import Heartbeat


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat as last written; `troubles` are codes for the log and the doctor, never people's data."""

    looked_at: datetime
    on_time_at: datetime | None
    troubles: tuple[str, ...]

    def is_on_time(self, *, now: datetime, within: timedelta) -> bool:
        """Somebody looked lately, and found everything on time."""
        return now - self.looked_at <= within and not self.troubles


async def beat(session: PlatformSession, *, name: str, troubles: Sequence[str]) -> None:
    """Say that `name` has looked just now, and what it found."""
    now = clock.now()
    values = {"looked_at": now, "troubles": list(troubles), **({} if troubles else {"on_time_at": now})}
    await session.execute(
        insert(Heartbeat)
        .values(name=name, **values)
        .on_conflict_do_update(index_elements=[Heartbeat.name], set_=values)
    )


async def last_beat(session: PlatformSession, *, name: str) -> Beat | None:
    """None when it never looked."""
    found = await session.get(Heartbeat, name)
    return None if found is None else Beat(found.looked_at, found.on_time_at, tuple(found.troubles))


_LATE = sa.text(
    """
    select job.args->>'_tenant', job.task_name, coalesce(job.scheduled_at, deferred.at)
    from tasks.procrastinate_jobs job
    left join lateral (
      select at from tasks.procrastinate_events where job_id = job.id and type = 'deferred' order by at limit 1
    ) deferred on true
    where job.status = 'todo'
      and (job.scheduled_at < :scheduled_before
           or (job.scheduled_at is null and deferred.at < now() - cast(:late as interval)))
    order by 3 limit 1000
    """
)


async def late_tasks(session: PlatformSession, *, late_by: timedelta) -> Sequence[tuple[str | None, str, datetime]]:
    """(role of the cooperative, None for the platform's own; task; since when) of tasks that should have begun."""
    found = await session.execute(_LATE, {"scheduled_before": clock.now() - late_by, "late": late_by})
    return [(role, task, since) for role, task, since in found]
