"""The office enters a business, its person, its papers and its engagement; the page says who may be sent."""

import re
from datetime import date

from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_tenants import members

MEMBER = {
    "name": "Benali Plomberie",
    "legal_form": "SARL",
    "siret": "732 829 320 00074",
    "category": "artisan",
    "vat_status": "standard",
    "email": "Contact@Benali.example",
    "phone": "02 32 41 00 01",
    "address": "3 quai de la Risle",
    "postcode": "27500",
    "city": "Pont-Audemer",
    "joined_on": "2027-01-01",
    "left_on": "",
    "trades": ["plumbing", "unknown"],
}


async def test_a_member_from_registration_to_being_sent(runtime: Runtime, eure: CooperativeContext, sign_in) -> None:
    office = await sign_in(Role.MANAGER, eure)
    assert "Aucun associé inscrit" in (await office.get("/c/eure/members")).text
    assert (await office.get("/c/eure/members/new")).status_code == 200

    wrong = await office.post("/c/eure/members", {**MEMBER, "siret": "73282932000075", "phone": "12", "postcode": "x"})
    assert wrong.status_code == 422
    for message in ("SIRET non valable", "Numéro de téléphone non valable", "Code postal non valable"):
        assert message in wrong.text
    assert 'value="Benali Plomberie"' in wrong.text
    assert re.search(r'value="plumbing" checked', wrong.text)

    created = await office.post("/c/eure/members", MEMBER)
    assert created.status_code == 303
    here = created.headers["location"]
    page = await office.get(here)
    assert "73282932000074" in page.text
    assert "Responsabilité civile professionnelle absente du dossier" in page.text
    twice = await office.post("/c/eure/members", MEMBER)
    assert twice.status_code == 422
    assert "Ce SIRET est déjà celui d’un associé." in twice.text

    person = {"first_name": "Karim", "last_name": "Benali", "phone": "06 12 34 57 01", "active": "1"}
    assert (await office.post(f"{here}/technicians", {**person, "last_name": ""})).status_code == 422
    assert (await office.post(f"{here}/technicians", person)).status_code == 303

    paper = {
        "kind": "decennial",
        "trade": "",
        "issuer": "Assureur Normand",
        "reference": "D-77",
        "issuer_contact": "Évreux",
        "coverage": "France",
        "valid_from": "2027-01-01",
        "valid_to": "2027-12-31",
    }
    nameless = await office.post(f"{here}/documents", {**paper, "coverage": "", "valid_to": "2026-12-31"})
    assert nameless.status_code == 422
    assert "La fin de validité est avant le début." in nameless.text
    assert "La zone couverte figure sur les devis" in nameless.text
    assert (await office.post(f"{here}/documents", {**paper, "valid_to": ""})).status_code == 422
    unnamed = await office.post(f"{here}/documents", {**paper, "kind": "qualification"})
    assert "Une qualification vaut pour un métier" in unnamed.text
    for change in ({}, {"kind": "liability", "valid_to": "2027-03-20"}, {"kind": "qualification", "trade": "plumbing"}):
        assert (await office.post(f"{here}/documents", {**paper, **change})).status_code == 303
    page = await office.get(here)
    assert "Plus assignable après le 20/03/2027" in page.text
    assert "Expire bientôt" in page.text

    engagement = {
        "units_per_semester": "13",
        "customers_to_bring": "20",
        "signed_on": "2027-01-05",
        "valid_from": "2027-01-05",
    }
    assert (await office.post(f"{here}/engagements", {**engagement, "units_per_semester": "-1"})).status_code == 422
    assert (await office.post(f"{here}/engagements", engagement)).status_code == 303
    later = {**engagement, "units_per_semester": "6", "valid_from": "2027-07-01"}
    assert (await office.post(f"{here}/engagements", later)).status_code == 303
    back = await office.post(f"{here}/engagements", {**later, "valid_from": "2027-02-01"})
    assert "Un engagement plus récent existe déjà." in back.text
    assert "du 05/01/2027 au 30/06/2027" in (await office.get(here)).text

    async with runtime.database.tenant(eure.tenant) as session:
        (someone,) = await members.roster(session, on=date(2027, 3, 1))
        assert (someone.name, someone.units) == ("Karim Benali", 13)
        technician = await members.get_technician(session, technician_id=someone.technician_id)
        assert technician.phone == "+33612345701"
        for day, ok in ((date(2027, 3, 20), True), (date(2027, 3, 21), False)):
            known = await members.assignability(
                session, technician_ids=[someone.technician_id], trade="plumbing", on=day
            )
            assert known[someone.technician_id].ok is ok

    form = await office.get(f"{here}/technicians/{someone.technician_id}")
    assert 'value="Karim"' in form.text
    assert (
        await office.post(f"{here}/technicians/{someone.technician_id}", {**person, "active": ""})
    ).status_code == 303
    async with runtime.database.tenant(eure.tenant) as session:
        assert await members.roster(session, on=date(2027, 3, 1)) == ()

    edit = await office.get(f"{here}/edit")
    assert 'value="2027-01-01"' in edit.text
    assert (await office.post(here, {**MEMBER, "left_on": "2027-02-01"})).status_code == 303
    assert "Benali" not in (await office.get("/c/eure/members")).text
    assert "Benali" in (await office.get("/c/eure/members?former=1&q=pont&trade=plumbing")).text


async def test_the_list_is_cut_in_pages(runtime: Runtime, eure: CooperativeContext, sign_in) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        from maillage_tenants.members.models import Member

        session.add_all(
            Member(
                name=f"Entreprise {number:02d}",
                legal_form="SARL",
                siret=f"{number:014d}",
                email="a@b.example",
                phone="+33232410001",
                address="1 rue",
                postcode="27000",
                city="Évreux",
                joined_on=date(2020, 1, 1),
            )
            for number in range(30)
        )
    office = await sign_in(Role.MANAGER, eure)
    first = await office.get("/c/eure/members?q=Entreprise")
    assert ("Entreprise 24" in first.text, "Entreprise 25" in first.text) == (True, False)
    following = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert following
    second = await office.get(following[1].replace("&amp;", "&"))
    assert ("Entreprise 24" in second.text, "Entreprise 29" in second.text) == (False, True)
    assert (await office.get("/c/eure/members?after=rubbish")).status_code == 422
