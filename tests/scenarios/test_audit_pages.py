"""The audit log as a manager and an auditor meet it: what is written there, found, verified, taken out."""

import csv
import io
import re
import subprocess
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_platform import identity
from maillage_platform.identity.models import Account
from maillage_platform.provisioning import owner_connection
from maillage_tenants import audit
from maillage_tenants.audit import labels, queries
from maillage_tenants.audit.queries import Search
from maillage_tenants.customers.models import Customer, Site

LOG = "/c/eure/audit"


async def written(runtime: Runtime, eure: CooperativeContext, *actions: str) -> list[audit.AuditRow]:
    async with runtime.database.tenant(eure.tenant) as session:
        return list(await queries.all_entries(session, search=Search(actions=actions), limit=1000))


async def test_sign_ins_and_role_changes_are_written(
    runtime: Runtime, eure: CooperativeContext, sign_in, visitor
) -> None:
    manager = await sign_in(Role.MANAGER, eure)
    people = "/c/eure/settings/people"
    await manager.post(people, {"name": "Ana Ruiz", "email": "ana@eure.example", "role": "dispatcher"})
    async with runtime.database.platform() as session:
        account = (await session.scalars(sa.select(Account).where(Account.email == "ana@eure.example"))).one()
        token = await identity.make_link(session, account=account)
    assert (await visitor.post(f"/signin/{token}")).status_code == 303
    shown = (await manager.get(people)).text
    hat = re.search(r"Retirer l’accès d’Ana Ruiz.*", shown, re.S)
    assert hat is not None
    membership = re.search(r'name="membership" value="([0-9a-f-]{36})"[^>]*>(?:(?!<tr).)*Rôle d’Ana Ruiz', shown, re.S)
    assert membership
    chosen = {"membership": membership[1], "role": "auditor"}
    assert (await manager.post(f"{people}/role", chosen)).status_code == 303
    assert (await manager.post(f"{people}/reset", {"membership": membership[1]})).status_code == 303
    assert (await manager.post(f"{people}/remove", {"membership": membership[1]})).status_code == 303
    entries = [(row.action, row.actor) for row in await written(runtime, eure, "identity.")]
    assert entries == [
        ("identity.invited", "Camille Test"),
        ("identity.signed_in", "Ana Ruiz"),
        ("identity.role_changed", "Camille Test"),
        ("identity.keys_reset", "Camille Test"),
        ("identity.access_taken_back", "Camille Test"),
    ]
    changed = (await written(runtime, eure, "identity.role_changed"))[0]
    assert (changed.detail["before"], changed.detail["person"]) == ("Permanence", "Ana Ruiz")


async def test_a_sign_in_that_cannot_be_written_does_not_happen(
    runtime: Runtime, eure: CooperativeContext, visitor
) -> None:
    async with runtime.database.platform() as session:
        account = await identity.add_account(session, email="ana@eure.example", display_name="Ana")
        await identity.add_membership(session, account=account, role=Role.MANAGER, cooperative_id=eure.id)
        token = await identity.make_link(session, account=account)
    with owner_connection(runtime.owner_url) as connection:
        connection.execute(sa.text(f"alter table {eure.tenant.schema}.audit_entry rename to elsewhere"))
    assert (await visitor.post(f"/signin/{token}")).status_code == 500
    with owner_connection(runtime.owner_url) as connection:
        connection.execute(sa.text(f"alter table {eure.tenant.schema}.elsewhere rename to audit_entry"))
    assert (await visitor.post(f"/signin/{token}")).status_code == 303  # the link is still good


async def test_reading_an_access_code_is_written_and_found(
    runtime: Runtime, eure: CooperativeContext, sign_in, moved_clock: MovableClock
) -> None:
    """R72: who read the code, when, why; found by kind, by person, by day of Paris."""
    async with runtime.database.tenant(eure.tenant) as session:
        customer = Customer(
            number="C-1", kind="person", consumer_status="consumer", name="Madame Lefèvre", billing_address="3 rue",
            billing_postcode="27500", billing_city="Pont-Audemer", sort_name="lefevre", search="lefevre",
        )  # fmt: skip
        session.add(customer)
        await session.flush()
        site = Site(
            customer_id=customer.id, label="Domicile", address="3 rue", insee="27467", postcode="27500",
            premises_use="dwelling", over_two_years=True, access_notes=runtime.cipher.encrypt("Digicode 4B27"),
        )  # fmt: skip
        session.add(site)
        await session.flush()
        address = f"/c/eure/customers/{customer.id}/sites/{site.id}/access-notes"
    dispatcher, auditor = await sign_in(Role.DISPATCHER, eure), await sign_in(Role.AUDITOR, eure)
    assert "4B27" in (await dispatcher.post(address, {"why": "appel du client"})).text
    assert (await auditor.post(address, {"why": "curiosité"})).status_code == 403
    moved_clock.advance(days=1)
    async with runtime.database.tenant(eure.tenant) as session:
        await audit.record(session, actor="Zoé", action="tariffs.publish", subject_type="tariff", subject_id=1)
    everything = (await auditor.get(LOG)).text
    assert "Code d’accès lu" in everything
    assert "Tarif publié" in everything
    assert "4B27" not in everything
    for query, found in (
        ("kind=access_codes", True), ("kind=people", False), ("person=camille", True), ("person=zo", False),
        ("from=2027-03-01&to=2027-03-01", True), ("from=2027-03-02", False), ("to=2027-02-28", False),
    ):  # fmt: skip
        assert ("Code d’accès lu" in _rows((await auditor.get(f"{LOG}?{query}")).text)) is found, query
    wrong = await auditor.get(f"{LOG}?from=hier")
    assert (wrong.status_code, "Écrivez une date" in wrong.text) == (422, True)


def _rows(text: str) -> str:
    found = re.search(r"<tbody>.*</tbody>", text, re.S)
    return found[0] if found else ""


async def test_the_log_is_paginated_exported_and_verified(runtime: Runtime, eure: CooperativeContext, sign_in) -> None:
    async with runtime.database.tenant(eure.tenant) as session:
        for number in range(5):
            await audit.record(
                session, actor=f"Personne {number}", action="rota.published", subject_type="rota", subject_id=number
            )
    auditor = await sign_in(Role.AUDITOR, eure)
    seen: list[str] = []
    address: str | None = f"{LOG}?kind=rota&limit=2"
    while address:
        text = (await auditor.get(address)).text
        seen += re.findall(r"Personne \d", text)
        following = re.search(r'href="([^"]*after=[^"]+)"', text)
        address = following[1].replace("&amp;", "&") if following else None
    assert seen == [f"Personne {number}" for number in (4, 3, 2, 1, 0)]
    assert (await auditor.get(f"{LOG}?after=WyJ4Il0")).status_code == 422
    taken = await auditor.get(f"{LOG}/csv?kind=rota")
    rows = list(csv.reader(io.StringIO(taken.content.decode("utf-8-sig")), delimiter=";"))
    assert [row[2] for row in rows[1:]] == [f"Personne {number}" for number in range(5)]
    exported = (await written(runtime, eure, "audit.exported"))[-1]
    assert (exported.actor, exported.detail) == ("Camille Test", {"entries": 5, "kind": "rota"})
    assert "Le journal est entier" in (await auditor.get(f"{LOG}/check")).text
    for role in (Role.DISPATCHER, Role.ACCOUNTANT):
        refused = await sign_in(role, eure)
        assert [(await refused.get(f"{LOG}{rest}")).status_code for rest in ("", "/csv", "/check")] == [403] * 3


def test_every_act_has_its_words() -> None:
    """No code is ever shown: what the domains write is named in the page's words, and belongs to a kind."""
    root = Path(__file__).resolve().parents[2]
    files = subprocess.run(
        ["git", "ls-files", "*/src/*.py"], cwd=root, capture_output=True, check=True, text=True
    ).stdout.split()
    found: set[Any] = set()
    for name in files:
        source = (root / name).read_text(encoding="utf-8")
        if "maillage_tenants" in name or "maillage_platform" in name or "maillage_app" in name:
            found |= set(re.findall(r'action="([a-z_]+\.[a-z_]+)"', source))
    assert len(found) > 40
    assert found - set(labels.ACTIONS) == set()
    for action in found:
        assert any(
            action == name or (name.endswith(".") and action.startswith(name))
            for kind in labels.KINDS
            for name in kind.actions
        ), action
