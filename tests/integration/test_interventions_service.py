"""The case file on a real database: clocks once, one winner, nobody forgotten, no work unsigned."""

import asyncio
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from maillage_app.runtime import Runtime
from maillage_hooks.types import Priority
from maillage_kit import clock
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.crypto import token_hash
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_tenants import alarms, interventions
from maillage_tenants.interventions.errors import (
    AlreadyTaken,
    CaseNotFound,
    ClockOutOfOrder,
    OfferOver,
    QuoteNotSigned,
    StepNotAllowed,
    TriageIncomplete,
)
from maillage_tenants.interventions.models import Clock, DangerKind, HoldReason, Intervention, Offer, Source, State
from maillage_tenants.interventions.rules import WorkAuthority
from maillage_tenants.interventions.tasks import look_at_delays, look_at_offers
from maillage_tenants.members.models import Member, Technician
from maillage_tenants.messages.models import Message

SIGNED = WorkAuthority(signed=True)


async def open_case(session: TenantSession, *, insee: str = "27467") -> UUID:
    case = await interventions.open_case(
        session,
        facts=interventions.NewCase(
            source=Source.WEB, requested_at=clock.now(), by="tests", caller_name="Madame Lefèvre",
            caller_phone="+33612345678", address="3 rue Sadi-Carnot, Pont-Audemer", insee=insee, trade="plumbing",
        ),
    )  # fmt: skip
    return case.id


BURST = {
    "danger": "none",
    "problem": "leak",
    "flow": "burst",
    "shut_off": "no",
    "pipe_owner": "private",
    "wet_electricity": "no",
    "neighbour_hit": "no",
    "vulnerable": "no",
}


async def triage(runtime: Runtime, cooperative: CooperativeContext, session: TenantSession, case_id: UUID) -> None:
    await interventions.triage_case(
        session, cooperative=cooperative, case_id=case_id, trade_plugin=runtime.trades.get("plumbing"),
        answers=BURST, at=clock.now(), by="Claire",
    )  # fmt: skip


async def dispatch(runtime: Runtime, cooperative: CooperativeContext, session: TenantSession, case_id: UUID) -> None:
    await interventions.dispatch_case(
        session, cooperative=cooperative, settings=runtime.settings, case_id=case_id, at=clock.now(), by="Claire"
    )


async def test_a_case_from_request_to_closing(
    runtime: Runtime, eure: CooperativeContext, crew, moved_clock: MovableClock
) -> None:
    karim = crew.artisans[0]
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await open_case(session)
        await triage(runtime, eure, session, case_id)
        await dispatch(runtime, eure, session, case_id)
        (made, *waiting) = await interventions.offers(session, case_id=case_id)
        assert made.technician_id == karim.technician_id and made.due_at == clock.now() + timedelta(minutes=3)
        assert all(offer.offered_at is None for offer in waiting)
    moved_clock.advance(minutes=2)
    async with runtime.database.tenant(eure.tenant) as session:
        for _ in range(2):  # pressing twice changes nothing
            await interventions.accept_offer(
                session, offer_id=made.id, technician_id=karim.technician_id, at=clock.now(), by=karim.name
            )
        moved_clock.advance(minutes=10)
        await interventions.depart(session, case_id=case_id, at=clock.now(), by=karim.name)
        moved_clock.advance(minutes=25)
        await interventions.arrive(session, case_id=case_id, at=clock.now(), by=karim.name)
    async with runtime.database.tenant(eure.tenant) as session:
        with pytest.raises(QuoteNotSigned):
            await interventions.make_safe(
                session, case_id=case_id, at=clock.now(), by=karim.name, authority=WorkAuthority(False)
            )
    async with runtime.database.tenant(eure.tenant) as session:
        moved_clock.advance(minutes=5)
        await interventions.make_safe(session, case_id=case_id, at=clock.now(), by=karim.name, authority=SIGNED)
        moved_clock.advance(minutes=30)
        await interventions.finish_work(session, case_id=case_id, at=clock.now(), by=karim.name, authority=SIGNED)
        with pytest.raises(StepNotAllowed, match="note"):
            await interventions.mark_closed(session, case_id=case_id, note_exists=False, at=clock.now(), by=karim.name)
        await interventions.mark_closed(session, case_id=case_id, note_exists=True, at=clock.now(), by=karim.name)
        case = await interventions.case(session, case_id=case_id)
        assert case.state == State.CLOSED and case.number == "I-2027-000001"
        known = await interventions.clocks(session, case_id=case_id)
        assert set(Clock) - set(known) == {Clock.ANSWERED, Clock.NOTE_SENT}
        delays = await interventions.delays(session, case=case, at=clock.now())
        assert [(delay.code, delay.kept) for delay in delays] == [("accept", True), ("arrive", True), ("safe", True)]
        assert case.announced["announced_by"] == "Claire"
        assert case.triage["lines"] and case.triage["priority"] == case.priority
    async with runtime.database.platform() as platform:
        payload = (
            await platform.execute(
                sa.text("select payload from platform.outbox_event where type = 'interventions.CaseClosed'")
            )
        ).scalar_one()
    assert payload == {
        "intervention_id": str(case_id), "trade": "plumbing", "arrival_kept": True, "accept_kept": True,
        "day": "2027-03-01", "customer_id": None,
    }  # fmt: skip


async def test_clocks_are_written_once(runtime: Runtime, eure: CooperativeContext) -> None:
    """R88: the first instant stays; the database refuses to change it."""
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await open_case(session)
        at = clock.now()
        assert await interventions.stamp(session, case_id=case_id, clock=Clock.ANSWERED, at=at, by="a")
        later = at + timedelta(minutes=5)
        assert not await interventions.stamp(session, case_id=case_id, clock=Clock.ANSWERED, at=later, by="b")
        assert (await interventions.clocks(session, case_id=case_id))[Clock.ANSWERED] == at
        with pytest.raises(ClockOutOfOrder):
            await interventions.stamp(
                session, case_id=case_id, clock=Clock.ALERTED, at=at - timedelta(seconds=1), by="c"
            )
    with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
        async with runtime.database.tenant(eure.tenant) as session:
            await session.execute(sa.text("update intervention_clock set at = now()"))


async def test_no_answer_then_no_then_nobody_alarms_the_desk(
    runtime: Runtime, eure: CooperativeContext, crew, moved_clock: MovableClock
) -> None:
    """Never lost: expiry and refusal go on to the next, and the last resort is the loudest alarm."""
    karim, sophie = crew.artisans
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await open_case(session)
        await dispatch(runtime, eure, session, case_id)
    async with runtime.database.tenant(eure.tenant) as session:
        await look_at_offers(session, eure, runtime.settings, str(case_id))
        assert (await interventions.offers(session, case_id=case_id))[0].state == "pending"  # too early
    moved_clock.advance(minutes=3)
    async with runtime.database.tenant(eure.tenant) as session:
        await look_at_offers(session, eure, runtime.settings, str(case_id))
        await look_at_offers(session, eure, runtime.settings, str(case_id))
        first, second, *_ = await interventions.offers(session, case_id=case_id)
        assert (first.state, second.state) == ("expired", "pending")
        assert second.technician_id == sophie.technician_id and second.due_at == clock.now() + timedelta(minutes=3)
        with pytest.raises(CaseNotFound):
            await interventions.decline_offer(
                session, offer_id=second.id, technician_id=karim.technician_id, at=clock.now(), by="x", case_url="u"
            )
        await interventions.decline_offer(
            session, offer_id=second.id, technician_id=sophie.technician_id, at=clock.now(), by="Sophie", case_url="u"
        )
        case = await interventions.case(session, case_id=case_id)
        assert case.state == State.REQUESTED
        (alarm,) = [a for a in await alarms.open_alarms(session) if a.kind == "offers_exhausted"]
        assert alarm.severity == alarms.Severity.CRITICAL and case.number in alarm.title
        told = (await session.scalars(sa.select(Message.recipient).where(Message.purpose == "offer_exhausted"))).all()
        assert told == [eure.manager_phone]
        # Somebody who did not answer in time may still save the day.
        await interventions.accept_offer(
            session, offer_id=first.id, technician_id=karim.technician_id, at=clock.now(), by=karim.name
        )
        assert (await interventions.case(session, case_id=case_id)).state == State.ACCEPTED
        assert not [a for a in await alarms.open_alarms(session) if a.kind == "offers_exhausted"]
        with pytest.raises(OfferOver):
            await interventions.decline_offer(
                session, offer_id=first.id, technician_id=karim.technician_id, at=clock.now(), by="x", case_url="u"
            )


async def test_an_empty_rota_alarms_at_once(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await open_case(session, insee="27229")
        await dispatch(runtime, eure, session, case_id)
        assert (await interventions.case(session, case_id=case_id)).state == State.REQUESTED
        assert [a.kind for a in await alarms.open_alarms(session)] == ["offers_exhausted"]


async def test_twenty_accept_at_once_one_wins(runtime: Runtime, eure: CooperativeContext, crew) -> None:
    """One winner, the nineteen others read « déjà prise »."""
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await open_case(session)
        case = await interventions.case(session, case_id=case_id)
        case.state = State.OFFERED
        member = await session.get(Member, crew.artisans[0].member_id)
        assert member is not None
        offers = []
        for position in range(1, 21):
            technician = Technician(
                member_id=member.id, first_name="T", last_name=str(position), phone=f"+336123457{position:02d}"
            )
            session.add(technician)
            await session.flush()
            offer = Offer(
                intervention_id=case_id, position=position, kind="rank1", member_id=member.id,
                technician_id=technician.id, phone=technician.phone, display_name=f"T {position}", reason="essai",
                state="expired", offered_at=clock.now(), due_at=clock.now(),
            )  # fmt: skip
            session.add(offer)
            await session.flush()
            offers.append((offer.id, technician.id))

    async def accept(offer_id: UUID, technician_id: UUID) -> str:
        try:
            async with runtime.database.tenant(eure.tenant) as session:
                await interventions.accept_offer(
                    session, offer_id=offer_id, technician_id=technician_id, at=clock.now(), by="T"
                )
        except AlreadyTaken as taken:
            return taken.message
        return "won"

    answers = await asyncio.gather(*(accept(*offer) for offer in offers))
    assert answers.count("won") == 1
    assert answers.count("Cette intervention est déjà prise.") == 19
    async with runtime.database.tenant(eure.tenant) as session:
        winners = (await session.scalars(sa.select(Offer).where(Offer.state == "accepted"))).all()
        case = await interventions.case(session, case_id=case_id)
        assert [w.technician_id for w in winners] == [case.technician_id] and case.state == State.ACCEPTED


async def test_the_index_alone_refuses_a_second_winner(runtime: Runtime, eure: CooperativeContext, crew) -> None:
    """The database has the last word, and its word is translated by the name of the constraint."""
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await open_case(session)
        await dispatch(runtime, eure, session, case_id)
        first, second, *_ = await interventions.offers(session, case_id=case_id)
        first.state, second.offered_at = "accepted", clock.now()
        await session.flush()
        assert second.technician_id is not None
        with pytest.raises(AlreadyTaken):
            await interventions.accept_offer(
                session, offer_id=second.id, technician_id=second.technician_id, at=clock.now(), by="S"
            )


async def test_a_red_situation_is_redirected_without_dispatch_and_without_clock(
    runtime: Runtime, eure: CooperativeContext, crew
) -> None:
    """R87."""
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await open_case(session)
        danger = next(q for q in runtime.trades.get("plumbing").triage.questions)
        gas = next(c.code for c in danger.choices if "gas" in c.code)
        result = await interventions.triage_case(
            session, cooperative=eure, case_id=case_id, trade_plugin=runtime.trades.get("plumbing"),
            answers={danger.code: gas}, at=clock.now(), by="Claire",
        )  # fmt: skip
        assert result.redirect is not None and result.priority is Priority.P0
        case = await interventions.case(session, case_id=case_id)
        assert case.state == State.REDIRECTED and case.redirect_code == result.redirect.code
        assert (case.accept_by, case.arrive_by, case.safe_by) == (None, None, None)
        assert Clock.QUALIFIED not in await interventions.clocks(session, case_id=case_id)
        assert await interventions.delays(session, case=case, at=clock.now()) == ()
        logged = [e for e in await interventions.story(session, case_id=case_id) if e.kind == "redirected"]
        assert len(logged) == 1 and logged[0].at == clock.now()
        with pytest.raises(StepNotAllowed):
            await dispatch(runtime, eure, session, case_id)


async def test_missing_answers_are_named(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await open_case(session)
        with pytest.raises(TriageIncomplete) as refused:
            await interventions.triage_case(
                session, cooperative=eure, case_id=case_id, trade_plugin=runtime.trades.get("plumbing"), answers={},
                at=clock.now(), by="Claire",
            )  # fmt: skip
        assert refused.value.fields


async def test_promises_are_frozen_at_the_first_qualification(
    runtime: Runtime, eure: CooperativeContext, moved_clock: MovableClock
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await open_case(session)
        await triage(runtime, eure, session, case_id)
        case = await interventions.case(session, case_id=case_id)
        frozen = (case.accept_by, case.arrive_by, case.safe_by, case.announced)
        assert case.arrive_by == clock.now() + timedelta(hours=2)  # Pont-Audemer, 10 023 inhabitants: urban
        moved_clock.advance(minutes=40)
        await triage(runtime, eure, session, case_id)
        await session.refresh(case)
        assert (case.accept_by, case.arrive_by, case.safe_by, case.announced) == frozen


async def test_a_village_has_the_rural_promise(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await open_case(session, insee="27028")  # Authou, 331 inhabitants
        await triage(runtime, eure, session, case_id)
        case = await interventions.case(session, case_id=case_id)
        assert case.arrive_by == clock.now() + timedelta(hours=3)


async def accepted_case(runtime: Runtime, eure: CooperativeContext, crew, session: TenantSession) -> UUID:
    karim = crew.artisans[0]
    case_id = await open_case(session)
    await interventions.record_acceptance(
        session, case_id=case_id, technician_id=karim.technician_id, member_id=karim.member_id,
        duty_id=karim.duty_id, alerted_at=clock.now(), accepted_at=clock.now(), by="standard",
    )  # fmt: skip
    await triage(runtime, eure, session, case_id)
    return case_id


async def test_a_pause_of_the_closed_list_pushes_the_promise_back(
    runtime: Runtime, eure: CooperativeContext, crew, moved_clock: MovableClock
) -> None:
    """R20."""
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await accepted_case(runtime, eure, crew, session)
        await interventions.hold_case(
            session, case_id=case_id, reason=HoldReason.OCCUPANT_ABSENT, note="sonné trois fois", at=clock.now(), by="K"
        )
        moved_clock.advance(minutes=60)
        await interventions.resume_case(session, case_id=case_id, at=clock.now(), by="K")
        assert (await interventions.case(session, case_id=case_id)).state == State.ACCEPTED
        moved_clock.advance(minutes=90)
        await look_at_delays(session, str(case_id))
        assert not await alarms.open_alarms(session)
        moved_clock.advance(minutes=31)
        await look_at_delays(session, str(case_id))
        assert [a.kind for a in await alarms.open_alarms(session)] == ["delay_missed"]
        await interventions.arrive(session, case_id=case_id, at=clock.now(), by="K")
        assert not await alarms.open_alarms(session)
        case = await interventions.case(session, case_id=case_id)
        (arrive,) = [d for d in await interventions.delays(session, case=case, at=clock.now()) if d.code == "arrive"]
        assert arrive.kept is False and arrive.taken == timedelta(minutes=121) and arrive.paused == timedelta(hours=1)


async def test_danger_lets_work_start_and_is_audited(runtime: Runtime, eure: CooperativeContext, crew) -> None:
    """R6: code danger_immediat, reason of the closed list, proof sent to the customer, audit."""
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await accepted_case(runtime, eure, crew, session)
        await interventions.arrive(session, case_id=case_id, at=clock.now(), by="K")
        await interventions.record_danger(
            session,
            cooperative=eure,
            case_id=case_id,
            danger=DangerKind.ELECTRICITY,
            words="le tableau est mouillé",
            at=clock.now(),
            by="K",
        )
        case = await interventions.case(session, case_id=case_id)
        assert case.danger_reason == "Eau sur une installation électrique (le tableau est mouillé)"
        message = (await session.scalars(sa.select(Message).where(Message.purpose == "danger_proof"))).one()
        assert message.recipient == case.caller_phone and "avant la signature du devis" in message.body
        told = next(e for e in await interventions.story(session, case_id=case_id) if e.kind == "danger_immediat")
        assert told.detail["code"] == "danger_immediat" and told.detail["danger"] == "electricity"
        assert told.detail["reason"] == "Accord oral du client. Preuve : SMS au client."
        authority = WorkAuthority(False, case.danger_reason)
        await interventions.make_safe(session, case_id=case_id, at=clock.now(), by="K", authority=authority)
        found = await session.execute(
            sa.text("select count(*) from audit_entry where action = 'interventions.danger_immediat'")
        )
        assert found.scalar_one() == 1


async def test_danger_without_any_proof_is_refused(runtime: Runtime, eure: CooperativeContext, crew) -> None:
    """R6: a photo, or a message to the customer; never a silent skip."""
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await accepted_case(runtime, eure, crew, session)
        await interventions.arrive(session, case_id=case_id, at=clock.now(), by="K")
        case = await interventions.locked_case(session, case_id=case_id)
        case.caller_phone = "+33232410099"
        record = partial(
            interventions.record_danger,
            session,
            cooperative=eure,
            case_id=case_id,
            danger=DangerKind.WATER,
            at=clock.now(),
            by="K",
        )
        with pytest.raises(Invalid, match="photo"):
            await record()
        await record(photos=2)
        told = next(e for e in await interventions.story(session, case_id=case_id) if e.kind == "danger_immediat")
        assert told.detail["reason"] == "Accord oral du client. Preuve : 2 photos."
        with pytest.raises(StepNotAllowed):
            await record(photos=1)


async def test_a_released_case_rings_the_desk_and_can_be_taken_again(
    runtime: Runtime, eure: CooperativeContext, crew
) -> None:
    sophie = crew.artisans[1]
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await open_case(session)
        await dispatch(runtime, eure, session, case_id)
        first, *_ = await interventions.offers(session, case_id=case_id)
        assert first.technician_id is not None
        await interventions.accept_offer(
            session, offer_id=first.id, technician_id=first.technician_id, at=clock.now(), by="K"
        )
        await interventions.release_case(session, case_id=case_id, reason="panne de camion", at=clock.now(), by="K")
        assert [a.severity for a in await alarms.open_alarms(session)] == [alarms.Severity.CRITICAL]
        await dispatch(runtime, eure, session, case_id)
        again = [o for o in await interventions.offers(session, case_id=case_id) if o.state == "pending"]
        await interventions.decline_offer(
            session, offer_id=again[0].id, technician_id=first.technician_id, at=clock.now(), by="K", case_url="u"
        )
        await interventions.accept_offer(
            session, offer_id=again[1].id, technician_id=sophie.technician_id, at=clock.now(), by="S"
        )
        case = await interventions.case(session, case_id=case_id)
        assert case.technician_id == sophie.technician_id


async def test_what_follows_goes_to_the_member_who_brought_the_customer(
    runtime: Runtime, eure: CooperativeContext, crew
) -> None:
    """R60, R15."""
    sophie = crew.artisans[1]
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await accepted_case(runtime, eure, crew, session)
        case = await interventions.case(session, case_id=case_id)
        case.referring_member_id = sophie.member_id
        await interventions.arrive(session, case_id=case_id, at=clock.now(), by="K")
        await interventions.create_lead(
            session, case_id=case_id, title="Remplacer la chaudière", detail="", at=clock.now(), by="K"
        )
        (lead,) = await interventions.leads(session, case_id=case_id)
        assert lead.member_id == sophie.member_id and "R60" in lead.reason
        with pytest.raises(StepNotAllowed):
            await interventions.open_follow_up(session, case_id=case_id, reason="pièce", at=clock.now(), by="K")
        await interventions.leave_partial(session, case_id=case_id, reason="pièce à commander", at=clock.now(), by="K")
        visit = await interventions.open_follow_up(
            session, case_id=case_id, reason="poser la pièce", at=clock.now(), by="K"
        )
        second = await interventions.case(session, case_id=visit.id)
        assert second.follow_up_of == case_id and second.referring_member_id == sophie.member_id
        assert [f.id for f in await interventions.follow_ups(session, case_id=case_id)] == [visit.id]


async def test_photos_are_kept_by_what_they_are(runtime: Runtime, eure: CooperativeContext) -> None:
    content = b"\xff\xd8\xff\xe0" + b"1" * 100
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await open_case(session)
        photo = await interventions.add_attachment(
            session, case_id=case_id, kind="before", filename="../évier.png", content=content, at=clock.now(), by="K"
        )
        (kept,) = await interventions.attachments(session, case_id=case_id)
        assert (kept.filename, kept.content_type, kept.size) == ("évier.jpg", "image/jpeg", 104)
        assert len(kept.sha256) == 64
        _, stored = await interventions.attachment_content(session, case_id=case_id, attachment_id=photo)
        assert stored == content
        other = await open_case(session)
        with pytest.raises(CaseNotFound):
            await interventions.attachment_content(session, case_id=other, attachment_id=photo)


async def test_a_tracking_secret_is_never_stored(runtime: Runtime, eure: CooperativeContext) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await open_case(session)
        token = await interventions.public_token(session, settings=runtime.settings, case_id=case_id)
        await session.flush()
        stored = (await session.scalars(sa.select(Intervention.public_token_hash))).one()
        assert stored == token_hash(token) != token
        assert (await interventions.case_by_token(session, token_hash=token_hash(token))).id == case_id
        with pytest.raises(CaseNotFound):
            await interventions.case_by_token(session, token_hash=token_hash(token + "x"))


async def test_cancelling_tells_the_artisan(runtime: Runtime, eure: CooperativeContext, crew) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        case_id = await accepted_case(runtime, eure, crew, session)
        await interventions.cancel_case(session, case_id=case_id, reason="fuite arrêtée", at=clock.now(), by="Claire")
        message = (await session.scalars(sa.select(Message).where(Message.purpose == "case_cancelled"))).one()
        assert message.recipient == crew.artisans[0].phone and "fuite arrêtée" in message.body
        with pytest.raises(StepNotAllowed):
            await interventions.depart(session, case_id=case_id, at=clock.now(), by="K")
