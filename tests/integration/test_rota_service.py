"""The rota on PostgreSQL: who is on call at any instant, what stays provable, what the database refuses."""

import asyncio
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_app.testing.plumbers import S2, Plumbers, add_person, published
from maillage_kit.clock import MovableClock, paris_instant
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Conflict
from maillage_tenants import members, rota
from maillage_tenants.rota.errors import ReasonRequired
from maillage_tenants.rota.models import Duty
from maillage_tenants.rota.service.common import new_duty, refusals

HOUR = timedelta(hours=1)


async def test_a_draft_answers_nobody_and_a_published_rota_answers_for_the_future(
    runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers, moved_clock: MovableClock
) -> None:
    future = paris_instant(date(2027, 9, 15)) + 3 * HOUR
    vernon, pont = plumbers.sector("S2"), plumbers.sector("S5")
    async with runtime.database.tenant(eure.tenant) as session:
        draft = await rota.create_draft(session, semester=S2, trades=plumbers.trades, by="bureau")
        await rota.generate(session, rota_id=draft.id, trades=plumbers.trades, by="bureau")
        assert await rota.on_call(session, sector_ids=[vernon], trade="plumbing", at=future) == ()
        moved_clock.advance(hours=1)
        await rota.publish(session, rota_id=draft.id, decision="CA", by="bureau", trades=plumbers.trades)
        found = await rota.on_call(session, sector_ids=[pont, vernon], trade="plumbing", at=future)
        assert [(one.sector_id, one.rank) for one in found] == [(pont, 1), (pont, 2), (vernon, 1), (vernon, 2)]
        assert len({one.technician_id for one in found}) == 4
        assert all(one.phone.startswith("+336") and one.starts_at <= future < one.ends_at for one in found)
        for nothing in (
            {"trade": "locksmith", "at": future},
            {"trade": "plumbing", "at": S2.starts_at - timedelta(microseconds=1)},
            {"trade": "plumbing", "at": S2.ends_at},
            # Before it was published nobody could know it, however early it was drafted.
            {"trade": "plumbing", "at": future, "known_at": moved_clock.now() - timedelta(minutes=30)},
        ):
            assert await rota.on_call(session, sector_ids=[pont], **nothing) == ()  # type: ignore[arg-type]
        assert await rota.on_call(session, sector_ids=[], trade="plumbing", at=future) == ()


async def test_at_the_handover_the_new_person_answers(
    runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers
) -> None:
    """Half-open periods (rule 4): 18:00 belongs to the one who begins, the microsecond before to the one who ends."""
    await published(runtime, eure, plumbers)
    handover = paris_instant(date(2027, 10, 29)) + 18 * HOUR
    async with runtime.database.tenant(eure.tenant) as session:

        async def first(at: datetime) -> rota.OnCall:
            return (await rota.on_call(session, sector_ids=[plumbers.sector("S1")], trade="plumbing", at=at))[0]

        before, after = await first(handover - timedelta(microseconds=1)), await first(handover)
        assert before.technician_id != after.technician_id
        assert before.ends_at == after.starts_at == handover
        assert (after.ends_at - after.starts_at) == 169 * HOUR  # the week of 31 October (R105)


async def test_what_was_true_stays_provable_after_a_substitution(
    runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers, moved_clock: MovableClock
) -> None:
    await published(runtime, eure, plumbers)
    at = paris_instant(date(2027, 7, 14)) + 12 * HOUR
    pont = plumbers.sector("S5")
    known_first = moved_clock.now()

    async def holder(session: TenantSession, when: datetime = at, known_at: datetime | None = None) -> rota.OnCall:
        return (await rota.on_call(session, sector_ids=[pont], trade="plumbing", at=when, known_at=known_at))[0]

    async with runtime.database.tenant(eure.tenant) as session:
        original = await holder(session)
        busy = {
            one.technician_id
            for one in await rota.on_call(session, sector_ids=[s.id for s in plumbers.sectors], trade="plumbing", at=at)
        }
        second, third = [p for p in plumbers.people if p not in busy][:2]
        with pytest.raises(ReasonRequired):
            await rota.change_duty(session, duty_id=original.duty_id, technician_id=second, by="bureau")
        moved_clock.advance(days=1)
        whole_week = await rota.change_duty(
            session, duty_id=original.duty_id, technician_id=second, by="bureau", reason="Grippe"
        )
        known_second = moved_clock.now()
        moved_clock.advance(days=1)
        part = rota.Period(at - 6 * HOUR, at + 6 * HOUR)
        await rota.change_duty(
            session, duty_id=whole_week.id, technician_id=third, by="bureau", reason="Baptême", over=part
        )
    async with runtime.database.tenant(eure.tenant) as session:
        assert (await holder(session)).technician_id == third
        assert (await holder(session, known_at=known_first)).technician_id == original.technician_id
        assert (await holder(session, known_at=known_second)).technician_id == second
        assert (await holder(session, known_at=known_second)).duty_id == whole_week.id
        # Around the part that was given away, the second person stays.
        assert [
            (await holder(session, when=when)).technician_id
            for when in (
                part.starts_at - timedelta(microseconds=1),
                part.starts_at,
                part.ends_at - timedelta(microseconds=1),
                part.ends_at,
            )
        ] == [second, third, third, second]
        found = await rota.history(session, post_id=(await session.get_one(Duty, whole_week.id)).post_id, over=part)
        assert [(row.technician_id, row.reason, row.superseded_at is None) for row in found] == [
            (original.technician_id, "", False),
            (second, "Grippe", False),
            (third, "Baptême", True),
        ]
        told = (await session.execute(sa.text("select recipient, body from message order by id"))).all()
        names = {(await members.get_technician(session, technician_id=one)).phone: one for one in plumbers.people}
        assert [(names[row.recipient], row.body.split(" : ")[1].split(" du ")[0]) for row in told] == [
            (second, "vous êtes d’astreinte"),
            (original.technician_id, "vous êtes remplacé"),
            (third, "vous êtes d’astreinte"),
            (second, "vous êtes remplacé"),
        ]
        assert told[2].body == (
            "Planning modifié : vous êtes d’astreinte du 14/07/2027 06:00 au 14/07/2027 18:00."
            " Secteur Pont-Audemer – Roumois, rang 1."
        )
        # Nobody edits or deletes what was published, even by hand.
        for statement in ("update duty set starts_at = starts_at + interval '1 hour'", "delete from duty"):
            with pytest.raises(sa.exc.IntegrityError):
                async with session.begin_nested():
                    await session.execute(sa.text(statement + " where live"))
        with pytest.raises(Conflict, match="déjà été modifiée"):
            await rota.change_duty(session, duty_id=whole_week.id, technician_id=third, by="bureau", reason="Trop tard")


async def test_two_people_on_a_post_are_refused_by_the_database_in_french(
    runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers
) -> None:
    plan = await published(runtime, eure, plumbers)
    at = paris_instant(date(2027, 7, 14))
    async with runtime.database.tenant(eure.tenant) as session:
        (held, *_) = await rota.on_call(session, sector_ids=[plumbers.sector("S1")], trade="plumbing", at=at)
        twin = await session.get_one(Duty, held.duty_id)
        with pytest.raises(rota.DutyOverlap, match="déjà d’astreinte à ce poste"):
            await rota.fill_gap(
                session,
                rota_id=plan.id,
                post_id=twin.post_id,
                technician_id=plumbers.people[-1],
                period=rota.Period(at, at + HOUR),
                by="bureau",
                reason="Renfort",
            )
        with pytest.raises(rota.DutyOverlap, match="déjà d’astreinte à ce poste"):
            async with refusals(session):
                session.add(
                    new_duty(
                        rota=plan,
                        post_id=twin.post_id,
                        member_id=twin.member_id,
                        technician_id=twin.technician_id,
                        period=rota.Period(at, at + HOUR),
                        live=True,
                        at=at,
                        by="bureau",
                    )
                )
        # The transaction goes on: only the savepoint was undone.
        assert (await session.execute(sa.text("select 1"))).scalar_one() == 1


async def test_one_person_is_never_in_two_places_even_by_two_people_at_once(
    runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers
) -> None:
    """R64: two office workers give the same spare person two posts of the same week at the same moment."""
    await published(runtime, eure, plumbers)
    at = paris_instant(date(2027, 7, 14))
    async with runtime.database.tenant(eure.tenant) as session:
        held = await rota.on_call(
            session, sector_ids=[sector.id for sector in plumbers.sectors], trade="plumbing", at=at
        )
    spare = next(person for person in plumbers.people if person not in {one.technician_id for one in held})

    async def give(duty_id: UUID) -> str:
        try:
            async with runtime.database.tenant(eure.tenant) as session:
                await rota.change_duty(session, duty_id=duty_id, technician_id=spare, by="bureau", reason="Grippe")
        except rota.TwoPlaces:
            return "refused"
        return "given"

    assert sorted(await asyncio.gather(give(held[0].duty_id), give(held[3].duty_id))) == ["given", "refused"]


async def test_an_expired_decennial_is_not_assignable(
    runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers
) -> None:
    """R8, R61: « Assurance décennale expirée le … », in the answer to dispatch and when a duty is given."""
    plan = await published(runtime, eure, plumbers)
    async with runtime.database.tenant(eure.tenant) as session:
        expired = await add_person(session, 900, sectors=(plumbers.sector("S1"),), decennial_until=date(2027, 7, 12))
        investor = await add_person(session, 901, sectors=(), category="investor")
        known = await members.assignability(
            session,
            technician_ids=[plumbers.people[0], expired, investor, plan.id],
            trade="plumbing",
            on=date(2027, 7, 13),
        )
        assert [(verdict.ok, verdict.reason) for verdict in known.values()] == [
            (True, ""),
            (False, "Assurance décennale expirée le 12/07/2027"),
            (False, "Associé non coopérateur : il n’intervient jamais (R52)"),
            (False, "Technicien inconnu"),
        ]
        (held, *_) = await rota.on_call(
            session, sector_ids=[plumbers.sector("S1")], trade="plumbing", at=paris_instant(date(2027, 7, 14))
        )
        with pytest.raises(rota.NotAssignable, match="Assurance décennale expirée le 12/07/2027"):
            await rota.change_duty(session, duty_id=held.duty_id, technician_id=expired, by="bureau", reason="Grippe")
