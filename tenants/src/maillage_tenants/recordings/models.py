"""What was said and kept: voice messages, conversations, and the sentences a cooperative recorded itself."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.db import TenantBase


class RecordingKind(StrEnum):
    """`message`: left by a caller whom nobody could answer; `conversation`: kept with notice (R70)."""

    MESSAGE = "message"
    CONVERSATION = "conversation"


class RecordingState(StrEnum):
    """`waiting`: still at the carrier's; `failed`: it could not be had; `purged`: its time was over (R70)."""

    WAITING = "waiting"
    KEPT = "kept"
    FAILED = "failed"
    PURGED = "purged"


class CallRecording(TenantBase):
    """One recording of a call. `reference` is the carrier's name for it. Purged, the row stays and the sound goes."""

    __tablename__ = "call_recording"
    __table_args__ = (
        one_of("kind", RecordingKind),
        one_of("state", RecordingState),
        sa.CheckConstraint("(state = 'kept') = (content is not null)", name="kept_with_sound"),
        sa.Index(None, "call_id"),
        sa.Index("ix_call_recording_kept", "created_at", postgresql_where=sa.text("state = 'kept'")),
    )

    id: Mapped[Key]
    call_id: Mapped[UUID] = mapped_column(sa.ForeignKey("call.id"))
    kind: Mapped[str]
    reference: Mapped[str] = mapped_column(unique=True)
    source_url: Mapped[str | None]
    state: Mapped[str]
    seconds: Mapped[int | None]
    content_type: Mapped[str | None]
    size: Mapped[int | None]
    sha256: Mapped[str | None]
    content: Mapped[bytes | None] = mapped_column(deferred=True)
    error: Mapped[str | None]
    created_at: Mapped[Created]
    kept_at: Mapped[datetime | None]
    purged_at: Mapped[datetime | None]


class CallHold(TenantBase):
    """The recordings of this call are not purged: there is a dispute (R70)."""

    __tablename__ = "call_hold"

    call_id: Mapped[UUID] = mapped_column(sa.ForeignKey("call.id"), primary_key=True)
    reason: Mapped[str]
    placed_at: Mapped[datetime]
    placed_by: Mapped[str]


class RecordingChoice(TenantBase):
    """Whether conversations are recorded, each change with its author; the last row counts. No row: they are not."""

    __tablename__ = "recording_choice"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    records: Mapped[bool]
    chosen_at: Mapped[datetime]
    chosen_by: Mapped[str]


class OwnPrompt(TenantBase):
    """A fixed sentence in the cooperative's own voice. `words` is the sentence it was recorded for."""

    __tablename__ = "own_prompt"

    name: Mapped[str] = mapped_column(primary_key=True)
    words: Mapped[str]
    version: Mapped[str]
    milliseconds: Mapped[int]
    content: Mapped[bytes] = mapped_column(deferred=True)
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
