"""How the control plane has what it does about a cooperative written in that cooperative's own audit log.

It sees no cooperative's tables: the composition root gives routes a `witness`. The entry is committed before the act,
so that nothing happens unwritten; when it cannot be written the act does not happen.
"""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable
from uuid import UUID


@runtime_checkable
class Witness(Protocol):
    """Write who did what sensitive thing. Without a cooperative (the federation's own people) the log of the process
    has it and no cooperative's."""

    async def __call__(
        self,
        cooperative_id: UUID | None,
        *,
        actor: str,
        action: str,
        subject_type: str,
        subject_id: object,
        detail: Mapping[str, Any] | None = None,
    ) -> None: ...
