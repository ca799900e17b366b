"""Acts on the audit log: adding to it is the only one."""

import json
from collections.abc import Mapping
from typing import Any

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.outside import to_json
from maillage_tenants.audit.models import AuditEntry


async def record(
    session: TenantSession,
    *,
    actor: str,
    action: str,
    subject_type: str,
    subject_id: object,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write who did what to what, in the transaction that does it.

    `action` is a verb of the domain (`customers.read_access_notes`); `detail` holds ids and codes, never the sensitive
    text itself. Raises TypeError for a value that has no JSON form.
    """
    session.add(
        AuditEntry(
            at=clock.now(),
            actor=actor,
            action=action,
            subject_type=subject_type,
            subject_id=str(subject_id),
            detail=json.loads(json.dumps(dict(detail or {}), default=to_json)),
        )
    )
    await session.flush()
