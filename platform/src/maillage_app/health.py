"""For probes: is this process up, does it reach its database, is the schema the one it knows."""

import sqlalchemy as sa
from litestar import Response, get

from maillage_app import auditing
from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.migrations import Tree
from maillage_platform import heartbeat


@get("/health")
async def health(runtime: Runtime) -> Response[dict[str, str]]:
    """200 when calls can be served with the database, 503 otherwise. Says nothing a stranger could use."""
    try:
        async with runtime.database.platform() as session:
            revision = (await session.execute(sa.text("select version_num from platform.alembic_version"))).scalar()
    except Exception:
        return Response({"status": "database_unavailable"}, status_code=503)
    ready = revision == Tree("platform").head
    return Response({"status": "ok" if ready else "migration_needed"}, status_code=200 if ready else 503)


@get("/health/watch")
async def health_of_watch(runtime: Runtime) -> Response[dict[str, str | int]]:
    """For an outside monitor: 200 while the audit looked within five minutes and found everything on time, else 503.

    Says how old the last look is and nothing of what it found.
    """
    try:
        async with runtime.database.platform() as session:
            last = await heartbeat.last_beat(session, name=auditing.NAME)
    except Exception:
        return Response({"status": "database_unavailable"}, status_code=503)
    if last is None:
        return Response({"status": "never"}, status_code=503)
    now = clock.now()
    on_time = last.is_on_time(now=now, within=auditing.LATE_AFTER)
    age = int((now - last.looked_at).total_seconds())
    return Response({"status": "ok" if on_time else "late", "age_seconds": age}, status_code=200 if on_time else 503)
