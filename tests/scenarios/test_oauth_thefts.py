"""Codes, refresh tokens and addresses in the wrong hands: what a thief tries, and what is left to him."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from maillage_app.runtime import Runtime
from maillage_kit.api_access import InvalidToken
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_kit.testing.oauth_application import OAuthApplication, added_by, refused
from maillage_platform import identity, oauth
from maillage_platform.identity.models import Account, Membership, WebSession
from maillage_platform.oauth.models import Consent
from maillage_platform.provisioning import owner_connection

AUDIENCE = "http://localhost:8027/api/v1/cooperatives/eure"


async def allowed(office: Any, habitat: OAuthApplication) -> str:
    """Somebody of the office says yes; the code that comes back."""
    return habitat.comes_back(await office.post(habitat.way_in(), {"decision": "allow"}))["code"]


async def chain(office: Any, habitat: OAuthApplication) -> dict[str, Any]:
    """The first tokens of a consent."""
    answer = await habitat.exchanges(await allowed(office, habitat))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def is_dead(runtime: Runtime, habitat: OAuthApplication, token: str) -> bool:
    """Refused by the verifier and said to be worth nothing."""
    fresh = oauth.Verifier(runtime.database, runtime.settings)
    with pytest.raises(InvalidToken):
        await fresh.verify(token, audience=AUDIENCE)
    return bool((await habitat.asks("/oauth/introspect", token=token)).json() == {"active": False})


async def audited(runtime: Runtime, cooperative: CooperativeContext) -> list[tuple[str, str, dict[str, Any]]]:
    """(who, what, detail) of each entry about applications."""
    async with runtime.database.tenant(cooperative.tenant) as session:
        rows = await session.execute(
            sa.text("select actor, action, detail from audit_entry where action like 'oauth.%' order by id")
        )
        return [(actor, action, detail) for actor, action, detail in rows]


# --- codes and refresh tokens ------------------------------------


async def test_a_refresh_token_used_twice_ends_the_whole_chain(
    runtime: Runtime, eure, office, habitat: OAuthApplication
) -> None:
    """Whoever of the two is the thief, neither goes on (RFC 9700, section 4.14.2)."""
    first = await chain(office, habitat)
    second = (await habitat.refreshes(first["refresh_token"])).json()
    assert (await runtime.tokens.verify(second["access_token"], audience=AUDIENCE)).client_id == habitat.client_id
    refused(await habitat.refreshes(first["refresh_token"]), "invalid_grant")
    refused(await habitat.refreshes(second["refresh_token"]), "invalid_grant")
    for each in (first, second):
        assert await is_dead(runtime, habitat, each["access_token"])
    acts = await audited(runtime, eure)
    assert [(who, what) for who, what, _ in acts[:2]] == [
        ("Camille Test", "oauth.add_client"),
        ("Camille Test", "oauth.consent"),
    ]
    assert acts[1][2]["scopes"] == ["requests:write", "interventions:read"]
    who, what, detail = acts[-1]
    assert (who, what, detail["why"]) == ("Habitat 27", "oauth.theft_seen", "refresh_reused")
    assert (await chain(office, habitat))["access_token"]  # another consent is another chain


async def test_a_code_used_twice_ends_what_came_from_it(
    runtime: Runtime, eure, office, habitat: OAuthApplication
) -> None:
    code = await allowed(office, habitat)
    told = (await habitat.exchanges(code)).json()
    refused(await habitat.exchanges(code), "invalid_grant")
    assert await is_dead(runtime, habitat, told["access_token"])
    refused(await habitat.refreshes(told["refresh_token"]), "invalid_grant")
    assert (await audited(runtime, eure))[-1][2]["why"] == "code_replayed"


async def test_a_thief_is_shut_out_even_when_nobody_can_write_it_down(
    runtime: Runtime, eure, office, habitat: OAuthApplication
) -> None:
    """Any other act without its line in the audit log is not done at all."""
    first = await chain(office, habitat)
    second = (await habitat.refreshes(first["refresh_token"])).json()
    with owner_connection(runtime.owner_url) as connection:
        connection.execute(sa.text(f"alter table {eure.tenant.schema}.audit_entry rename to audit_elsewhere"))
    refused(await habitat.refreshes(first["refresh_token"]), "invalid_grant")
    assert await is_dead(runtime, habitat, second["access_token"])
    assert (await office.post(f"/c/eure/settings/api-clients/{habitat.client_id}/revoke")).status_code == 500
    assert (await habitat.token()).status_code == 200
    assert (await office.post(habitat.way_in(), {"decision": "allow"})).status_code == 500
    async with runtime.database.platform() as session:
        assert len((await session.scalars(sa.select(Consent))).all()) == 1


async def test_two_at_once_with_the_same_code_or_token(runtime: Runtime, office, habitat: OAuthApplication) -> None:
    code = await allowed(office, habitat)
    answers = await asyncio.gather(*(habitat.exchanges(code) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    assert await is_dead(runtime, habitat, won["access_token"])

    told = await chain(office, habitat)
    answers = await asyncio.gather(*(habitat.refreshes(told["refresh_token"]) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    refused(await habitat.refreshes(won["refresh_token"]), "invalid_grant")


async def test_another_application_can_neither_use_nor_burn_them(
    runtime: Runtime, office, visitor, habitat: OAuthApplication
) -> None:
    thief = await added_by(office, visitor.client, name="Voleur")
    code = await allowed(office, habitat)
    thief.verifier = habitat.verifier
    refused(await thief.exchanges(code), "invalid_grant")
    told = (await habitat.exchanges(code)).json()
    refused(await thief.exchanges(code), "invalid_grant")
    refused(await thief.refreshes(told["refresh_token"]), "invalid_grant")
    refused(await thief.asks("/oauth/revoke", token=told["refresh_token"]), "invalid_grant")
    after = await habitat.refreshes(told["refresh_token"])
    assert after.status_code == 200
    refused(await thief.refreshes(told["refresh_token"]), "invalid_grant")
    assert (await habitat.refreshes(after.json()["refresh_token"])).status_code == 200


async def test_a_code_lives_a_minute(office, habitat: OAuthApplication, moved_clock: MovableClock) -> None:
    code = await allowed(office, habitat)
    moved_clock.advance(seconds=60)
    refused(await habitat.exchanges(code), "invalid_grant")


async def test_a_wrong_verifier(office, habitat: OAuthApplication) -> None:
    """A stolen code is worth nothing to whoever did not ask for it (RFC 7636)."""
    code = await allowed(office, habitat)
    for verifier in ("x" * 43, "x" * 42, "x" * 200, "é" * 50, ""):
        answer = await habitat.exchanges(code, code_verifier=verifier)
        assert answer.status_code == 400, verifier
        assert answer.json()["error"] in ("invalid_grant", "invalid_request"), verifier
    assert (await habitat.exchanges(code)).status_code == 200  # and is still worth it to the one who did


async def test_no_code_without_a_challenge(office, habitat: OAuthApplication) -> None:
    tampered: tuple[dict[str, str | None], ...] = (
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
    )
    for changes in tampered:
        way = habitat.way_in(**changes)
        for answer in (await office.get(way), await office.post(way, {"decision": "allow"})):
            brought = habitat.comes_back(answer)
            assert (brought["error"], brought["iss"]) == ("invalid_request", "http://localhost:8027"), changes
            assert (brought["state"], "code" in brought) == (habitat.state, False)


WRONG_ADDRESSES = (
    "https://voleur.example/retour",
    "https://partenaire.example/retour/",
    "https://partenaire.example/retour?x=1",
    "https://partenaire.example/retour#x",
    "https://partenaire.example/retour/../vol",
    "https://partenaire.example@voleur.example/retour",
    "https://partenaire.example.voleur.example/retour",
    "https://PARTENAIRE.example/retour",
    "http://partenaire.example/retour",
    "javascript:alert(1)",
    "//voleur.example",
    'https://partenaire.example/"retour',
    "https://partenaire.example/é",
    "",
    None,
)


async def test_a_wrong_return_address_leads_nowhere(office, visitor, habitat: OAuthApplication) -> None:
    """Not even with an error (RFC 6749, section 4.1.2.1): the browser stays with us."""
    for address in WRONG_ADDRESSES:
        way = habitat.way_in(redirect_uri=address)
        for answer in (await office.get(way), await visitor.get(way), await office.post(way, {"decision": "allow"})):
            assert answer.status_code == 400, address
            assert "location" not in answer.headers, address
            assert "Cette demande ne peut pas être suivie" in answer.text


async def test_an_unknown_application_leads_nowhere(office, habitat: OAuthApplication) -> None:
    for client_id in (str(UUID(int=7)), "x", "' or 1=1", "", None):
        answer = await office.get(habitat.way_in(client_id=client_id))
        assert (answer.status_code, "location" in answer.headers) == (400, False), client_id
    twice = await office.get(f"{habitat.way_in()}&redirect_uri=https://voleur.example/retour")
    assert (twice.status_code, "location" in twice.headers) == (400, False)


async def test_what_else_is_wrong_goes_back_to_the_application(office, habitat: OAuthApplication) -> None:
    for changes, error in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "customers:read"}, "invalid_scope"),
        ({"scope": "requests:write unknown"}, "invalid_scope"),
        ({"resource": AUDIENCE.replace("eure", "seine-maritime")}, "invalid_target"),
    ):
        brought = habitat.comes_back(await office.get(habitat.way_in(**changes)))
        assert (brought["error"], brought["iss"], brought["state"]) == (error, "http://localhost:8027", habitat.state)


# --- people who leave --------------------------------------------


@pytest.mark.parametrize("how", ["leaves", "closed", "office", "cooperative"])
async def test_a_consent_ends_with_what_it_stands_on(
    runtime: Runtime, eure, sign_in, habitat: OAuthApplication, office, how: str, moved_clock: MovableClock
) -> None:
    """Somebody who may no longer do a thing has lent it to nobody."""
    person = await sign_in(Role.MANAGER, eure)
    told = await chain(person, habitat)
    async with runtime.database.platform() as session:
        (consent,) = (await session.scalars(sa.select(Consent))).all()
        if how == "leaves":
            held = sa.select(Membership.id).where(Membership.account_id == consent.account_id)
            await session.execute(sa.delete(WebSession).where(WebSession.membership_id.in_(held)))
            await session.execute(sa.delete(Membership).where(Membership.account_id == consent.account_id))
        elif how == "closed":
            account = await session.get_one(Account, consent.account_id)
            account.disabled_at = consent.created_at
        elif how == "cooperative":
            await session.execute(sa.text("update platform.cooperative set state = 'suspended' where slug = 'eure'"))
    if how == "office":
        page = await office.get(f"/c/eure/settings/api-clients/{habitat.client_id}")
        assert "Camille Test" in page.text
        taken = {"consent": str(consent.id)}
        address = f"/c/eure/settings/api-clients/{habitat.client_id}/consents"
        assert (await office.post(address, taken)).status_code == 303
        assert (await office.post(address, taken)).status_code == 404
        assert (await audited(runtime, eure))[-1][1] == "oauth.withdraw_consent"
    if how == "leaves":  # and comes back: what they had lent stays with them
        moved_clock.advance(minutes=1)
        async with runtime.database.platform() as session:
            account = await session.get_one(Account, consent.account_id)
            await identity.add_membership(session, account=account, role=Role.MANAGER, cooperative_id=eure.id)
    with pytest.raises(InvalidToken):
        await runtime.tokens.verify(told["access_token"], audience=AUDIENCE)
    answer = await habitat.refreshes(told["refresh_token"])
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] in ("invalid_grant", "invalid_client")


async def test_a_permission_taken_away_is_lost_at_once(runtime: Runtime, office, habitat: OAuthApplication) -> None:
    told = await chain(office, habitat)
    form = {
        "name": "Habitat 27",
        "grants": ["authorization_code", "refresh_token"],
        "redirect_uris": habitat.redirect_uri,
        "scopes": ["interventions:read"],
    }
    assert (await office.post(f"/c/eure/settings/api-clients/{habitat.client_id}", form)).status_code == 303
    caller = await runtime.tokens.verify(told["access_token"], audience=AUDIENCE)
    assert caller.scopes == {"interventions:read"}
    assert (await habitat.refreshes(told["refresh_token"])).json()["scope"] == "interventions:read"
    refused(await habitat.token(), "unauthorized_client")
