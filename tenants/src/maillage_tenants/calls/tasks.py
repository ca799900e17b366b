"""Background entry points: they only say « look now », the rows hold the truth."""

import structlog

from maillage_hooks import TradeRegistry
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.settings import Settings
from maillage_tenants.calls.record import Station
from maillage_tenants.calls.service import sweeping

log = structlog.get_logger(__name__)


async def look_for_stuck(
    session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry, settings: Settings
) -> None:
    """Calls that should have ended long ago are ended, with an alarm each."""
    closed = await sweeping.close_stuck(session, station=Station(cooperative, trades, settings.telephony))
    if closed:
        log.warning("stuck_calls_closed", count=closed)
