"""Quotes: written before any work, whatever the amount (R4), signed by a drawn signature or a one-time code."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key, one_of
from maillage_kit.db import TenantBase
from maillage_kit.money import Money


class QuoteKind(StrEnum):
    """R15: what is strictly necessary to the emergency, or a separate quote with the right of withdrawal."""

    EMERGENCY = "emergency"
    COMPLEMENTARY = "complementary"


class QuoteState(StrEnum):
    DRAFT = "draft"
    SENT = "sent"
    SIGNED = "signed"
    REFUSED = "refused"


class SignatureMethod(StrEnum):
    """`partner`: who pays agreed to the very document that is named, by its software or by one of its people."""

    DRAWN = "drawn"
    CODE = "code"
    PARTNER = "partner"


class Quote(TenantBase):
    """A quote of one case. Totals are stored with it; once sent, it has a number and its lines do not change.

    `document` is what was sent, of which `document_sha256` is signed; `signed_document` is the customer's copy.
    """

    __tablename__ = "quote"
    __table_args__ = (one_of("kind", QuoteKind), one_of("state", QuoteState), sa.Index(None, "intervention_id"))

    id: Mapped[Key]
    number: Mapped[str | None] = mapped_column(unique=True)
    intervention_id: Mapped[UUID] = mapped_column(sa.ForeignKey("intervention.id"))
    tariff_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tariff.id"))
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(default=QuoteState.DRAFT)
    channel: Mapped[str]
    parties: Mapped[dict[str, Any]]
    surcharge_band: Mapped[str]
    surcharge_basis_points: Mapped[int]
    net: Mapped[Money]
    vat: Mapped[Money]
    gross: Mapped[Money]
    vat_certified: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Created]
    created_by: Mapped[str]
    issued_at: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    document_sha256: Mapped[str | None]
    document: Mapped[bytes | None] = mapped_column(deferred=True)
    signed_at: Mapped[datetime | None]
    signed_by: Mapped[str | None]
    signature_method: Mapped[str | None]
    signature_proof: Mapped[dict[str, Any] | None]
    signature_image: Mapped[bytes | None] = mapped_column(deferred=True)
    signed_document: Mapped[bytes | None] = mapped_column(deferred=True)
    refused_at: Mapped[datetime | None]
    withdrawal_deadline: Mapped[datetime | None]


class QuoteLine(TenantBase):
    """One line: quantity × unit price, surcharge included, with its VAT rate and the reason for it (R30-R34)."""

    __tablename__ = "quote_line"

    quote_id: Mapped[UUID] = mapped_column(sa.ForeignKey("quote.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    item_code: Mapped[str]
    label: Mapped[str]
    kind: Mapped[str]
    scope: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(sa.Numeric(12, 3))
    unit: Mapped[str]
    unit_price: Mapped[Money]
    net: Mapped[Money]
    vat_basis_points: Mapped[int]
    vat_reason: Mapped[str]


class SigningCode(TenantBase):
    """A one-time code sent to the customer's phone to sign a quote; only its hash is kept."""

    __tablename__ = "signing_code"
    __table_args__ = (sa.Index(None, "quote_id"),)

    id: Mapped[Key]
    quote_id: Mapped[UUID] = mapped_column(sa.ForeignKey("quote.id"))
    phone: Mapped[str]
    code_hash: Mapped[str]
    created_at: Mapped[Created]
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]
