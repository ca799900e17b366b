"""The office keeps the applications of its partners; its people allow them, or are asked to sign in first."""

import json
import re
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from joserfc.jwk import ECKey, OctKey, RSAKey

from maillage_app.app import build_app
from maillage_app.runtime import Runtime
from maillage_kit.api_access import Scope
from maillage_kit.clock import MovableClock
from maillage_kit.permissions import Role
from maillage_kit.settings import SignInSettings
from maillage_kit.testing.oauth_application import OAuthApplication, shown
from maillage_platform import identity, oauth
from maillage_platform.identity.models import RateLimit
from maillage_platform.oauth.models import ApiClient, AuthorizationCode, Consent, RefreshToken, UsedAssertion
from maillage_platform.oauth.routes_protocol import PER_ADDRESS

PAGE = "/c/eure/settings/api-clients"


def jwks(*keys: Any, private: bool = False) -> str:
    return json.dumps({"keys": [key.as_dict(private=private) for key in keys]})


async def test_a_secret_is_shown_once_and_never_stored(runtime: Runtime, office, habitat: OAuthApplication) -> None:
    async with runtime.database.platform() as session:
        (row,) = (await session.scalars(sa.select(ApiClient))).all()
    assert habitat.secret
    assert habitat.secret not in str(vars(row))
    for page in (PAGE, f"{PAGE}/{habitat.client_id}"):
        seen = await office.get(page)
        assert (seen.status_code, "Habitat 27" in seen.text, habitat.secret in seen.text) == (200, True, False)


async def test_a_new_secret_leaves_a_day_to_the_former_unless_it_was_stolen(
    runtime: Runtime, eure, office, habitat: OAuthApplication, moved_clock: MovableClock
) -> None:
    async def serves(secret: str | None) -> bool:
        habitat.secret = secret
        return (await habitat.token()).status_code == 200

    first = habitat.secret
    rotated = await office.post(f"{PAGE}/{habitat.client_id}/secret")
    assert (rotated.status_code, rotated.headers["cache-control"]) == (200, "no-store")
    second = shown(rotated.text, "Secret (client secret)")
    assert second != first
    assert [await serves(first), await serves(second)] == [True, True]
    moved_clock.advance(hours=23, minutes=59)
    assert [await serves(first), await serves(second)] == [True, True]
    moved_clock.advance(minutes=1)
    assert [await serves(first), await serves(second)] == [False, True]

    stolen = await office.post(f"{PAGE}/{habitat.client_id}/secret", {"cut": "1"})
    third = shown(stolen.text, "Secret (client secret)")
    assert [await serves(first), await serves(second), await serves(third)] == [False, False, True]

    assert (await office.post(f"{PAGE}/{habitat.client_id}/revoke")).status_code == 303
    assert [await serves(second), await serves(third)] == [False, False]
    assert (await office.post(f"{PAGE}/{habitat.client_id}/secret")).status_code == 409
    assert (await office.post(f"{PAGE}/{habitat.client_id}", {"name": "Encore"})).status_code == 409
    assert "Révoquée" in (await office.get(f"{PAGE}/{habitat.client_id}")).text
    async with runtime.database.tenant(eure.tenant) as session:
        rows = await session.execute(sa.text("select actor, action, detail from audit_entry order by id"))
        kept = [(actor, action) for actor, action, _ in rows if action.startswith("oauth.")]
        everything = str((await session.execute(sa.text("select * from audit_entry"))).all())
    acts = ["oauth.add_client", "oauth.rotate_secret", "oauth.rotate_secret", "oauth.revoke_client"]
    assert kept == [("Camille Test", act) for act in acts]
    assert not any(str(secret) in everything for secret in (first, second, third))


@pytest.mark.filterwarnings("ignore:Key size")  # which is what one of them is about
async def test_what_is_wrong_is_explained_field_by_field(runtime: Runtime, office) -> None:
    key = ECKey.generate_key("P-256", private=True)
    good: dict[str, Any] = {
        "name": "Habitat 27",
        "auth_method": "secret",
        "grants": ["client_credentials"],
        "scopes": ["coverage:read"],
    }
    person = {**good, "grants": ["authorization_code"]}
    signed = {**good, "auth_method": "private_key_jwt"}
    two = [{**key.as_dict(private=False), "kid": "a"}] * 2
    for sent, words in (
        ({**good, "name": ""}, "nom que verront"),
        ({**good, "scopes": []}, "ce que l’application pourra faire"),
        ({**good, "scopes": ["unknown"]}, "ce que l’application pourra faire"),
        ({**good, "grants": []}, "au moins une façon"),
        ({**good, "grants": ["refresh_token"]}, "choisissez aussi la deuxième"),
        ({**good, "auth_method": "none"}, "comment l’application prouve"),
        (person, "au moins une adresse de retour"),
        ({**person, "redirect_uris": "http://partenaire.example/retour"}, "ne convient pas"),
        ({**person, "redirect_uris": "https://*.partenaire.example"}, "ne convient pas"),
        ({**person, "redirect_uris": "partenaire:/retour"}, "ne convient pas"),
        ({**person, "redirect_uris": "https://a.example/#x"}, "ne convient pas"),
        ({**person, "redirect_uris": " ".join(f"https://a.example/{n}" for n in range(11))}, "au plus"),
        (signed, "Collez le jeu"),
        ({**signed, "jwks": "{"}, "pas un jeu de clés"),
        ({**signed, "jwks": '{"keys": []}'}, "pas un jeu de clés"),
        ({**signed, "jwks": jwks(*[key] * 11)}, "De 1 à 10"),
        ({**signed, "jwks": "[1]"}, "pas un jeu de clés"),
        ({**signed, "jwks": '{"keys": [{"kty": "EC"}]}'}, "pas un jeu de clés"),
        ({**signed, "jwks": jwks(key, private=True)}, "ne doit jamais quitter"),
        ({**signed, "jwks": jwks(OctKey.generate_key(256), private=True)}, "secret partagé"),
        ({**signed, "jwks": jwks(RSAKey.generate_key(1024))}, "2048 bits"),
        ({**signed, "jwks": json.dumps({"keys": two})}, "portent le même nom"),
    ):
        answer = await office.post(PAGE, sent)
        assert (answer.status_code, words in answer.text) == (422, True), (sent, words)
    async with runtime.database.platform() as session:
        assert (await session.scalars(sa.select(ApiClient))).all() == []
    assert (await office.post(PAGE, {**signed, "jwks": json.dumps(key.as_dict(private=False))})).status_code == 303


async def test_the_list_is_paginated(runtime: Runtime, eure, office, moved_clock: MovableClock) -> None:
    async with runtime.database.platform() as session:
        for number in range(5):
            session.add(
                ApiClient(
                    cooperative_id=eure.id,
                    name=f"Application {number // 2}",
                    auth_method="secret",
                    grants=["client_credentials"],
                    redirect_uris=[],
                    scopes=["coverage:read"],
                    changed_at=moved_clock.now(),
                    changed_by="tests",
                )
            )
    seen, after = [], ""
    for _ in range(3):
        text = (await office.get(f"{PAGE}?limit=2{after}")).text
        seen += re.findall(r"api-clients/([0-9a-f-]{36})", text)
        found = re.search(r"after=([^&\"]+)", text)
        after = f"&after={found[1]}" if found else ""
    assert len(seen) == len(set(seen)) == 5
    assert (await office.get(f"{PAGE}?after=WzFd")).status_code == 422


async def test_only_that_office_may_allow_it(
    runtime: Runtime, eure, seine_maritime, sign_in, habitat: OAuthApplication
) -> None:
    """Only who may link applications lends one rights: a dispatcher, an artisan or a neighbour has nothing to lend."""
    for person in (
        await sign_in(Role.DISPATCHER, eure),
        await sign_in(Role.MEMBER, eure),
        await sign_in(Role.OPERATOR),
        await sign_in(Role.MANAGER, seine_maritime),
    ):
        seen = await person.get(habitat.way_in())
        assert (seen.status_code, "Autoriser</span>" in seen.text) == (403, False)
        assert "Seule la gérance" in seen.text
        assert (await person.post(habitat.way_in(), {"decision": "allow"})).status_code == 403
    async with runtime.database.platform() as session:
        assert (await session.scalars(sa.select(Consent))).all() == []


async def test_nobody_consents_by_following_a_link(runtime: Runtime, office, habitat: OAuthApplication) -> None:
    """The answer needs the token that our own page holds; anything but a yes is a no."""
    assert (await office.get(habitat.way_in())).status_code == 200
    forged = await office.client.post(habitat.way_in(), data={"decision": "allow"}, headers={"accept": "text/html"})
    assert forged.status_code == 403
    async with runtime.database.platform() as session:
        assert (await session.scalars(sa.select(Consent))).all() == []
    assert habitat.comes_back(await office.post(habitat.way_in(), {"decision": ""}))["error"] == "access_denied"


async def test_somebody_signs_in_and_goes_on(runtime: Runtime, eure, visitor, habitat: OAuthApplication) -> None:
    visitor.client.cookies.clear()
    asked = await visitor.get(habitat.way_in())
    assert (asked.status_code, asked.headers["location"]) == (303, "/signin?place=eure")
    async with runtime.database.platform() as session:
        account = await identity.add_account(session, email="ana@eure.example", display_name="Ana Ruiz")
        await identity.add_membership(session, account=account, role=Role.MANAGER, cooperative_id=eure.id)
        link = await identity.make_link(session, account=account)
    entered = await visitor.post(f"/signin/{link}")
    assert entered.headers["location"] == habitat.way_in()
    seen = await visitor.get(entered.headers["location"])
    assert "Ana Ruiz" in seen.text
    assert "maillage_onwards" not in visitor.client.cookies  # once is enough
    assert "code" in habitat.comes_back(await visitor.post(habitat.way_in(), {"decision": "allow"}))


async def test_somebody_changes_hats_and_goes_on(runtime: Runtime, eure, visitor, habitat: OAuthApplication) -> None:
    async with runtime.database.platform() as session:
        account = await identity.add_account(session, email="ana@eure.example", display_name="Ana Ruiz")
        artisan = await identity.add_membership(session, account=account, role=Role.MEMBER, cooperative_id=eure.id)
        office = await identity.add_membership(session, account=account, role=Role.MANAGER, cooperative_id=eure.id)
        token = await identity.open_session(session, membership=artisan)
    visitor.client.cookies.clear()
    visitor.client.cookies.set("maillage_session", token, domain="localhost.local")  # as the server sets it
    assert (await visitor.get(habitat.way_in())).status_code == 403
    changed = await visitor.post("/account/hats", {"membership": str(office.id)})
    assert (changed.status_code, changed.headers["location"]) == (303, habitat.way_in())
    assert (await visitor.get(habitat.way_in())).status_code == 200


async def test_a_second_factor_comes_first(runtime: Runtime, eure, sign_in, office, habitat: OAuthApplication) -> None:
    strict = runtime.settings.model_copy(
        update={"sign_in": SignInSettings(passkey_required_for=frozenset({Role.MANAGER}))}
    )
    strictly: Any = build_app(Runtime(**{**vars(runtime), "settings": strict}))
    transport = httpx.ASGITransport(app=strictly)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost:8027", cookies=office.client.cookies
    ) as client:
        asked = await client.get(habitat.way_in(), headers={"accept": "text/html"})
        assert (asked.status_code, asked.headers["location"]) == (303, "/signin/second")
        assert "maillage_onwards" in client.cookies


async def test_nobody_is_led_elsewhere_after_sign_in(runtime: Runtime, eure, visitor) -> None:
    for planted in ("https://voleur.example", "//voleur.example", "/c/eure/desk", "/oauth/authorize"):
        visitor.client.cookies.set("maillage_onwards", planted)
        async with runtime.database.platform() as session:
            account = await identity.add_account(session, email="ana@eure.example", display_name="Ana Ruiz")
            await identity.add_membership(session, account=account, role=Role.MANAGER, cooperative_id=eure.id)
            link = await identity.make_link(session, account=account)
        assert (await visitor.post(f"/signin/{link}")).headers["location"] == "/c/eure/desk", planted


async def test_what_machines_send_by_mistake(visitor, habitat: OAuthApplication) -> None:
    """Always an answer of RFC 6749, never a broken page."""
    proof = (habitat.client_id, habitat.secret or "")
    ask = visitor.client.post
    form = {"content-type": "application/x-www-form-urlencoded"}
    for body, headers, error in (
        (b"{}", {"content-type": "application/json"}, "unsupported_grant_type"),
        (b"", form, "unsupported_grant_type"),
        (b"grant_type=password", form, "unsupported_grant_type"),
        (b"grant_type=%22", form, "invalid_request"),
        (b"grant_type=%00", form, "invalid_request"),
        (b"grant_type=client_credentials&grant_type=client_credentials", form, "invalid_request"),
        (b"grant_type=authorization_code", form, "invalid_request"),
        (b"grant_type=authorization_code&code=x", form, "invalid_grant"),
        (b"grant_type=refresh_token", form, "invalid_request"),
        (b"grant_type=refresh_token&refresh_token=x", form, "invalid_grant"),
        (b"\xff", form, "unsupported_grant_type"),
        (b"a=1&" * 100, form, "unsupported_grant_type"),
    ):
        answer = await ask("/oauth/token", content=body, headers=headers, auth=proof)
        assert (answer.status_code, answer.json()["error"]) == (400, error), body[:60]
    for path in ("/oauth/introspect", "/oauth/revoke"):
        assert (await ask(path, auth=proof)).json()["error"] == "invalid_request"
        assert (await ask(path, data={"token": "x"})).status_code == 401
    assert (await ask("/oauth/token", content=b"x" * 40_000, headers=form, auth=proof)).status_code == 413


async def test_a_machine_gone_wild_waits(
    runtime: Runtime, habitat: OAuthApplication, moved_clock: MovableClock
) -> None:
    async with runtime.database.platform() as session:
        for key, count in (("oauth:address:127.0.0.1", PER_ADDRESS), ("oauth:client:x", 1)):
            session.add(RateLimit(key=key, window_start=moved_clock.now(), count=count))
    assert (await habitat.token()).status_code == 429
    assert (await habitat.asks("/oauth/introspect", token="x")).status_code == 429
    moved_clock.advance(minutes=1)
    assert (await habitat.token()).status_code == 200
    async with runtime.database.platform() as session:
        await session.execute(
            sa.update(RateLimit).where(RateLimit.key == f"oauth:client:{habitat.client_id}").values(count=60)
        )
    assert (await habitat.token()).status_code == 429


async def test_what_is_old_is_erased(
    runtime: Runtime, office, visitor, habitat: OAuthApplication, moved_clock: MovableClock
) -> None:
    """R68: nothing of a consent a year after it was given; proofs and revocations as soon as they have expired."""
    key = ECKey.generate_key("P-256", private=True)
    form = {
        "name": "Assureur",
        "auth_method": "private_key_jwt",
        "grants": "client_credentials",
        "scopes": Scope.COVERAGE_READ,
        "jwks": jwks(key),
    }
    added = await office.post(PAGE, form)
    own = OAuthApplication(visitor.client, client_id=added.headers["location"].rsplit("/", 1)[-1], key=key)
    assert (await own.token()).status_code == 200
    code = habitat.comes_back(await office.post(habitat.way_in(), {"decision": "allow"}))["code"]
    assert (await habitat.exchanges(code)).status_code == 200

    async def kept() -> list[int]:
        await oauth.turn_keys_and_forget(runtime.database, cipher=runtime.cipher)
        async with runtime.database.platform() as session:
            tables = (UsedAssertion, AuthorizationCode, RefreshToken, Consent)
            return [len((await session.scalars(sa.select(table))).all()) for table in tables]

    assert await kept() == [1, 1, 1, 1]
    moved_clock.advance(minutes=10)
    assert await kept() == [0, 1, 1, 1]
    moved_clock.advance(days=31)
    assert await kept() == [0, 0, 0, 1]
    moved_clock.advance(days=335)
    assert await kept() == [0, 0, 0, 0]
