"""What is kept is not kept for ever: 180 days, unless a dispute holds the call (R70)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock, outside
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_tenants import audit
from maillage_tenants.recordings.models import CallHold, CallRecording, RecordingState

PURGED_AFTER = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Held:
    reason: str
    placed_at: datetime
    placed_by: str


async def held(session: TenantSession, *, call_id: UUID) -> Held | None:
    """The hold on a call's recordings, None without one."""
    row = (
        await session.execute(
            sa.select(CallHold.reason, CallHold.placed_at, CallHold.placed_by).where(CallHold.call_id == call_id)
        )
    ).one_or_none()
    return None if row is None else Held(*row)


async def hold(session: TenantSession, *, call_id: UUID, reason: str, by: str) -> None:
    """Keep this call's recordings for as long as a dispute lasts. Raises Invalid without a reason."""
    words = " ".join(reason.split())
    if len(words) < 3:
        raise Invalid("Dites pourquoi.", fields={"reason": "Un motif est attendu."})
    await session.execute(
        insert(CallHold)
        .values(call_id=call_id, reason=words, placed_at=clock.now(), placed_by=by)
        .on_conflict_do_nothing()
    )
    await audit.record(session, actor=by, action="recordings.held", subject_type="call", subject_id=call_id)
    await outside.notify(session, "calls", call_id)


async def release(session: TenantSession, *, call_id: UUID, by: str) -> None:
    """The dispute is over: the usual time counts again."""
    await session.execute(sa.delete(CallHold).where(CallHold.call_id == call_id))
    await audit.record(session, actor=by, action="recordings.released", subject_type="call", subject_id=call_id)
    await outside.notify(session, "calls", call_id)


async def purge(session: TenantSession) -> int:
    """Erase the sound of what is older than 180 days and not held; the row stays, to say so. Returns how many."""
    now = clock.now()
    gone = await session.execute(
        sa.update(CallRecording)
        .where(
            CallRecording.state == RecordingState.KEPT,
            CallRecording.created_at <= now - PURGED_AFTER,
            ~sa.exists().where(CallHold.call_id == CallRecording.call_id),
        )
        .values(state=RecordingState.PURGED, content=None, sha256=None, purged_at=now)
        .returning(CallRecording.id)
    )
    return len(gone.scalars().all())
