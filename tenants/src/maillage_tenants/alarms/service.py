"""Acts on alarms."""

from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock, outside
from maillage_kit.db import TenantSession, insert_once
from maillage_kit.errors import NotFound
from maillage_tenants.alarms.models import Alarm, Severity


async def raise_alarm(
    session: TenantSession,
    *,
    kind: str,
    severity: Severity,
    title: str,
    dedupe_key: str,
    detail: str = "",
    link: str = "",
    subject_id: UUID | None = None,
) -> bool:
    """Tell the office. True when the alarm is new; False, and nothing written, while one with that key is open.

    `link` is a path under the cooperative's pages (`/cases/…`). Safe against two transactions raising it at once.
    """
    added = await insert_once(
        session,
        Alarm,
        unique=[Alarm.dedupe_key],
        where=Alarm.resolved_at.is_(None),
        kind=kind,
        severity=severity,
        title=title,
        detail=detail,
        link=link,
        dedupe_key=dedupe_key,
        subject_id=subject_id,
        raised_at=clock.now(),
    )
    if added is None:
        return False
    await outside.notify(session, "alarms")
    return True


async def acknowledge_alarm(session: TenantSession, *, alarm_id: UUID, by: str) -> None:
    """Somebody looks after it. The first who says so is kept. Raises NotFound for an unknown or resolved alarm."""
    touched = await session.execute(
        sa.update(Alarm)
        .where(Alarm.id == alarm_id, Alarm.resolved_at.is_(None))
        .values(
            acknowledged_at=sa.func.coalesce(Alarm.acknowledged_at, clock.now()),
            acknowledged_by=sa.func.coalesce(Alarm.acknowledged_by, by),
        )
        .returning(Alarm.id)
    )
    if touched.scalar_one_or_none() is None:
        raise NotFound
    await outside.notify(session, "alarms")


async def resolve_alarm(session: TenantSession, *, dedupe_key: str, by: str) -> bool:
    """The cause has ended or a person closes it. True when one was open, harmless otherwise; it may be raised again."""
    touched = await session.execute(
        sa.update(Alarm)
        .where(Alarm.dedupe_key == dedupe_key, Alarm.resolved_at.is_(None))
        .values(resolved_at=clock.now(), resolved_by=by)
        .returning(Alarm.id)
    )
    if touched.scalar_one_or_none() is None:
        return False
    await outside.notify(session, "alarms")
    return True
