"""Signing out with the provider, which may end our sessions itself; only its own signed word does."""

import base64
import json
import re

import structlog
from joserfc import jwt
from joserfc.jwk import ECKey

from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.permissions import Role


async def test_signing_out_offers_the_providers_exit_and_the_provider_ends_sessions(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider, linked
) -> None:
    """RP-initiated logout, then the provider's own back-channel call: each session ends where it should."""
    setting = await provider.saved_by(await sign_in(Role.MANAGER, eure))
    await linked(setting, "helene")
    await visitor.get(await at_provider.callback(visitor, setting, "helene"))
    elsewhere = await sign_in(Role.MEMBER, eure)
    elsewhere.client.cookies.clear()
    await elsewhere.get(await at_provider.callback(elsewhere, setting, "helene"))
    assert (await elsewhere.get("/account/sessions")).status_code == 200

    out = await visitor.post("/signout")
    assert out.status_code == 200
    way = re.search(r'href="(http://localhost:\d+/session/end[^"]+)"', out.text)
    assert way
    assert (await visitor.get("/account/sessions")).status_code == 303
    asked = await at_provider.client.get(way[1].replace("&amp;", "&"))
    action = re.search(r'action="([^"]+)"', asked.text)
    xsrf = re.search(r'name="xsrf" value="([^"]+)"', asked.text)
    assert action and xsrf, asked.text
    ended = await at_provider.client.post(action[1], data={"xsrf": xsrf[1], "logout": "yes"})
    assert ended.headers["location"] == "http://localhost:8027/signin"

    (token,) = provider.logout_tokens  # what the provider sends to our address
    told = f"{setting.start}/logout"
    forged = await visitor.client.post(told, data={"logout_token": token[:-4] + "AAAA"})
    assert (forged.status_code, forged.json()["error_description"]) == (400, "signature")
    assert (await elsewhere.get("/account/sessions")).status_code == 200
    with structlog.testing.capture_logs() as lines:
        accepted = await visitor.client.post(told, data={"logout_token": token})
    assert (accepted.status_code, accepted.headers["cache-control"]) == (200, "no-store")
    assert {"event": "session_ended", "reason": "by_provider"}.items() <= lines[-1].items()
    assert (await elsewhere.get("/account/sessions")).status_code == 303
    replayed = await visitor.client.post(told, data={"logout_token": token})
    assert (replayed.status_code, replayed.json()["error_description"]) == (400, "replayed")


async def test_an_identity_token_is_no_logout_token(runtime: Runtime, eure, sign_in, provider, visitor) -> None:
    setting = await provider.saved_by(await sign_in(Role.MANAGER, eure))
    now = int(clock.now().timestamp())
    claims = {
        "iss": provider.issuer,
        "aud": setting.client_id,
        "iat": now,
        "exp": now + 60,
        "jti": "1",
        "sub": "helene",
    }
    for more, reason in (
        ({"nonce": "n"}, "claims"),
        ({}, "claims"),
        ({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "sub": None}, "claims"),
        ({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "aud": "other"}, "audience"),
        ({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "exp": now - 600}, "expired"),
    ):
        token = jwt.encode({"alg": "RS256", "kid": provider.keys[0].kid}, {**claims, **more}, provider.keys[0])
        answer = await visitor.client.post(f"{setting.start}/logout", data={"logout_token": token})
        assert (answer.status_code, answer.json()["error_description"]) == (400, reason), more


async def test_weak_signatures_are_refused(runtime: Runtime, eure, sign_in, provider, visitor, at_provider) -> None:
    """A secret of ours, another kind of key or no signature at all never says who somebody is."""
    setting = await provider.saved_by(await sign_in(Role.MANAGER, eure))
    now = int(clock.now().timestamp())
    claims = {"iss": provider.issuer, "aud": setting.client_id, "iat": now, "exp": now + 60, "sub": "helene"}
    other = ECKey.generate_key("P-256", {"use": "sig", "kid": "x"})
    halves = (base64.urlsafe_b64encode(json.dumps(each).encode()).decode() for each in ({"alg": "none"}, claims))
    unsigned = ".".join(half.rstrip("=") for half in halves) + "."
    for token in (unsigned, jwt.encode({"alg": "ES256", "kid": "x"}, claims, other), "a.b.c", "", "é"):
        answer = await visitor.client.post(f"{setting.start}/logout", data={"logout_token": token})
        assert (answer.status_code, answer.json()["error_description"]) == (400, "signature"), token
