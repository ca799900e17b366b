"""Opening a case, and what is recorded when an artisan takes it on the phone."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from maillage_kit import outside
from maillage_kit.crypto import new_token, token_hash
from maillage_kit.db import TenantSession
from maillage_tenants import numbering
from maillage_tenants.interventions import queries, rules
from maillage_tenants.interventions.models import Clock, Intervention, Source, State
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


async def open_case(session: TenantSession, *, facts: NewCase) -> CaseRef:
    """Write the case with its number (« I-2027-000001 ») and T0, T1. It starts requested, without any promise."""
    number = await numbering.next_number(session, prefix="I", at=facts.requested_at)
    row = Intervention(
        number=number,
        source=facts.source,
        state=State.REQUESTED,
        call_id=facts.call_id,
        customer_id=facts.customer_id,
        site_id=facts.site_id,
        subscription_id=facts.subscription_id,
        referring_member_id=facts.referring_member_id,
        caller_name=facts.caller_name,
        caller_phone=facts.caller_phone,
        address=facts.address,
        insee=facts.insee,
        sector_id=facts.sector_id,
        premises_use=facts.premises_use,
        over_two_years=facts.over_two_years,
        trade=facts.trade,
        request_words=facts.request_words,
        follow_up_of=facts.follow_up_of,
        requested_at=facts.requested_at,
    )
    session.add(row)
    await session.flush()
    await stamp(session, case_id=row.id, clock=Clock.RING, at=facts.ring_at or facts.requested_at, by=facts.by)
    if facts.answered_at is not None:
        await stamp(session, case_id=row.id, clock=Clock.ANSWERED, at=facts.answered_at, by=facts.by)
    await add_event(session, case_id=row.id, kind="opened", text=_OPENED_BY[facts.source], actor=facts.by)
    await outside.notify(session, "cases", row.id)
    return CaseRef(row.id, number)


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
    row.state = rules.next_state(State(row.state), rules.Step.ACCEPT)
    row.technician_id, row.member_id, row.duty_id = technician_id, member_id, duty_id
    if alerted_at is not None:
        await stamp(session, case_id=case_id, clock=Clock.ALERTED, at=alerted_at, by=by)
    await stamp(session, case_id=case_id, clock=Clock.ACCEPTED, at=accepted_at, by=by)
    name = await queries.technician_name(session, technician_id=technician_id)
    await add_event(session, case_id=case_id, kind="accepted", text=f"Intervention acceptée par {name}", actor=by)
    await changed(session, row)


async def issue_public_token(session: TenantSession, *, case_id: UUID) -> str:
    """A fresh secret for the customer's tracking page; only its hash is stored. A link given before stops working."""
    row = await queries.locked_case(session, case_id=case_id)
    token = new_token()
    row.public_token_hash = token_hash(token)
    return token
