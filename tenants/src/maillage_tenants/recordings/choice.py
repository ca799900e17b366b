"""Whether this cooperative records conversations: off until the office says otherwise (R70)."""

import sqlalchemy as sa

from maillage_kit import clock, outside
from maillage_kit.db import TenantSession
from maillage_tenants import audit
from maillage_tenants.recordings.models import RecordingChoice


async def is_on(session: TenantSession) -> bool:
    """What was chosen last. The switchboard follows within seconds (`CooperativeContext.records_calls`)."""
    found = await session.scalar(sa.select(RecordingChoice.records).order_by(RecordingChoice.id.desc()).limit(1))
    return bool(found)


async def choose(session: TenantSession, *, records: bool, by: str) -> None:
    """Record conversations from now on, or no longer. Audited; each caller is told before, and may object (R70)."""
    if await is_on(session) is records:
        return
    session.add(RecordingChoice(records=records, chosen_at=clock.now(), chosen_by=by))
    await outside.keep_voice(session, recording=records)
    await audit.record(
        session,
        actor=by,
        action="recordings.switched_on" if records else "recordings.switched_off",
        subject_type="recording_choice",
        subject_id="conversations",
    )
