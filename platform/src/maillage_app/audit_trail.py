"""The audit log of each cooperative, for acts of the control plane."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maillage_kit.context import TenantRef
from maillage_kit.db import Database
from maillage_tenants import audit


@dataclass(frozen=True, slots=True)
class TenantAuditTrail:
    """Implements `maillage_kit.audit_trail.AuditTrail` over the cooperatives' own audit domain."""

    database: Database

    async def record(
        self,
        tenant: TenantRef,
        *,
        actor: str,
        action: str,
        subject_type: str,
        subject_id: object,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        async with self.database.tenant(tenant) as session:
            await audit.record(
                session, actor=actor, action=action, subject_type=subject_type, subject_id=subject_id, detail=detail
            )
