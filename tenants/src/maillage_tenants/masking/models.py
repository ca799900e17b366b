"""Numbers that join an artisan and a customer without showing either the other's."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Key
from maillage_kit.db import TenantBase


class MaskedNumber(TenantBase):
    """A number of the pool. Retired, it takes no new pair, and is given back once its last pair is over."""

    __tablename__ = "masked_number"
    __table_args__ = (
        sa.Index("uq_masked_number_held", "number", unique=True, postgresql_where=sa.text("released_at is null")),
    )

    id: Mapped[Key]
    number: Mapped[str]
    added_at: Mapped[datetime]
    added_by: Mapped[str]
    retired_at: Mapped[datetime | None]
    retired_by: Mapped[str | None]
    released_at: Mapped[datetime | None]


class MaskedLease(TenantBase):
    """A number lent to one artisan and one customer for one case, over [starts_at, ends_at)."""

    __tablename__ = "masked_lease"
    __table_args__ = (
        sa.CheckConstraint("artisan_phone <> customer_phone", name="two_people"),
        sa.Index(
            "uq_masked_lease_open",
            "intervention_id",
            "technician_id",
            unique=True,
            postgresql_where=sa.text("ends_at is null"),
        ),
        sa.Index(None, "number_id", "ends_at"),
    )

    id: Mapped[Key]
    number_id: Mapped[UUID] = mapped_column(sa.ForeignKey("masked_number.id"))
    intervention_id: Mapped[UUID] = mapped_column(sa.ForeignKey("intervention.id"))
    technician_id: Mapped[UUID] = mapped_column(sa.ForeignKey("technician.id"))
    artisan_phone: Mapped[str]
    customer_phone: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]


class MaskedCall(TenantBase):
    """One call through a number of the pool: who called whom, and how it ended."""

    __tablename__ = "masked_call"
    __table_args__ = (sa.UniqueConstraint("provider", "provider_call_id"), sa.Index(None, "lease_id", "started_at"))

    id: Mapped[Key]
    lease_id: Mapped[UUID] = mapped_column(sa.ForeignKey("masked_lease.id"))
    provider: Mapped[str]
    provider_call_id: Mapped[str]
    by_artisan: Mapped[bool]
    started_at: Mapped[datetime]
    ending: Mapped[str | None]
    ended_at: Mapped[datetime | None]
