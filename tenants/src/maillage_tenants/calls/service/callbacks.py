"""Calling back: a callback owed is closed by a person, with what came of it."""

from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock, outside
from maillage_kit.db import TenantSession
from maillage_kit.errors import Conflict, Invalid, NotFound
from maillage_tenants import alarms
from maillage_tenants.calls import case, labels
from maillage_tenants.calls.models import Call, Callback, CallbackOutcome
from maillage_tenants.calls.service.ending import alarm_key

NOTE_LIMIT = 2000


async def close_callback(session: TenantSession, *, call_id: UUID, outcome: str, note: str, by: str) -> None:
    """Close the callback owed for a call, with its outcome; the alarm it raised is resolved and the case says so.

    Raises Invalid without a known outcome, NotFound when nothing is owed, Conflict when somebody closed it before.
    """
    fields: dict[str, str] = {}
    if outcome not in set(CallbackOutcome):
        fields["outcome"] = "Dites ce que le rappel a donné."
    if len(note) > NOTE_LIMIT:
        fields["note"] = f"{NOTE_LIMIT} caractères au plus."
    if fields:
        raise Invalid(fields=fields)
    now = clock.now()
    closed = await session.execute(
        sa.update(Callback)
        .where(Callback.call_id == call_id, Callback.closed_at.is_(None))
        .values(outcome=outcome, note=note, closed_at=now, closed_by=by)
        .returning(Callback.id)
    )
    if closed.scalar_one_or_none() is None:
        known = await session.scalar(sa.select(Callback.closed_by).where(Callback.call_id == call_id))
        if known is None:
            raise NotFound
        raise Conflict(f"Ce rappel a déjà été clos par {known}.")
    await alarms.resolve_alarm(session, dedupe_key=alarm_key(call_id), by=by)
    case_id = await session.scalar(sa.select(Call.intervention_id).where(Call.id == call_id))
    if case_id is not None:
        words = f"Rappel de l’appelant : {labels.CALLBACK_OUTCOMES[CallbackOutcome(outcome)]}"
        await case.add_line(session, case_id=case_id, kind="called_back", text=f"{words}. {note}".strip(), by=by)
    await outside.notify(session, "calls", call_id)
