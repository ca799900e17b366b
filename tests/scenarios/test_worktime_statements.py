"""Employees on call get a monthly statement: hours on call, compensation, hours at work meanwhile (R63)."""

import io
from datetime import date, datetime, time
from uuid import UUID

import pytest
import sqlalchemy as sa
from pypdf import PdfReader

from maillage_kit.clock import MovableClock, paris_instant
from maillage_tenants import interventions
from maillage_tenants.audit.models import AuditEntry
from maillage_tenants.interventions import HoldReason, Intervention

BASE = "/c/eure"


@pytest.fixture
async def guild(guild):
    """Ana, an employee, from 26 March to 2 April; Bilal, his own master, the three weeks before."""
    await guild.joins("Ana", employed=True)
    await guild.joins("Bilal")
    friday = [paris_instant(date(2027, 3, 5), time(18)), paris_instant(date(2027, 3, 26), time(18))]
    await guild.on_duty("Ana", friday[1], paris_instant(date(2027, 4, 2), time(18)))
    await guild.on_duty("Bilal", friday[0], friday[1])
    return guild


def words(content: bytes) -> str:
    """The text of a PDF."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


def at(day: int, hour: int, minute: int, second: int = 0) -> datetime:
    """An instant of March 2027, on the clock of Paris."""
    return paris_instant(date(2027, 3, day), time(hour, minute, second))


async def accepted(guild, name: str, number: str, when: datetime) -> UUID:
    """A case that somebody has accepted."""
    member_id, technician_id = guild.people[name]
    async with guild.session() as session:
        case = Intervention(
            number=number,
            source="phone",
            state="accepted",
            trade="plumbing",
            member_id=member_id,
            technician_id=technician_id,
            requested_at=when,
        )
        session.add(case)
        await session.flush()
        return case.id


async def goes(
    guild, name: str, number: str, left: datetime | None, arrived: datetime | None, ended: datetime | None
) -> UUID:
    """An outing, as far as it went."""
    began = left or arrived
    assert began is not None
    case_id = await accepted(guild, name, number, began)
    async with guild.session() as session:
        if left:
            await interventions.depart(session, case_id=case_id, at=left, by=name)
        if arrived:
            await interventions.arrive(session, case_id=case_id, at=arrived, by=name)
        if ended:
            await interventions.leave_partial(session, case_id=case_id, reason="Pièce à revoir", at=ended, by=name)
    return case_id


async def test_an_employee_gets_the_statement_of_the_month(guild, moved_clock: MovableClock) -> None:
    """R63, R3121-2: hours on call and compensation. March 2027 ends in the week of the time change: five days and six
    hours on the clock, one hour less in truth."""
    moved_clock.move_to(paris_instant(date(2027, 4, 3), time(9)))
    office, ana, bilal = await guild.office(), await guild.phone("Ana"), await guild.phone("Bilal")
    page = await office.get(f"{BASE}/rota/statements")
    assert "Mars 2027" in page.text
    assert "125 h" in page.text
    assert "À préciser" in page.text
    assert "Bilal" not in page.text  # self-employed: the labour code does not apply (R62)
    member_id, technician_id = guild.people["Ana"]
    wrong = await office.post(f"{BASE}/rota/statements/{member_id}/terms", {"hourly": "beaucoup", "rest": "0"})
    assert wrong.status_code == 422
    done = await office.post(f"{BASE}/rota/statements/{member_id}/terms", {"hourly": "2,50", "rest": "60"})
    assert done.status_code == 303
    printed = await office.get(f"{BASE}/rota/statements/{technician_id}/pdf?month=2027-03")
    text = words(printed.content)
    for said in (
        "Relevé d’astreintes, mars 2027",
        "Ana Plomberie",
        "26/03/2027 18:00",
        "01/04/2027 00:00",
        "Heures d’astreinte 125 h",
        "312,50 € et 5 h 12 de repos",
        "R3121-2",
    ):
        assert said in text, said
    own = await ana.get(f"{BASE}/field/duties/statements/pdf?month=2027-03")
    assert "125 h" in words(own.content)
    april = await ana.get(f"{BASE}/field/duties/statements/pdf?month=2027-04")
    assert "Heures d’astreinte 42 h" in words(april.content)
    assert "mars 2027" in (await ana.get(f"{BASE}/field/duties/statements")).text.lower()
    assert "Mes relevés" in (await ana.get(f"{BASE}/field/duties")).text
    assert (await bilal.get(f"{BASE}/field/duties/statements/pdf")).status_code == 404
    assert (await office.get(f"{BASE}/rota/statements/{technician_id}/pdf?month=hier")).status_code == 422
    async with guild.session() as session:
        actions = set(await session.scalars(sa.select(AuditEntry.action)))
    assert {"worktime.terms_set", "worktime.statement_printed"} <= actions


async def test_interventions_on_call_are_work_told_by_day(guild, moved_clock: MovableClock) -> None:
    """R63, L3121-9: from leaving to the end on site. The night of 28 March has no hour between two and three."""
    moved_clock.move_to(paris_instant(date(2027, 4, 3), time(9)))
    await goes(guild, "Ana", "I-1", at(27, 23, 30), at(27, 23, 50), at(28, 0, 45))
    await goes(guild, "Ana", "I-2", at(28, 1, 30), at(28, 1, 45), at(28, 4, 0))
    await goes(guild, "Ana", "I-3", None, at(29, 10, 0, 20), at(29, 10, 30, 10))
    waits = await goes(guild, "Ana", "I-4", at(30, 14, 0), at(30, 14, 30), None)
    async with guild.session() as session:
        await interventions.hold_case(
            session, case_id=waits, reason=HoldReason.OCCUPANT_ABSENT, note="", at=at(30, 14, 40), by="Ana"
        )
        await interventions.resume_case(session, case_id=waits, at=at(30, 15, 10), by="Ana")
        await interventions.leave_partial(session, case_id=waits, reason="Pièce à revoir", at=at(30, 15, 30), by="Ana")
    turned_back = await goes(guild, "Ana", "I-5", at(31, 8, 0), None, None)
    async with guild.session() as session:
        await interventions.cancel_case(
            session, case_id=turned_back, reason="Le client a rappelé", at=at(31, 8, 12), by="bureau"
        )
    await goes(guild, "Ana", "I-6", at(20, 9, 0), at(20, 9, 30), at(20, 11, 0))
    await goes(guild, "Bilal", "I-7", at(20, 9, 0), at(20, 9, 30), at(20, 11, 0))
    await accepted(guild, "Ana", "I-8", at(29, 9, 0))

    office, ana = await guild.office(), await guild.phone("Ana")
    technician_id = guild.id_of("Ana")
    text = words((await office.get(f"{BASE}/rota/statements/{technician_id}/pdf?month=2027-03")).content)
    for said in (
        "Heures d’astreinte 125 h",
        "Travail effectif pendant l’astreinte 4 h 28",
        "27/03/2027 23:30 28/03/2027 00:45 I-1, plomberie 1 h 15",
        "28/03/2027 01:30 28/03/2027 04:00 I-2, plomberie 1 h 30",
        "I-3, plomberie, départ non déclaré : compté dès l’arrivée 0 h 31",
        "30/03/2027 14:00 30/03/2027 15:30 I-4, plomberie 0 h 30 1 h",
        "31/03/2027 08:00 31/03/2027 08:12 I-5, plomberie 0 h 12",
        "27/03/2027 0 h 30 28/03/2027 2 h 15 29/03/2027 0 h 31 30/03/2027 1 h 31/03/2027 0 h 12",
        "Total du mois 4 h 28",
    ):
        assert said in text, said
    for other in ("I-6", "I-7", "I-8"):
        assert other not in text
    listed = await office.get(f"{BASE}/rota/statements?month=2027-03")
    assert "4 h 28" in listed.text
    assert "28/03/2027 : 2 h 15" in listed.text
    own = await ana.get(f"{BASE}/field/duties/statements?month=2027-03")
    assert "4 h 28" in own.text
    assert "28 mars 2027" in own.text
    assert "Travail effectif, jour par jour" not in (await ana.get(f"{BASE}/field/duties/statements")).text


async def test_somebody_still_out_counts_until_now(guild, moved_clock: MovableClock) -> None:
    moved_clock.move_to(at(27, 12, 0))
    await goes(guild, "Ana", "I-1", at(27, 10, 30), at(27, 11, 0), None)
    ana = await guild.phone("Ana")
    assert "1 h 30" in (await ana.get(f"{BASE}/field/duties/statements")).text
    printed = words((await ana.get(f"{BASE}/field/duties/statements/pdf?month=2027-03")).content)
    assert "I-1, plomberie, en cours 1 h 30" in printed
