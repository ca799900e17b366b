"""Keeping what was said: announced by a carrier and fetched afterwards, or brought by our own voice process."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock, outside
from maillage_kit.db import TenantSession, insert_once
from maillage_kit.errors import NotFound
from maillage_tenants import audit
from maillage_tenants.recordings import rules
from maillage_tenants.recordings.errors import SoundTooLarge
from maillage_tenants.recordings.models import CallRecording, RecordingKind, RecordingState

FETCH = "recordings.fetch"
LIMITS = {
    RecordingKind.MESSAGE: rules.MAX_MESSAGE_BYTES,
    RecordingKind.CONVERSATION: rules.MAX_CONVERSATION_BYTES,
}


@dataclass(frozen=True, slots=True)
class Kept:
    """One recording of a call, without its sound."""

    id: UUID
    kind: str
    state: str
    seconds: int | None
    created_at: datetime
    error: str | None


async def announce(
    session: TenantSession, *, call_id: UUID, kind: RecordingKind, reference: str, url: str, seconds: int | None
) -> bool:
    """A carrier holds a recording of this call at `url`: it is fetched in the background. False for a repeat."""
    recording_id = await insert_once(
        session,
        CallRecording,
        unique=[CallRecording.reference],
        call_id=call_id,
        kind=kind,
        reference=reference,
        source_url=url,
        state=RecordingState.WAITING,
        seconds=seconds,
        created_at=clock.now(),
    )
    if recording_id is None:
        return False
    await outside.defer(session, FETCH, {"recording_id": recording_id}, unique=f"recording:{recording_id}")
    await outside.notify(session, "calls", call_id)
    return True


async def keep(
    session: TenantSession, *, call_id: UUID, kind: RecordingKind, content: bytes, reference: str | None = None
) -> bool:
    """Keep a sound that was brought; False when that call has it already. Raises NotASound, SoundTooLarge."""
    check_size(kind, len(content))
    media = rules.media_type(content)
    digest = hashlib.sha256(content).hexdigest()
    name = reference or f"own:{call_id}:{kind}:{digest}"
    now = clock.now()
    added = await insert_once(
        session,
        CallRecording,
        unique=[CallRecording.reference],
        call_id=call_id,
        kind=kind,
        reference=name,
        state=RecordingState.KEPT,
        seconds=rules.wav_seconds(content),
        content_type=media,
        size=len(content),
        sha256=digest,
        content=content,
        created_at=now,
        kept_at=now,
    )
    if added is None:
        return False
    await outside.notify(session, "calls", call_id)
    return True


def check_size(kind: RecordingKind, size: int) -> None:
    """Raises SoundTooLarge."""
    if size > LIMITS[kind]:
        raise SoundTooLarge


async def kept_of(session: TenantSession, *, call_id: UUID) -> tuple[Kept, ...]:
    """The recordings of one call, in order."""
    found = await session.execute(
        sa.select(
            CallRecording.id,
            CallRecording.kind,
            CallRecording.state,
            CallRecording.seconds,
            CallRecording.created_at,
            CallRecording.error,
        )
        .where(CallRecording.call_id == call_id)
        .order_by(CallRecording.created_at, CallRecording.id)
    )
    return tuple(Kept(*row) for row in found)


async def sound_of(session: TenantSession, *, call_id: UUID, recording_id: UUID, by: str) -> tuple[bytes, str]:
    """(the sound, its media type). The listening is audited (R70). Raises NotFound, also once purged."""
    row = (
        await session.execute(
            sa.select(CallRecording.content, CallRecording.content_type, CallRecording.kind).where(
                CallRecording.id == recording_id,
                CallRecording.call_id == call_id,
                CallRecording.state == RecordingState.KEPT,
            )
        )
    ).one_or_none()
    if row is None or row.content is None:
        raise NotFound
    await audit.record(
        session,
        actor=by,
        action="recordings.listened",
        subject_type="call",
        subject_id=call_id,
        detail={"recording": recording_id, "kind": row.kind},
    )
    return row.content, row.content_type or "audio/wav"
