"""A landlord's software, from the import of its dwellings to the invoice: what a social landlord does in a year."""

import asyncio
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from maillage_app.cli import cli
from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.api_access import Scope
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_tenants import audit, interventions, invoices, partners, quotes, subscriptions
from maillage_tenants.interventions import State

LANDLORD: dict[str, Any] = {
    "kind": "organisation", "consumer_status": "professional", "name": "Habitat de l’Eure", "siren": "404833048",
    "email": "astreinte@habitat.example", "billing_address": "10 boulevard Georges-Chauvin",
    "billing_postcode": "27000", "billing_city": "Évreux",
}  # fmt: skip
DWELLING: dict[str, Any] = {
    "reference": "RES-12-A-304", "label": "Les Tilleuls, A 304", "address": "12 rue Sadi-Carnot", "postcode": "27500",
    "insee": "27467", "premises_use": "dwelling", "over_two_years": True, "occupant_name": "Monsieur Diallo",
    "occupant_phone": "06 12 34 56 78",
}  # fmt: skip
BURST = {
    "danger": "none", "problem": "leak", "flow": "burst", "shut_off": "no", "pipe_owner": "private",
    "wet_electricity": "no", "neighbour_hit": "no", "vulnerable": "no",
}  # fmt: skip


def request_for(customer: str, **more: Any) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "dwelling_reference": "RES-12-A-304",
        "trade": "plumbing",
        "answers": BURST,
        "occupant": {"name": "Monsieur Diallo", "phone": "06 12 34 56 78"},
        "words": "L’eau jaillit sous l’évier",
        "reference": "DI-2027-0042",
        "purchase_order": "BC-9917",
        "spending_limit_cents": 30_000,
        **more,
    }


@pytest.fixture
async def landlord(eure: CooperativeContext, software: Any) -> Any:
    """The landlord's software with one dwelling; `customer` is who pays."""
    caller = software(eure, life=86_400)
    made = await caller.post("/customers", LANDLORD)
    assert made.status_code == 201, made.text
    report = await caller.post(f"/customers/{made.json()['id']}/sites/import", {"rows": [DWELLING]})
    assert report.json()["created"] == 1, report.text
    return caller, made.json()["id"]


# ---------------------------------------------------------------------------------------------------------- dwellings


async def test_dwellings_are_imported_and_each_row_is_told(landlord: Any, moved_clock: MovableClock) -> None:
    caller, customer = landlord
    rows = [
        {**DWELLING, "occupant_name": "Madame Petit", "occupant_phone": "06 98 76 54 32"},
        {**DWELLING, "reference": "RES-12-A-305"},
        {**DWELLING, "reference": "RES-12-A-305"},
        {**DWELLING, "reference": ""},
        {**DWELLING, "reference": "R-4", "postcode": "75001"},
        {**DWELLING, "reference": "R-5", "insee": "27229"},
    ]
    path = f"/customers/{customer}/sites/import"
    rehearsal = (await caller.post(path, {"rows": rows, "dry_run": True})).json()
    assert [row["outcome"] for row in rehearsal["rows"]] == [
        "updated", "created", "invalid", "invalid", "invalid", "invalid",
    ]  # fmt: skip
    assert rehearsal["rows"][1]["site_id"] is None
    assert len((await caller.get(f"/customers/{customer}/sites")).json()["items"]) == 1, "a rehearsal writes nothing"
    report = (await caller.post(path, {"rows": rows})).json()
    assert (report["created"], report["updated"], report["unchanged"], report["invalid"]) == (1, 1, 0, 4)
    assert report["rows"][2]["errors"] == {"reference": "Déjà donnée à la ligne 2."}
    assert [set(row["errors"]) for row in report["rows"][2:]] == [
        {"reference"}, {"reference"}, {"postcode"}, {"insee"},
    ]  # fmt: skip
    again = (await caller.post(path, {"rows": rows[:2]})).json()
    assert (again["unchanged"], again["created"], again["updated"]) == (2, 0, 0)
    (site,) = (await caller.get(f"/customers/{customer}/sites?reference=RES-12-A-304")).json()["items"]
    assert (site["occupant_name"], site["occupant_phone"]) == ("Madame Petit", "+33698765432")
    assert site["id"] == report["rows"][0]["site_id"]


async def test_two_thousand_dwellings_take_one_request(landlord: Any) -> None:
    caller, customer = landlord
    rows = [{**DWELLING, "reference": f"L-{number:04d}", "occupant_phone": ""} for number in range(2000)]
    report = (await caller.post(f"/customers/{customer}/sites/import", {"rows": rows})).json()
    assert report["created"] == 2000
    too_many = await caller.post(f"/customers/{customer}/sites/import", {"rows": [*rows, DWELLING]})
    assert too_many.status_code == 422


async def test_a_place_is_added_and_corrected(landlord: Any) -> None:
    caller, customer = landlord
    path = f"/customers/{customer}/sites"
    new = {**DWELLING, "reference": "B-1", "access_notes": "Code 4711B", "occupant_phone": ""}
    made = (await caller.post(path, new)).json()
    assert made["has_access_notes"] is True and "4711B" not in str(made)
    taken = await caller.post(path, new)
    assert taken.status_code == 422 and taken.json()["fields"].keys() == {"reference"}
    read = await caller.get(f"{path}/{made['id']}")
    changed = await caller.patch(f"{path}/{made['id']}", {"label": "Cave"}, etag=read.headers["etag"])
    assert changed.json() == {**made, "label": "Cave"}, "the rest stays, the reference too"
    moved = await caller.patch(
        f"{path}/{made['id']}", {"postcode": "27000", "insee": "27229"}, etag=changed.headers["etag"]
    )
    assert (moved.json()["commune"], moved.json()["reference"]) == ("Évreux", "B-1")


# ---------------------------------------------------------------------------------------------- coverage, trades, plans


async def test_do_you_serve_this_place_now(
    eure: CooperativeContext, crew: Any, software: Any, runtime: Runtime
) -> None:
    caller = software(eure, Scope.COVERAGE_READ)
    served = (await caller.get("/coverage?trade=plumbing&insee=27467")).json()
    assert (served["served"], served["commune"], served["on_call"]) == (True, "Pont-Audemer", "sector")
    assert served["accept_minutes"] > 0 and served["arrive_minutes"] > 0
    price = served["price"]
    assert price["band"] == "day" and price["labour"][0]["normal_cents"] > price["labour"][0]["reduced_cents"] > 0
    elsewhere = (await caller.get("/coverage?trade=plumbing&insee=76540")).json()
    assert elsewhere["served"] is False and elsewhere["price"] is None and elsewhere["commune"] is None
    assert (await caller.get("/coverage?trade=roofing&insee=27467")).json()["served"] is False
    nobody = (await caller.get("/coverage?trade=glazing&insee=27229")).json()
    assert (nobody["served"], nobody["on_call"]) == (True, "office"), "somebody always answers (rule 1)"
    unsure = await caller.get("/coverage?trade=plumbing&postcode=27500")
    assert unsure.status_code == 422 and "Pont-Audemer (27467)" in unsure.json()["fields"]["insee"]
    assert (await caller.get("/coverage?trade=plumbing")).status_code == 422
    assert (await caller.get("/coverage?trade=plumbing&insee=27467&type=NOTHING")).status_code == 422
    trades = (await caller.get("/trades?limit=2")).json()
    rest = (await caller.get(f"/trades?limit=2&cursor={trades['next']}")).json()
    codes = [trade["code"] for trade in trades["items"] + rest["items"]]
    assert sorted(codes) == sorted(eure.trades) and rest["next"] is None
    plumbing = next(trade for trade in trades["items"] + rest["items"] if trade["code"] == "plumbing")
    assert {question["code"] for question in plumbing["questions"]} >= {"danger", "problem", "flow"}


async def test_plans_on_offer(eure: CooperativeContext, software: Any, runtime: Runtime) -> None:
    caller = software(eure)
    async with runtime.database.tenant(eure.tenant) as session:
        cards = await subscriptions.list_plans(session, on=clock.now().date())
    published = [card for card in cards if card.state is subscriptions.PlanState.PUBLISHED]
    hidden = [card for card in cards if card.state is not subscriptions.PlanState.PUBLISHED]
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await caller.get(f"/plans?limit=1{f'&cursor={cursor}' if cursor else ''}")).json()
        found += page["items"]
        cursor = page["next"]
    assert [UUID(plan["id"]) for plan in found] == [card.id for card in published]
    for card in published:
        assert (await caller.get(f"/plans/{card.id}")).json()["code"] == card.facts.code
    for card in hidden:
        assert (await caller.get(f"/plans/{card.id}")).status_code == 404


async def test_who_is_on_call(eure: CooperativeContext, crew: Any, software: Any) -> None:
    caller = software(eure, Scope.ONCALL_READ)
    page = (await caller.get("/on-call?limit=1")).json()
    rest = (await caller.get(f"/on-call?limit=1&cursor={page['next']}")).json()
    rows = page["items"] + rest["items"]
    assert [(row["rank"], row["person"]) for row in rows] == [(1, "Karim Benali"), (2, "Sophie Leroux")]
    assert "+336" not in str(rows), "the cooperative's number is the one to ring"
    assert (await caller.get("/on-call?insee=27229")).json()["items"] == []
    assert len((await caller.get("/on-call?insee=27467&trade=plumbing")).json()["items"]) == 2
    assert (await caller.get("/on-call?trade=glazing")).json()["items"] == []


# ------------------------------------------------------------------------------------------------------------ requests


async def test_a_request_is_opened_and_offered(
    runtime: Runtime, eure: CooperativeContext, crew: Any, landlord: Any, sign_in: Any
) -> None:
    caller, customer = landlord
    price = (await caller.get("/coverage?trade=plumbing&insee=27467")).json()["price"]
    opened = await caller.post("/requests", request_for(customer, price_key=price["key"]))
    assert opened.status_code == 201, opened.text
    told = opened.json()
    case = told["intervention"]
    assert (case["status"], case["reference"], case["purchase_order"]) == ("open/requested", "DI-2027-0042", "BC-9917")
    assert case["occupant"] == {"name": "Monsieur Diallo", "phone": "+33612345678"}
    assert {delay["code"] for delay in case["delays"]} >= {"accept", "arrive"}
    assert told["redirect"] is None and told["price"]["key"] == price["key"]
    assert told["tracking_url"].startswith("http://localhost:8027/p/eure/suivi/")
    async with runtime.database.tenant(eure.tenant) as session:
        row = await interventions.case(session, case_id=UUID(case["id"]))
        story = await interventions.story(session, case_id=row.id)
        assert State(row.state) is State.OFFERED and row.source == "api"
        assert (row.caller_phone, str(row.customer_id)) == ("+33612345678", customer), "called, and paying (R94)"
        assert row.announced["accepted_by"] == "Habitat de l’Eure (API)"
    order = next(event.text for event in story if event.kind == "partner_order")
    assert order.startswith("Commande du partenaire : référence DI-2027-0042, bon de commande BC-9917, plafond 300,00")
    office = await sign_in(Role.MANAGER, eure)
    assert "bon de commande BC-9917" in (await office.get(f"/c/eure/cases/{case['id']}")).text


async def test_what_is_missing_is_asked_and_danger_sends_nobody(
    runtime: Runtime, eure: CooperativeContext, crew: Any, landlord: Any
) -> None:
    caller, customer = landlord
    half = await caller.post("/requests", request_for(customer, answers={"danger": "none", "problem": "leak"}))
    assert half.status_code == 422 and "answers.flow" in half.json()["fields"]
    for wrong, field in (
        ({"dwelling_reference": "NOWHERE"}, "dwelling_reference"),
        ({"dwelling_reference": None}, "site_id"),
        ({"site_id": str(uuid4()), "dwelling_reference": None}, "site_id"),
        ({"customer_id": str(uuid4())}, "customer_id"),
        ({"trade": "roofing"}, "trade"),
        ({"occupant": {"name": "Monsieur Diallo", "phone": "12345678"}}, "occupant.phone"),
        ({"spending_limit_cents": -1}, "spending_limit_cents"),
    ):
        refused = await caller.post("/requests", request_for(customer, **wrong))
        assert refused.status_code == 422 and field in refused.json()["fields"], (wrong, refused.text)
    async with runtime.database.tenant(eure.tenant) as session:
        assert (await session.execute(sa.text("select count(*) from intervention"))).scalar_one() == 0
    question = next(
        question
        for trade in (await caller.get("/trades")).json()["items"]
        if trade["code"] == "plumbing"
        for question in trade["questions"]
        if question["code"] == "danger"
    )
    gas = next(choice["code"] for choice in question["choices"] if "gaz" in choice["label"].lower())
    red = await caller.post("/requests", request_for(customer, answers={"danger": gas}))
    assert red.status_code == 201, red.text
    assert red.json()["intervention"]["status"] == "denied/canceled"
    assert red.json()["redirect"]["phone_numbers"] and red.json()["redirect"]["instructions"]


async def test_a_request_is_called_off(landlord: Any, crew: Any) -> None:
    caller, customer = landlord
    case = (await caller.post("/requests", request_for(customer))).json()["intervention"]
    path = f"/interventions/{case['id']}"
    done = await caller.post(f"{path}/cancel", {"reason": "Le locataire a réparé."})
    assert (done.status_code, done.json()["status"]) == (200, "denied/canceled")
    twice = await caller.post(f"{path}/cancel", {"reason": "Encore."})
    assert (twice.status_code, twice.json()["code"]) == (409, "step_not_allowed")
    lines = (await caller.get(f"{path}/timeline")).json()["items"]
    assert [line["code"] for line in lines] == ["requested", "order", "qualified", "canceled"]
    assert "Karim" not in str(lines), "who was asked and did not come stays inside"


# ------------------------------------------------------------------------------------------ following, deciding, paying


async def test_from_the_request_to_the_invoice(
    runtime: Runtime, eure: CooperativeContext, crew: Any, landlord: Any, moved_clock: MovableClock
) -> None:
    caller, customer = landlord
    case_id = UUID((await caller.post("/requests", request_for(customer))).json()["intervention"]["id"])
    path = f"/interventions/{case_id}"

    async def status() -> str:
        return str((await caller.get(path)).json()["status"])

    karim = crew.artisans[0]
    async with runtime.database.tenant(eure.tenant) as session:
        (offer, *_) = await interventions.offers(session, case_id=case_id)
        await interventions.accept_offer(
            session, offer_id=offer.id, technician_id=karim.technician_id, at=clock.now(), by=karim.name
        )
    assert await status() == "open/acknowledged"
    assert (await caller.get(path)).json()["artisan"]["person"] == "Karim Benali"
    moved_clock.advance(minutes=20)
    async with runtime.database.tenant(eure.tenant) as session:
        await interventions.depart(session, case_id=case_id, at=clock.now(), by=karim.name)
    assert await status() == "open/planned"
    async with runtime.database.tenant(eure.tenant) as session:
        await interventions.hold_case(
            session,
            case_id=case_id,
            reason=interventions.HoldReason.OCCUPANT_ABSENT,
            note="",
            at=clock.now(),
            by=karim.name,
        )
    held = (await caller.get(path)).json()
    assert (held["status"], held["hold_reason"]) == ("hold/occupant_absent", "occupant_absent")
    for asked, count in (("hold/occupant_absent", 1), ("pending/replanned", 0), ("open/planned", 0)):
        listed = (await caller.get("/interventions", params={"status": asked})).json()["items"]
        assert len(listed) == count, asked
    async with runtime.database.tenant(eure.tenant) as session:
        await interventions.resume_case(session, case_id=case_id, at=clock.now(), by=karim.name)
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
    (quote,) = (await caller.get("/quotes?state=sent")).json()["items"]
    assert quote["gross_cents"] == quote["net_cents"] + quote["vat_cents"] > 0
    assert quote["within_spending_limit"] is (quote["gross_cents"] <= 30_000)
    assert (await caller.get(f"/quotes/{quote['id']}/document")).content.startswith(b"%PDF-")
    approve = f"/quotes/{quote['id']}/approve"
    agreement = {"document_sha256": quote["document_sha256"], "signed_by": "Claire Martin", "vat_certified": True}
    other = await caller.post(approve, {**agreement, "document_sha256": "0" * 64})
    assert (other.status_code, other.json()["code"]) == (409, "document_changed")
    signed = await caller.post(approve, agreement)
    assert signed.status_code == 200, signed.text
    assert (signed.json()["state"], signed.json()["signed_by"]) == ("signed", "Claire Martin")
    assert (await caller.post(f"/quotes/{quote['id']}/refuse", {})).status_code == 409
    async with runtime.database.tenant(eure.tenant) as session:
        view = await quotes.quote_view(session, quote_id=UUID(quote["id"]))
        assert view.signature_proof["client_id"] == "habitat-eure" and view.signature_proof["token_id"]
        assert (await quotes.work_authority(session, case_id=case_id)).allows_work, "approved: work may begin (R4)"
        await interventions.add_attachment(
            session,
            case_id=case_id,
            kind="after",
            filename="œil-de-bœuf.jpg",
            content=b"\xff\xd8\xff\xe0" + b"0" * 50,
            at=clock.now(),
            by=karim.name,
        )
        moved_clock.advance(minutes=50)
        authority = await quotes.work_authority(session, case_id=case_id)
        await interventions.finish_work(session, case_id=case_id, at=clock.now(), by=karim.name, authority=authority)
        note = await invoices.issue_note(session, cooperative=eure, case_id=case_id, by=karim.name)
    assert await status() == "closed/done"
    (photo,) = (await caller.get(f"{path}/documents")).json()["items"]
    content = await caller.get(f"{path}/documents/{photo['id']}/content")
    assert (content.headers["content-type"], len(content.content)) == ("image/jpeg", photo["size"])
    assert unquote(content.headers["content-disposition"]) == "inline; filename*=UTF-8''œil-de-bœuf.jpg"
    (invoice,) = (await caller.get(f"/invoices?case_id={case_id}")).json()["items"]
    assert invoice == (await caller.get(f"/invoices/{note.id}")).json()
    assert (invoice["kind"], invoice["due_cents"], invoice["gross_cents"]) == (
        "invoice", quote["gross_cents"], quote["gross_cents"],
    )  # fmt: skip
    assert (await caller.get(f"/invoices/{note.id}/document")).content.startswith(b"%PDF-")
    assert (await caller.get("/invoices?kind=credit_note")).json()["items"] == []
    codes = [line["code"] for line in (await caller.get(f"{path}/timeline?limit=200")).json()["items"]]
    wanted = ("acknowledged", "departed", "held", "resumed", "arrived", "quote_sent", "quote_signed", "finished")
    assert [code for code in codes if code in wanted] == list(wanted)


async def test_lists_of_cases_and_quotes_paginate(landlord: Any, crew: Any, moved_clock: MovableClock) -> None:
    caller, customer = landlord
    numbers = []
    for number in range(3):
        moved_clock.advance(minutes=1)
        asked = request_for(customer, reference=f"DI-{number}")
        numbers.append((await caller.post("/requests", asked)).json()["intervention"]["number"])
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await caller.get(f"/interventions?limit=2{f'&cursor={cursor}' if cursor else ''}")).json()
        found += [case["number"] for case in page["items"]]
        cursor = page["next"]
    assert found == numbers[::-1]
    (one,) = (await caller.get("/interventions?reference=DI-1")).json()["items"]
    assert one["number"] == numbers[1]
    since = one["requested_at"]
    late = (await caller.get("/interventions", params={"since": since})).json()["items"]
    early = (await caller.get("/interventions", params={"until": since})).json()["items"]
    assert ([case["number"] for case in late], [case["number"] for case in early]) == (numbers[:0:-1], numbers[:1])
    assert (await caller.get("/interventions?since=2027-03-01T08:00:00")).status_code == 422, "an instant has an offset"


# ---------------------------------------------------------------------------------------------------------------- reach


async def test_a_client_sees_its_customers_and_nobody_elses(
    runtime: Runtime, eure: CooperativeContext, crew: Any, landlord: Any, software: Any
) -> None:
    """Least privilege: a scope says what may be done, the cooperative says about whom (R73 in spirit)."""
    caller, customer = landlord
    case = (await caller.post("/requests", request_for(customer))).json()["intervention"]
    (site,) = (await caller.get(f"/customers/{customer}/sites")).json()["items"]
    other = software(eure, client="other-landlord", name="Autre bailleur")
    mine = (
        f"/customers/{customer}", f"/customers/{customer}/sites", f"/customers/{customer}/sites/{site['id']}",
        f"/interventions/{case['id']}", f"/interventions/{case['id']}/timeline",
        f"/interventions/{case['id']}/documents",
    )  # fmt: skip
    for path in mine:
        assert (await caller.get(path)).status_code == 200, path
        assert (await other.get(path)).status_code == 404, path
    for path in ("/customers", "/interventions", "/quotes", "/invoices"):
        assert (await other.get(path)).json()["items"] == [], path
    assert (await other.post("/requests", request_for(customer))).status_code == 422
    assert (await other.post(f"/interventions/{case['id']}/cancel", {"reason": "Non."})).status_code == 404
    assert (await other.post(f"/customers/{customer}/sites/import", {"rows": [DWELLING]})).status_code == 404
    assert (await other.patch(f"/customers/{customer}", {"name": "X"}, etag='"x"')).status_code == 404
    async with runtime.database.tenant(eure.tenant) as session:
        await partners.grant(
            session, client_id="other-landlord", name="Autre bailleur", customers=[UUID(customer)], by="Camille"
        )
    for path in mine:
        assert (await other.get(path)).status_code == 200, path
    async with runtime.database.tenant(eure.tenant) as session:
        await partners.grant(session, client_id="other-landlord", name="Autre bailleur", customers=[], by="Camille")
    assert (await other.get(mine[0])).status_code == 404
    async with runtime.database.tenant(eure.tenant) as session:
        await partners.grant(
            session, client_id="other-landlord", name="Autre bailleur", customers=[], everything=True, by="Camille"
        )
    assert [found["id"] for found in (await other.get("/customers")).json()["items"]] == [customer]


async def test_what_a_client_sees_is_said_from_the_command_line(
    runtime: Runtime, eure: CooperativeContext, landlord: Any, software: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, customer = landlord
    number = (await caller.get(f"/customers/{customer}")).json()["number"]
    other = software(eure, client="software-maker")
    monkeypatch.setenv("MAILLAGE_DATABASE__URL", runtime.owner_url)
    monkeypatch.setenv("MAILLAGE_DATABASE__APP_URL", runtime.database.url)

    async def told(*more: str) -> Any:
        said = ("partner", "grant", "--cooperative", "eure", "--client", "software-maker", "--name", "Logis 27")
        return await asyncio.to_thread(CliRunner().invoke, cli, [*said, *more])

    assert (await other.get(f"/customers/{customer}")).status_code == 404
    unknown = await told("--customer", "C-1999-000001")
    assert unknown.exit_code == 1 and "C-1999-000001" in unknown.output
    done = await told("--customer", number)
    assert done.exit_code == 0, done.output
    assert (await other.get(f"/customers/{customer}")).status_code == 200
    async with runtime.database.tenant(eure.tenant) as session:
        (entry,) = await audit.entries_about(session, subject_type="partner_client", subject_id="software-maker")
    assert entry.detail == {"everything": False, "customers": [customer]}
