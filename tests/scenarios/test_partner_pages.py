"""A person of a landlord on the web: invited by the office, follows their organisation's things, decides on quotes."""

import re
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from pypdf import PdfReader

from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_platform.identity.models import Letter
from maillage_tenants import interventions, invoices, partners, quotes
from maillage_tenants.audit import queries as audit_queries
from maillage_tenants.audit.queries import Search
from maillage_tenants.interventions.partner_words import PARTNER_KINDS
from maillage_tenants.interventions.partner_words import Status as PartnerStatus
from maillage_tenants.partnerdesk.words import STATUSES

PARTNER = "/c/eure/partner"
BURST = {
    "danger": "none", "problem": "leak", "flow": "burst", "shut_off": "no", "pipe_owner": "private",
    "wet_electricity": "no", "neighbour_hit": "no", "vulnerable": "no",
}  # fmt: skip


@dataclass
class Landlord:
    """One organisation with two dwellings, and its software."""

    software: Any
    customer: UUID

    async def asks(self, reference: str = "DI-2027-0042", problem: str = "leak") -> UUID:
        answer = await self.software.post(
            "/requests",
            {
                "customer_id": str(self.customer),
                "dwelling_reference": "RES-12-A-304",
                "trade": "plumbing",
                "answers": BURST | {"problem": problem},
                "occupant": {"name": "Monsieur Diallo", "phone": "06 12 34 56 78"},
                "reference": reference,
                "purchase_order": "BC-9917",
                "spending_limit_cents": 5_000,
            },
        )
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["intervention"]["id"])


async def landlord_of(software: Any, eure: CooperativeContext, name: str) -> Landlord:
    caller = software(eure, client=name, name=f"Logiciel {name}", life=86_400)
    made = await caller.post(
        "/customers",
        {
            "kind": "organisation",
            "consumer_status": "professional",
            "name": name,
            "billing_address": "10 boulevard Georges-Chauvin",
            "billing_postcode": "27000",
            "billing_city": "Évreux",
        },
    )
    assert made.status_code == 201, made.text
    rows = [
        {"reference": "RES-12-A-304", "label": "Les Tilleuls", "address": "12 rue Sadi-Carnot", "postcode": "27500",
         "insee": "27467", "premises_use": "dwelling", "over_two_years": True, "occupant_name": "Monsieur Diallo",
         "occupant_phone": "06 12 34 56 78", "access_notes": "Code 4711B"},
        {"reference": "EVX-7", "label": "", "address": "3 allée du Cœur des Érables", "postcode": "27000",
         "insee": "27229", "premises_use": "dwelling", "over_two_years": True},
    ]  # fmt: skip
    report = await caller.post(f"/customers/{made.json()['id']}/sites/import", {"rows": rows})
    assert report.json()["created"] == 2, report.text
    return Landlord(caller, UUID(made.json()["id"]))


@pytest.fixture
async def habitat_eure(software: Any, eure: CooperativeContext) -> Landlord:
    return await landlord_of(software, eure, "Habitat de l’Eure")


@pytest.fixture
async def logis(software: Any, eure: CooperativeContext) -> Landlord:
    return await landlord_of(software, eure, "Logis de Bernay")


async def quoted(runtime: Runtime, eure: CooperativeContext, karim: Any, case_id: UUID) -> UUID:
    """The artisan comes, looks, and hands the quote over."""
    async with runtime.database.tenant(eure.tenant) as session:
        (offer, *_) = await interventions.offers(session, case_id=case_id)
        await interventions.accept_offer(
            session, offer_id=offer.id, technician_id=karim.technician_id, at=clock.now(), by=karim.name
        )
        await interventions.depart(session, case_id=case_id, at=clock.now(), by=karim.name)
        await interventions.arrive(session, case_id=case_id, at=clock.now(), by=karim.name)
        drafted = await quotes.draft_quote(
            session,
            cooperative=eure,
            case_id=case_id,
            trade_plugin=runtime.trades.get("plumbing"),
            labour_minutes=60,
            parts={},
            certify=True,
            by=karim.name,
        )
        assert drafted.emergency is not None
        await quotes.send_quote(session, cooperative=eure, quote_id=drafted.emergency, by=karim.name)
        return drafted.emergency


async def written(runtime: Runtime, eure: CooperativeContext, *actions: str) -> list[tuple[str, str, Any]]:
    async with runtime.database.tenant(eure.tenant) as session:
        rows = await audit_queries.all_entries(session, search=Search(actions=actions), limit=1000)
    return [(row.action, row.actor, row.detail) for row in rows]


async def invited(runtime: Runtime, office: Any, visitor: Any, landlord: Landlord, email: str) -> str:
    """Claire Martin is invited and enters by her letter. Returns where it leads."""
    asked = {"name": "Claire Martin", "email": email}
    answer = await office.post(f"/c/eure/customers/{landlord.customer}/people", asked)
    assert answer.status_code == 303, answer.text
    async with runtime.database.platform() as session:
        body = await session.scalar(
            sa.select(Letter.body).where(Letter.recipient == email).order_by(Letter.id.desc()).limit(1)
        )
    link = re.search(r"http://localhost:8027(/signin/\S+)", body or "")
    assert link
    return str((await visitor.post(link[1])).headers["location"])


# ---------------------------------------------------------------------------------------------------------- coming in


async def test_the_office_invites_and_shows_out_a_person_of_a_customer(
    runtime: Runtime, eure: CooperativeContext, office: Any, visitor: Any, habitat_eure: Landlord, logis: Landlord
) -> None:
    people = f"/c/eure/customers/{habitat_eure.customer}/people"
    assert f'href="{people}"' in (await office.get(f"/c/eure/customers/{habitat_eure.customer}")).text
    wrong = await office.post(people, {"name": "Claire Martin", "email": "claire"})
    assert (wrong.status_code, "adresse e-mail complète" in wrong.text) == (422, True)
    assert 'value="Claire Martin"' in wrong.text
    assert await invited(runtime, office, visitor, habitat_eure, "claire@habitat.example") == PARTNER
    page = await visitor.get(PARTNER)
    assert (page.status_code, "Habitat de l’Eure" in page.text) == (200, True)
    offered = set(re.findall(r'<li><a href="(/c/eure/[^"]+)"', page.text))
    assert offered == {PARTNER, *(f"{PARTNER}/{more}" for more in ("dwellings", "quotes", "invoices", "applications"))}
    for address in offered:
        assert (await visitor.get(address)).status_code == 200, address
    for refused in ("desk", "customers", "cases", "notes", "events", "settings/people", "audit"):
        assert (await visitor.get(f"/c/eure/{refused}")).status_code == 403, refused
    # the same person for another customer: the first access is not turned into the second
    other = await office.post(
        f"/c/eure/customers/{logis.customer}/people", {"name": "Claire Martin", "email": "claire@habitat.example"}
    )
    assert (other.status_code, "suit déjà un autre client" in other.text) == (422, True)
    shown = (await office.get(people)).text
    hat = re.search(r'name="membership" value="([0-9a-f-]{36})"', shown)
    assert hat and "claire@habitat.example" in shown
    settings = "/c/eure/settings/people"
    listed = (await office.get(settings)).text
    assert f'<a href="{people}">Client partenaire</a>' in listed
    kept = await office.post(f"{settings}/role", {"membership": hat[1], "role": "manager"})
    assert kept.status_code == 303 and (await visitor.get("/c/eure/desk")).status_code == 403, "no way to the office"
    invitation = {"name": "Denis", "email": "denis@eure.example", "role": "partner"}
    assert (await office.post(settings, invitation)).status_code == 422, "a partner is invited from their customer"
    elsewhere = f"/c/eure/customers/{logis.customer}/people/remove"
    assert (await office.post(elsewhere, {"membership": hat[1]})).status_code == 404
    assert (await office.post(f"{people}/remove", {"membership": hat[1]})).status_code == 303
    assert (await visitor.get(PARTNER)).headers["location"].startswith("/signin")
    acts = [
        (action, detail["person"], detail["customer"])
        for action, _, detail in await written(runtime, eure, "identity.invited", "identity.access_taken_back")
    ]
    assert acts == [
        ("identity.invited", "Claire Martin", "Habitat de l’Eure"),
        ("identity.access_taken_back", "Claire Martin", "Habitat de l’Eure"),
    ]


# ----------------------------------------------------------------------------------------------- following and deciding


async def test_from_the_quote_to_the_invoice_and_nothing_of_another(
    runtime: Runtime,
    eure: CooperativeContext,
    crew: Any,
    sign_in: Any,
    habitat_eure: Landlord,
    logis: Landlord,
    moved_clock: MovableClock,
) -> None:
    claire = await sign_in(Role.PARTNER, eure, customer_id=habitat_eure.customer)
    denis = await sign_in(Role.PARTNER, eure, customer_id=logis.customer)
    case_id, karim = await habitat_eure.asks(problem="sink_blocked"), crew.artisans[0]
    quote_id = await quoted(runtime, eure, karim, case_id)
    async with runtime.database.tenant(eure.tenant) as session:
        await interventions.hold_case(
            session,
            case_id=case_id,
            reason=interventions.HoldReason.OCCUPANT_ABSENT,
            note="la voisine dit qu’il boit",
            at=clock.now(),
            by=karim.name,
        )
        await interventions.resume_case(session, case_id=case_id, at=clock.now(), by=karim.name)
        photo = await interventions.add_attachment(
            session, case_id=case_id, kind="before", filename="fuite.jpg", content=b"\xff\xd8\xff\xe0" + b"0" * 50,
            at=clock.now(), by=karim.name,
        )  # fmt: skip
        view = await quotes.quote_view(session, quote_id=quote_id)
        story = await interventions.story(session, case_id=case_id)

    home = (await claire.get(PARTNER)).text
    assert "Un devis attend votre décision" in home and "En route ou sur place" in home
    assert "DI-2027-0042" in home
    page = (await claire.get(f"{PARTNER}/cases/{case_id}")).text
    assert "Mise en attente : " in page and "boit" not in page, "what was noted beside a reason stays inside"
    hidden = [event.text for event in story if event.kind not in PARTNER_KINDS]
    assert hidden and not any(text in page for text in hidden)
    for words in ("BC-9917", "50,00", "Monsieur Diallo", karim.name, view.number or "", "Photo avant"):
        assert words in page, words
    assert "4711B" not in (await claire.get(f"{PARTNER}/dwellings")).text

    paper = f"{PARTNER}/quotes/{quote_id}"
    shown = (await claire.get(paper)).text
    assert "dépasse le plafond" in shown and "Camille Test (Habitat de l’Eure)" in shown
    agreement = {"document": view.document_sha256, "vat_certified": "1"}
    unsure = await claire.post(f"{paper}/approve", {"document": view.document_sha256})
    assert (unsure.status_code, "À cocher" in unsure.text) == (422, True), "the reduced rate is certified (R33)"
    changed = await claire.post(f"{paper}/approve", {**agreement, "document": "0" * 64})
    assert changed.status_code == 303
    assert "relisez le devis" in (await claire.get(paper)).text
    for method, path in (("get", ""), ("get", "/pdf"), ("post", "/approve"), ("post", "/refuse")):
        answer = await getattr(denis, method)(f"{paper}{path}", *([agreement] if method == "post" else []))
        assert answer.status_code == 404, path
    assert (await claire.post(f"{paper}/approve", agreement)).status_code == 303
    async with runtime.database.tenant(eure.tenant) as session:
        signed = await quotes.quote_view(session, quote_id=quote_id)
        authority = await quotes.work_authority(session, case_id=case_id)
        assert (signed.state, signed.signed_by) == (quotes.QuoteState.SIGNED, "Camille Test")
        assert signed.signature_proof["account_id"] and "software" not in signed.signature_proof
        assert authority.allows_work, "approved: work may begin (R4)"
        moved_clock.advance(minutes=50)
        await interventions.finish_work(session, case_id=case_id, at=clock.now(), by=karim.name, authority=authority)
        note = await invoices.issue_note(session, cooperative=eure, case_id=case_id, by=karim.name)
    ((_, signer, _),) = await written(runtime, eure, "quotes.sign")
    assert signer == "Camille Test (Habitat de l’Eure)"
    assert (await claire.post(f"{paper}/refuse", {})).status_code == 303
    assert "Approuvé par Camille Test" in (await claire.get(paper)).text, "too late to refuse"
    copy = PdfReader(BytesIO((await claire.get(f"{paper}/pdf")).content))
    printed = " ".join(" ".join(leaf.extract_text() for leaf in copy.pages).split())
    assert "accord donné en ligne, depuis son compte" in printed

    assert note.number in (await claire.get(f"{PARTNER}/invoices")).text
    sites = f"/customers/{habitat_eure.customer}/sites?reference=RES-12-A-304"
    (site,) = (await habitat_eure.software.get(sites)).json()["items"]
    dwelling = (await claire.get(f"{PARTNER}/dwellings/{site['id']}")).text
    assert f"{PARTNER}/cases/{case_id}" in dwelling and "4711B" not in dwelling
    own = (
        f"/cases/{case_id}", f"/cases/{case_id}/attachments/{photo}", f"/dwellings/{site['id']}", f"/quotes/{quote_id}",
        f"/quotes/{quote_id}/pdf", f"/invoices/{note.id}/pdf",
    )  # fmt: skip
    for path in own:
        assert (await claire.get(f"{PARTNER}{path}")).status_code == 200, path
        assert (await denis.get(f"{PARTNER}{path}")).status_code == 404, path
    assert (await claire.get(f"{PARTNER}/invoices/{note.id}/pdf")).content.startswith(b"%PDF-")
    for path in ("", "?status=all", f"?status=all&q={note.number}", "/quotes?state=all", "/invoices"):
        seen = (await denis.get(f"{PARTNER}{path}")).text
        assert not any(str(key) in seen for key in (case_id, quote_id, note.id)), path
    assert str(site["id"]) not in (await denis.get(f"{PARTNER}/dwellings")).text
    # over: it left the open ones
    assert str(case_id) not in (await claire.get(PARTNER)).text
    assert str(case_id) in (await claire.get(f"{PARTNER}?status=closed/done")).text


async def test_a_quote_is_refused_with_a_reason(
    runtime: Runtime, eure: CooperativeContext, crew: Any, sign_in: Any, habitat_eure: Landlord
) -> None:
    claire = await sign_in(Role.PARTNER, eure, customer_id=habitat_eure.customer)
    case_id = await habitat_eure.asks()
    quote_id = await quoted(runtime, eure, crew.artisans[0], case_id)
    assert str(quote_id) in (await claire.get(f"{PARTNER}/quotes")).text
    answer = await claire.post(f"{PARTNER}/quotes/{quote_id}/refuse", {"reason": "Hors budget."})
    assert answer.status_code == 303
    assert str(quote_id) not in (await claire.get(f"{PARTNER}/quotes")).text
    assert "refusé par le client : Hors budget." in (await claire.get(f"{PARTNER}/cases/{case_id}")).text


async def test_cases_and_dwellings_are_found_and_paginate(
    eure: CooperativeContext,
    crew: Any,
    sign_in: Any,
    habitat_eure: Landlord,
    logis: Landlord,
    moved_clock: MovableClock,
) -> None:
    claire = await sign_in(Role.PARTNER, eure, customer_id=habitat_eure.customer)
    wanted = []
    for number in range(3):
        moved_clock.advance(minutes=1)
        wanted.append(str(await habitat_eure.asks(f"DI-{number}")))
    await logis.asks("DI-1")

    async def listed(path: str, kind: str) -> list[str]:
        return re.findall(rf'<a[^>]* href="{PARTNER}/{kind}/([0-9a-f-]+)"', (await claire.get(f"{PARTNER}{path}")).text)

    first = (await claire.get(f"{PARTNER}?limit=2")).text
    after = re.search(r'rel="next" href="[^"]*after=([^"&]+)', first)
    assert after
    assert await listed("?limit=2", "cases") == wanted[:0:-1]
    assert await listed(f"?limit=2&after={after[1]}", "cases") == wanted[:1]
    assert await listed("?q=di-1", "cases") == [wanted[1]]
    assert await listed("?q=Carnot", "cases") == wanted[::-1]
    assert await listed("?q=100%25", "cases") == [], "a sign is no joker"
    assert await listed("?status=closed/done", "cases") == []
    counts = {"erables": 1, "coeur": 1, "EVX-7": 1, "res-12 diallo": 1, "27": 2, "Bernay": 0, "%25": 0}
    for typed, found in counts.items():
        assert len(await listed(f"/dwellings?q={typed}", "dwellings")) == found, typed


async def test_the_software_that_acts_for_them_is_named(
    runtime: Runtime, eure: CooperativeContext, office: Any, habitat: Any, sign_in: Any, logis: Landlord
) -> None:
    denis = await sign_in(Role.PARTNER, eure, customer_id=logis.customer)
    page = (await denis.get(f"{PARTNER}/applications")).text
    assert "Habitat 27" not in page
    async with runtime.database.tenant(eure.tenant) as session:
        await partners.grant(
            session, client_id=habitat.client_id, name="Habitat 27", customers=[logis.customer], by="Camille"
        )
    page = (await denis.get(f"{PARTNER}/applications")).text
    assert "Habitat 27" in page and "Déposer et annuler des demandes d’intervention" in page
    await office.post(f"/c/eure/settings/api-clients/{habitat.client_id}/revoke")
    assert "N’a plus accès à rien" in (await denis.get(f"{PARTNER}/applications")).text


def test_every_public_status_has_its_words() -> None:
    assert set(STATUSES) == set(PartnerStatus)
