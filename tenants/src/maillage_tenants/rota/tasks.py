"""Background entry points: they only say « look now », the rows hold the truth."""

from uuid import UUID

from maillage_hooks import TradeRegistry
from maillage_kit.context import CooperativeContext
from maillage_kit.db import Database, TenantSession
from maillage_tenants.rota import runner, service


async def solve(database: Database, cooperative: CooperativeContext, trades: TradeRegistry, run_id: str) -> None:
    """`rota.solve`: search a semester's rota, in a process of its own."""
    await runner.run(database, cooperative=cooperative, trades=trades, run_id=UUID(run_id))


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
