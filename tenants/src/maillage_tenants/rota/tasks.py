"""Background entry points: they only say « look now », the rows hold the truth."""

from uuid import UUID

from maillage_hooks import TradeRegistry
from maillage_kit.context import CooperativeContext
from maillage_kit.db import Database
from maillage_tenants.rota import runner


async def solve(database: Database, cooperative: CooperativeContext, trades: TradeRegistry, run_id: str) -> None:
    """`rota.solve`: search a semester's rota, in a process of its own."""
    await runner.run(database, cooperative=cooperative, trades=trades, run_id=UUID(run_id))
