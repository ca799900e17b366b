"""Background entry points: they only say « look now », the rows hold the truth."""

from uuid import UUID

from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.settings import Settings
from maillage_tenants.interventions.service import offers, progress, telling


async def look_at_offers(
    session: TenantSession, cooperative: CooperativeContext, settings: Settings, case_id: str
) -> None:
    """An offer may have run out: ask the next candidate."""
    url = offers.case_url(settings, cooperative, UUID(case_id))
    await offers.look_at_offers(session, case_id=UUID(case_id), at=clock.now(), case_url=url)


async def look_at_delays(session: TenantSession, case_id: str) -> None:
    """A promise may have been missed: tell the desk."""
    await progress.look_at_delays(session, case_id=UUID(case_id), at=clock.now())


async def send_tracking(
    session: TenantSession, cooperative: CooperativeContext, settings: Settings, case_id: str
) -> None:
    """The customer's page and the price announced."""
    await telling.send_tracking(session, cooperative=cooperative, settings=settings, case_id=UUID(case_id))
