"""Calls to the single number: the call, its frozen ladder, its legs, every event the carrier told, callbacks owed."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.db import TenantBase
from maillage_tenants.dispatch.rules import StepKind


class CallState(StrEnum):
    """`menu`: the caller is asked something; `ringing`: the ladder is running; the other two speak for themselves."""

    MENU = "menu"
    RINGING = "ringing"
    CONNECTED = "connected"
    ENDED = "ended"


class CallOutcome(StrEnum):
    ACCEPTED = "accepted"
    FALLBACK = "fallback"
    REDIRECTED = "redirected"
    ABANDONED = "abandoned"
    MISSED = "missed"


class LegState(StrEnum):
    """`untold`: the call is over and nobody said how this line ended. Not final: a word that comes late is heard."""

    RINGING = "ringing"
    ANSWERED = "answered"
    ACCEPTED = "accepted"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NOT_ACCEPTED = "not_accepted"
    CANCELLED = "cancelled"
    UNTOLD = "untold"


FINAL_LEG_STATES = frozenset(
    {
        LegState.ACCEPTED,
        LegState.NO_ANSWER,
        LegState.BUSY,
        LegState.REFUSED,
        LegState.UNREACHABLE,
        LegState.NOT_ACCEPTED,
        LegState.CANCELLED,
    }
)


class CallbackOutcome(StrEnum):
    """How a callback owed to a caller ended; one of these is required to close it."""

    REACHED_CASE_OPENED = "reached_case_opened"
    REACHED_NO_NEED = "reached_no_need"
    UNREACHABLE_MESSAGE_LEFT = "unreachable_message_left"
    WRONG_NUMBER = "wrong_number"
    DUPLICATE = "duplicate"


class WatchCall(TenantBase):
    """A call of our own that is expected from `caller` between the two instants (`watched.py`)."""

    __tablename__ = "watch_call"
    __table_args__ = (
        sa.CheckConstraint("expected_until > expected_from", name="period"),
        sa.Index(None, "caller", "expected_until"),
    )

    id: Mapped[Key]
    caller: Mapped[str]
    expected_from: Mapped[datetime]
    expected_until: Mapped[datetime]


class Call(TenantBase):
    """One call to the single number. `position` is the ladder step being rung, None before the ladder.

    `line_ended_at`: when the carrier told that the caller's line was over, which may be known before what came of it.

    `may_record`: the caller was told that the conversation may be recorded and did not object (R70).
    With `watch_id` it is a watch call, our own: in no log, in no statistics, nobody but the test artisan is rung.
    """

    __tablename__ = "call"
    __table_args__ = (
        sa.UniqueConstraint("provider", "provider_call_id"),
        one_of("state", CallState),
        sa.Index(None, "started_at"),
        sa.Index("ix_call_open", "state", postgresql_where=sa.text("state <> 'ended'")),
        sa.Index(None, "intervention_id"),
        sa.Index(None, "caller"),
        sa.Index("ix_call_watch_id", "watch_id", postgresql_where=sa.text("watch_id is not null")),
    )

    id: Mapped[Key]
    provider: Mapped[str]
    provider_call_id: Mapped[str]
    called: Mapped[str]
    caller: Mapped[str | None]
    state: Mapped[str]
    outcome: Mapped[str | None]
    started_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    connected_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    line_ended_at: Mapped[datetime | None]
    last_sequence: Mapped[int] = mapped_column(default=-1)
    customer_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("customer.id"))
    site_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("site.id"))
    subscription_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("subscription.id"))
    postcode_typed: Mapped[str | None]
    insee: Mapped[str | None] = mapped_column(sa.ForeignKey("commune.insee"))
    sector_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("sector.id"))
    trade: Mapped[str | None]
    position: Mapped[int | None]
    accepted_position: Mapped[int | None]
    routing_note: Mapped[str] = mapped_column(default="")
    intervention_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("intervention.id", use_alter=True))
    watch_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("watch_call.id"))
    may_record: Mapped[bool] = mapped_column(default=False, server_default=sa.false())


class LadderStep(TenantBase):
    """One step of the ladder, frozen when the call was routed, with the reason in French for the people who read it."""

    __tablename__ = "ladder_step"
    __table_args__ = (one_of("kind", StepKind),)

    call_id: Mapped[UUID] = mapped_column(sa.ForeignKey("call.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    phone: Mapped[str | None]
    display_name: Mapped[str]
    member_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    technician_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("technician.id"))
    duty_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("duty.id"))
    sector_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("sector.id"))
    ring_seconds: Mapped[int]
    reason: Mapped[str]
    skipped: Mapped[str | None]


class CallLeg(TenantBase):
    """One attempt to reach one person. A final state never changes.

    `last_sequence`: of the carrier's news; 0 when a carrier without sequences told when the attempt began, else -1.
    """

    __tablename__ = "call_leg"
    __table_args__ = (
        one_of("state", LegState),
        sa.UniqueConstraint("call_id", "position"),
        sa.Index("uq_call_leg_provider_leg_id", "provider_leg_id", unique=True),
    )

    id: Mapped[Key]
    call_id: Mapped[UUID] = mapped_column(sa.ForeignKey("call.id"))
    position: Mapped[int]
    phone: Mapped[str]
    provider_leg_id: Mapped[str | None]
    state: Mapped[str]
    last_sequence: Mapped[int] = mapped_column(default=-1)
    started_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    detail: Mapped[str] = mapped_column(default="")


class CallEvent(TenantBase):
    """Everything a carrier told us, as it came; append-only. `fingerprint` makes a repeat harmless.

    `call_id` is None for what was told before its call was written: `provider_call_id` leads to it.
    """

    __tablename__ = "call_event"
    __table_args__ = (
        sa.Index(None, "call_id", "id"),
        sa.Index("ix_call_event_orphan", "provider_call_id", postgresql_where=sa.text("call_id is null")),
        sa.Index("ix_call_event_orphan_since", "received_at", postgresql_where=sa.text("call_id is null")),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    call_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("call.id"))
    provider: Mapped[str]
    provider_call_id: Mapped[str]
    kind: Mapped[str]
    sequence: Mapped[int | None]
    fingerprint: Mapped[str] = mapped_column(unique=True)
    payload: Mapped[dict[str, Any]]
    received_at: Mapped[Created]


class Callback(TenantBase):
    """A person to call back: cannot be closed without an outcome."""

    __tablename__ = "callback"
    __table_args__ = (
        sa.CheckConstraint("(closed_at is null) = (outcome is null)", name="closed_with_outcome"),
        sa.Index("ix_callback_open", "due_at", postgresql_where=sa.text("closed_at is null")),
    )

    id: Mapped[Key]
    call_id: Mapped[UUID] = mapped_column(sa.ForeignKey("call.id"), unique=True)
    phone: Mapped[str | None]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    outcome: Mapped[str | None]
    note: Mapped[str] = mapped_column(default="")
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
