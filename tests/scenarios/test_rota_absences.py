"""Somebody asks not to be on call: the office answers, the rota keeps to it. From the phone, through HTTP."""

import re
from datetime import date
from uuid import UUID

import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_kit.clock import paris_instant
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_tenants import alarms, rota
from maillage_tenants.audit.models import AuditEntry
from maillage_tenants.messages.models import Message
from maillage_tenants.rota import queries
from maillage_tenants.rota.rules import Period

AUGUST = {"starts_at": "2027-03-08T00:00", "ends_at": "2027-03-15T00:00", "reason": "Congés"}
WEEK = Period(paris_instant(date(2027, 3, 8)), paris_instant(date(2027, 3, 15)))


@pytest.fixture
async def karim(crew, eure: CooperativeContext, sign_in):
    """Rank 1 of Pont-Audemer all March, at his phone."""
    one = crew.artisans[0]
    return await sign_in(Role.MEMBER, eure, member_id=one.member_id, technician_id=one.technician_id)


async def approved(runtime: Runtime, eure: CooperativeContext, technician_id: UUID) -> list[Period]:
    async with runtime.database.tenant(eure.tenant) as session:
        found = await queries.absences(session, over=Period(WEEK.starts_at, paris_instant(date(2028, 3, 1))))
        return [Period(row.starts_at, row.ends_at) for row in found if row.technician_id == technician_id and row.hard]


async def words_to(runtime: Runtime, eure: CooperativeContext, technician_id: UUID) -> list[str]:
    async with runtime.database.tenant(eure.tenant) as session:
        return list(await session.scalars(sa.select(Message.body).where(Message.technician_id == technician_id)))


async def desk_says(runtime: Runtime, eure: CooperativeContext) -> list[str]:
    async with runtime.database.tenant(eure.tenant) as session:
        return [alarm.title for alarm in await alarms.open_alarms(session)]


async def test_an_absence_asked_from_the_phone_counts_once_the_office_has_granted_it(
    runtime: Runtime, eure: CooperativeContext, crew, karim, sign_in
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    technician_id = crew.artisans[0].technician_id
    assert (await karim.post("/c/eure/field/duties/absences", AUGUST)).status_code == 303
    own = await karim.get("/c/eure/field/duties/absences")
    assert "À décider" in own.text
    assert "Vous êtes d’astreinte pendant cette absence" in own.text
    assert await approved(runtime, eure, technician_id) == []
    assert await desk_says(runtime, eure) == ["Absence à accorder : Karim Benali"]

    twice = await karim.post("/c/eure/field/duties/absences", AUGUST)
    assert twice.status_code == 422
    assert "déjà demandée ou accordée" in twice.text

    asked = await office.get("/c/eure/rota/absences?show=asked")
    assert "1 astreinte publiée" in asked.text
    found = re.search(r'href="(/c/eure/rota/absences/[0-9a-f-]{36})"', asked.text)
    assert found
    one = await office.get(found[1])
    assert "Pont-Audemer" in one.text
    assert "rang 1" in one.text
    assert (await office.post(f"{found[1]}/decide", {"approved": "1"})).status_code == 303
    assert await approved(runtime, eure, technician_id) == [WEEK]
    assert await desk_says(runtime, eure) == []
    assert await words_to(runtime, eure, technician_id) == [
        "Votre absence du 08/03/2027 00:00 au 15/03/2027 00:00 est accordée."
    ]
    again = await office.post(f"{found[1]}/decide", {"approved": "0", "answer": "Non"})
    assert again.status_code == 409


async def test_a_refusal_says_why_and_is_kept(runtime: Runtime, eure: CooperativeContext, crew, karim, sign_in) -> None:
    office = await sign_in(Role.MANAGER, eure)
    await karim.post("/c/eure/field/duties/absences", AUGUST)
    page = await office.get("/c/eure/rota/absences?show=asked")
    here = re.search(r'href="(/c/eure/rota/absences/[0-9a-f-]{36})"', page.text)[1]  # type: ignore[index]
    silent = await office.post(f"{here}/decide", {"approved": "0", "answer": " "})
    assert silent.status_code == 422
    assert "Indiquez pourquoi" in silent.text
    assert (await office.post(f"{here}/decide", {"approved": "0", "answer": "Déjà trois absents"})).status_code == 303
    own = await karim.get("/c/eure/field/duties/absences")
    assert "Refusée" in own.text
    assert "Déjà trois absents" in own.text
    assert await approved(runtime, eure, crew.artisans[0].technician_id) == []
    (told,) = await words_to(runtime, eure, crew.artisans[0].technician_id)
    assert told.endswith("est refusée : Déjà trois absents.")
    async with runtime.database.tenant(eure.tenant) as session:
        entry = (await session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "rota.absence_refused"))).one()
    assert entry.actor == "Camille Test"
    assert "Congés" not in str(entry.detail)


async def test_a_wish_needs_no_answer_and_can_be_taken_back(eure: CooperativeContext, karim) -> None:
    assert (await karim.post("/c/eure/field/duties/absences", {**AUGUST, "kind": "soft"})).status_code == 303
    own = await karim.get("/c/eure/field/duties/absences")
    assert "Souhait" in own.text
    assert "À décider" not in own.text
    path = re.search(r'action="(/c/eure/field/duties/absences/[0-9a-f-]{36}/remove)"', own.text)[1]  # type: ignore[index]
    assert (await karim.post(path)).status_code == 303
    assert "Congés" not in (await karim.get("/c/eure/field/duties/absences")).text


async def test_nobody_takes_back_the_absence_of_another(eure: CooperativeContext, crew, karim, sign_in) -> None:
    sophie = crew.artisans[1]
    other = await sign_in(Role.MEMBER, eure, member_id=sophie.member_id, technician_id=sophie.technician_id)
    await karim.post("/c/eure/field/duties/absences", AUGUST)
    own = await karim.get("/c/eure/field/duties/absences")
    path = re.search(r'action="(/c/eure/field/duties/absences/[0-9a-f-]{36}/remove)"', own.text)[1]  # type: ignore[index]
    assert (await other.post(path)).status_code == 404
    assert "Congés" in (await karim.get("/c/eure/field/duties/absences")).text


async def test_a_calendar_is_read_and_only_what_is_chosen_is_asked(
    runtime: Runtime, eure: CooperativeContext, crew, karim, sign_in
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    content = (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests\r\n"
        b"BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20270308\r\nDTEND;VALUE=DATE:20270315\r\n"
        b"SUMMARY:Secret\r\nEND:VEVENT\r\n"
        b"BEGIN:VEVENT\r\nUID:2\r\nDTSTART:20270320T080000Z\r\nDTEND:20270320T090000Z\r\nEND:VEVENT\r\n"
        b"END:VCALENDAR\r\n"
    )
    file = {"file": ("conges.ics", content, "text/calendar")}
    read = await karim.post("/c/eure/field/duties/absences/file", files=file)
    assert read.status_code == 200
    assert "Secret" not in read.text
    values = re.findall(r'name="periods" value="([^"]+)"', read.text)
    assert len(values) == 2
    assert (await karim.post("/c/eure/field/duties/absences/chosen", {})).status_code == 422
    assert (await karim.post("/c/eure/field/duties/absences/chosen", {"periods": values[:1]})).status_code == 303
    assert (await karim.get("/c/eure/field/duties/absences")).text.count("À décider") == 1

    # The office reads the same file for somebody else: it is granted at once, and once.
    who = {"technician": str(crew.artisans[1].technician_id)}
    read = await office.post("/c/eure/rota/absences/file", who, files=file)
    assert "Absences de Sophie Leroux" in read.text
    for _ in range(2):
        done = await office.post("/c/eure/rota/absences/chosen", {**who, "periods": values})
        assert done.status_code == 303
    assert len(await approved(runtime, eure, crew.artisans[1].technician_id)) == 2
    none = await office.post("/c/eure/rota/absences/file", who, files={"file": ("x.ics", b"PK", "text/calendar")})
    assert none.status_code == 422
    assert "pas un calendrier lisible" in none.text


async def test_the_proposal_ignores_what_was_only_asked(runtime: Runtime, eure: CooperativeContext, crew) -> None:
    technician_id = crew.artisans[0].technician_id
    async with runtime.database.tenant(eure.tenant) as session:
        asked = await rota.ask_absence(session, technician_id=technician_id, period=WEEK, hard=True, by="Karim")
        assert await queries.absences(session, over=WEEK) == ()
        await rota.decide_absence(session, absence_id=asked.id, approved=True, by="bureau")
        assert [row.id for row in await queries.absences(session, over=WEEK)] == [asked.id]
