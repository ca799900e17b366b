"""The case file of an emergency repair: states, clocks, offers, pauses, photos, follow-ups."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.db import TenantBase


class Source(StrEnum):
    PHONE = "phone"
    DESK = "desk"
    WEB = "web"
    API = "api"


class State(StrEnum):
    """design: requested → offered → accepted → en_route → on_site → (made_safe) → done → closed, and the side exits."""

    REQUESTED = "requested"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    MADE_SAFE = "made_safe"
    ON_HOLD = "on_hold"
    PARTIAL = "partial"
    DONE = "done"
    CLOSED = "closed"
    REDIRECTED = "redirected"
    CANCELLED = "cancelled"


class Clock(StrEnum):
    """R88: T0 ring … T9 note sent. Written once, never changed."""

    RING = "T0"
    ANSWERED = "T1"
    QUALIFIED = "T2"
    ALERTED = "T3"
    ACCEPTED = "T4"
    DEPARTED = "T5"
    ARRIVED = "T6"
    SAFE = "T7"
    FINISHED = "T8"
    NOTE_SENT = "T9"


class HoldReason(StrEnum):
    """The closed list of R20: nothing else stops the clock."""

    OCCUPANT_ABSENT = "occupant_absent"
    OCCUPANT_REFUSES = "occupant_refuses"
    NO_ACCESS = "no_access"
    EMERGENCY_SERVICES = "emergency_services"
    FORCE_MAJEURE = "force_majeure"
    PART_AWAITED = "part_awaited"


class DangerKind(StrEnum):
    """The closed list of R6: nothing else lets work start before the signature."""

    PERSON = "person"
    WATER = "water"
    ELECTRICITY = "electricity"
    SEWAGE = "sewage"
    OPEN_HOME = "open_home"
    FALLING = "falling"


class OfferState(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Intervention(TenantBase):
    """One case from request to closing. `sla` and `announced` are frozen when qualified: stored, not recomputed."""

    __tablename__ = "intervention"
    __table_args__ = (
        one_of("source", Source),
        one_of("state", State),
        sa.Index("ix_intervention_open", "state", "requested_at", postgresql_where=sa.text("state <> 'closed'")),
        sa.Index(None, "requested_at"),
        sa.Index(None, "technician_id", "requested_at"),
        sa.Index(None, "customer_id"),
        sa.Index(None, "public_token_hash", unique=True),
    )

    id: Mapped[Key]
    number: Mapped[str] = mapped_column(unique=True)
    source: Mapped[str]
    state: Mapped[str] = mapped_column(default=State.REQUESTED)
    call_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("call.id"))
    customer_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("customer.id"))
    site_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("site.id"))
    subscription_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("subscription.id"))
    referring_member_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    caller_name: Mapped[str] = mapped_column(default="")
    caller_phone: Mapped[str | None]
    address: Mapped[str] = mapped_column(default="")
    insee: Mapped[str | None] = mapped_column(sa.ForeignKey("commune.insee"))
    sector_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("sector.id"))
    premises_use: Mapped[str | None]
    over_two_years: Mapped[bool | None]
    trade: Mapped[str | None]
    type_code: Mapped[str | None]
    priority: Mapped[str | None]
    request_words: Mapped[str] = mapped_column(default="")
    triage: Mapped[dict[str, Any]] = mapped_column(default=dict)
    tariff_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("tariff.id"))
    announced: Mapped[dict[str, Any]] = mapped_column(default=dict)
    accept_by: Mapped[datetime | None]
    arrive_by: Mapped[datetime | None]
    safe_by: Mapped[datetime | None]
    member_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    technician_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("technician.id"))
    duty_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("duty.id"))
    redirect_code: Mapped[str | None]
    danger_reason: Mapped[str | None]
    report: Mapped[dict[str, Any]] = mapped_column(default=dict)
    report_version: Mapped[int | None]
    follow_up_of: Mapped[UUID | None] = mapped_column(sa.ForeignKey("intervention.id"))
    public_token_hash: Mapped[str | None]
    requested_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class InterventionClock(TenantBase):
    """One instant of R88 for one case; append-only."""

    __tablename__ = "intervention_clock"
    __table_args__ = (one_of("code", Clock),)

    intervention_id: Mapped[UUID] = mapped_column(sa.ForeignKey("intervention.id"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    recorded_by: Mapped[str]


class InterventionEvent(TenantBase):
    """One line of the case's story; append-only. `kind` is a stable code, `text` what people read."""

    __tablename__ = "intervention_event"
    __table_args__ = (sa.Index(None, "intervention_id", "id"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    intervention_id: Mapped[UUID] = mapped_column(sa.ForeignKey("intervention.id"))
    at: Mapped[datetime]
    kind: Mapped[str]
    text: Mapped[str]
    actor: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Offer(TenantBase):
    """A case without a live call, offered to one candidate until `due_at`. At most one is ever accepted."""

    __tablename__ = "offer"
    __table_args__ = (
        one_of("state", OfferState),
        sa.UniqueConstraint("intervention_id", "position"),
        sa.Index("uq_offer_one_winner", "intervention_id", unique=True, postgresql_where=sa.text("state = 'accepted'")),
        sa.Index("ix_offer_pending", "due_at", postgresql_where=sa.text("state = 'pending'")),
    )

    id: Mapped[Key]
    intervention_id: Mapped[UUID] = mapped_column(sa.ForeignKey("intervention.id"))
    position: Mapped[int]
    kind: Mapped[str]
    member_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    technician_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("technician.id"))
    duty_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("duty.id"))
    phone: Mapped[str]
    display_name: Mapped[str]
    reason: Mapped[str]
    offered_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(default=OfferState.PENDING)
    answered_at: Mapped[datetime | None]


class Hold(TenantBase):
    """A pause of the case for a reason of the closed list (R20)."""

    __tablename__ = "hold"
    __table_args__ = (one_of("reason", HoldReason), sa.Index(None, "intervention_id"))

    id: Mapped[Key]
    intervention_id: Mapped[UUID] = mapped_column(sa.ForeignKey("intervention.id"))
    reason: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    state_before: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Attachment(TenantBase):
    """A photo or document of the case, kept with it."""

    __tablename__ = "attachment"
    __table_args__ = (sa.Index(None, "intervention_id"),)

    id: Mapped[Key]
    intervention_id: Mapped[UUID] = mapped_column(sa.ForeignKey("intervention.id"))
    kind: Mapped[str]
    filename: Mapped[str]
    content_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    content: Mapped[bytes] = mapped_column(deferred=True)
    created_at: Mapped[Created]
    created_by: Mapped[str]


class Lead(TenantBase):
    """Work found on site that goes beyond the emergency; goes to the member who brought the customer (R60)."""

    __tablename__ = "lead"
    __table_args__ = (sa.Index(None, "member_id"), sa.Index(None, "intervention_id"))

    id: Mapped[Key]
    intervention_id: Mapped[UUID] = mapped_column(sa.ForeignKey("intervention.id"))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    reason: Mapped[str]
    title: Mapped[str]
    detail: Mapped[str] = mapped_column(default="")
    created_at: Mapped[Created]
    created_by: Mapped[str]
