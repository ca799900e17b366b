"""The rota on PostgreSQL: who is on call at any instant, what stays provable, what the database refuses."""

import asyncio
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from openpyxl import Workbook

from maillage_app.runtime import Runtime
from maillage_hooks import TradeRegistry
from maillage_kit.clock import MovableClock, paris_instant
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Conflict, Invalid
from maillage_kit.semester import Semester
from maillage_tenants import audit, members, rota, territory
from maillage_tenants.members.models import DocumentKind, Engagement
from maillage_tenants.rota.errors import NotADraft, NotPublished, ReasonRequired, RotaFrozen
from maillage_tenants.rota.models import Duty, OnCallPost, Rota
from maillage_tenants.rota.queries import on_call_statement
from maillage_tenants.rota.service.common import new_duty, refusals

S1, S2 = Semester(2027, 1), Semester(2027, 2)
HOUR = timedelta(hours=1)
YEAR = (date(2026, 1, 1), date(2027, 12, 31))


def siret(number: int) -> str:
    """A SIRET that the checksum accepts."""
    body = f"{number:08d}"
    siren = next(body + str(key) for key in range(10) if _luhn(body + str(key)))
    return next(f"{siren}0001{key}" for key in range(10) if _luhn(f"{siren}0001{key}"))


def _luhn(digits: str) -> bool:
    total = 0
    for index, char in enumerate(reversed(digits)):
        value = int(char) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


async def add_person(
    session: TenantSession,
    number: int,
    *,
    sectors: tuple[UUID, ...],
    trades: tuple[str, ...] = ("plumbing",),
    decennial_until: date = YEAR[1],
    units: int = 14,
    category: str = "artisan",
    employed: bool = False,
) -> UUID:
    """A business with one technician, its papers and its engagement."""
    member = await members.register_member(
        session,
        new=members.NewMember(
            name=f"Entreprise {number:03d}",
            siret=siret(number),
            email=f"contact{number}@artisan.example",
            phone=f"02 32 {number // 10000 % 100:02d} {number // 100 % 100:02d} {number % 100:02d}",
            address="1 rue du Port",
            postcode="27500",
            city="Pont-Audemer",
            joined_on=date(2020, 1, 1),
            category=category,
            trades=trades,
            sector_ids=sectors,
        ),
    )
    technician = await members.add_technician(
        session,
        member_id=member.id,
        new=members.NewTechnician(
            first_name=f"Prénom{number}",
            last_name=f"Nom{number}",
            phone=f"06 12 {number // 10000 % 100:02d} {number // 100 % 100:02d} {number % 100:02d}",
            employed=employed,
        ),
    )
    proofs = [
        (DocumentKind.LIABILITY, None, YEAR[1]),
        (DocumentKind.DECENNIAL, None, decennial_until),
        *((DocumentKind.QUALIFICATION, trade, YEAR[1]) for trade in trades),
    ]
    for kind, trade, end in proofs:
        await members.add_document(
            session,
            member_id=member.id,
            new=members.NewDocument(
                kind=kind,
                trade=trade,
                reference="P-1",
                issuer="Assureur",
                issuer_contact="1 rue de l’Assurance, Paris",
                coverage="France",
                valid_from=YEAR[0],
                valid_to=end,
            ),
        )
    if units:
        await members.sign_engagement(
            session,
            member_id=member.id,
            units_per_semester=units,
            customers_to_bring=10,
            signed_on=date(2026, 6, 1),
            valid_from=date(2026, 7, 1),
        )
    return technician.id


@dataclass(frozen=True)
class Plumbers:
    """Plumbers of the Eure, two at home in each sector."""

    trades: TradeRegistry
    people: tuple[UUID, ...]
    sectors: tuple[territory.SectorSummary, ...]

    def sector(self, code: str) -> UUID:
        return next(sector.id for sector in self.sectors if sector.code == code)


@pytest.fixture
async def plumbers(runtime: Runtime, eure: CooperativeContext) -> Plumbers:
    async with runtime.database.tenant(eure.tenant) as session:
        sectors = await territory.sectors(session, trade="plumbing", semester=S2)
        people = [
            await add_person(session, index * 7 + number, sectors=(sector.id,))
            for index, sector in enumerate(sectors)
            for number in range(4)
        ]
    return Plumbers(runtime.trades.enabled(["plumbing"]), tuple(people), sectors)


async def published(runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers, semester: Semester = S2) -> Rota:
    async with runtime.database.tenant(eure.tenant) as session:
        draft = await rota.create_draft(session, semester=semester, trades=plumbers.trades, by="bureau")
        generated = await rota.generate(session, rota_id=draft.id, trades=plumbers.trades, by="bureau")
        assert generated.uncovered == ()
        return await rota.publish(
            session, rota_id=draft.id, decision="CA du 1er mars 2027, unanimité", by="bureau", trades=plumbers.trades
        )


# --- who is on call ---------------------------------------------------------


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


# --- publishing -------------------------------------------------------------


async def test_a_rota_with_holes_is_published_only_with_a_reason(
    runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers
) -> None:
    """R57: decision recorded; a hole is named and needs a written reason."""
    async with runtime.database.tenant(eure.tenant) as session:
        draft = await rota.create_draft(session, semester=S2, trades=plumbers.trades, by="bureau")
        await rota.generate(session, rota_id=draft.id, trades=plumbers.trades, by="bureau")
        first = (await rota.duties(session, rota_id=draft.id))[0]
        await rota.remove_duty(session, duty_id=first.id, by="bureau")
        with pytest.raises(rota.RotaHasGaps) as refused:
            await rota.publish(session, rota_id=draft.id, decision="CA", by="bureau", trades=plumbers.trades)
        assert refused.value.gaps == ("Secteur Évreux, plomberie, rang 1 : du 01/07/2027 00:00 au 02/07/2027 18:00",)
        with pytest.raises(Invalid):
            await rota.publish(session, rota_id=draft.id, decision=" ", by="bureau", trades=plumbers.trades)
        plan = await rota.publish(
            session,
            rota_id=draft.id,
            decision="CA du 1er mars",
            by="Hélène",
            trades=plumbers.trades,
            despite_gaps="Artisan attendu en avril",
        )
        assert plan.decision == "CA du 1er mars — Publié avec 1 trou : Artisan attendu en avril"
        assert plan.published_by == "Hélène"
        entry = (await audit.entries_about(session, subject_type="rota", subject_id=plan.id))[0]
        assert (entry.action, entry.detail["gaps"]) == ("rota.published", list(refused.value.gaps))
        with pytest.raises(NotADraft):
            await rota.generate(session, rota_id=plan.id, trades=plumbers.trades, by="bureau")
        with pytest.raises(rota.RotaExists):
            await rota.create_draft(session, semester=S2, trades=plumbers.trades, by="bureau")


async def test_a_frozen_rota_accepts_a_replacement_and_no_new_hole(
    runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers
) -> None:
    plan = await published(runtime, eure, plumbers)
    async with runtime.database.tenant(eure.tenant) as session:
        await rota.freeze(session, rota_id=plan.id, by="Hélène", decision="CA du 2 juillet")
        held = await rota.on_call(
            session, sector_ids=[s.id for s in plumbers.sectors], trade="plumbing", at=S2.starts_at
        )
        spare = next(person for person in plumbers.people if person not in {one.technician_id for one in held})
        with pytest.raises(RotaFrozen):
            await rota.remove_duty(session, duty_id=held[0].duty_id, by="bureau", reason="Erreur")
        with pytest.raises(NotPublished):
            await rota.freeze(session, rota_id=plan.id, by="Hélène", decision="Encore")
        fresh = await rota.change_duty(
            session, duty_id=held[0].duty_id, technician_id=spare, by="bureau", reason="Accident"
        )
        assert fresh.live


async def test_papers_that_lapse_meanwhile_stop_the_publication(
    runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers
) -> None:
    """R61: the draft was made with valid documents; one of them is withdrawn before the vote."""
    async with runtime.database.tenant(eure.tenant) as session:
        draft = await rota.create_draft(session, semester=S2, trades=plumbers.trades, by="bureau")
        await rota.generate(session, rota_id=draft.id, trades=plumbers.trades, by="bureau")
        somebody = await members.get_technician(session, technician_id=plumbers.people[0])
        await session.execute(
            sa.text("update member_document set valid_to = '2027-08-31' where member_id = :m and kind = 'decennial'"),
            {"m": somebody.member_id},
        )
        with pytest.raises(rota.RotaBroken, match="Assurance décennale expirée le 31/08/2027"):
            await rota.publish(
                session,
                rota_id=draft.id,
                decision="CA",
                by="bureau",
                trades=plumbers.trades,
                despite_gaps="Même avec des trous",
            )


async def test_the_generator_respects_absences_engagements_and_documents(
    runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        away, free, expired = plumbers.people[:3]
        await rota.add_absence(
            session,
            technician_id=away,
            starts_at=paris_instant(date(2027, 8, 1)),
            ends_at=paris_instant(date(2027, 9, 1)),
            hard=True,
        )
        no_engagement = (await members.get_technician(session, technician_id=free)).member_id
        await session.execute(sa.delete(Engagement).where(Engagement.member_id == no_engagement))
        owner = (await members.get_technician(session, technician_id=expired)).member_id
        await session.execute(
            sa.text("update member_document set valid_to = '2027-08-31' where member_id = :m and kind = 'decennial'"),
            {"m": owner},
        )
        draft = await rota.create_draft(session, semester=S2, trades=plumbers.trades, by="bureau")
        generated = await rota.generate(session, rota_id=draft.id, trades=plumbers.trades, by="bureau")
        assert generated.uncovered == ()
        assert (await rota.review(session, rota_id=draft.id, trades=plumbers.trades)).problems == ()
        held = await rota.duties(session, rota_id=draft.id)
        absence = rota.Period(paris_instant(date(2027, 8, 1)), paris_instant(date(2027, 9, 1)))
        assert any(duty.technician_id == away for duty in held)
        assert not any(duty.technician_id == away and duty.period.overlaps(absence) for duty in held)
        assert not any(duty.technician_id == free for duty in held)
        assert all(duty.ends_at <= paris_instant(date(2027, 9, 1)) for duty in held if duty.technician_id == expired)
        kept = held[:50]
        await session.execute(sa.delete(Duty).where(Duty.id.in_([duty.id for duty in held[50:]])))
        again = await rota.generate(session, rota_id=draft.id, trades=plumbers.trades, by="bureau", keep=True)
        assert again.uncovered == ()
        assert {duty.id for duty in kept} <= {duty.id for duty in await rota.duties(session, rota_id=draft.id)}


# --- spreadsheets -----------------------------------------------------------

HEADER = "secteur;métier;rang;technicien;début;fin\n"


async def imported(
    session: TenantSession, plumbers: Plumbers, content: bytes, filename: str = "planning.csv", **options: bool
) -> tuple[UUID, rota.ImportReport]:
    plan = await rota.rota_of(session, semester=S2) or await rota.create_draft(
        session, semester=S2, trades=plumbers.trades, by="bureau"
    )
    return plan.id, await rota.import_rows(
        session,
        rota_id=plan.id,
        content=content,
        filename=filename,
        trades=plumbers.trades,
        by="bureau",
        **options,
    )


BROKEN = HEADER + (
    "Évreux;plomberie;1;06 12 00 00 00;02/07/2027 18:00;09/07/2027 18:00\n"  # 2 good
    "Évreux;plomberie;2;Nom1 Prénom1;02/07/2027 18:00;09/07/2027 18:00\n"  # 3 good
    "Nulle part;plomberie;1;Prénom2 Nom2;02/07/2027 18:00;09/07/2027 18:00\n"
    "S1;couverture;1;Prénom2 Nom2;02/07/2027 18:00;09/07/2027 18:00\n"
    "S1;plomberie;3;Prénom2 Nom2;02/07/2027 18:00;09/07/2027 18:00\n"
    "S1;plomberie;1;Jean Inconnu;09/07/2027 18:00;16/07/2027 18:00\n"
    "S1;plomberie;1;Prénom2 Nom2;09/07/2027 18:00;09/07/2027 18:00\n"
    "S1;plomberie;1;Prénom2 Nom2;31/12/2027 18:00;07/01/2028 18:00\n"
    "S1;plomberie;1;Prénom2 Nom2;04/07/2027 08:00;05/07/2027 08:00\n"  # post held by line 2
    "S2;plomberie;1;Prénom0 Nom0;05/07/2027 08:00;06/07/2027 08:00\n"  # person held by line 2
    "S2;plomberie;1;Prénom900 Nom900;12/07/2027 08:00;13/07/2027 08:00\n"  # décennale
    "S1;plomberie;1;;32/07/2027;demain\n"
)


async def test_wrong_rows_are_told_one_by_one_and_nothing_is_imported(
    runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        await add_person(session, 900, sectors=(plumbers.sector("S1"),), decennial_until=date(2027, 7, 11))
        rota_id, report = await imported(session, plumbers, BROKEN.encode("cp1252"))
        assert (report.rows, report.imported) == (12, 0)
        assert await rota.duties(session, rota_id=rota_id) == ()
        assert [(error.line, error.column, error.message) for error in report.errors] == [
            (4, "secteur", "Secteur inconnu : « Nulle part »."),
            (5, "metier", "Métier inconnu : « couverture »."),
            (6, "rang", "Le rang est 1 ou 2, pas « 3 »."),
            (7, "technicien", "Technicien inconnu : « Jean Inconnu »."),
            (8, "fin", "La fin est avant le début."),
            (9, "debut", "Hors du second semestre 2027."),
            (
                10,
                "",
                "Secteur Évreux, plomberie, rang 1 est déjà pris du 02/07/2027 18:00 au 09/07/2027 18:00 (ligne 2).",
            ),
            (
                11,
                "technicien",
                "Prénom0 Nom0 est déjà d’astreinte du 02/07/2027 18:00 au 09/07/2027 18:00 (ligne 2).",
            ),
            (
                12,
                "technicien",
                "Prénom900 Nom900 ne peut pas être d’astreinte : Assurance décennale expirée le 11/07/2027.",
            ),
            (13, "technicien", "Technicien manquant."),
            (13, "debut", "« 32/07/2027 » n’est pas une date : écrivez par exemple 05/02/2027 18:00."),
            (13, "fin", "« demain » n’est pas une date : écrivez par exemple 05/02/2027 18:00."),
        ]
        _, kept = await imported(session, plumbers, BROKEN.encode(), keep_good=True)
        assert (kept.rows, kept.imported, len(kept.errors)) == (12, 2, 12)
        held = await rota.duties(session, rota_id=rota_id)
        assert [(duty.name, duty.starts_at) for duty in held] == [
            ("Prénom0 Nom0", datetime(2027, 7, 2, 16, tzinfo=UTC)),
            ("Prénom1 Nom1", datetime(2027, 7, 2, 16, tzinfo=UTC)),
        ]
        _, again = await imported(session, plumbers, BROKEN.encode(), keep_good=True)
        assert again.imported == 0
        assert "(dans le brouillon)" in again.errors[0].message
        _, replaced = await imported(session, plumbers, BROKEN.encode(), keep_good=True, replace=True)
        assert replaced.imported == 2


async def test_excel_is_read_like_csv(runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Secteur", "Métier", "Rang", "Technicien", "Début", "Fin"])
    naive: Callable[..., datetime] = datetime
    sheet.append(["S1", "Plomberie", 1, 612000000, naive(2027, 10, 29, 18), naive(2027, 11, 5, 18)])
    sheet.append(["S1", "Plomberie", 2.5, "Prénom1 Nom1", naive(2027, 10, 29, 18), None])
    buffer = io.BytesIO()
    book.save(buffer)
    async with runtime.database.tenant(eure.tenant) as session:
        rota_id, report = await imported(session, plumbers, buffer.getvalue(), "planning.xlsx", keep_good=True)
        assert report.imported == 1
        assert [(error.line, error.column) for error in report.errors] == [(3, "rang"), (3, "fin")]
        (duty,) = await rota.duties(session, rota_id=rota_id)
        assert (duty.ends_at - duty.starts_at) == 169 * HOUR


# --- speed ------------------------------------------------------------------


async def test_on_call_is_one_indexed_query_flat_over_five_years(
    runtime: Runtime, eure: CooperativeContext, plumbers: Plumbers
) -> None:
    """Five years, 20 sectors × 2 ranks, and as many superseded duties: each post costs one step down the index."""
    async with runtime.database.tenant(eure.tenant) as session:
        person = await members.get_technician(session, technician_id=plumbers.people[0])
        plan = Rota(semester="2027-S1", state="published")
        session.add(plan)
        await session.flush()
        sector_ids = list(
            await session.scalars(
                sa.text(
                    "insert into sector (id, code, name) select gen_random_uuid(), 'X' || n, 'Secteur ' || n"
                    " from generate_series(1, 20) n returning id"
                )
            )
        )
        await session.execute(
            sa.insert(OnCallPost),
            [
                {"sector_id": sector_id, "trade": "plumbing", "rank": rank}
                for sector_id in sector_ids
                for rank in (1, 2)
            ],
        )
        await session.execute(
            sa.text(
                "insert into duty (id, rota_id, post_id, member_id, technician_id, starts_at, ends_at, live,"
                " recorded_at, recorded_by, reason, superseded_at) select gen_random_uuid(), :rota, p.id, :member,"
                " :person, s, s + interval '7 days', true, '2023-01-01', 'x', '',"
                " case when old then timestamptz '2023-02-01' end"
                " from on_call_post p, generate_series(timestamptz '2023-01-06', '2028-01-01', '7 days') s,"
                " (values (true), (false)) v(old) where p.sector_id = any(:sectors)"
            ),
            {"rota": plan.id, "member": person.member_id, "person": person.id, "sectors": sector_ids},
        )
    with psycopg.connect(runtime.owner_url, autocommit=True) as owner:
        owner.execute(f"analyze {eure.tenant.schema}.duty")
        owner.execute(f"analyze {eure.tenant.schema}.on_call_post")
    async with runtime.database.tenant(eure.tenant) as session:
        for known_at, index in ((None, "ix_duty_on_call"), (datetime(2027, 1, 1, tzinfo=UTC), "ix_duty_history")):
            asked = {"sectors": sector_ids[:4], "trade": "plumbing", "at": datetime(2025, 5, 5, tzinfo=UTC)}
            statement = on_call_statement(as_known=known_at is not None).params(asked, known_at=known_at)
            compiled = statement.compile(dialect=runtime.database.engine.dialect)
            driver = (await (await session.connection()).get_raw_connection()).driver_connection
            assert driver is not None
            explained = await driver.execute(f"explain (analyze, buffers, format json) {compiled}", compiled.params)
            (plan_text,) = await explained.fetchone()
            top = (json.loads(plan_text) if isinstance(plan_text, str) else plan_text)[0]["Plan"]
            assert top["Actual Rows"] == 8
            scans = list(_scans(top))
            assert ("duty", index) in {(node["Relation Name"], node.get("Index Name")) for node in scans}
            assert all(node["Node Type"] != "Seq Scan" for node in scans if node["Relation Name"] == "duty")
            # 8 posts: a handful of pages each, whatever the history.
            assert top["Shared Hit Blocks"] + top["Shared Read Blocks"] < 120
        found = await rota.on_call(
            session, sector_ids=sector_ids, trade="plumbing", at=datetime(2025, 5, 5, tzinfo=UTC)
        )
        assert len(found) == 40


def _scans(node: dict[str, object]) -> "list[dict[str, object]]":
    children = [scan for child in node.get("Plans", []) for scan in _scans(child)]  # type: ignore[attr-defined]
    return [node, *children] if "Relation Name" in node else children
