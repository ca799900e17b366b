"""From a draft to a published and a frozen rota: what the generator respects, what stops a publication."""

from datetime import date

import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_app.testing.plumbers import S2, Plumbers, published
from maillage_kit.clock import paris_instant
from maillage_kit.context import CooperativeContext
from maillage_kit.errors import Invalid
from maillage_tenants import audit, members, rota
from maillage_tenants.members.models import Engagement
from maillage_tenants.rota.errors import NotADraft, NotPublished, RotaFrozen
from maillage_tenants.rota.models import Duty


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
