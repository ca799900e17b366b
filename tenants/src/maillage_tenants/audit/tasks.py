"""Background work of the audit log."""

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_tenants.audit import service


async def look_for_old_entries(session: TenantSession) -> None:
    """Sweep: entries older than a year are forgotten (R68)."""
    await service.purge(session, at=clock.now())
