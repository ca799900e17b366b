"""Access tokens, secrets and proofs that are not what they seem; keys that turn, and one that is stolen."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from maillage_app.runtime import Runtime
from maillage_kit.api_access import InvalidToken
from maillage_kit.clock import MovableClock
from maillage_kit.crypto import new_token
from maillage_kit.permissions import Role
from maillage_kit.testing.oauth_application import ASSERTION_TYPE, OAuthApplication, added_by, refused
from maillage_platform import oauth
from maillage_platform.oauth.models import SigningKey
from maillage_platform.oauth.service.keys import signing_key

AUDIENCE = "http://localhost:8027/api/v1/cooperatives/eure"


# --- access tokens -----------------------------------------------


async def test_a_token_is_for_one_cooperative(
    runtime: Runtime, eure, seine_maritime, sign_in, visitor, habitat: OAuthApplication
) -> None:
    there = await added_by(await sign_in(Role.MANAGER, seine_maritime), visitor.client, slug="seine-maritime")
    here_token = (await habitat.token()).json()["access_token"]
    there_token = (await there.token()).json()["access_token"]
    other = AUDIENCE.replace("eure", "seine-maritime")
    assert (await runtime.tokens.verify(here_token, audience=AUDIENCE)).cooperative_id == eure.id
    assert (await runtime.tokens.verify(there_token, audience=other)).cooperative_id == seine_maritime.id
    for token, audience in ((here_token, other), (there_token, AUDIENCE), (here_token, AUDIENCE + "/")):
        with pytest.raises(InvalidToken):
            await runtime.tokens.verify(token, audience=audience)


async def test_a_token_expires(runtime: Runtime, habitat: OAuthApplication, moved_clock: MovableClock) -> None:
    token = (await habitat.token()).json()["access_token"]
    moved_clock.advance(seconds=599)
    assert (await runtime.tokens.verify(token, audience=AUDIENCE)).client_id == habitat.client_id
    moved_clock.advance(seconds=1)
    with pytest.raises(InvalidToken) as caught:
        await runtime.tokens.verify(token, audience=AUDIENCE)
    assert caught.value.status == 401
    assert caught.value.headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    assert (await habitat.asks("/oauth/introspect", token=token)).json() == {"active": False}


def part(value: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def test_a_token_that_we_did_not_sign_as_it_is(runtime: Runtime, habitat: OAuthApplication) -> None:
    token = (await habitat.token()).json()["access_token"]
    head, body, seal = token.split(".")
    header, claims = (json.loads(urlsafe_b64decode(each + "==")) for each in (head, body))
    stranger = ECKey.generate_key("P-256", private=True)
    async with runtime.database.platform() as session:
        ours = (await signing_key(session, cipher=runtime.cipher)).private
    public = json.dumps(ours.as_dict(private=False))

    def signed(key: Any = ours, *, head: dict[str, Any] | None = None, **changes: Any) -> str:
        told = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        sealed = {**header, **(head or {})}
        return jwt.encode(sealed, told, key, algorithms=[sealed["alg"]], default_type=None)

    assert (await runtime.tokens.verify(signed(), audience=AUDIENCE)).client_id == habitat.client_id
    forged = {
        "no signature": f"{part({**header, 'alg': 'none'})}.{body}.",
        "no signature, no key": f"{part({'alg': 'none', 'typ': 'at+jwt'})}.{body}.",
        "signature cut": f"{head}.{body}.",
        "another body": f"{head}.{part({**claims, 'scope': 'customers:read'})}.{seal}",
        "another key": signed(stranger),
        "another key, its name": signed(stranger, head={"kid": stranger.thumbprint()}),
        "our public key as a secret": signed(OctKey.import_key(public), head={"alg": "HS256"}),
        "no key named": jwt.encode({"alg": "ES256", "typ": "at+jwt"}, claims, ours),
        "an identity token": signed(head={"typ": "JWT"}),
        "another issuer": signed(iss="https://voleur.example"),
        "two audiences": signed(aud=[AUDIENCE, "https://voleur.example"]),
        "no audience": signed(aud=None),
        "no end": signed(exp=None),
        "an end that is no number": signed(exp="tomorrow"),
        "no name": signed(jti=None),
        "no scope": signed(scope=None),
        "a scope that is no text": signed(scope=["requests:write"]),
        "no application": signed(client_id=None),
        "an unknown application": signed(client_id=str(UUID(int=7))),
        "an application that is none": signed(client_id="x"),
        "another application's consent": signed(consent_id=str(UUID(int=7))),
        "a consent that is none": signed(consent_id=[7]),
        "from tomorrow": signed(iat=claims["iat"] + 86_400),
        "nothing": "",
        "noise": "a.b.c",
        "long": "a" * 5000,
        "not ascii": "é.é.é",
    }
    for why, each in forged.items():
        with pytest.raises(InvalidToken):
            await runtime.tokens.verify(each, audience=AUDIENCE)
            pytest.fail(why)


async def test_a_verifier_believes_a_revocation_within_seconds(
    runtime: Runtime, office, habitat: OAuthApplication
) -> None:
    seconds = [0.0]
    verifier = oauth.Verifier(runtime.database, runtime.settings, monotonic=lambda: seconds[0])
    token = (await habitat.token()).json()["access_token"]
    assert (await verifier.verify(token, audience=AUDIENCE)).client_id == habitat.client_id
    revoked = await office.post(f"/c/eure/settings/api-clients/{habitat.client_id}/revoke")
    assert revoked.status_code == 303
    seconds[0] += 4.9
    assert (await verifier.verify(token, audience=AUDIENCE)).client_id == habitat.client_id
    seconds[0] += 0.1
    with pytest.raises(InvalidToken):
        await verifier.verify(token, audience=AUDIENCE)
    assert (await habitat.token()).status_code == 401
    gone = await office.get(habitat.way_in())
    assert (gone.status_code, "location" in gone.headers) == (400, False)


async def test_the_keys_turn_and_the_old_one_serves_its_last_token(
    runtime: Runtime, habitat: OAuthApplication, visitor, moved_clock: MovableClock
) -> None:
    """The next key is listed an hour before it signs, the former until its last token has expired."""

    async def listed() -> list[str]:
        return [key["kid"] for key in (await visitor.client.get("/oauth/jwks")).json()["keys"]]

    def kid(token: str) -> str:
        return str(json.loads(urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "=="))["kid"])

    async def hour_passes() -> None:
        await oauth.turn_keys_and_forget(runtime.database, cipher=runtime.cipher)
        moved_clock.advance(minutes=60)

    seconds = [0.0]
    verifier = oauth.Verifier(runtime.database, runtime.settings, monotonic=lambda: seconds[0])
    (old,) = [kid((await habitat.token()).json()["access_token"])]
    assert await listed() == [old]
    moved_clock.advance(days=29, hours=23)
    await hour_passes()
    assert await listed() == [old]
    await oauth.turn_keys_and_forget(runtime.database, cipher=runtime.cipher)
    new, before = await listed()
    assert before == old
    moved_clock.advance(minutes=59)
    last = (await habitat.token()).json()["access_token"]
    assert kid(last) == old
    assert (await verifier.verify(last, audience=AUDIENCE)).client_id == habitat.client_id
    moved_clock.advance(minutes=1)
    first = (await habitat.token()).json()["access_token"]
    assert kid(first) == new
    for token in (last, first):
        assert (await verifier.verify(token, audience=AUDIENCE)).client_id == habitat.client_id
    moved_clock.advance(minutes=9, seconds=59)
    await oauth.turn_keys_and_forget(runtime.database, cipher=runtime.cipher)
    assert await listed() == [new, old]
    moved_clock.advance(minutes=2)
    await oauth.turn_keys_and_forget(runtime.database, cipher=runtime.cipher)
    assert await listed() == [new]
    async with runtime.database.platform() as session:
        (kept,) = (await session.scalars(sa.select(SigningKey))).all()
    assert kept.kid == new
    assert b'"d"' not in kept.private_jwk  # sealed
    assert "d" in json.loads(runtime.cipher.decrypt(kept.private_jwk))


async def test_a_stolen_key_is_erased(runtime: Runtime, habitat: OAuthApplication) -> None:
    """The emergency of the how-to: its tokens are refused within a minute, new ones are given at once."""
    seconds = [0.0]
    verifier = oauth.Verifier(runtime.database, runtime.settings, monotonic=lambda: seconds[0])
    before = (await habitat.token()).json()["access_token"]
    assert (await verifier.verify(before, audience=AUDIENCE)).client_id == habitat.client_id
    async with runtime.database.platform() as session:
        await session.execute(sa.delete(SigningKey))
    after = (await habitat.token()).json()["access_token"]
    seconds[0] += 61
    assert (await verifier.verify(after, audience=AUDIENCE)).client_id == habitat.client_id
    with pytest.raises(InvalidToken):
        await verifier.verify(before, audience=AUDIENCE)


# --- secrets and keys of applications ----------------------------


async def test_somebody_elses_secret(office, visitor, habitat: OAuthApplication) -> None:
    other = await added_by(office, visitor.client, name="Syndic")
    ask = {"grant_type": "client_credentials"}
    for pair in (
        (habitat.client_id, other.secret),
        (habitat.client_id, "x"),
        (habitat.client_id, ""),
        (str(UUID(int=7)), habitat.secret),
        ("x", "x"),
        ("é", "é"),
    ):
        answer = await visitor.client.post("/oauth/token", data=ask, auth=pair)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), pair
        assert answer.headers["www-authenticate"].startswith("Basic")
        posted = {**ask, "client_id": pair[0], "client_secret": pair[1]}
        answer = await visitor.client.post("/oauth/token", data=posted)
        assert answer.status_code in (400, 401), pair
    for header in ("Basic !", "Basic 4pyT4pyT/w==", "Basic", "Bearer x", "Basic AAAA"):
        answer = await visitor.client.post("/oauth/token", data=ask, headers={"authorization": header})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), header
    fits = {**ask, "client_id": habitat.client_id, "client_secret": habitat.secret}
    assert (await visitor.client.post("/oauth/token", data=fits)).status_code == 200
    both = await visitor.client.post("/oauth/token", data=fits, auth=(habitat.client_id, habitat.secret))
    refused(both, "invalid_request")
    two = await visitor.client.post(
        "/oauth/token", data={**ask, "client_id": other.client_id}, auth=(habitat.client_id, habitat.secret)
    )
    refused(two, "invalid_request")
    nobody = await visitor.client.post("/oauth/token", data={**ask, "client_id": habitat.client_id})
    assert nobody.status_code == 401


async def signing(office: Any, visitor: Any, key: ECKey) -> OAuthApplication:
    """An application that proves itself with that key."""
    form = {
        "name": "Assureur",
        "auth_method": "private_key_jwt",
        "grants": "client_credentials",
        "scopes": "coverage:read",
        "jwks": json.dumps({"keys": [key.as_dict(private=False)]}),
    }
    added = await office.post("/c/eure/settings/api-clients", form)
    assert added.status_code == 303, added.text
    return OAuthApplication(visitor.client, client_id=added.headers["location"].rsplit("/", 1)[-1], key=key)


async def test_a_proof_that_is_not_for_us_or_not_for_now(
    office, visitor, habitat: OAuthApplication, moved_clock: MovableClock
) -> None:
    key, another = ECKey.generate_key("P-256", private=True), ECKey.generate_key("P-256", private=True)
    own = await signing(office, visitor, key)
    other = await signing(office, visitor, another)
    now = int(moved_clock.now().timestamp())

    async def shows(assertion: str, **more: str) -> Any:
        form = {"grant_type": "client_credentials", "client_assertion": assertion, **more}
        return await visitor.client.post("/oauth/token", data={"client_assertion_type": ASSERTION_TYPE, **form})

    assert (await shows(own.assertion())).status_code == 200
    claims = {"iss": own.client_id, "sub": own.client_id, "aud": own.issuer, "exp": now + 60, "jti": new_token()}
    public = json.dumps(key.as_dict(private=False))
    rsa = RSAKey.generate_key(2048, private=True)
    wrong = {
        "for somebody else": own.assertion(aud="https://ailleurs.example"),
        "for our token endpoint": own.assertion(aud=f"{own.issuer}/oauth/token"),
        "for several": own.assertion(aud=[own.issuer, "https://ailleurs.example"]),
        "for nobody": own.assertion(aud=None),
        "expired": own.assertion(exp=now - 61),
        "for an hour": own.assertion(exp=now + 3600),
        "without an end": own.assertion(exp=None),
        "not yet": own.assertion(nbf=now + 600),
        "without a name": own.assertion(jti=None),
        "of another application": own.assertion(sub=other.client_id),
        "of another issuer": own.assertion(iss=other.client_id),
        "of an application with a secret": own.assertion(sub=habitat.client_id, iss=habitat.client_id),
        "of an unknown application": own.assertion(sub=str(UUID(int=7)), iss=str(UUID(int=7))),
        "without a subject": own.assertion(sub=None),
        "with another's key": jwt.encode({"alg": "ES256"}, claims, another),
        "with a key of another kind": jwt.encode({"alg": "RS256"}, claims, rsa),
        "with the public key as a secret": jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(public)),
        "without a signature": f"{part({'alg': 'none'})}.{part(claims)}.",
        "noise": "a.b.c",
        "no object": f"{part({'alg': 'ES256'})}.{urlsafe_b64encode(b'[]').decode()}.x",
    }
    for why, assertion in wrong.items():
        answer = await shows(assertion)
        assert answer.status_code in (400, 401), why
        assert answer.json()["error"] == "invalid_client", why

    once = own.assertion()
    assert (await shows(once)).status_code == 200
    again = await shows(once)
    assert (again.json()["error"], "used before" in again.json()["error_description"]) == ("invalid_client", True)
    assert (await shows(own.assertion(), client_assertion_type="x")).status_code == 401
    secret = await visitor.client.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=(own.client_id, "x")
    )
    assert secret.status_code == 401
