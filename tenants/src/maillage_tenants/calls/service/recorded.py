"""What was recorded on a call comes in: from the carrier that holds it, or from our own voice process."""

from uuid import UUID

import sqlalchemy as sa
import structlog

from maillage_kit.db import TenantSession
from maillage_kit.errors import NotFound
from maillage_tenants import recordings
from maillage_tenants.calls import case
from maillage_tenants.calls.models import Call
from maillage_tenants.calls.signals import RecordingNews
from maillage_tenants.recordings import RecordingKind

log = structlog.get_logger(__name__)


async def announced(session: TenantSession, *, call_id: UUID, kind: RecordingKind, news: RecordingNews) -> None:
    """A recording is ready at the carrier's: it will be fetched. Raises NotFound for an unknown call."""
    case_id = await _wanted(session, call_id=call_id, kind=kind)
    added = await recordings.announce(
        session, call_id=call_id, kind=kind, reference=news.reference, url=news.url, seconds=news.seconds
    )
    if added:
        await _tell(session, case_id=case_id, kind=kind)


async def brought(session: TenantSession, *, call_id: UUID, kind: RecordingKind, content: bytes) -> None:
    """A recording is brought; twice is once. Raises NotFound for an unknown call, NotASound, SoundTooLarge."""
    case_id = await _wanted(session, call_id=call_id, kind=kind)
    if await recordings.keep(session, call_id=call_id, kind=kind, content=content):
        await _tell(session, case_id=case_id, kind=kind)


async def _wanted(session: TenantSession, *, call_id: UUID, kind: RecordingKind) -> UUID | None:
    """The case of the call. A conversation whose caller was not told, or objected, is not taken (R70): NotFound."""
    row = (
        await session.execute(sa.select(Call.intervention_id, Call.may_record).where(Call.id == call_id))
    ).one_or_none()
    if row is None:
        raise NotFound
    if kind is RecordingKind.CONVERSATION and not row.may_record:
        log.warning("recording_not_taken", call=str(call_id))
        raise NotFound
    case_id: UUID | None = row.intervention_id
    return case_id


async def _tell(session: TenantSession, *, case_id: UUID | None, kind: RecordingKind) -> None:
    if case_id is not None and kind is RecordingKind.MESSAGE:
        text = "L’appelant a laissé un message vocal : à écouter sur la page de l’appel."
        await case.add_line(session, case_id=case_id, kind="voice_message", text=text)
