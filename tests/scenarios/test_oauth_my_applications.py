"""A person sees which applications act for them, and takes one back: everything that came from it ends."""

import re
from typing import Any

from maillage_app.runtime import Runtime
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_kit.testing.oauth_application import OAuthApplication
from maillage_platform.identity import sessions
from maillage_platform.identity.models import IdentityProvider, Membership, WebSession
from maillage_tenants.audit import queries as audit_queries
from maillage_tenants.audit.queries import Search

MINE = "/account/applications"


async def test_a_person_takes_back_what_they_allowed(
    runtime: Runtime, eure: CooperativeContext, office: Any, habitat: OAuthApplication, sign_in: Any
) -> None:
    assert "Aucune application n’agit pour vous" in (await office.get(MINE)).text
    brought = habitat.comes_back(await office.post(habitat.way_in(scope="interventions:read"), {"decision": "allow"}))
    told = (await habitat.exchanges(brought["code"])).json()
    page = (await office.get(MINE)).text
    assert "Habitat 27" in page and "Suivre les interventions" in page and "Dépannage Eure" in page
    assert "data-confirm" in page, "asks first"
    consent = re.search(r'name="consent" value="([0-9a-f-]{36})"', page)
    assert consent
    sent = {"consent": consent[1]}
    colleague = await sign_in(Role.MANAGER, eure)
    assert "Habitat 27" not in (await colleague.get(MINE)).text
    assert (await colleague.post(f"{MINE}/revoke", sent)).status_code == 404, "another's is not there"
    assert (await habitat.refreshes(told["refresh_token"])).status_code == 200
    assert (await office.post(f"{MINE}/revoke", sent)).status_code == 303
    assert (await office.post(f"{MINE}/revoke", sent)).status_code == 404
    assert "Aucune application n’agit pour vous" in (await office.get(MINE)).text
    late = await habitat.refreshes(told["refresh_token"])
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant"), "the whole family ended"
    async with runtime.database.tenant(eure.tenant) as session:
        (row,) = await audit_queries.all_entries(session, search=Search(actions=("oauth.withdraw_consent",)), limit=9)
    assert (row.actor, row.subject_id) == ("Camille Test", habitat.client_id)


async def test_a_session_that_a_provider_opened_sees_its_own_cooperative_only(
    runtime: Runtime,
    eure: CooperativeContext,
    seine_maritime: CooperativeContext,
    office: Any,
    habitat: OAuthApplication,
) -> None:
    """ADR 0013: what a cooperative's provider says reaches nothing of the same person elsewhere."""
    habitat.comes_back(await office.post(habitat.way_in(scope="interventions:read"), {"decision": "allow"}))
    consent = re.search(r'name="consent" value="([0-9a-f-]{36})"', (await office.get(MINE)).text)
    assert consent
    async with runtime.database.platform() as session:
        current = await sessions.live_session(session, token=office.client.cookies["maillage_session"])
        assert isinstance(current, WebSession)
        provider = IdentityProvider(
            cooperative_id=seine_maritime.id,
            name="Annuaire",
            issuer="https://annuaire.example",
            client_id="maillage",
            allowed_domains=[],
            changed_at=current.created_at,
            changed_by="Camille",
        )
        there = Membership(account_id=current.account_id, role=Role.MANAGER, cooperative_id=seine_maritime.id)
        session.add_all([provider, there])
        await session.flush()
        current.provider_id, current.membership_id = provider.id, there.id
    assert "Habitat 27" not in (await office.get(MINE)).text
    assert (await office.post(f"{MINE}/revoke", {"consent": consent[1]})).status_code == 404


async def test_a_role_given_back_lends_nothing_that_was_lent_before(
    runtime: Runtime,
    eure: CooperativeContext,
    office: Any,
    habitat: OAuthApplication,
    sign_in: Any,
    moved_clock: MovableClock,
) -> None:
    """Who changed roles and changed back has not sat in the office ever since: the application asks them again."""
    brought = habitat.comes_back(await office.post(habitat.way_in(scope="interventions:read"), {"decision": "allow"}))
    token = (await habitat.exchanges(brought["code"])).json()["refresh_token"]
    async with runtime.database.platform() as session:
        current = await sessions.live_session(session, token=office.client.cookies["maillage_session"])
        assert isinstance(current, WebSession)
        hat = current.membership_id
    colleague = await sign_in(Role.MANAGER, eure)
    for role in ("accountant", "manager"):
        moved_clock.advance(minutes=1)
        sent = {"membership": str(hat), "role": role}
        assert (await colleague.post("/c/eure/settings/people/role", sent)).status_code == 303
    late = await habitat.refreshes(token)
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")
