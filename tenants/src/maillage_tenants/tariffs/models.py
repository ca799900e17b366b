"""Versioned price grids per trade (R2). A published version never changes: a new one replaces it from its date."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Created, Key
from maillage_kit.db import TenantBase
from maillage_kit.money import Money


class Tariff(TenantBase):
    """One version for one trade, in force over `[valid_from, valid_to)`; carries R2's items 2, 5 and 6.

    Only `valid_to` ever changes, when the next version replaces this one. `quote_price` includes VAT; 0: free.
    """

    __tablename__ = "tariff"
    __table_args__ = (
        sa.UniqueConstraint("trade", "version"),
        sa.Index(None, "trade", "valid_from"),
        ExcludeConstraint(
            (sa.text("int8range(hashtext(trade), hashtext(trade), '[]')"), "&&"),
            (sa.text("tstzrange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_tariff_no_overlap",
        ),
    )

    id: Mapped[Key]
    trade: Mapped[str]
    version: Mapped[int]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    time_counting: Mapped[str]
    quote_price: Mapped[Money]
    conditions: Mapped[str]
    created_at: Mapped[Created]
    created_by: Mapped[str]


class TariffItem(TenantBase):
    """A priced item; `unit_price` excludes VAT."""

    __tablename__ = "tariff_item"

    tariff_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tariff.id"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    kind: Mapped[str]
    unit: Mapped[str]
    unit_price: Mapped[Money]


class TariffSurcharge(TenantBase):
    """Surcharge of a time band in basis points; only the highest applies (R89)."""

    __tablename__ = "tariff_surcharge"

    tariff_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tariff.id"), primary_key=True)
    band: Mapped[str] = mapped_column(primary_key=True)
    basis_points: Mapped[int]
