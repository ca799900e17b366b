"""How the control plane writes into a cooperative's audit log: who did what sensitive thing there (R68, R72)."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from maillage_kit.context import TenantRef


@runtime_checkable
class AuditTrail(Protocol):
    """Each entry is a transaction of its own in that cooperative: whoever acts writes the entry last, so that an act
    never stands without its entry. The composition root provides it."""

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
        """`action` is a verb of the domain; `detail` holds ids and codes, never a secret."""
        ...
