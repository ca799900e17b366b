"""The office's pages on plans and contracts: insurance is refused on the screen too (R28)."""

import re
from datetime import date

from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_tenants import subscriptions

PLAN = {
    "name": "Commerce",
    "code": "commerce",
    "description": "Un délai court pour les vitrines ; chaque intervention est facturée.",
    "trades": ["glazing", "locksmith"],
    "yearly_price": "1 128,50",
    "vat": "20",
    "legal_nature": "service",
    "accept_minutes": "10",
    "arrive_minutes_urban": "60",
}
ANA = {
    "kind": "person",
    "consumer_status": "consumer",
    "name": "Ana Lefèvre",
    "phone": "06 12 34 56 78",
    "billing_address": "4 quai Robert Leblanc",
    "billing_postcode": "27500",
    "billing_city": "Pont-Audemer",
}
HOUSE = {"address": "4 quai X", "postcode": "27500", "insee": "27467", "premises_use": "dwelling", "over_two_years": ""}


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, pattern
    return match[1]


async def _create(office, plan=PLAN) -> str:
    answer = await office.post("/c/eure/plans", plan)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def test_plans_are_listed_written_published_and_withdrawn(eure: CooperativeContext, sign_in) -> None:
    office = await sign_in(Role.MANAGER, eure)
    listed = (await office.get("/c/eure/plans")).text
    for words in ("Essentiel", "Sérénité", "Bailleur", "72,00", "Proposée", "2\u00a0h\u00a000"):
        assert words in listed, words
    assert (await office.get("/c/eure/plans/new")).status_code == 200
    path = await _create(office)
    shown = (await office.get(path)).text
    for words in ("Commerce", "Brouillon", "1\u202f354,20\u00a0€", "1\u202f128,50\u00a0€", "Publier"):
        assert words in shown, words
    edit = (await office.get(f"{path}/edit")).text
    assert 'value="1128,50"' in edit
    assert (await office.post(f"{path}/edit", {**PLAN, "name": "Commerces"})).status_code == 303
    assert (await office.post(f"{path}/publish")).status_code == 303
    shown = (await office.get(path)).text
    assert "Proposée" in shown
    assert "Modifier" not in shown
    assert (await office.post(f"{path}/edit", PLAN)).status_code == 409
    assert (await office.post(f"{path}/withdraw")).status_code == 303
    assert "Retirée" in (await office.get(path)).text


async def test_a_plan_that_looks_like_insurance_waits_for_an_opinion(eure: CooperativeContext, sign_in) -> None:
    """L.13."""
    office = await sign_in(Role.MANAGER, eure)
    path = await _create(office, {**PLAN, "included_interventions": "3", "covers_parts": "1"})
    shown = (await office.get(path)).text
    assert "À valider juridiquement" in shown
    assert "3 interventions comprises dans le prix" in shown
    assert "/publish" not in shown
    refused = await office.post(f"{path}/publish")
    assert refused.status_code == 409
    assert "ne peut pas être publiée sans avis juridique" in refused.text
    short = await office.post(f"{path}/opinion", {"legal_opinion": "ok"})
    assert short.status_code == 422
    opinion = {"legal_opinion": "Avis de Me Morel du 12 février 2027, réf. M-27/14"}
    assert (await office.post(f"{path}/opinion", opinion)).status_code == 303
    assert (await office.post(f"{path}/publish")).status_code == 303


async def test_words_and_numbers_that_cannot_be_are_refused_beside_what_was_typed(
    eure: CooperativeContext, sign_in
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    for change, words in (
        ({"description": "Sans franchise."}, "« franchise »"),
        ({"yearly_price": "cher"}, "Écrivez un montant"),
        ({"yearly_price": ""}, "supérieur à zéro"),
        ({"vat": "200"}, "Écrivez un taux"),
        ({"accept_minutes": "dix"}, "Écrivez un nombre entier."),
        ({"trades": []}, "au moins un métier"),
        ({"legal_nature": "x"}, "Choisissez la nature"),
        ({"cost_cap": "-1"}, "Écrivez un montant"),
    ):
        answer = await office.post("/c/eure/plans", {**PLAN, **change})
        assert answer.status_code == 422, change
        assert words in answer.text, change
        assert 'value="Commerce"' in answer.text


async def test_a_customer_is_subscribed_and_the_contract_ended(
    runtime: Runtime, eure: CooperativeContext, sign_in
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    created = await office.post("/c/eure/customers", ANA)
    path = created.headers["location"].removesuffix("/sites/new")
    assert "Ce client n’a pas de lieu" in (await office.get(f"{path}/subscriptions/new")).text
    await office.post(f"{path}/sites", HOUSE)
    form = (await office.get(f"{path}/subscriptions/new")).text
    plan_id = _found(r'name="plan_id" value="([0-9a-f-]{36})"[^<]*<span>Sérénité', form)
    site_id = _found(r'name="site_ids" value="([0-9a-f-]{36})" checked', form)  # the only place is chosen
    sent = {
        "plan_id": plan_id, "site_ids": [site_id], "channel": "distance_phone", "signed_on": "2027-03-01",
        "starts_on": "2027-03-01", "ends_on": "",
    }  # fmt: skip
    wrong = {"plan_id": "", "site_ids": "x", "channel": "", "starts_on": "hier", "signed_on": "2027-03-02"}
    for name, value in wrong.items():
        answer = await office.post(f"{path}/subscriptions", {**sent, name: value})
        assert answer.status_code == 422, name
    assert (await office.post(f"{path}/subscriptions", sent)).status_code == 303
    shown = (await office.get(path)).text
    for words in ("S-2027-000001", "Sérénité", "En cours", "29 février 2028"):
        assert words in shown, words
    end = _found(r'href="([^"]+/subscriptions/[0-9a-f-]{36}/end)"', shown)
    assert (await office.get(end)).status_code == 200
    assert (await office.post(end, {"on": "2026-01-01"})).status_code == 422
    assert (await office.post(end, {"on": ""})).status_code == 422
    assert (await office.post(end, {"on": "2027-03-01"})).status_code == 303
    assert "1 mars 2027" in (await office.get(path)).text


async def test_the_other_cooperative_sees_and_changes_nothing(
    runtime: Runtime, eure: CooperativeContext, seine_maritime: CooperativeContext, sign_in
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    path = await _create(office)
    stranger = await sign_in(Role.MANAGER, seine_maritime)
    for slug in ("eure", "seine-maritime"):
        there = path.replace("/c/eure/", f"/c/{slug}/")
        for step in ("", "/edit"):
            assert (await stranger.get(there + step)).status_code == 404
        for step in ("/edit", "/opinion", "/publish", "/withdraw"):
            sent = {**PLAN, "legal_opinion": "x" * 30}
            assert (await stranger.post(there + step, sent)).status_code == 404, step
    async with runtime.database.tenant(eure.tenant) as session:
        plans = await subscriptions.list_plans(session, on=date(2027, 3, 1))
    assert next(plan for plan in plans if plan.facts.code == "commerce").state is subscriptions.PlanState.DRAFT
