"""Absences: when somebody cannot, or would rather not, be on call."""

from datetime import datetime
from uuid import UUID

from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid, NotFound
from maillage_tenants import members
from maillage_tenants.rota.models_life import Absence, AbsenceState


async def add_absence(
    session: TenantSession, *, technician_id: UUID, starts_at: datetime, ends_at: datetime, hard: bool, reason: str = ""
) -> Absence:
    """Record an absence over `[starts_at, ends_at)`; `hard`: the generator never crosses it. A rota that is already
    published does not change by itself. Raises UnknownTechnician, Invalid for a period the wrong way round."""
    await members.get_technician(session, technician_id=technician_id)
    if ends_at <= starts_at:
        raise Invalid(fields={"ends_at": "La fin est avant le début."})
    absence = Absence(
        technician_id=technician_id,
        starts_at=starts_at,
        ends_at=ends_at,
        hard=hard,
        state=AbsenceState.APPROVED,
        reason=reason.strip(),
    )
    session.add(absence)
    await session.flush()
    return absence


async def remove_absence(session: TenantSession, *, absence_id: UUID, technician_id: UUID | None = None) -> None:
    """Take an absence back. With `technician_id`, only that person's own. Raises NotFound."""
    absence = await session.get(Absence, absence_id)
    if absence is None or technician_id not in (None, absence.technician_id):
        raise NotFound("Cette absence n’existe pas.")
    await session.delete(absence)
    await session.flush()
