"""What weighs in a fair rota (R64): the cooperative decides, from our proposal."""

from collections.abc import Mapping

import sqlalchemy as sa

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_tenants import audit
from maillage_tenants.rota.models_planning import MOST_POINTS, POINTS, FairnessWeights
from maillage_tenants.rota.queries_planning import PROPOSED
from maillage_tenants.rota.solver.units import Kind


async def set_weights(session: TenantSession, *, points: Mapping[str, int | None], by: str) -> None:
    """Decide what weighs in the searches to come and on the page of fairness, by the names of `POINTS`. Runs keep what
    they were searched with. Raises Invalid, field by field, and when no kind is balanced at all."""
    wrong = {
        name: f"Entre 0 et {MOST_POINTS} points."
        for name in POINTS
        if (value := points.get(name)) is None or not 0 <= value <= MOST_POINTS
    }
    if not wrong and not any(points[name] for name in (*(kind.value for kind in Kind), "first_rank")):
        wrong = {"first_rank": "Au moins une sorte d’astreinte doit compter : sinon rien n’est partagé."}
    if wrong:
        raise Invalid(fields=wrong)
    values = {name: points[name] for name in POINTS}
    await session.merge(FairnessWeights(id=1, **values, changed_at=clock.now(), changed_by=by))
    await session.flush()
    await _record(session, values, by)


async def reset_weights(session: TenantSession, *, by: str) -> None:
    """Back to what we propose."""
    await session.execute(sa.delete(FairnessWeights))
    await _record(session, PROPOSED.points, by)


async def _record(session: TenantSession, points: Mapping[str, int | None], by: str) -> None:
    await audit.record(
        session,
        actor=by,
        action="rota.weights_set",
        subject_type="fairness_weights",
        subject_id=1,
        detail=dict(points),
    )
