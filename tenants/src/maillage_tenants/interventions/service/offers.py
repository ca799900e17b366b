"""Cases without a live call: offered to one candidate after the other, one winner, nobody forgotten."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from maillage_kit import outside
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession, violated_constraint
from maillage_kit.phone import show_phone
from maillage_kit.settings import Settings
from maillage_tenants import alarms, messages
from maillage_tenants.interventions import queries, rules
from maillage_tenants.interventions.errors import AlreadyTaken, CaseNotFound, OfferOver
from maillage_tenants.interventions.models import Clock, Intervention, Offer, OfferState, State
from maillage_tenants.interventions.rules import Step
from maillage_tenants.interventions.service.story import add_event, changed, stamp

OFFER_MINUTES = 3
"""How long one candidate has to answer. R88's escalation goes on at 3, 6 and 10 minutes."""

_MOBILE = ("+336", "+337")


def case_url(settings: Settings, cooperative: CooperativeContext, case_id: UUID) -> str:
    """The artisan's page of a case, as sent by text message."""
    return f"{settings.web.public_url.rstrip('/')}/c/{cooperative.slug}/field/cases/{case_id}"


class Candidate(Protocol):
    """What an offer needs of a step of the ladder (`dispatch.Candidate`)."""

    @property
    def kind(self) -> str: ...
    @property
    def phone(self) -> str | None: ...
    @property
    def display_name(self) -> str: ...
    @property
    def member_id(self) -> UUID | None: ...
    @property
    def technician_id(self) -> UUID | None: ...
    @property
    def duty_id(self) -> UUID | None: ...
    @property
    def reason(self) -> str: ...
    @property
    def skipped(self) -> str | None: ...


async def start_offers(
    session: TenantSession,
    *,
    case_id: UUID,
    candidates: Sequence[Candidate],
    at: datetime,
    by: str,
    case_url: str,
) -> None:
    """Freeze the ladder on the case and offer it to the first candidate; the others wait their turn.

    Skipped steps are written in the story with their reason. A ladder without artisan alarms the desk at once.
    `case_url` is the artisan's page of this case, absolute. Raises StepNotAllowed when the case is taken or over.
    """
    row = await queries.locked_case(session, case_id=case_id)
    before = row.state
    row.state = rules.next_state(State(row.state), Step.OFFER)
    await withdraw_offers(session, case_id=case_id, at=at)
    position = await queries.last_position(session, case_id=case_id)
    seen: set[UUID] = set()
    for candidate in candidates:
        if candidate.skipped:
            await add_event(
                session,
                case_id=case_id,
                kind="skipped",
                text=f"{candidate.display_name} écarté" if candidate.technician_id else "Personne d’astreinte",
                actor=by,
                at=at,
                detail={"reason": f"{candidate.reason}. {candidate.skipped}"},
            )
            continue
        if not candidate.phone or candidate.technician_id in seen:
            continue
        if candidate.technician_id is not None:
            seen.add(candidate.technician_id)
        position += 1
        session.add(
            Offer(
                intervention_id=case_id,
                position=position,
                kind=candidate.kind,
                member_id=candidate.member_id,
                technician_id=candidate.technician_id,
                duty_id=candidate.duty_id,
                phone=candidate.phone,
                display_name=candidate.display_name,
                reason=candidate.reason,
                state=OfferState.PENDING,
            )
        )
    await session.flush()
    await add_event(session, case_id=case_id, kind="dispatching", text="Recherche d’un artisan", actor=by, at=at)
    await _offer_next(session, row, at=at, case_url=case_url)
    await changed(session, row, before=before)


async def accept_offer(session: TenantSession, *, offer_id: UUID, technician_id: UUID, at: datetime, by: str) -> UUID:
    """Take the case: the first to accept wins, alone. Returns the case's id. Accepting again changes nothing.

    An offer that ran out may still win as long as nobody has taken the case: the customer waits for somebody.
    Raises CaseNotFound for an offer made to somebody else, AlreadyTaken when another was first, OfferOver otherwise.
    """
    offer = await queries.offer(session, offer_id=offer_id)
    if offer is None or offer.technician_id != technician_id or offer.offered_at is None:
        raise CaseNotFound
    row = await queries.locked_case(session, case_id=offer.intervention_id)
    await session.refresh(offer)
    if offer.state == OfferState.ACCEPTED:
        return row.id
    if row.technician_id is not None:
        raise AlreadyTaken
    if offer.state not in (OfferState.PENDING, OfferState.EXPIRED) or State(row.state) in rules.FINAL_STATES:
        raise OfferOver
    await _win(session, offer, at=at)
    await messages.settle(session, dedupe_key=f"offer:{offer.id}")
    before = row.state
    row.state = rules.next_state(State(row.state), Step.ACCEPT)
    row.technician_id, row.member_id, row.duty_id = offer.technician_id, offer.member_id, offer.duty_id
    await stamp(session, case_id=row.id, clock=Clock.ACCEPTED, at=at, by=by)
    await withdraw_offers(session, case_id=row.id, at=at, tell=row.number)
    for key in ("unassigned", "late:accept"):
        await alarms.resolve_alarm(session, dedupe_key=f"{key}:{row.id}", by=by)
    await add_event(
        session,
        case_id=row.id,
        kind="accepted",
        text=f"Intervention acceptée par {offer.display_name}",
        actor=by,
        at=at,
    )
    if row.caller_phone and row.caller_phone.startswith(_MOBILE):
        await messages.send_sms(
            session,
            to=row.caller_phone,
            body=messages.wording("case_accepted", number=row.number, name=offer.display_name),
            purpose="case_accepted",
            dedupe_key=f"case-accepted:{offer.id}",
            intervention_id=row.id,
        )
    await changed(session, row, before=before)
    return row.id


async def decline_offer(
    session: TenantSession, *, offer_id: UUID, technician_id: UUID, at: datetime, by: str, case_url: str
) -> UUID:
    """Say no: the next candidate is asked at once. Returns the case's id. Raises CaseNotFound, OfferOver."""
    offer = await queries.offer(session, offer_id=offer_id)
    if offer is None or offer.technician_id != technician_id or offer.offered_at is None:
        raise CaseNotFound
    row = await queries.locked_case(session, case_id=offer.intervention_id)
    await session.refresh(offer)
    if offer.state == OfferState.DECLINED:
        return row.id
    if offer.state != OfferState.PENDING:
        raise OfferOver
    offer.state, offer.answered_at = OfferState.DECLINED, at
    await messages.settle(session, dedupe_key=f"offer:{offer.id}")
    await add_event(
        session, case_id=row.id, kind="declined", text=f"{offer.display_name} ne peut pas venir", actor=by, at=at
    )
    before = row.state
    await _offer_next(session, row, at=at, case_url=case_url)
    await changed(session, row, before=before)
    return row.id


async def look_at_offers(session: TenantSession, *, case_id: UUID, at: datetime, case_url: str) -> None:
    """Go on to the next candidate when the present one has run out of time. Harmless at any other moment."""
    row = await queries.locked_case(session, case_id=case_id)
    if State(row.state) is not State.OFFERED:
        return
    made = [offer for offer in await queries.pending_offers(session, case_id=case_id) if offer.due_at is not None]
    if any(offer.due_at is not None and offer.due_at > at for offer in made):
        return
    for offer in made:
        offer.state, offer.answered_at = OfferState.EXPIRED, at
        await messages.settle(session, dedupe_key=f"offer:{offer.id}")
        await add_event(
            session,
            case_id=case_id,
            kind="expired",
            text=f"{offer.display_name} n’a pas répondu",
            actor="Maillage",
            at=at,
        )
    before = row.state
    await _offer_next(session, row, at=at, case_url=case_url)
    await changed(session, row, before=before)


async def withdraw_offers(session: TenantSession, *, case_id: UUID, at: datetime, tell: str | None = None) -> None:
    """Take back every offer still waiting. `tell`: the case's number, to tell the one who was thinking about it."""
    for offer in await queries.pending_offers(session, case_id=case_id):
        offer.state, offer.answered_at = OfferState.WITHDRAWN, at
        await messages.settle(session, dedupe_key=f"offer:{offer.id}")
        if tell and offer.offered_at is not None:
            await messages.send_sms(
                session,
                to=offer.phone,
                body=messages.wording("offer_withdrawn", number=tell),
                purpose="offer_withdrawn",
                dedupe_key=f"offer-withdrawn:{offer.id}",
                intervention_id=case_id,
            )
    await session.flush()


async def _win(session: TenantSession, offer: Offer, *, at: datetime) -> None:
    """The database has the last word on who is first, whatever the locks above."""
    try:
        async with session.begin_nested():
            offer.state, offer.answered_at = OfferState.ACCEPTED, at
            await session.flush()
    except IntegrityError as exc:
        if violated_constraint(exc) == "uq_offer_one_winner":
            raise AlreadyTaken from exc
        raise


async def _offer_next(session: TenantSession, row: Intervention, *, at: datetime, case_url: str) -> None:
    for offer in await queries.pending_offers(session, case_id=row.id):
        if offer.technician_id is None:
            await _tell_manager(session, row, offer, at=at)
            continue
        offer.offered_at, offer.due_at = at, at + timedelta(minutes=OFFER_MINUTES)
        await stamp(session, case_id=row.id, clock=Clock.ALERTED, at=at, by="Maillage")
        await messages.tell(
            session,
            person=await queries.person(session, technician_id=offer.technician_id, phone=offer.phone),
            body=messages.wording(
                "offer",
                number=row.number,
                place=row.address or "adresse à préciser",
                minutes=OFFER_MINUTES,
                url=case_url,
            ),
            purpose="offer",
            dedupe_key=f"offer:{offer.id}",
            link=f"/field/cases/{row.id}",
            intervention_id=row.id,
        )
        await outside.defer(session, "interventions.look_at_offers", {"case_id": row.id}, run_at=offer.due_at)
        await add_event(
            session,
            case_id=row.id,
            kind="offered",
            text=f"Proposée à {offer.display_name}",
            actor="Maillage",
            at=at,
            detail={"reason": offer.reason},
        )
        return
    await _nobody(session, row, at=at)


async def _tell_manager(session: TenantSession, row: Intervention, offer: Offer, *, at: datetime) -> None:
    """A step of the ladder that is a person but no artisan: told, not asked."""
    offer.offered_at, offer.state, offer.answered_at = at, OfferState.EXPIRED, at
    if offer.phone.startswith(_MOBILE):
        await messages.send_sms(
            session,
            to=offer.phone,
            body=messages.wording(
                "offer_exhausted", number=row.number, place=row.address, phone=show_phone(row.caller_phone)
            ),
            purpose="offer_exhausted",
            dedupe_key=f"offer:{offer.id}",
            intervention_id=row.id,
        )
    await add_event(session, case_id=row.id, kind="told", text=f"{offer.display_name} prévenu", actor="Maillage", at=at)


async def _nobody(session: TenantSession, row: Intervention, *, at: datetime) -> None:
    """Nobody took it: back to the desk, with the loudest alarm (a request is never lost)."""
    row.state = rules.next_state(State(row.state), Step.EXHAUST)
    await alarms.raise_alarm(
        session,
        kind="offers_exhausted",
        severity=alarms.Severity.CRITICAL,
        title=f"{row.number} : aucun artisan n’a accepté",
        detail="Appelez un associé, puis le client.",
        link=f"/cases/{row.id}",
        dedupe_key=f"unassigned:{row.id}",
        subject_id=row.id,
    )
    await add_event(
        session,
        case_id=row.id,
        kind="exhausted",
        text="Aucun artisan n’a accepté : permanence alertée",
        actor="Maillage",
        at=at,
    )
