"""The addresses that a cooperative has told what happens, and what is, was or could not be delivered to each."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.db import PlatformBase
from maillage_platform.webhooks.rules import DeliveryState


class WebhookEndpoint(PlatformBase):
    """An address and its secret, sealed with the settings' field keys. After a rotation both secrets sign until
    `former_secret_until`.

    `client_id`: the application that added it by the API; it is told of its own customers only. While paused, nothing
    is sent to it and nothing new is kept for it.
    """

    __tablename__ = "webhook_endpoint"
    __table_args__ = (sa.Index(None, "cooperative_id", "name"), {"schema": "platform"})

    id: Mapped[Key]
    cooperative_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.cooperative.id"))
    client_id: Mapped[str | None]
    name: Mapped[str]
    url: Mapped[str]
    types: Mapped[list[str]]
    secret: Mapped[bytes]
    former_secret: Mapped[bytes | None]
    former_secret_until: Mapped[datetime | None]
    created_at: Mapped[Created]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    paused_at: Mapped[datetime | None]


class WebhookDelivery(PlatformBase):
    """One event for one address; its id is the `webhook-id`. `body` is what is signed, the same bytes at each try.

    `position` is the order in which events left the cooperative. While it waits, the next try is at `next_at`; the
    three days of tries start at `tried_from`.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        one_of("state", DeliveryState),
        sa.Index(None, "endpoint_id", "position"),
        sa.Index("ix_webhook_delivery_due", "next_at", postgresql_where=sa.text("state = 'waiting'")),
        sa.Index(
            "ix_webhook_delivery_case",
            "endpoint_id",
            "case_id",
            "position",
            postgresql_where=sa.text("state = 'waiting'"),
        ),
        sa.Index("ix_webhook_delivery_settled", "settled_at", postgresql_where=sa.text("state <> 'waiting'")),
        {"schema": "platform"},
    )

    id: Mapped[Key]
    endpoint_id: Mapped[UUID] = mapped_column(sa.ForeignKey("platform.webhook_endpoint.id", ondelete="cascade"))
    position: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity())
    case_id: Mapped[UUID | None]
    type: Mapped[str]
    body: Mapped[str]
    occurred_at: Mapped[datetime]
    created_at: Mapped[Created]
    state: Mapped[str] = mapped_column(default=DeliveryState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    tried_from: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    problem: Mapped[str | None]
    status: Mapped[int | None]
    settled_at: Mapped[datetime | None]
