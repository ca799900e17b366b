"""Background entry points: they only say « look now », the rows hold the truth."""

from uuid import UUID

import structlog

from maillage_kit.db import TenantSession
from maillage_kit.settings import Settings
from maillage_tenants.recordings.fetching import CarrierFetcher, fetch_recording
from maillage_tenants.recordings.purging import purge

log = structlog.get_logger(__name__)


async def fetch(session: TenantSession, settings: Settings, recording_id: str, attempt: int = 1) -> None:
    """`recordings.fetch`: one attempt to have a recording from the carrier."""
    fetcher = CarrierFetcher(settings.telephony.api)
    await fetch_recording(session, recording_id=UUID(recording_id), attempt=attempt, fetcher=fetcher)


async def look_for_old(session: TenantSession) -> None:
    """Recordings whose time is over (R70)."""
    gone = await purge(session)
    if gone:
        log.info("recordings_purged", count=gone)
