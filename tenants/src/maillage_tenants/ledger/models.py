"""The members' operations with the cooperative, by trade: the base of the patronage refund (R56). Append-only."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.columns import Key
from maillage_kit.db import TenantBase
from maillage_kit.money import Money


class LedgerEntry(TenantBase):
    """One closed case credited to the member who did it, or its reversal. Amounts exclude VAT."""

    __tablename__ = "ledger_entry"
    __table_args__ = (sa.UniqueConstraint("invoice_id"), sa.Index(None, "member_id", "trade", "occurred_at"))

    id: Mapped[Key]
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    trade: Mapped[str]
    intervention_id: Mapped[UUID] = mapped_column(sa.ForeignKey("intervention.id"))
    invoice_id: Mapped[UUID] = mapped_column(sa.ForeignKey("invoice.id"))
    amount: Mapped[Money]
    occurred_at: Mapped[datetime]
