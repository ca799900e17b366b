"""Access notes on the phone: shown while the case is his, each reading written down (R72)."""

from typing import Any

import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_tenants import interventions
from maillage_tenants.customers.models import Customer, Site
from maillage_tenants.interventions import NewCase, Source


async def test_codes_are_read_during_the_case_and_a_day_after(
    runtime: Runtime, eure: CooperativeContext, crew: Any, sign_in: Any, moved_clock: MovableClock
) -> None:
    karim, sophie = crew.artisans
    async with runtime.database.tenant(eure.tenant) as session:
        customer = Customer(
            number="C-2027-000001", kind="person", consumer_status="consumer", name="Madame Lefèvre",
            billing_address="3 rue Sadi-Carnot", billing_postcode="27500", billing_city="Pont-Audemer",
            sort_name="lefevre", search="lefevre",
        )  # fmt: skip
        session.add(customer)
        await session.flush()
        site = Site(
            customer_id=customer.id, label="Domicile", address="3 rue Sadi-Carnot", insee="27467", postcode="27500",
            premises_use="dwelling", over_two_years=True,
            access_notes=runtime.cipher.encrypt("Digicode 4B27, clé chez la voisine"),
        )  # fmt: skip
        session.add(site)
        await session.flush()
        case = await interventions.open_case(
            session,
            facts=NewCase(
                source=Source.DESK, requested_at=clock.now(), by="tests", customer_id=customer.id, site_id=site.id,
                insee="27467", trade="plumbing", address=site.address,
            ),
        )  # fmt: skip
        await interventions.record_acceptance(
            session, case_id=case.id, technician_id=karim.technician_id, member_id=karim.member_id,
            duty_id=karim.duty_id, alerted_at=None, accepted_at=clock.now(), by="Standard",
        )  # fmt: skip
    his = await sign_in(Role.MEMBER, eure, member_id=karim.member_id, technician_id=karim.technician_id)
    hers = await sign_in(Role.MEMBER, eure, member_id=sophie.member_id, technician_id=sophie.technician_id)
    page = f"/c/eure/field/cases/{case.id}"
    closed_page = (await his.get(page)).text
    assert "4B27" not in closed_page and "Voir les codes et accès" in closed_page
    assert "4B27" in (await his.post(f"{page}/access")).text
    assert (await hers.post(f"{page}/access")).status_code == 404
    async with runtime.database.tenant(eure.tenant) as session:
        read = await session.execute(
            sa.text("select actor, detail from audit_entry where action = 'customers.read_access_notes'")
        )
        assert read.all() == [("Camille Test", {"why": f"intervention {case.number}"})]
        await interventions.arrive(session, case_id=case.id, at=clock.now(), by="K")
        await interventions.leave_partial(session, case_id=case.id, reason="pièce", at=clock.now(), by="K")
        await interventions.mark_closed(session, case_id=case.id, note_exists=True, at=clock.now(), by="K")
    moved_clock.advance(hours=23)
    assert (await his.post(f"{page}/access")).status_code == 200
    moved_clock.advance(hours=1)
    assert (await his.post(f"{page}/access")).status_code == 403
    assert "Voir les codes et accès" not in (await his.get(page)).text
