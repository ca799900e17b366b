"""Opening a case, and what is recorded when an artisan takes it on the phone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from maillage_kit import clock as present
from maillage_kit import outside
from maillage_kit.db import TenantSession, UtcDateTime, core
from maillage_kit.direct import DirectStatement
from maillage_kit.ids import new_id
from maillage_tenants import numbering
from maillage_tenants.interventions import queries, rules
from maillage_tenants.interventions.events import InterventionOpened
from maillage_tenants.interventions.models import (
    Clock,
    Intervention,
    InterventionClock,
    InterventionEvent,
    Source,
    State,
)
from maillage_tenants.interventions.service.story import add_event, changed, stamp


@dataclass(frozen=True, slots=True)
class NewCase:
    """What is known when the case is opened. Everything but the source, the instant and who opens may be unknown.

    `ring_at` and `answered_at` are T0 and T1 (R88); without a call, T0 is the instant of the request.
    """

    source: Source
    requested_at: datetime
    by: str
    caller_name: str = ""
    caller_phone: str | None = None
    address: str = ""
    insee: str | None = None
    sector_id: UUID | None = None
    trade: str | None = None
    request_words: str = ""
    call_id: UUID | None = None
    customer_id: UUID | None = None
    site_id: UUID | None = None
    subscription_id: UUID | None = None
    referring_member_id: UUID | None = None
    premises_use: str | None = None
    over_two_years: bool | None = None
    follow_up_of: UUID | None = None
    ring_at: datetime | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CaseRef:
    id: UUID
    number: str


_OPENED_BY = {
    Source.PHONE: "Dossier ouvert depuis un appel",
    Source.DESK: "Dossier ouvert par la permanence",
    Source.WEB: "Dossier ouvert depuis le site",
    Source.API: "Dossier ouvert par un partenaire",
}


_GIVEN = (
    "number",
    "source",
    "call_id",
    "customer_id",
    "site_id",
    "subscription_id",
    "referring_member_id",
    "caller_name",
    "caller_phone",
    "address",
    "insee",
    "sector_id",
    "premises_use",
    "over_two_years",
    "trade",
    "request_words",
    "follow_up_of",
    "requested_at",
)


def _opening() -> sa.Select[Any, Any]:
    """The case, its first clocks, the first line of its story, the notice to open pages and the event: one
    statement."""
    case, clocks, story = core(Intervention), core(InterventionClock), core(InterventionEvent)
    by, answered_at = sa.bindparam("by", type_=sa.Text), sa.bindparam("answered_at", type_=UtcDateTime())
    nothing = sa.literal({}, JSONB)
    opened = (
        sa.insert(case)
        .values(
            id=sa.bindparam("case_id"),
            state=State.REQUESTED,
            triage=nothing,
            announced=nothing,
            report=nothing,
            **{name: sa.bindparam(f"case_{name}", type_=case.c[name].type) for name in _GIVEN},
        )
        .returning(case.c.id)
        .cte("opened")
    )
    ring = sa.select(opened.c.id, sa.literal(Clock.RING), sa.bindparam("ring_at", type_=UtcDateTime()), by)
    answered = sa.select(opened.c.id, sa.literal(Clock.ANSWERED), answered_at, by).where(answered_at.is_not(None))
    stamped = sa.insert(clocks).from_select(["intervention_id", "code", "at", "recorded_by"], ring.union_all(answered))
    at, text = sa.bindparam("now", type_=UtcDateTime()), sa.bindparam("words", type_=sa.Text)
    told = (
        sa.insert(story)
        .from_select(
            ["intervention_id", "at", "kind", "text", "actor", "detail"],
            sa.select(opened.c.id, at, sa.literal("opened"), text, by, nothing),
        )
        .returning(story.c.intervention_id)
        .cte("told")
    )
    notice = outside.notice("cases", sa.cast(told.c.intervention_id, sa.Text))
    event = outside.publication(InterventionOpened, sa.bindparam("event", type_=sa.Text), at)
    return sa.select(notice, event).select_from(told).add_cte(stamped.cte("stamped"))


_OPENING = DirectStatement(_opening())


async def open_case(session: TenantSession, *, facts: NewCase) -> CaseRef:
    """Write the case with its number (« I-2027-000001 ») and T0, T1. It starts requested, without any promise.

    Raises ClockOutOfOrder when the call was answered before it rang.
    """
    ring_at = facts.ring_at or facts.requested_at
    if facts.answered_at is not None:
        rules.check_clock({Clock.RING: ring_at}, Clock.ANSWERED, facts.answered_at)
    number = await numbering.next_number(session, prefix="I", at=facts.requested_at)
    ref = CaseRef(new_id(), number)
    event = InterventionOpened(
        intervention_id=ref.id, customer_id=facts.customer_id, number=number, source=facts.source, trade=facts.trade
    )
    await _OPENING.all(
        session,
        {
            **{f"case_{name}": getattr(facts, name) for name in _GIVEN if name != "number"},
            "case_id": ref.id,
            "case_number": number,
            "ring_at": ring_at,
            "answered_at": facts.answered_at,
            "by": facts.by,
            "words": _OPENED_BY[facts.source],
            "event": outside.payload_of(event),
            "now": present.now(),
        },
    )
    return ref


async def record_acceptance(
    session: TenantSession,
    *,
    case_id: UUID,
    technician_id: UUID,
    member_id: UUID,
    duty_id: UUID | None,
    alerted_at: datetime | None,
    accepted_at: datetime,
    by: str,
) -> None:
    """The artisan took the case on the phone: T3, T4 and who it is. Again by the same technician: nothing changes.

    Raises StepNotAllowed when somebody else has it or it is over.
    """
    row = await queries.locked_case(session, case_id=case_id)
    if row.technician_id == technician_id and State(row.state) not in (State.REQUESTED, State.OFFERED):
        return
    before = row.state
    row.state = rules.next_state(State(row.state), rules.Step.ACCEPT)
    row.technician_id, row.member_id, row.duty_id = technician_id, member_id, duty_id
    if alerted_at is not None:
        await stamp(session, case_id=case_id, clock=Clock.ALERTED, at=alerted_at, by=by)
    await stamp(session, case_id=case_id, clock=Clock.ACCEPTED, at=accepted_at, by=by)
    name = await queries.technician_name(session, technician_id=technician_id)
    await add_event(session, case_id=case_id, kind="accepted", text=f"Intervention acceptée par {name}", actor=by)
    await changed(session, row, before=before)
