"""Who did what sensitive thing, when: append-only, and a chain."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from maillage_kit.db import TenantBase


class AuditEntry(TenantBase):
    """One act. The database gives the last three at commit: the place in the chain, the digest of the entry before,
    and the digest of both and of the content (rules.digest)."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        sa.Index(None, "at"),
        sa.Index(None, "subject_type", "subject_id"),
        sa.Index(None, "action", "position"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    detail: Mapped[dict[str, Any]]
    position: Mapped[int | None] = mapped_column(sa.BigInteger, unique=True)
    previous: Mapped[str | None]
    hash: Mapped[str | None]


class AuditHead(TenantBase):
    """The end of the chain: what is cut off behind it shows."""

    __tablename__ = "audit_head"
    __table_args__ = (sa.CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(sa.BigInteger)
    hash: Mapped[str]
