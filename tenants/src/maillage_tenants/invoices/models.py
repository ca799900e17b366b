"""Notes, invoices, credit notes and the payment journal: numbered without gap, immutable, chained (R7, R40, R42)."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Key, one_of
from maillage_kit.db import TenantBase
from maillage_kit.money import Money


class InvoiceKind(StrEnum):
    NOTE = "note"
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class PaymentMethod(StrEnum):
    CARD = "card"
    CHEQUE = "cheque"
    CASH = "cash"
    TRANSFER = "transfer"
    ACCOUNT = "account"


class Invoice(TenantBase):
    """An issued document; append-only (a trigger refuses change and deletion). A mistake is mended by a credit note."""

    __tablename__ = "invoice"
    __table_args__ = (one_of("kind", InvoiceKind), sa.Index(None, "intervention_id"), sa.Index(None, "issued_at"))

    id: Mapped[Key]
    number: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    intervention_id: Mapped[UUID] = mapped_column(sa.ForeignKey("intervention.id"))
    quote_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("quote.id"))
    credit_of: Mapped[UUID | None] = mapped_column(sa.ForeignKey("invoice.id"), unique=True)
    parties: Mapped[dict[str, Any]]
    issued_at: Mapped[datetime]
    issued_by: Mapped[str]
    service_date: Mapped[date]
    service_place: Mapped[str]
    net: Mapped[Money]
    vat: Mapped[Money]
    gross: Mapped[Money]
    vat_certification: Mapped[str | None]
    document_sha256: Mapped[str]
    document: Mapped[bytes] = mapped_column(deferred=True)


class InvoiceLine(TenantBase):
    __tablename__ = "invoice_line"

    invoice_id: Mapped[UUID] = mapped_column(sa.ForeignKey("invoice.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    item_code: Mapped[str]
    label: Mapped[str]
    kind: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(sa.Numeric(12, 3))
    unit: Mapped[str]
    unit_price: Mapped[Money]
    net: Mapped[Money]
    vat_basis_points: Mapped[int]
    vat_reason: Mapped[str]


class Payment(TenantBase):
    """One entry of the payment journal: append-only, chained by hash; a mistake is mended by an opposite entry."""

    __tablename__ = "payment"
    __table_args__ = (one_of("method", PaymentMethod), sa.Index(None, "invoice_id"))

    id: Mapped[Key]
    sequence: Mapped[int] = mapped_column(sa.BigInteger, unique=True)
    invoice_id: Mapped[UUID] = mapped_column(sa.ForeignKey("invoice.id"))
    method: Mapped[str]
    amount: Mapped[Money]
    reference: Mapped[str] = mapped_column(default="")
    received_at: Mapped[datetime]
    recorded_by: Mapped[str]
    corrects_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("payment.id"), unique=True)
    previous_hash: Mapped[str]
    entry_hash: Mapped[str]
