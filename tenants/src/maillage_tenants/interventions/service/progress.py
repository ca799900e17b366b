"""From the road to the end: each verb takes one step of the table, stamps one clock, writes one line."""

from datetime import datetime
from uuid import UUID

from maillage_kit import outside
from maillage_kit.clock import paris
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.phone import is_mobile, show_phone
from maillage_tenants import alarms, audit, messages
from maillage_tenants.interventions import queries, rules
from maillage_tenants.interventions.errors import StepNotAllowed
from maillage_tenants.interventions.events import CaseClosed
from maillage_tenants.interventions.models import (
    Clock,
    DangerKind,
    Hold,
    HoldReason,
    Intervention,
    Offer,
    OfferState,
    State,
)
from maillage_tenants.interventions.rules import Step, WorkAuthority
from maillage_tenants.interventions.service.offers import withdraw_offers
from maillage_tenants.interventions.service.story import add_event, changed, stamp


async def depart(session: TenantSession, *, case_id: UUID, at: datetime, by: str) -> None:
    """The artisan leaves: T5. Raises StepNotAllowed."""
    row = await queries.locked_case(session, case_id=case_id)
    before = row.state
    row.state = rules.next_state(State(row.state), Step.DEPART)
    await stamp(session, case_id=case_id, clock=Clock.DEPARTED, at=at, by=by)
    await add_event(session, case_id=case_id, kind="departed", text="Artisan parti", actor=by, at=at)
    await changed(session, row, before=before)


async def arrive(session: TenantSession, *, case_id: UUID, at: datetime, by: str) -> None:
    """The artisan is at the door: T6, also when he forgot to say that he left. Raises StepNotAllowed."""
    row = await queries.locked_case(session, case_id=case_id)
    before = row.state
    row.state = rules.next_state(State(row.state), Step.ARRIVE)
    await stamp(session, case_id=case_id, clock=Clock.ARRIVED, at=at, by=by)
    await alarms.resolve_alarm(session, dedupe_key=f"late:arrive:{case_id}", by=by)
    await add_event(session, case_id=case_id, kind="arrived", text="Artisan arrivé sur place", actor=by, at=at)
    await changed(session, row, before=before)


async def record_danger(
    session: TenantSession,
    *,
    cooperative: CooperativeContext,
    case_id: UUID,
    danger: DangerKind,
    words: str = "",
    photos: int = 0,
    at: datetime,
    by: str,
) -> None:
    """Immediate danger, oral agreement: the reason of the closed list that lets work start before the signature (R6).

    `words` may say more. The proof is kept with it: the number of `photos` just added to the case, and a text message
    that tells the customer what is being done before the signature. Raises Invalid when there is neither photo nor
    mobile number, StepNotAllowed when nobody is on site or a danger is written already.
    """
    row = await queries.locked_case(session, case_id=case_id)
    if State(row.state) is not State.ON_SITE or row.danger_reason:
        raise StepNotAllowed
    mobile = row.caller_phone if is_mobile(row.caller_phone) else None
    if not photos and mobile is None:
        raise Invalid(
            "Ajoutez une photo du danger : le client n’a pas de mobile où le prévenir.",
            fields={"danger_photos": "Une photo est attendue."},
        )
    label = rules.DANGER_LABELS[danger]
    more = " ".join(words.split())[:300]
    row.danger_reason = f"{label} ({more})" if more else label
    proofs = [f"{photos} photo{'s' if photos > 1 else ''}"] if photos else []
    if mobile is not None:
        proofs.append("SMS au client")
        await messages.send_sms(
            session,
            to=mobile,
            body=messages.wording(
                "danger_proof",
                cooperative=cooperative.name,
                danger=label.lower(),
                phone=show_phone(cooperative.public_number),
            ),
            purpose="danger_proof",
            dedupe_key=f"danger:{case_id}",
            intervention_id=case_id,
        )
    detail = {"code": "danger_immediat", "danger": str(danger), "photos": photos, "sms": mobile is not None}
    await audit.record(
        session,
        actor=by,
        action="interventions.danger_immediat",
        subject_type="intervention",
        subject_id=case_id,
        detail={"number": row.number, **detail},
    )
    await add_event(
        session,
        case_id=case_id,
        kind="danger_immediat",
        text=f"Danger immédiat, travaux avant signature : {row.danger_reason}",
        actor=by,
        at=at,
        detail={**detail, "reason": f"Accord oral du client. Preuve : {' et '.join(proofs)}."},
    )
    await changed(session, row)


async def make_safe(session: TenantSession, *, case_id: UUID, at: datetime, by: str, authority: WorkAuthority) -> None:
    """The danger is over: T7. Raises QuoteNotSigned without signature or danger reason (R4, R6), StepNotAllowed."""
    row = await queries.locked_case(session, case_id=case_id)
    before = row.state
    row.state = rules.next_state(State(row.state), Step.MAKE_SAFE, authority=authority)
    await stamp(session, case_id=case_id, clock=Clock.SAFE, at=at, by=by)
    await add_event(session, case_id=case_id, kind="made_safe", text="Mise en sécurité faite", actor=by, at=at)
    await changed(session, row, before=before)


async def finish_work(
    session: TenantSession, *, case_id: UUID, at: datetime, by: str, authority: WorkAuthority
) -> None:
    """The work is done: T8, and T7 when it was not said before. Raises QuoteNotSigned (R4, R6), StepNotAllowed."""
    row = await queries.locked_case(session, case_id=case_id)
    before = row.state
    row.state = rules.next_state(State(row.state), Step.FINISH, authority=authority)
    await stamp(session, case_id=case_id, clock=Clock.SAFE, at=at, by=by)
    await stamp(session, case_id=case_id, clock=Clock.FINISHED, at=at, by=by)
    await add_event(session, case_id=case_id, kind="finished", text="Travaux terminés", actor=by, at=at)
    await changed(session, row, before=before)


async def leave_partial(session: TenantSession, *, case_id: UUID, reason: str, at: datetime, by: str) -> None:
    """The artisan leaves with something still to do, or nothing done: T8. A second visit or a quote of its own follows.

    Raises Invalid without a reason, StepNotAllowed.
    """
    words = _reason(reason)
    row = await queries.locked_case(session, case_id=case_id)
    before = row.state
    row.state = rules.next_state(State(row.state), Step.LEAVE_PARTIAL)
    await stamp(session, case_id=case_id, clock=Clock.FINISHED, at=at, by=by)
    await add_event(session, case_id=case_id, kind="partial", text=f"Intervention partielle : {words}", actor=by, at=at)
    await changed(session, row, before=before)


async def hold_case(
    session: TenantSession, *, case_id: UUID, reason: HoldReason, note: str, at: datetime, by: str
) -> None:
    """Pause the case for a reason of the closed list: the promised delays stop running (R20). Raises StepNotAllowed."""
    row = await queries.locked_case(session, case_id=case_id)
    before = State(row.state)
    row.state = rules.next_state(before, Step.HOLD)
    session.add(Hold(intervention_id=case_id, reason=reason, note=note.strip(), state_before=before, started_at=at))
    text = f"Mise en attente : {rules.HOLD_LABELS[reason]}" + (f" ({note.strip()})" if note.strip() else "")
    await add_event(session, case_id=case_id, kind="held", text=text, actor=by, at=at, detail={"reason": str(reason)})
    await changed(session, row, before=before)


async def resume_case(session: TenantSession, *, case_id: UUID, at: datetime, by: str) -> None:
    """Back to the state before the pause; the delays run again. Raises StepNotAllowed."""
    row = await queries.locked_case(session, case_id=case_id)
    hold = await queries.open_hold(session, case_id=case_id)
    before = row.state
    row.state = rules.next_state(
        State(row.state), Step.RESUME, state_before_hold=State(hold.state_before) if hold else None
    )
    if hold is not None:
        hold.ended_at = max(at, hold.started_at)
    await add_event(session, case_id=case_id, kind="resumed", text="Reprise", actor=by, at=at)
    await outside.defer(session, "interventions.look_at_delays", {"case_id": case_id}, run_at=at)
    await changed(session, row, before=before)


async def release_case(session: TenantSession, *, case_id: UUID, reason: str, at: datetime, by: str) -> None:
    """The artisan cannot go after all: the case waits for another one, and the desk is alarmed (never lost).

    T4 stays as first written: the customer was promised once. Raises Invalid without a reason, StepNotAllowed.
    """
    words = _reason(reason)
    row = await queries.locked_case(session, case_id=case_id)
    before = row.state
    row.state = rules.next_state(State(row.state), Step.RELEASE)
    for offer in await queries.offers(session, case_id=case_id):
        if offer.state == OfferState.ACCEPTED:
            _end(offer, OfferState.WITHDRAWN, at)
    row.technician_id = row.member_id = row.duty_id = None
    await add_event(session, case_id=case_id, kind="released", text=f"Artisan indisponible : {words}", actor=by, at=at)
    await alarms.raise_alarm(
        session,
        kind="case_released",
        severity=alarms.Severity.CRITICAL,
        title=f"{row.number} n’a plus d’artisan",
        detail=words,
        link=f"/cases/{case_id}",
        dedupe_key=f"unassigned:{case_id}",
        subject_id=case_id,
    )
    await changed(session, row, before=before)


async def cancel_case(session: TenantSession, *, case_id: UUID, reason: str, at: datetime, by: str) -> None:
    """The need is gone or was never there. Raises Invalid without a reason, StepNotAllowed once work was done."""
    words = _reason(reason)
    row = await queries.locked_case(session, case_id=case_id)
    before = row.state
    row.state = rules.next_state(State(row.state), Step.CANCEL)
    hold = await queries.open_hold(session, case_id=case_id)
    if hold is not None:
        hold.ended_at = max(at, hold.started_at)
    await withdraw_offers(session, case_id=case_id, at=at)
    if row.technician_id is not None:
        await messages.tell(
            session,
            person=await queries.person(session, technician_id=row.technician_id),
            body=messages.wording("case_cancelled", number=row.number, reason=words),
            purpose="case_cancelled",
            dedupe_key=f"case-cancelled:{case_id}",
            link=f"/field/cases/{case_id}",
            intervention_id=case_id,
        )
    await resolve_case_alarms(session, case_id=case_id, by=by)
    await add_event(session, case_id=case_id, kind="cancelled", text=f"Annulation : {words}", actor=by, at=at)
    await changed(session, row, before=before)


async def mark_closed(session: TenantSession, *, case_id: UUID, note_exists: bool, at: datetime, by: str) -> None:
    """The last step, once the note exists (R7): the case is final and the rest of the product is told, at commit.

    Called by the closing use case of the case page, which also credits the ledger. Raises StepNotAllowed.
    """
    row = await queries.locked_case(session, case_id=case_id)
    before = row.state
    row.state = rules.next_state(State(row.state), Step.CLOSE, note_exists=note_exists)
    row.closed_at = at
    await resolve_case_alarms(session, case_id=case_id, by=by)
    kept = {delay.code: delay.kept for delay in await delays(session, case=row, at=at)}
    await add_event(session, case_id=case_id, kind="closed", text="Dossier clos", actor=by, at=at)
    await changed(session, row, before=before)
    await outside.publish(
        session,
        CaseClosed(
            intervention_id=case_id,
            trade=row.trade or "",
            arrival_kept=kept.get("arrive"),
            accept_kept=kept.get("accept"),
            day=paris(at).date(),
            customer_id=row.customer_id,
        ),
        occurred_at=at,
    )


async def delays(session: TenantSession, *, case: Intervention, at: datetime) -> tuple[rules.Delay, ...]:
    """Promised against kept for one case, pauses of the closed list taken out (R20, R88)."""
    pauses = await queries.pauses_of(session, case_ids=[case.id])
    return rules.delays(
        rules.Deadlines(case.accept_by, case.arrive_by, case.safe_by),
        await queries.clocks(session, case_id=case.id),
        pauses[case.id],
        at=at,
    )


async def look_at_delays(session: TenantSession, *, case_id: UUID, at: datetime) -> None:
    """Alarm the desk when a promise has just been missed; look again later when a pause pushed it back."""
    row = await queries.locked_case(session, case_id=case_id)
    if State(row.state) in rules.FINAL_STATES:
        return
    for delay in await delays(session, case=row, at=at):
        if delay.code == "safe" or delay.done_at is not None:
            continue
        if delay.state is rules.DelayState.LATE or (
            delay.state is rules.DelayState.RUNNING and delay.margin.total_seconds() <= 0
        ):
            await alarms.raise_alarm(
                session,
                kind="delay_missed",
                severity=alarms.Severity.WARNING,
                title=f"{row.number} : délai dépassé, {delay.label.lower()}",
                link=f"/cases/{case_id}",
                dedupe_key=f"late:{delay.code}:{case_id}",
                subject_id=case_id,
            )
        elif delay.state is rules.DelayState.RUNNING and delay.due <= at:
            await outside.defer(
                session, "interventions.look_at_delays", {"case_id": case_id}, run_at=delay.due_with_pauses
            )


async def resolve_case_alarms(session: TenantSession, *, case_id: UUID, by: str) -> None:
    """The case is over: nothing about it rings any more."""
    for key in ("late:accept", "late:arrive", "unassigned"):
        await alarms.resolve_alarm(session, dedupe_key=f"{key}:{case_id}", by=by)


def _end(offer: Offer, state: OfferState, at: datetime) -> None:
    offer.state = state
    offer.answered_at = at


def _reason(text: str) -> str:
    words = " ".join(text.split())
    if len(words) < 3:
        raise Invalid("Donnez un motif.", fields={"reason": "Un motif est attendu."})
    return words
