"""For probes: is this process up, does it reach its database, is the schema the one it knows."""

import sqlalchemy as sa
from litestar import Response, get

from maillage_app.runtime import Runtime
from maillage_kit.migrations import Tree


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
