"""The office says on a page which customers an application sees; each change is written."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest

from maillage_app.runtime import Runtime
from maillage_kit.context import CooperativeContext
from maillage_tenants import customers, partners
from maillage_tenants.audit import labels
from maillage_tenants.audit import queries as audit_queries
from maillage_tenants.audit.queries import Search
from maillage_tenants.customers import ConsumerStatus, CustomerFacts, CustomerKind


@pytest.fixture
async def organisations(runtime: Runtime, eure: CooperativeContext) -> dict[str, UUID]:
    """Three customers by name."""
    made = {}
    async with runtime.database.tenant(eure.tenant) as session:
        for name in ("Habitat de l’Eure", "Logis de Bernay", "Syndic du Vexin"):
            facts = CustomerFacts(
                kind=CustomerKind.ORGANISATION,
                consumer_status=ConsumerStatus.PROFESSIONAL,
                name=name,
                billing_address="10 boulevard Georges-Chauvin",
                billing_postcode="27000",
                billing_city="Évreux",
            )
            made[name] = (await customers.register_customer(session, facts=facts, by="Camille")).id
    return made


async def reached(runtime: Runtime, eure: CooperativeContext, client_id: str) -> tuple[bool, set[UUID]]:
    async with runtime.database.tenant(eure.tenant) as session:
        reach = await partners.reach_of(session, client_id=client_id)
    return reach.everything, set(reach.customers)


async def test_customers_are_added_found_and_removed(
    runtime: Runtime, eure: CooperativeContext, office: Any, habitat: Any, organisations: dict[str, UUID]
) -> None:
    page = f"/c/eure/settings/api-clients/{habitat.client_id}/customers"
    assert f'href="{page}"' in (await office.get(page.removesuffix("/customers"))).text
    assert "Aucun client dans sa liste" in (await office.get(page)).text
    found = (await office.get(f"{page}?q=bernay")).text
    assert re.findall(r'name="customer" value="([0-9a-f-]+)"', found) == [str(organisations["Logis de Bernay"])]
    for name in ("Logis de Bernay", "Habitat de l’Eure", "Logis de Bernay"):  # twice is once
        assert (await office.post(page, {"customer": str(organisations[name])})).status_code == 303
    assert "Dans la liste" in (await office.get(f"{page}?q=bernay")).text
    given = {organisations["Habitat de l’Eure"], organisations["Logis de Bernay"]}
    assert await reached(runtime, eure, habitat.client_id) == (False, given)
    first = (await office.get(f"{page}?limit=1")).text
    assert "Habitat de l’Eure" in first and "Logis de Bernay" not in first and 'rel="next"' in first
    assert (await office.post(page, {"customer": str(uuid4())})).status_code == 404
    away = {"customer": str(organisations["Logis de Bernay"])}
    assert (await office.post(f"{page}/remove", away)).status_code == 303
    assert (await office.post(f"{page}/remove", away)).status_code == 404
    for everything in ("1", "1", ""):
        assert (await office.post(f"{page}/everything", {"everything": everything})).status_code == 303
        assert (await reached(runtime, eure, habitat.client_id))[0] is bool(everything)
    assert await reached(runtime, eure, habitat.client_id) == (False, {organisations["Habitat de l’Eure"]})
    async with runtime.database.tenant(eure.tenant) as session:
        rows = list(await audit_queries.all_entries(session, search=Search(actions=("partners.",)), limit=100))
    assert [(labels.words_of(row.action), labels.detail_words(row.detail)) for row in rows] == [
        ("Client montré à une application", "client : Logis de Bernay, application : Habitat 27"),
        ("Client montré à une application", "client : Habitat de l’Eure, application : Habitat 27"),
        ("Client caché à une application", "client : Logis de Bernay, application : Habitat 27"),
        ("Tous les clients montrés à une application", "application : Habitat 27"),
        ("Application ramenée à ses seuls clients", "application : Habitat 27"),
    ]


async def test_a_revoked_application_is_shown_nobody_more(
    runtime: Runtime, eure: CooperativeContext, office: Any, habitat: Any, organisations: dict[str, UUID]
) -> None:
    page = f"/c/eure/settings/api-clients/{habitat.client_id}"
    await office.post(f"{page}/revoke")
    chosen = {"customer": str(organisations["Syndic du Vexin"])}
    assert (await office.post(f"{page}/customers", chosen)).status_code == 409
    assert (await office.post(f"{page}/customers/everything", {"everything": "1"})).status_code == 409
    assert await reached(runtime, eure, habitat.client_id) == (False, set())
