"""What every use case writes: a line of the story, a clock, the notice to open pages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from maillage_kit import clock as present
from maillage_kit import outside
from maillage_kit.db import TenantSession
from maillage_tenants.interventions import queries, rules
from maillage_tenants.interventions.events import InterventionStateChanged
from maillage_tenants.interventions.models import Clock, Intervention, InterventionClock, InterventionEvent


async def add_event(
    session: TenantSession,
    *,
    case_id: UUID,
    kind: str,
    text: str,
    actor: str,
    detail: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> None:
    """Add one line to the case's story. `kind` is a stable code, `text` what people read, `actor` a name."""
    session.add(
        InterventionEvent(
            intervention_id=case_id, at=at or present.now(), kind=kind, text=text, actor=actor, detail=detail or {}
        )
    )
    await session.flush()


async def stamp(session: TenantSession, *, case_id: UUID, clock: Clock, at: datetime, by: str) -> bool:
    """Write one clock of R88, once: False when it was already written, and then nothing changes.

    Raises ClockOutOfOrder when it would contradict another clock of the case.
    """
    known = await queries.clocks(session, case_id=case_id)
    if clock in known:
        return False
    rules.check_clock(known, clock, at)
    statement = (
        insert(InterventionClock)
        .values(intervention_id=case_id, code=clock, at=at, recorded_by=by)
        .on_conflict_do_nothing()
        .returning(InterventionClock.code)
    )
    return (await session.execute(statement)).scalar_one_or_none() is not None


async def changed(session: TenantSession, row: Intervention, *, before: str | None = None) -> None:
    """Write the row and tell the pages that show it. `before`: the state that a step left, told outside too."""
    await session.flush()
    if before is not None and before != row.state:
        event = InterventionStateChanged(
            intervention_id=row.id, customer_id=row.customer_id, number=row.number, before=before, state=row.state
        )
        await outside.publish(session, event, occurred_at=present.now())
    await outside.notify(session, "cases", row.id)
    await outside.notify(session, f"case:{row.id}", row.id)
