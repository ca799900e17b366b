"""The audit log: written with the act, read newest first, never changed."""

from datetime import date
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from maillage_app.runtime import Runtime
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_tenants import audit


async def test_an_entry_says_who_did_what_to_what_and_when(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    subject, other = uuid4(), uuid4()
    async with runtime.database.tenant(eure.tenant) as session:
        await audit.record(
            session,
            actor="Hélène Marchand",
            action="customers.read_access_notes",
            subject_type="site",
            subject_id=subject,
            detail={"customer_id": other, "on": date(2027, 3, 1)},
        )
        moved_clock.advance(minutes=1)
        await audit.record(session, actor="Paul", action="site.edit", subject_type="site", subject_id=subject)
        await audit.record(session, actor="Paul", action="site.edit", subject_type="site", subject_id=other)
    async with runtime.database.tenant(eure.tenant) as session:
        latest, first = await audit.entries_about(session, subject_type="site", subject_id=subject)
    assert (latest.actor, latest.action, latest.detail) == ("Paul", "site.edit", {})
    assert (first.actor, first.action) == ("Hélène Marchand", "customers.read_access_notes")
    assert first.detail == {"customer_id": str(other), "on": "2027-03-01"}
    assert (latest.at - first.at).total_seconds() == 60


@pytest.mark.parametrize("statement", ["update audit_entry set actor = 'x'", "delete from audit_entry"])
async def test_the_log_cannot_be_rewritten(runtime: Runtime, eure: CooperativeContext, statement: str) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        await audit.record(session, actor="Paul", action="site.edit", subject_type="site", subject_id=uuid4())
    with pytest.raises(IntegrityError, match="append-only"):
        async with runtime.database.tenant(eure.tenant) as session:
            await session.execute(sa.text(statement))
