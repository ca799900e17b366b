"""Reading the audit log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_tenants.audit.models import AuditEntry


@dataclass(frozen=True, slots=True)
class AuditRow:
    at: datetime
    actor: str
    action: str
    subject_type: str
    subject_id: str
    detail: dict[str, Any]


async def entries_about(
    session: TenantSession, *, subject_type: str, subject_id: object, limit: int = 50
) -> tuple[AuditRow, ...]:
    """The last entries about one thing, newest first."""
    found = await session.execute(
        sa.select(
            AuditEntry.at,
            AuditEntry.actor,
            AuditEntry.action,
            AuditEntry.subject_type,
            AuditEntry.subject_id,
            AuditEntry.detail,
        )
        .where(AuditEntry.subject_type == subject_type, AuditEntry.subject_id == str(subject_id))
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    return tuple(AuditRow(*row) for row in found)
