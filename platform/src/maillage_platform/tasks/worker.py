"""Runs what was deferred. Handlers are given by the composition root: this module knows none of them.

Procrastinate delivers at least once; a task of a killed worker comes back through `rescue`. Handlers look at a domain
row before they act, so running twice is harmless (design: the truth of a deadline stays in a domain row).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import procrastinate
import structlog
from procrastinate import JobContext, PsycopgConnector, RetryStrategy

from maillage_kit import clock

log = structlog.get_logger(__name__)
Handler = Callable[..., Awaitable[None]]
TenantRunner = Callable[[Handler, str, dict[str, Any]], Awaitable[None]]
STALLED_SECONDS = 10


class TaskRunner:
    """One worker's tasks: per-cooperative handlers by name, and periodic ones of the whole platform."""

    def __init__(self, url: str, *, handlers: Mapping[str, Handler], run_for_tenant: TenantRunner) -> None:
        """`run_for_tenant(handler, role, args)` opens the cooperative's transaction and calls the handler in it."""
        self.app = procrastinate.App(
            connector=PsycopgConnector(conninfo=url, min_size=1, max_size=6, kwargs={"options": "-c search_path=tasks"})
        )
        for name, handler in handlers.items():
            self._register(name, handler, run_for_tenant)
        self.app.periodic(cron="* * * * * */5")(
            self.app.task(name="platform.rescue", queueing_lock="platform.rescue", pass_context=True)(self._rescue)
        )

    def every(self, cron: str, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` on a cron of six fields, the sixth being seconds; once per tick over all workers."""

        async def tick(timestamp: int) -> None:  # noqa: ARG001 - given by Procrastinate
            await work()

        self.app.periodic(cron=cron)(self.app.task(name=name, queueing_lock=name)(tick))

    async def run(self, *, concurrency: int = 8) -> None:
        """Work until cancelled or told to stop by a signal."""
        async with self.app.open_async():
            forward = asyncio.create_task(self._follow_moved_clock())
            try:
                await self.app.run_worker_async(
                    concurrency=concurrency,
                    fetch_job_polling_interval=0.25,
                    update_heartbeat_interval=3,
                    stalled_worker_timeout=STALLED_SECONDS,
                    delete_jobs="successful",
                )
            finally:
                forward.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await forward

    async def run_due(self) -> None:
        """Run everything due at `clock.now()`, until nothing is left: for tests and the demo, which move the clock."""
        async with self.app.open_async():
            while await self._bring_forward(clock.now()) or await self._waiting():
                await self.app.run_worker_async(
                    wait=False, listen_notify=False, install_signal_handlers=False, delete_jobs="successful"
                )

    def _register(self, name: str, handler: Handler, run_for_tenant: TenantRunner) -> None:
        async def run(_tenant: str, **args: Any) -> None:
            await run_for_tenant(handler, _tenant, args)

        self.app.task(name=name, retry=RetryStrategy(max_attempts=8, exponential_wait=3))(run)

    async def _rescue(self, context: JobContext, timestamp: int) -> None:  # noqa: ARG002 - given by Procrastinate
        for job in await self.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
            log.warning("task_rescued", task=job.task_name, job=job.id)
            await self.app.job_manager.retry_job(job)

    async def _follow_moved_clock(self) -> None:
        """Where the clock is moved by hand, tasks due by it are made due by the database's own clock too."""
        while True:
            await asyncio.sleep(0.2)
            if clock.is_moved():
                await self._bring_forward(clock.now())

    async def _bring_forward(self, now: datetime) -> int:
        row = await self.app.connector.execute_query_one_async(
            "with moved as (update procrastinate_jobs set scheduled_at = null "
            "where status = 'todo' and scheduled_at <= %(now)s and scheduled_at > now() returning 1) "
            "select count(*) as moved from moved",
            now=now,
        )
        return int(row["moved"])

    async def _waiting(self) -> bool:
        row = await self.app.connector.execute_query_one_async(
            "select count(*) as waiting from procrastinate_jobs "
            "where status = 'todo' and (scheduled_at is null or scheduled_at <= now())"
        )
        return bool(row["waiting"])
