"""What the composition root lends the control plane of a cooperative's own tables: its audit log, its technicians."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog

from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_kit.errors import NotFound
from maillage_kit.witness import Witness
from maillage_platform.identity.people import Technician, TechnicianFinder
from maillage_tenants import audit, members

log = structlog.get_logger(__name__)


def witness_of(runtime: Runtime) -> Witness:
    """Writes in the audit log of a cooperative, in a transaction of its own that is committed on return."""

    async def witness(
        cooperative_id: UUID | None,
        *,
        actor: str,
        action: str,
        subject_type: str,
        subject_id: object,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        if cooperative_id is None:
            log.info("witnessed", action=action, subject_type=subject_type, subject=str(subject_id))
            return
        found = next((each for each in await runtime.directory.all() if each.id == cooperative_id), None)
        if found is None:
            raise NotFound
        async with runtime.database.tenant(found.tenant) as session:
            await audit.record(
                session, actor=actor, action=action, subject_type=subject_type, subject_id=subject_id, detail=detail
            )

    return witness


def technician_finder(runtime: Runtime, cooperative: CooperativeContext) -> TechnicianFinder:
    """By e-mail address, the active technician of that cooperative who alone has it."""

    async def find(email: str) -> Technician | None:
        async with runtime.database.tenant(cooperative.tenant) as session:
            found = await members.technicians_by_email(session, email=email)
        return Technician(found[0].member_id, found[0].id) if len(found) == 1 else None

    return find
