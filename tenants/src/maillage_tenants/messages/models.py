"""What a cooperative says to people, every attempt to say it, what came back, and where it can no longer be said."""

from datetime import datetime, time
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.db import TenantBase


class Channel(StrEnum):
    PUSH = "push"
    SMS = "sms"
    CALL = "call"
    EMAIL = "email"


class Urgency(StrEnum):
    """`emergency`: the whole chain, never held back. `prompt`: somebody waits for it, at any hour. `routine`: may wait
    for the morning."""

    EMERGENCY = "emergency"
    PROMPT = "prompt"
    ROUTINE = "routine"


class MessageState(StrEnum):
    """`held`: quiet hours or a limit; `sent`: a carrier has it; `delivered`: a receipt says that it arrived;
    `expired`: nobody needed it any more before it left."""

    QUEUED = "queued"
    HELD = "held"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"


class AttemptState(StrEnum):
    """`giving` is committed before the carrier is asked: a killed worker leaves that trace. `expired`: not needed any
    more, or no news of it within two days."""

    GIVING = "giving"
    GIVEN = "given"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"


class Failure(StrEnum):
    """`dead`: the address; `refused`: this carrier will not take it; `unavailable`: later perhaps."""

    DEAD = "dead"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    UNDELIVERED = "undelivered"


class Message(TenantBase):
    """One thing to say to one person. `dedupe_key` makes writing it twice harmless.

    `recipient` is the number or the e-mail address that is known for sure. With `technician_id` the message goes along
    that person's chain; `email` gets a copy or is the last resort. `glance` is what a locked screen may show (R72);
    `link` a path of this product. Once `settled_at` is set (answered, read, withdrawn), nothing more is tried.
    """

    __tablename__ = "message"
    __table_args__ = (
        sa.CheckConstraint("channel in ('sms', 'email')", name="channel_known"),
        one_of("state", MessageState),
        one_of("urgency", Urgency),
        sa.Index(None, "intervention_id"),
        sa.Index(None, "recipient", "id"),
        sa.Index("ix_message_open", "id", postgresql_where=sa.text("state in ('queued', 'held')")),
    )

    id: Mapped[Key]
    channel: Mapped[str]
    recipient: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    body: Mapped[str]
    purpose: Mapped[str]
    urgency: Mapped[str] = mapped_column(default=Urgency.PROMPT)
    service: Mapped[bool] = mapped_column(default=True)
    technician_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("technician.id"))
    email: Mapped[str | None]
    glance: Mapped[str] = mapped_column(default="")
    link: Mapped[str] = mapped_column(default="")
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    call_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("call.id"))
    intervention_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("intervention.id"))
    state: Mapped[str] = mapped_column(default=MessageState.QUEUED)
    created_at: Mapped[Created]
    held_until: Mapped[datetime | None]
    held_reason: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    provider_reference: Mapped[str | None]
    error: Mapped[str | None]


class MessageAttempt(TenantBase):
    """One request to one carrier, traced like the leg of a call. `step` is its place in the chain; `round` counts the
    tours of that step's carriers; `receipt` is what the carrier said last, in its own words."""

    __tablename__ = "message_attempt"
    __table_args__ = (
        one_of("channel", Channel),
        one_of("state", AttemptState),
        sa.CheckConstraint(
            "failure is null or failure in ('dead', 'refused', 'unavailable', 'undelivered')", name="failure_known"
        ),
        sa.Index(None, "message_id"),
        sa.Index("ix_message_attempt_reference", "provider_reference", "carrier"),
        sa.Index("ix_message_attempt_no_news", "given_at", postgresql_where=sa.text("state = 'given'")),
    )

    id: Mapped[Key]
    message_id: Mapped[UUID] = mapped_column(sa.ForeignKey("message.id"))
    step: Mapped[int]
    round: Mapped[int] = mapped_column(default=0)
    channel: Mapped[str]
    carrier: Mapped[str]
    address: Mapped[str]
    subscription_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("push_subscription.id"))
    segments: Mapped[int | None]
    state: Mapped[str] = mapped_column(default=AttemptState.GIVING)
    failure: Mapped[str | None]
    started_at: Mapped[datetime]
    given_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    provider_reference: Mapped[str | None]
    receipt: Mapped[str | None]
    error: Mapped[str | None]


class MessageReply(TenantBase):
    """A text message received. The carrier's reference makes hearing it twice harmless."""

    __tablename__ = "message_reply"
    __table_args__ = (sa.UniqueConstraint("carrier", "provider_reference"), sa.Index(None, "sender", "id"))

    id: Mapped[Key]
    carrier: Mapped[str]
    provider_reference: Mapped[str]
    sender: Mapped[str]
    body: Mapped[str]
    meaning: Mapped[str]
    outcome: Mapped[str] = mapped_column(default="")
    intervention_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("intervention.id"))
    received_at: Mapped[Created]


class MessageAddress(TenantBase):
    """What is known of a number or an address: dead since when and why, refused by its owner (STOP, R23)."""

    __tablename__ = "message_address"
    __table_args__ = (one_of("channel", Channel),)

    channel: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    dead_since: Mapped[datetime | None]
    reason: Mapped[str | None]
    stopped_at: Mapped[datetime | None]


class PushSubscription(TenantBase):
    """A browser of a technician that shows our notifications (RFC 8030). `key` and `secret` are the browser's."""

    __tablename__ = "push_subscription"
    __table_args__ = (sa.Index(None, "technician_id"),)

    id: Mapped[Key]
    technician_id: Mapped[UUID] = mapped_column(sa.ForeignKey("technician.id"))
    endpoint: Mapped[str] = mapped_column(unique=True)
    key: Mapped[str]
    secret: Mapped[str]
    device: Mapped[str] = mapped_column(default="")
    created_at: Mapped[Created]
    dropped_at: Mapped[datetime | None]
    reason: Mapped[str | None]


class NotificationPreference(TenantBase):
    """How a technician wants to be told. `channels`: the order for what is not an emergency."""

    __tablename__ = "notification_preference"
    __table_args__ = (sa.CheckConstraint("sms_after_seconds between 0 and 120", name="sms_after"),)

    technician_id: Mapped[UUID] = mapped_column(sa.ForeignKey("technician.id"), primary_key=True)
    channels: Mapped[list[str]]
    sms_after_seconds: Mapped[int] = mapped_column(default=0)
    voice_call: Mapped[bool] = mapped_column(default=True)
    changed_at: Mapped[Created]


class MessagePolicy(TenantBase):
    """The cooperative's rules for what is not urgent; without a row, those of `rules.Policy`."""

    __tablename__ = "message_policy"
    __table_args__ = (
        sa.CheckConstraint("id = 1", name="only_one"),
        sa.CheckConstraint("routine_per_hour between 1 and 100", name="routine_per_hour"),
    )

    id: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False, default=1)
    quiet_from: Mapped[time]
    quiet_to: Mapped[time]
    quiet_sundays: Mapped[bool]
    quiet_holidays: Mapped[bool]
    routine_per_hour: Mapped[int]
    changed_at: Mapped[Created]
    changed_by: Mapped[str]
