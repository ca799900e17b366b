"""The clients of the API in one cooperative: their customers, their orders, what they were answered."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created
from maillage_kit.db import TenantBase
from maillage_kit.money import Money


class PartnerClient(TenantBase):
    """A client that the cooperative knows. `sees_all`: every customer, said by the cooperative and by nobody else."""

    __tablename__ = "partner_client"

    client_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    sees_all: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Created]
    created_by: Mapped[str]


class PartnerCustomer(TenantBase):
    """A customer whose things the client may see."""

    __tablename__ = "partner_customer"
    __table_args__ = (sa.Index(None, "customer_id"),)

    client_id: Mapped[str] = mapped_column(sa.ForeignKey("partner_client.client_id"), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(sa.ForeignKey("customer.id"), primary_key=True)
    created_at: Mapped[Created]
    created_by: Mapped[str]


class PartnerOrder(TenantBase):
    """What a partner said when it asked for an intervention, in its own words and references."""

    __tablename__ = "partner_order"
    __table_args__ = (sa.Index(None, "client_id", "reference"),)

    intervention_id: Mapped[UUID] = mapped_column(sa.ForeignKey("intervention.id"), primary_key=True)
    client_id: Mapped[str]
    reference: Mapped[str]
    purchase_order: Mapped[str]
    spending_limit: Mapped[Money | None]
    occupant_name: Mapped[str]
    occupant_phone: Mapped[str | None]
    created_at: Mapped[Created]


class ApiAnswer(TenantBase):
    """What a POST was answered under its Idempotency-Key; `status` is 0 while the act is under way."""

    __tablename__ = "api_answer"
    __table_args__ = (sa.Index(None, "created_at"),)

    client_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int]
    body: Mapped[bytes]
    created_at: Mapped[datetime]
