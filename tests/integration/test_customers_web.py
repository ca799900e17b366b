"""The office's pages on customers: filled in, refused with the values kept, closed to others."""

import re
from uuid import UUID

from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_kit.pages import PageRequest
from maillage_kit.permissions import Role
from maillage_tenants import audit, customers

ANA = {
    "kind": "person",
    "consumer_status": "consumer",
    "name": "Ana Lefèvre",
    "phone": "06 12 34 56 78",
    "billing_address": "4 quai Robert Leblanc",
    "billing_postcode": "27500",
    "billing_city": "Pont-Audemer",
}
HOUSE = {
    "address": "4 quai Robert Leblanc",
    "postcode": "27500",
    "insee": "27467",
    "premises_use": "dwelling",
    "over_two_years": "yes",
    "access_notes": "Code 12B34",
}


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, pattern
    return match[1]


async def _register(office, runtime: Runtime, cooperative: CooperativeContext) -> UUID:
    answer = await office.post(f"/c/{cooperative.slug}/customers", ANA)
    assert answer.status_code == 303, answer.text
    return UUID(_found(r"/customers/([0-9a-f-]{36})/sites/new", answer.headers["location"]))


async def _add_house(office, cooperative: CooperativeContext, customer_id: UUID) -> UUID:
    answer = await office.post(f"/c/{cooperative.slug}/customers/{customer_id}/sites", HOUSE)
    assert answer.status_code == 303, answer.text
    shown = (await office.get(f"/c/{cooperative.slug}/customers/{customer_id}")).text
    return UUID(_found(r"/sites/([0-9a-f-]{36})/edit", shown))


async def test_a_customer_is_registered_and_shown(runtime: Runtime, eure: CooperativeContext, sign_in) -> None:
    office = await sign_in(Role.MANAGER, eure)
    empty = await office.get("/c/eure/customers")
    assert empty.status_code == 200
    assert "Aucun client pour l’instant" in empty.text
    assert (await office.get("/c/eure/customers/new?phone=%2B33612345678")).text.count("+33612345678") == 1
    customer_id = await _register(office, runtime, eure)
    form = await office.get(f"/c/eure/customers/{customer_id}/sites/new")
    assert 'value="4 quai Robert Leblanc"' in form.text  # the billing address is proposed for the first place
    await _add_house(office, eure, customer_id)
    shown = (await office.get(f"/c/eure/customers/{customer_id}")).text
    for words in (
        "Ana Lefèvre",
        "C-2027-000001",
        "27500 Pont-Audemer",
        "06 12 34 56 78",
        "achevé depuis plus de deux ans",
    ):
        assert words in shown, words
    assert "12B34" not in shown
    listed = (await office.get("/c/eure/customers?q=lefe")).text
    assert "Ana Lefèvre" in listed
    fragment = await office.client.get(
        "/c/eure/customers?q=zzz", headers={"HX-Request": "true", "HX-Target": "customers"}
    )
    assert "<html" not in fragment.text
    assert "Aucun client trouvé" in fragment.text
    near = (await office.get("/c/eure/customers?q=lefebvre")).text
    assert "ne correspond exactement" in near
    assert "Ana Lefèvre" in near


async def test_what_is_wrong_is_said_beside_what_was_typed_and_nothing_is_written(
    runtime: Runtime, eure: CooperativeContext, sign_in
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    answer = await office.post("/c/eure/customers", {**ANA, "phone": "06 12"})
    assert answer.status_code == 422
    assert "Numéro de téléphone non valable." in answer.text
    assert 'value="Ana Lefèvre"' in answer.text
    for change in (
        {"name": ""},
        {"consumer_status": "x"},
        {"siren": "1"},
        {"referring_member_id": "x"},
        {"email": "x"},
    ):
        assert (await office.post("/c/eure/customers", {**ANA, **change})).status_code == 422, change
    async with runtime.database.tenant(eure.tenant) as session:
        page, _ = await customers.list_customers(session, page=PageRequest())
        assert page.items == ()
    customer_id = await _register(office, runtime, eure)  # no number was lost on the way (R40)
    assert "C-2027-000001" in (await office.get(f"/c/eure/customers/{customer_id}")).text
    path = f"/c/eure/customers/{customer_id}"
    no_commune = await office.post(f"{path}/sites", {**HOUSE, "insee": ""})
    assert no_commune.status_code == 422
    assert "communes ont ce code postal" in no_commune.text
    assert "Pont-Audemer" in no_commune.text
    assert (await office.post(f"{path}/sites", {**HOUSE, "premises_use": "castle"})).status_code == 422
    assert (await office.post(f"{path}/phones", {"phone": "06 12 34 56 78"})).status_code == 422
    assert (await office.post(f"{path}/edit", {**ANA, "billing_city": ""})).status_code == 422
    assert (await office.post(f"{path}/referring-member", {"reason": ""})).status_code == 422


async def test_the_communes_of_a_postcode_are_proposed(eure: CooperativeContext, sign_in) -> None:
    office = await sign_in(Role.MANAGER, eure)
    several = (await office.get("/c/eure/customers/communes?postcode=27500")).text
    assert "Choisir la commune" in several
    assert 'value="27467"' in several
    assert "Aucune commune" in (await office.get("/c/eure/customers/communes?postcode=75001")).text


async def test_a_customer_and_a_site_are_corrected(runtime: Runtime, eure: CooperativeContext, sign_in) -> None:
    office = await sign_in(Role.MANAGER, eure)
    customer_id = await _register(office, runtime, eure)
    site_id = await _add_house(office, eure, customer_id)
    path = f"/c/eure/customers/{customer_id}"
    assert 'value="Ana Lefèvre"' in (await office.get(f"{path}/edit")).text
    assert (await office.post(f"{path}/edit", {**ANA, "name": "Ana Ruiz"})).status_code == 303
    assert 'value="4 quai Robert Leblanc"' in (await office.get(f"{path}/sites/{site_id}/edit")).text
    changed = {**HOUSE, "label": "Boutique", "premises_use": "business", "occupant_phone": "07 81 22 33 44"}
    assert (await office.post(f"{path}/sites/{site_id}/edit", changed)).status_code == 303
    shown = (await office.get(path)).text
    for words in ("Ana Ruiz", "Boutique", "Local professionnel", "07 81 22 33 44", "Afficher les consignes d’accès"):
        assert words in shown, words
    assert (await office.get(f"{path}/referring-member")).status_code == 200
    moved = await office.post(f"{path}/referring-member", {"referring_member_id": "", "reason": "Erreur de saisie"})
    assert moved.status_code == 303


async def test_access_notes_are_shown_on_demand_and_each_time_is_written_down(
    runtime: Runtime, eure: CooperativeContext, sign_in
) -> None:
    """R72."""
    office = await sign_in(Role.MANAGER, eure)
    customer_id = await _register(office, runtime, eure)
    site_id = await _add_house(office, eure, customer_id)
    notes = f"/c/eure/customers/{customer_id}/sites/{site_id}/access-notes"
    assert (await office.get(notes)).status_code == 404  # a link cannot show them
    shown = await office.post(notes)
    assert shown.status_code == 200
    assert "Code 12B34" in shown.text
    assert shown.headers["cache-control"] == "no-store"
    async with runtime.database.tenant(eure.tenant) as session:
        latest, *_ = await audit.entries_about(session, subject_type="site", subject_id=site_id)
        assert (latest.actor, latest.action) == ("Camille Test", "customers.read_access_notes")
    assert (await office.post(f"{notes}/write", {"access_notes": "x" * 1001})).status_code == 422
    assert (await office.post(f"{notes}/write", {"access_notes": "Clé chez Roy"})).status_code == 303
    assert "Clé chez Roy" in (await office.post(notes)).text


async def test_consent_is_recorded_shown_and_taken_back(runtime: Runtime, eure: CooperativeContext, sign_in) -> None:
    """R23."""
    office = await sign_in(Role.MANAGER, eure)
    customer_id = await _register(office, runtime, eure)
    path = f"/c/eure/customers/{customer_id}"
    assert (await office.get(f"{path}/phones/new")).status_code == 200
    assert (await office.post(f"{path}/phones", {"phone": "02 32 42 00 01", "label": "Fixe"})).status_code == 303
    shown = (await office.get(path)).text
    assert shown.count("Pas d’appel commercial") == 2
    phone = _found(r"/phones/([0-9a-f-]{36})/consent", shown)
    assert (await office.get(f"{path}/phones/{phone}/consent")).status_code == 200
    refused = await office.post(f"{path}/phones/{phone}/consent", {"source": "Appel"})
    assert refused.status_code == 422
    assert "Dites ce qui prouve l’accord." in refused.text
    consent = {"source": "Appel du 1er mars", "wording": "Oui, appelez-moi.", "proof": "Enregistrement 12"}
    assert (await office.post(f"{path}/phones/{phone}/consent", consent)).status_code == 303
    assert "Enregistrement 12" in (await office.get(path)).text
    assert (await office.post(f"{path}/phones/{phone}/revoke")).status_code == 303
    assert "Accord retiré le" in (await office.get(path)).text
    assert (await office.post(f"{path}/phones/{phone}/remove")).status_code == 303
    assert (await office.get(path)).text.count("Pas d’appel commercial") == 1


async def test_pages_follow_each_other(runtime: Runtime, eure: CooperativeContext, sign_in) -> None:
    office = await sign_in(Role.MANAGER, eure)
    for rank in range(3):
        await office.post("/c/eure/customers", {**ANA, "name": f"Client {rank}"})
    first = (await office.get("/c/eure/customers?limit=2&q=client")).text
    assert "Client 1" in first
    assert "Client 2" not in first
    following = _found(r'rel="next" href="([^"]+)"', first).replace("&amp;", "&")
    second = (await office.get(following)).text
    assert "Client 2" in second
    assert "Client 1" not in second
    assert (await office.get("/c/eure/customers?after=xxx")).status_code == 422
    assert (await office.get("/c/eure/customers?after=WyJhIiwgImIiXQ")).status_code == 422


async def test_the_other_cooperative_sees_nothing(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext, sign_in
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    customer_id = await _register(office, runtime, eure)
    site_id = await _add_house(office, eure, customer_id)
    async with runtime.database.tenant(eure.tenant) as session:
        phone_id = (await customers.customer_card(session, customer_id=customer_id)).phones[0].id
    stranger = await sign_in(Role.MANAGER, seine_maritime)
    for path in (
        "", "/edit", "/referring-member", "/sites/new", f"/sites/{site_id}/edit", "/phones/new",
        f"/phones/{phone_id}/consent", "/subscriptions/new",
    ):  # fmt: skip
        whole = f"customers/{customer_id}{path}"
        assert (await office.get(f"/c/eure/{whole}")).status_code == 200, path
        assert (await stranger.get(f"/c/seine-maritime/{whole}")).status_code == 404, path
        assert (await stranger.get(f"/c/eure/{whole}")).status_code == 404, path


async def test_the_other_cooperative_changes_nothing(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext, sign_in
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    customer_id = await _register(office, runtime, eure)
    site_id = await _add_house(office, eure, customer_id)
    async with runtime.database.tenant(eure.tenant) as session:
        before = await customers.customer_card(session, customer_id=customer_id)
    stranger = await sign_in(Role.MANAGER, seine_maritime)
    phone = f"/phones/{before.phones[0].id}"
    everything = {**ANA, **HOUSE, "phone": "07 81 22 33 44", "reason": "x", "source": "x", "wording": "x", "proof": "x"}
    for path in (
        "/edit", "/referring-member", "/sites", f"/sites/{site_id}/edit", f"/sites/{site_id}/access-notes",
        f"/sites/{site_id}/access-notes/write", "/phones", f"{phone}/consent", f"{phone}/revoke", f"{phone}/remove",
        "/subscriptions",
    ):  # fmt: skip
        for slug in ("seine-maritime", "eure"):
            answer = await stranger.post(f"/c/{slug}/customers/{customer_id}{path}", everything)
            assert answer.status_code == 404, path
    async with runtime.database.tenant(eure.tenant) as session:
        assert await customers.customer_card(session, customer_id=customer_id) == before


async def test_a_site_or_a_number_of_another_customer_is_not_found(
    runtime: Runtime, eure: CooperativeContext, sign_in
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    first = await _register(office, runtime, eure)
    site_id = await _add_house(office, eure, first)
    second = await _register(office, runtime, eure)
    async with runtime.database.tenant(eure.tenant) as session:
        phone_id = (await customers.customer_card(session, customer_id=first)).phones[0].id
    path = f"/c/eure/customers/{second}"
    assert (await office.post(f"{path}/sites/{site_id}/access-notes")).status_code == 404
    assert (await office.post(f"{path}/phones/{phone_id}/remove")).status_code == 404


async def test_artisans_and_strangers_stay_out(eure: CooperativeContext, sign_in, visitor) -> None:
    artisan = await sign_in(Role.MEMBER, eure)
    for path in ("/customers", "/customers/new", "/plans", "/plans/new"):
        assert (await artisan.get(f"/c/eure{path}")).status_code == 403
        answer = await visitor.get(f"/c/eure{path}")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/signin")
