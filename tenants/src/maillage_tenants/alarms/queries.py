"""Reading alarms."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_tenants.alarms.models import Alarm, Severity


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """`link` is a path under the cooperative's pages, empty when there is nowhere to go."""

    id: UUID
    kind: str
    severity: Severity
    title: str
    detail: str
    link: str
    dedupe_key: str
    subject_id: UUID | None
    raised_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None


async def open_alarms(session: TenantSession, *, limit: int = 200) -> tuple[AlarmRow, ...]:
    """What is not resolved: critical first, those nobody looks after before the others, the oldest first."""
    found = await session.scalars(
        sa.select(Alarm)
        .where(Alarm.resolved_at.is_(None))
        .order_by(Alarm.severity != Severity.CRITICAL, Alarm.acknowledged_at.is_not(None), Alarm.raised_at)
        .limit(limit)
    )
    return tuple(
        AlarmRow(
            id=alarm.id,
            kind=alarm.kind,
            severity=Severity(alarm.severity),
            title=alarm.title,
            detail=alarm.detail,
            link=alarm.link,
            dedupe_key=alarm.dedupe_key,
            subject_id=alarm.subject_id,
            raised_at=alarm.raised_at,
            acknowledged_at=alarm.acknowledged_at,
            acknowledged_by=alarm.acknowledged_by,
        )
        for alarm in found
    )
