"""An application of a cooperative gets its tokens: in its own name, and for a person who said yes."""

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from joserfc.jwk import ECKey

from maillage_app.runtime import Runtime
from maillage_kit.api_access import InvalidToken, Scope
from maillage_kit.clock import MovableClock
from maillage_kit.context import CooperativeContext
from maillage_kit.permissions import Role
from maillage_kit.testing.oauth_application import OAuthApplication, added_by
from maillage_platform.oauth.routes_protocol import metadata_of

AUDIENCE = "http://localhost:8027/api/v1/cooperatives/eure"


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the claims, as written."""
    header, claims, _ = token.split(".")
    return json.loads(urlsafe_b64decode(header + "==")), json.loads(urlsafe_b64decode(claims + "=="))


async def test_a_token_in_its_own_name(
    runtime: Runtime, eure: CooperativeContext, sign_in, visitor, moved_clock: MovableClock
) -> None:
    """RFC 9068 to the letter, ten minutes, for one cooperative."""
    habitat = await added_by(await sign_in(Role.MANAGER, eure), visitor.client)
    answer = await habitat.token()
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 600)
    assert told["scope"] == "requests:write interventions:read"
    header, claims = parts(told["access_token"])
    now = int(moved_clock.now().timestamp())
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    assert len(claims.pop("jti")) > 40
    assert claims == {
        "iss": "http://localhost:8027",
        "aud": AUDIENCE,
        "sub": habitat.client_id,
        "client_id": habitat.client_id,
        "iat": now,
        "exp": now + 600,
        "scope": "requests:write interventions:read",
    }
    caller = await runtime.tokens.verify(told["access_token"], audience=AUDIENCE)
    assert (caller.client_id, caller.client_name, caller.user_id) == (habitat.client_id, "Habitat 27", None)
    assert caller.cooperative_id == eure.id
    assert caller.scopes == {Scope.REQUESTS_WRITE, Scope.INTERVENTIONS_READ}


async def test_a_token_for_less(runtime: Runtime, eure, sign_in, visitor) -> None:
    habitat = await added_by(await sign_in(Role.MANAGER, eure), visitor.client)
    less = await habitat.token(scope="interventions:read")
    assert less.json()["scope"] == "interventions:read"
    more = await habitat.token(scope="interventions:read requests:write  interventions:read")
    assert more.json()["scope"] == "requests:write interventions:read"
    for asked in ("customers:read", "interventions:read customers:read", "unknown", " "):
        refused = await habitat.token(scope=asked)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope"), asked
    there = await habitat.token(resource=AUDIENCE)
    assert there.status_code == 200
    elsewhere = await habitat.token(resource=AUDIENCE.replace("eure", "seine-maritime"))
    assert (elsewhere.status_code, elsewhere.json()["error"]) == (400, "invalid_target")


async def test_a_person_consents_and_the_application_goes_on(
    runtime: Runtime, eure, sign_in, visitor, moved_clock: MovableClock
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    habitat = await added_by(office, visitor.client)
    asked = await office.get(habitat.way_in(scope="interventions:read"))
    assert asked.status_code == 200
    for words in (
        "Habitat 27",
        "Dépannage Eure",
        "Camille Test",
        "partenaire.example",
        Scope.INTERVENTIONS_READ.sentence,
    ):
        assert words in asked.text
    assert Scope.REQUESTS_WRITE.sentence not in asked.text
    assert "form-action 'self' https://partenaire.example;" in asked.headers["content-security-policy"]
    assert asked.headers["cache-control"] == "no-store"

    brought = habitat.comes_back(await office.post(habitat.way_in(scope="interventions:read"), {"decision": "allow"}))
    assert brought.keys() == {"code", "state", "iss"}
    assert (brought["state"], brought["iss"]) == (habitat.state, "http://localhost:8027")
    answer = await habitat.exchanges(brought["code"])
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["scope"] == "interventions:read"
    caller = await runtime.tokens.verify(told["access_token"], audience=AUDIENCE)
    assert caller.user_id is not None
    assert parts(told["access_token"])[1]["sub"] == str(caller.user_id)
    assert caller.scopes == {Scope.INTERVENTIONS_READ}

    for _ in range(3):
        moved_clock.advance(days=29)
        answer = await habitat.refreshes(told["refresh_token"])
        assert answer.status_code == 200, answer.text
        assert answer.json()["refresh_token"] != told["refresh_token"]
        told = answer.json()
    assert (await runtime.tokens.verify(told["access_token"], audience=AUDIENCE)).user_id == caller.user_id
    moved_clock.advance(days=31)
    late = await habitat.refreshes(told["refresh_token"])
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")


async def test_no_is_told_to_the_application(eure, sign_in, visitor) -> None:
    office = await sign_in(Role.MANAGER, eure)
    habitat = await added_by(office, visitor.client)
    brought = habitat.comes_back(await office.post(habitat.way_in(), {"decision": "deny"}))
    assert brought == {
        "error": "access_denied",
        "error_description": brought["error_description"],
        "state": habitat.state,
        "iss": "http://localhost:8027",
    }


async def test_a_key_of_ones_own_instead_of_a_secret(runtime: Runtime, eure, sign_in, visitor) -> None:
    office = await sign_in(Role.MANAGER, eure)
    key = ECKey.generate_key("P-256", private=True)
    form = {
        "name": "Assureur",
        "auth_method": "private_key_jwt",
        "grants": "client_credentials",
        "scopes": "coverage:read",
        "jwks": json.dumps({"keys": [key.as_dict(private=False)]}),
    }
    added = await office.post("/c/eure/settings/api-clients", form)
    assert added.status_code == 303, added.text
    habitat = OAuthApplication(visitor.client, client_id=added.headers["location"].rsplit("/", 1)[-1], key=key)
    answer = await habitat.token()
    assert answer.status_code == 200, answer.text
    caller = await runtime.tokens.verify(answer.json()["access_token"], audience=AUDIENCE)
    assert caller.scopes == {Scope.COVERAGE_READ}

    # replaced by another, both in the set for a while
    fresh = ECKey.generate_key("P-256", private=True)
    form["jwks"] = json.dumps({"keys": [each.as_dict(private=False) for each in (key, fresh)]})
    assert (await office.post(added.headers["location"], form)).status_code == 303
    for habitat.key in (key, fresh):
        assert (await habitat.token()).status_code == 200
    form["jwks"] = json.dumps({"keys": [fresh.as_dict(private=False)]})
    assert (await office.post(added.headers["location"], form)).status_code == 303
    assert (await habitat.token()).status_code == 200
    habitat.key = key
    assert (await habitat.token()).json()["error"] == "invalid_client"


async def test_an_application_asks_what_its_token_is_worth_and_gives_it_back(
    runtime: Runtime, eure, sign_in, visitor, moved_clock: MovableClock
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    habitat = await added_by(office, visitor.client)
    other = await added_by(office, visitor.client, name="Syndic")
    token = (await habitat.token()).json()["access_token"]
    worth = (await habitat.asks("/oauth/introspect", token=token)).json()
    assert worth["active"] is True
    assert (worth["client_id"], worth["aud"]) == (habitat.client_id, AUDIENCE)
    assert (await other.asks("/oauth/introspect", token=token)).json() == {"active": False}
    assert (await habitat.asks("/oauth/introspect", token="stranger")).json() == {"active": False}

    assert (await other.asks("/oauth/revoke", token=token)).status_code == 400
    assert (await habitat.asks("/oauth/introspect", token=token)).json()["active"] is True
    for _ in range(2):  # twice is harmless
        assert (await habitat.asks("/oauth/revoke", token=token)).status_code == 200
    assert (await habitat.asks("/oauth/introspect", token=token)).json() == {"active": False}
    with pytest.raises(InvalidToken):
        await runtime.tokens.verify(token, audience=AUDIENCE)
    assert (await habitat.asks("/oauth/revoke", token="stranger")).status_code == 200

    brought = habitat.comes_back(await office.post(habitat.way_in(), {"decision": "allow"}))
    told = (await habitat.exchanges(brought["code"])).json()
    worth = (await habitat.asks("/oauth/introspect", token=told["refresh_token"])).json()
    assert (worth["active"], worth["scope"]) == (True, "requests:write interventions:read")
    assert (await habitat.asks("/oauth/revoke", token=told["refresh_token"])).status_code == 200
    for each in (told["refresh_token"], told["access_token"]):
        assert (await habitat.asks("/oauth/introspect", token=each)).json() == {"active": False}


async def test_the_server_says_what_it_knows(eure, sign_in, visitor) -> None:
    told = (await visitor.client.get("/.well-known/oauth-authorization-server")).json()
    assert told["issuer"] == "http://localhost:8027"
    assert told["authorization_response_iss_parameter_supported"] is True
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert set(told["scopes_supported"]) == set(Scope)
    AuthorizationServerMetadata(metadata_of("https://maillage.example")).validate()
    habitat = await added_by(await sign_in(Role.MANAGER, eure), visitor.client)
    header, _ = parts((await habitat.token()).json()["access_token"])
    (key,) = (await visitor.client.get("/oauth/jwks")).json()["keys"]
    assert (key["kid"], key["alg"], key["use"]) == (header["kid"], "ES256", "sig")
    assert "d" not in key
