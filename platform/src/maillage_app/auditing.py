"""The auditor: looks over every cooperative each minute, and says aloud that it did only while everything is on time.

It is a task of its own beside the sweeps, so that a sweep that fails is seen here. Its heartbeat is a row that
`/health/watch` and the doctor read, and a ping to an outside service (`MAILLAGE_WATCH__HEARTBEAT_URL`). Both stop when
something is late, and the ping stops as well when this machine is dead: the outside service then raises the alarm.
"""

import time
from collections import defaultdict
from datetime import timedelta

import httpx
import structlog

from maillage_app.runtime import Runtime
from maillage_kit.http_client import http_client
from maillage_kit.settings import Settings
from maillage_platform import heartbeat
from maillage_tenants import watch
from maillage_tenants.watch import LateTask

log = structlog.get_logger(__name__)
NAME = "audit"
LOOKS_EVERY = timedelta(minutes=1)
LATE_AFTER = timedelta(minutes=5)
"""A look older than this is late: whoever reads the heartbeat takes it for stopped."""
TASKS_LATE_BY = timedelta(minutes=5)
SLOW_SECONDS = 45.0
"""A look that takes longer will soon not end before the next one begins."""
PING_SECONDS = 10.0


async def audit_everything(runtime: Runtime) -> tuple[str, ...]:
    """One look. Returns what is not on time, as codes; empty means that the heartbeat went out.

    A cooperative whose audit fails is a trouble and does not stop the others. Raises only when the control plane cannot
    be read or written: nothing is then said, which is what silence is for.
    """
    began = time.monotonic()
    troubles: list[str] = []
    late: dict[str | None, list[LateTask]] = defaultdict(list)
    async with runtime.database.platform() as session:
        for role, name, since in await heartbeat.late_tasks(session, late_by=TASKS_LATE_BY):
            late[role].append(LateTask(name, since))
    if late.pop(None, None):
        troubles.append("platform:tasks")
    for cooperative in await runtime.directory.all():
        try:
            async with runtime.database.tenant(cooperative.tenant) as tenant:
                report = await watch.audit(
                    tenant,
                    cooperative=cooperative,
                    settings=runtime.settings,
                    late_tasks=late.get(cooperative.tenant.role, ()),
                )
        except Exception:
            log.exception("audit_failed", cooperative=cooperative.slug)
            troubles.append(f"{cooperative.slug}:audit")
            continue
        if report.old:
            troubles.append(f"{cooperative.slug}:findings")
        if report.silent:
            troubles.append(f"{cooperative.slug}:silence")
    if time.monotonic() - began > SLOW_SECONDS:
        troubles.append("platform:slow")
    async with runtime.database.platform() as session:
        await heartbeat.beat(session, name=NAME, troubles=troubles)
    if troubles:
        log.warning("heartbeat_withheld", troubles=troubles)
    else:
        await ping(runtime.settings)
    return tuple(troubles)


async def ping(settings: Settings) -> bool:
    """Tell the outside service that all is on time; True when it heard. Failing is logged: its silence will tell."""
    url = settings.watch.heartbeat_url
    if url is None or not url.get_secret_value():
        return False
    try:
        async with http_client(timeout=PING_SECONDS) as client:
            answer = await client.get(url.get_secret_value())
    except httpx.HTTPError as exc:
        log.warning("heartbeat_not_heard", error=type(exc).__name__)
        return False
    if not answer.is_success:
        log.warning("heartbeat_not_heard", status=answer.status_code)
    return answer.is_success
