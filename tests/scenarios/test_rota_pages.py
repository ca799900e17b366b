"""The office prepares a semester, publishes it, replaces somebody; the artisan sees his duties: through HTTP."""

import re
from datetime import date
from uuid import UUID

import httpx
import pytest

from maillage_app.runtime import Runtime
from maillage_app.testing.plumbers import siret
from maillage_kit.clock import MovableClock, paris, paris_instant
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_kit.semester import Semester
from maillage_tenants import members, rota, territory
from maillage_tenants.members.models import DocumentKind

S2 = Semester(2027, 2)
TRADES = ("plumbing", "locksmith", "glazing")


@pytest.fixture
async def people(runtime: Runtime, eure: CooperativeContext) -> tuple[UUID, ...]:
    """Three businesses a sector, each with one person who knows all trades."""
    found = []
    async with runtime.database.tenant(eure.tenant) as session:
        number = 0
        for sector in await territory.sectors(session, trade="plumbing", semester=S2):
            for _ in range(10):
                number += 1
                member = await members.register_member(
                    session,
                    new=members.NewMember(
                        name=f"Entreprise {number:02d}",
                        siret=siret(number),
                        email=f"e{number}@artisan.example",
                        phone=f"02 32 10 00 {number:02d}",
                        address="1 rue du Port",
                        postcode="27500",
                        city="Pont-Audemer",
                        joined_on=date(2020, 1, 1),
                        trades=TRADES,
                        sector_ids=(sector.id,),
                    ),
                )
                person = await members.add_technician(
                    session,
                    member_id=member.id,
                    new=members.NewTechnician(
                        first_name="Ana", last_name=f"Nom{number:02d}", phone=f"06 12 10 00 {number:02d}"
                    ),
                )
                for kind, trade in [
                    (DocumentKind.LIABILITY, None),
                    (DocumentKind.DECENNIAL, None),
                    *((DocumentKind.QUALIFICATION, trade) for trade in TRADES),
                ]:
                    await members.add_document(
                        session,
                        member_id=member.id,
                        new=members.NewDocument(
                            kind=kind,
                            trade=trade,
                            reference="P-1",
                            issuer="Assureur Normand",
                            issuer_contact="Évreux",
                            coverage="France",
                            valid_from=date(2027, 1, 1),
                            valid_to=date(2027, 12, 31),
                        ),
                    )
                await members.sign_engagement(
                    session,
                    member_id=member.id,
                    units_per_semester=13,
                    customers_to_bring=5,
                    signed_on=date(2027, 1, 1),
                    valid_from=date(2027, 1, 1),
                )
                found.append(person.id)
    return tuple(found)


def link(page: httpx.Response, pattern: str) -> str:
    found = re.search(pattern, page.text)
    assert found, f"no {pattern} in the page"
    return found[1].replace("&amp;", "&")


async def test_a_semester_from_the_empty_page_to_a_replacement(
    runtime: Runtime, eure: CooperativeContext, people: tuple[UUID, ...], sign_in, moved_clock: MovableClock
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    empty = await office.get("/c/eure/rota?semester=2027-S2")
    assert "Aucun planning pour ce semestre" in empty.text
    opened = await office.post("/c/eure/rota/drafts", {"semester": "2027-S2"})
    assert (opened.status_code, opened.headers["location"]) == (303, "/c/eure/rota?semester=2027-S2")
    draft = await office.get(opened.headers["location"])
    assert "42 périodes sans personne" in draft.text
    assert "Secteur Évreux, plomberie, rang 1 : du 01/07/2027 00:00 au 01/01/2028 00:00" in draft.text
    rota_path = link(draft, r'action="(/c/eure/rota/[0-9a-f-]{36})/generate"')

    # Publishing what has holes, without decision: refused with the reasons beside the fields.
    refused = await office.post(f"{rota_path}/publish", {"decision": "", "despite_gaps": ""})
    assert refused.status_code == 422
    assert "Indiquez la décision" in refused.text
    refused = await office.post(f"{rota_path}/publish", {"decision": "CA du 1er mars"})
    assert refused.status_code == 422
    assert "Ce planning a des trous" in refused.text
    assert "CA du 1er mars" in refused.text

    proposed = await office.post(f"{rota_path}/generate", {})
    assert proposed.status_code == 303
    full = await office.get("/c/eure/rota?semester=2027-S2")
    assert "Tous les postes sont tenus" in full.text
    assert "Armistice" in full.text  # 11 November, a public holiday
    assert full.text.count("A. Nom") == 7 * 2 * 28

    published = await office.post(f"{rota_path}/publish", {"decision": "CA du 1er mars, 9 voix sur 9"})
    assert published.status_code == 303
    shown = await office.get("/c/eure/rota?semester=2027-S2")
    assert "CA du 1er mars, 9 voix sur 9" in shown.text

    # Who is on call on 14 July, then replaced for one day.
    query = "/c/eure/rota/on-call?at=2027-07-14T12:00&trade=plumbing"
    before = await office.get(query)
    duty_path = link(before, r'href="(/c/eure/rota/duties/[0-9a-f-]{36})">Ana')
    known_at = moved_clock.now()
    moved_clock.advance(days=1)
    duty = await office.get(duty_path)
    original = re.search(r"<dt>Personne</dt><dd>(Ana Nom\d\d)", duty.text)
    assert original
    spare = link(duty, r'<optgroup label="Libres"><option value="([0-9a-f-]{36})"')
    change = {"technician": spare, "starts_at": "2027-07-14T08:00", "ends_at": "2027-07-14T20:00", "reason": ""}
    silent = await office.post(f"{duty_path}/change", change)
    assert silent.status_code == 422
    assert "Indiquez le motif du changement" in silent.text
    done = await office.post(f"{duty_path}/change", {**change, "reason": "Mariage"})
    assert done.status_code == 303
    story = await office.get(done.headers["location"])
    assert "Mariage" in story.text
    assert original[1] in story.text
    after = await office.get(query)
    assert after.text != before.text
    first = re.compile(r'duties/[0-9a-f-]{36}">(Ana Nom\d\d)')
    then = await office.get(f"{query}&known_at={paris(known_at):%Y-%m-%dT%H:%M}")
    assert first.search(before.text)[1] == first.search(then.text)[1] == original[1]  # type: ignore[index]
    assert first.search(after.text)[1] != original[1]  # type: ignore[index]

    frozen = await office.post(f"{rota_path}/freeze", {"decision": "CA du 2 juillet"})
    assert frozen.status_code == 303
    assert "Retirer sans remplacer" not in (await office.get(done.headers["location"])).text


async def test_a_spreadsheet_is_told_its_wrong_rows(
    runtime: Runtime, eure: CooperativeContext, people: tuple[UUID, ...], sign_in
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    await office.post("/c/eure/rota/drafts", {"semester": "2027-S2"})
    page = await office.get("/c/eure/rota?semester=2027-S2")
    rota_path = link(page, r'action="(/c/eure/rota/[0-9a-f-]{36})/import"')
    content = (
        "secteur;métier;rang;technicien;début;fin\n"
        "S1;Plomberie;1;Ana Nom01;02/07/2027 18:00;09/07/2027 18:00\n"
        "S1;Plomberie;1;<script>;02/07/2027 18:00;09/07/2027 18:00\n"
    ).encode()
    wrong = await office.post(f"{rota_path}/import", files={"file": ("planning.csv", content, "text/csv")})
    assert wrong.status_code == 422
    assert "rien n’a été importé" in wrong.text
    assert "Technicien inconnu : « &lt;script&gt; »." in wrong.text
    kept = await office.post(
        f"{rota_path}/import", {"keep_good": "1"}, files={"file": ("planning.csv", content, "text/csv")}
    )
    assert "1 ligne importée sur 2" in kept.text
    assert "A. Nom01" in (await office.get("/c/eure/rota?semester=2027-S2")).text
    none = await office.post(f"{rota_path}/import", {"replace": "1"})
    assert none.status_code == 422
    assert "Choisissez un fichier." in none.text


async def test_a_hole_is_closed_from_its_link(
    runtime: Runtime, eure: CooperativeContext, people: tuple[UUID, ...], sign_in
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    await office.post("/c/eure/rota/drafts", {"semester": "2027-S2"})
    page = await office.get("/c/eure/rota?semester=2027-S2")
    gap = await office.get(link(page, r'href="(/c/eure/rota/[0-9a-f-]{36}/fill\?[^"]+)"'))
    assert "Secteur Évreux, plomberie, rang 1" in gap.text
    form = {
        "post": link(gap, r'name="post" value="(\d+)"'),
        "technician": str(people[0]),
        "starts_at": "2027-07-01T00:00",
        "ends_at": "2027-07-02T18:00",
    }
    rota_path = link(gap, r'action="(/c/eure/rota/[0-9a-f-]{36})/fill"')
    backwards = await office.post(f"{rota_path}/fill", {**form, "ends_at": "2027-06-02T18:00"})
    assert backwards.status_code == 422
    assert "La fin est avant le début" in backwards.text
    assert (await office.post(f"{rota_path}/fill", form)).status_code == 303
    again = await office.post(f"{rota_path}/fill", form)
    assert again.status_code == 422
    assert "déjà d’astreinte à ce poste" in again.text


async def test_absences_are_recorded_and_taken_back(
    runtime: Runtime, eure: CooperativeContext, people: tuple[UUID, ...], sign_in
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    form = {
        "technician": str(people[0]),
        "starts_at": "2027-08-01T00:00",
        "ends_at": "2027-08-16T00:00",
        "reason": "Congés",
    }
    assert (await office.post("/c/eure/rota/absences", form)).status_code == 303
    page = await office.get("/c/eure/rota/absences")
    assert "Congés" in page.text
    assert (await office.post("/c/eure/rota/absences", {**form, "ends_at": ""})).status_code == 422
    removed = await office.post(link(page, r'action="(/c/eure/rota/absences/[0-9a-f-]{36}/remove)"'))
    assert removed.status_code == 303
    assert "Congés" not in (await office.get("/c/eure/rota/absences")).text


async def test_the_artisan_sees_his_own_duties_and_nothing_of_the_office(
    runtime: Runtime, eure: CooperativeContext, people: tuple[UUID, ...], sign_in, moved_clock: MovableClock
) -> None:
    trades = runtime.trades.enabled(eure.trades)
    async with runtime.database.tenant(eure.tenant) as session:
        draft = await rota.create_draft(session, semester=S2, trades=trades, by="bureau")
        await rota.generate(session, rota_id=draft.id, trades=trades, by="bureau")
        own = next(d for d in await rota.duties(session, rota_id=draft.id) if d.technician_id == people[0])
    artisan = await sign_in(Role.MEMBER, eure, member_id=own.member_id, technician_id=people[0])
    assert "Aucune astreinte à venir" in (await artisan.get("/c/eure/field/duties")).text
    async with runtime.database.tenant(eure.tenant) as session:
        await rota.publish(session, rota_id=draft.id, decision="CA", by="bureau", trades=trades)
    page = await artisan.get("/c/eure/field/duties")
    assert page.status_code == 200
    assert "appelé en" in page.text
    assert "En ce moment" not in page.text
    moved_clock.move_to(paris_instant(date(2027, 12, 31)))
    for path in ("/c/eure/rota", "/c/eure/members", "/c/eure/territory", "/c/eure/rota/on-call"):
        assert (await artisan.get(path)).status_code in (303, 403)


async def test_another_cooperative_meets_404(
    runtime: Runtime,
    eure: CooperativeContext,
    seine_maritime: CooperativeContext,
    people: tuple[UUID, ...],
    sign_in,
) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        draft = await rota.create_draft(session, semester=S2, trades=runtime.trades.enabled(eure.trades), by="bureau")
        person = await members.get_technician(session, technician_id=people[0])
    other = await sign_in(Role.MANAGER, seine_maritime)
    assert (await other.get("/c/eure/rota")).status_code == 404
    for path in (f"members/{person.member_id}", f"rota/{draft.id}/fill?post=1", f"rota/duties/{draft.id}"):
        assert (await other.get(f"/c/seine-maritime/{path}")).status_code == 404
    for path in ("generate", "publish", "freeze", "import", "fill"):
        answer = await other.post(f"/c/seine-maritime/rota/{draft.id}/{path}", {"decision": "x", "post": "1"})
        assert answer.status_code == 404
