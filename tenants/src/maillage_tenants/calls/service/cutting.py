"""Hanging up a running call from the office: asked of the carrier, then written down."""

from uuid import UUID

import sqlalchemy as sa

from maillage_kit import outside
from maillage_kit.db import TenantSession
from maillage_kit.errors import Conflict, NotFound
from maillage_kit.settings import Settings
from maillage_tenants import audit
from maillage_tenants.calls import case
from maillage_tenants.calls.carriers import RunningCall
from maillage_tenants.calls.carriers.registry import provider_named
from maillage_tenants.calls.models import Call, CallState


async def hang_up(session: TenantSession, *, call_id: UUID, settings: Settings, by: str) -> None:
    """End a call for both people. What came of it is told by the carrier, as when somebody hangs up.

    Nothing is written unless the carrier did it. The call is not locked meanwhile: its carrier may tell us the end
    before it answers. Raises NotFound, Conflict when the call is over, Unavailable when the carrier cannot.
    """
    found = (
        await session.execute(
            sa.select(Call.provider, Call.provider_call_id, Call.state, Call.intervention_id).where(Call.id == call_id)
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    if found.state == CallState.ENDED:
        raise Conflict("Cet appel est déjà terminé.")
    await provider_named(found.provider, settings).hang_up(RunningCall(found.provider_call_id))
    await audit.record(session, actor=by, action="calls.hung_up", subject_type="call", subject_id=call_id)
    if found.intervention_id is not None:
        await case.add_line(
            session,
            case_id=found.intervention_id,
            kind="hung_up",
            text="Appel raccroché depuis la permanence.",
            by=by,
        )
    await outside.notify(session, "calls", call_id)
