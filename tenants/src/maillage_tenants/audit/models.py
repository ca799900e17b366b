"""Who did what sensitive thing, when: append-only."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.db import TenantBase


class AuditEntry(TenantBase):
    __tablename__ = "audit_entry"
    __table_args__ = (sa.Index(None, "at"), sa.Index(None, "subject_type", "subject_id"))

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    detail: Mapped[dict[str, Any]]
