"""Background entry points: they only say « look now », the rows hold the truth."""

from uuid import UUID

import structlog

from maillage_hooks import TradeRegistry
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.settings import Settings
from maillage_tenants.calls.record import Station
from maillage_tenants.calls.service import hunting, sweeping

log = structlog.get_logger(__name__)


async def look_for_stuck(
    session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry, settings: Settings
) -> None:
    """Calls that should have ended long ago are ended, with an alarm each."""
    closed = await sweeping.close_stuck(session, station=Station(cooperative, trades, settings.telephony))
    if closed:
        log.warning("stuck_calls_closed", count=closed)
    alone = await hunting.settle_orphans(session, station=Station(cooperative, trades, settings.telephony))
    if alone:
        log.error("calls_without_a_decision", count=alone)


async def settle(
    session: TenantSession,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    settings: Settings,
    call_id: str,
) -> None:
    """Say what came of a call whose line is over, when nobody has said it meanwhile."""
    await hunting.settle(session, call_id=UUID(call_id), station=Station(cooperative, trades, settings.telephony))
