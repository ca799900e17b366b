"""Background tasks of the rota: each minute, for every cooperative."""

from maillage_kit.db import TenantSession
from maillage_tenants.rota import service


async def look_for_stale_swaps(session: TenantSession) -> None:
    """Proposals that nobody can accept any more are closed."""
    await service.close_stale(session)


async def look_for_reminders(session: TenantSession) -> None:
    """Duties of the next three days."""
    await service.remind(session)


async def look_for_handovers(session: TenantSession) -> None:
    """Handovers of the coming hour."""
    await service.announce_handovers(session)


async def look_for_unreachable(session: TenantSession) -> None:
    """Phones of those on call this week."""
    await service.check_phones(session)
