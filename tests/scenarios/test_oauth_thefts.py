"""Tokens, codes and secrets in the wrong hands: what a thief tries, and what is left to him."""

import asyncio
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
from maillage_kit.context import CooperativeContext
from maillage_kit.crypto import new_token
from maillage_kit.permissions import Role
from maillage_kit.testing.oauth_application import ASSERTION_TYPE, OAuthApplication, added_by
from maillage_platform import identity, oauth
from maillage_platform.identity.models import Account, Membership, WebSession
from maillage_platform.oauth.models import Consent, SigningKey
from maillage_platform.oauth.service.keys import signing_key
from maillage_platform.provisioning import owner_connection

AUDIENCE = "http://localhost:8027/api/v1/cooperatives/eure"


@pytest.fixture
async def office(sign_in, eure: CooperativeContext) -> Any:
    return await sign_in(Role.MANAGER, eure)


@pytest.fixture
async def app(office, visitor) -> OAuthApplication:
    """Habitat 27, an application of the Eure."""
    return await added_by(office, visitor.client)


async def allowed(office: Any, app: OAuthApplication) -> str:
    """Somebody of the office says yes; the code that comes back."""
    return app.comes_back(await office.post(app.way_in(), {"decision": "allow"}))["code"]


async def chain(office: Any, app: OAuthApplication) -> dict[str, Any]:
    """The first tokens of a consent."""
    answer = await app.exchanges(await allowed(office, app))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def refused(answer: Any, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text


async def is_dead(runtime: Runtime, app: OAuthApplication, token: str) -> bool:
    """Refused by the verifier and said to be worth nothing."""
    fresh = oauth.Verifier(runtime.database, runtime.settings)
    with pytest.raises(InvalidToken):
        await fresh.verify(token, audience=AUDIENCE)
    return bool((await app.asks("/oauth/introspect", token=token)).json() == {"active": False})


async def audited(runtime: Runtime, cooperative: CooperativeContext) -> list[tuple[str, str, dict[str, Any]]]:
    """(who, what, detail) of each entry about applications."""
    async with runtime.database.tenant(cooperative.tenant) as session:
        rows = await session.execute(
            sa.text("select actor, action, detail from audit_entry where action like 'oauth.%' order by id")
        )
        return [(actor, action, detail) for actor, action, detail in rows]


# --- codes and refresh tokens ------------------------------------


async def test_a_refresh_token_used_twice_ends_the_whole_chain(
    runtime: Runtime, eure, office, app: OAuthApplication
) -> None:
    """Whoever of the two is the thief, neither goes on (RFC 9700, section 4.14.2)."""
    first = await chain(office, app)
    second = (await app.refreshes(first["refresh_token"])).json()
    assert (await runtime.tokens.verify(second["access_token"], audience=AUDIENCE)).client_id == app.client_id
    refused(await app.refreshes(first["refresh_token"]), "invalid_grant")
    refused(await app.refreshes(second["refresh_token"]), "invalid_grant")
    for each in (first, second):
        assert await is_dead(runtime, app, each["access_token"])
    acts = await audited(runtime, eure)
    assert [(who, what) for who, what, _ in acts[:2]] == [
        ("Camille Test", "oauth.add_client"),
        ("Camille Test", "oauth.consent"),
    ]
    assert acts[1][2]["scopes"] == ["requests:write", "interventions:read"]
    who, what, detail = acts[-1]
    assert (who, what, detail["why"]) == ("Habitat 27", "oauth.theft_seen", "refresh_reused")
    assert (await chain(office, app))["access_token"]  # another consent is another chain


async def test_a_code_used_twice_ends_what_came_from_it(runtime: Runtime, eure, office, app: OAuthApplication) -> None:
    code = await allowed(office, app)
    told = (await app.exchanges(code)).json()
    refused(await app.exchanges(code), "invalid_grant")
    assert await is_dead(runtime, app, told["access_token"])
    refused(await app.refreshes(told["refresh_token"]), "invalid_grant")
    assert (await audited(runtime, eure))[-1][2]["why"] == "code_replayed"


async def test_a_thief_is_shut_out_even_when_nobody_can_write_it_down(
    runtime: Runtime, eure, office, app: OAuthApplication
) -> None:
    """Any other act without its line in the audit log is not done at all."""
    first = await chain(office, app)
    second = (await app.refreshes(first["refresh_token"])).json()
    with owner_connection(runtime.owner_url) as connection:
        connection.execute(sa.text(f"alter table {eure.tenant.schema}.audit_entry rename to audit_elsewhere"))
    refused(await app.refreshes(first["refresh_token"]), "invalid_grant")
    assert await is_dead(runtime, app, second["access_token"])
    assert (await office.post(f"/c/eure/settings/api-clients/{app.client_id}/revoke")).status_code == 500
    assert (await app.token()).status_code == 200
    assert (await office.post(app.way_in(), {"decision": "allow"})).status_code == 500
    async with runtime.database.platform() as session:
        assert len((await session.scalars(sa.select(Consent))).all()) == 1


async def test_two_at_once_with_the_same_code_or_token(runtime: Runtime, office, app: OAuthApplication) -> None:
    code = await allowed(office, app)
    answers = await asyncio.gather(*(app.exchanges(code) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    assert await is_dead(runtime, app, won["access_token"])

    told = await chain(office, app)
    answers = await asyncio.gather(*(app.refreshes(told["refresh_token"]) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    refused(await app.refreshes(won["refresh_token"]), "invalid_grant")


async def test_another_application_can_neither_use_nor_burn_them(
    runtime: Runtime, office, visitor, app: OAuthApplication
) -> None:
    thief = await added_by(office, visitor.client, name="Voleur")
    code = await allowed(office, app)
    thief.verifier = app.verifier
    refused(await thief.exchanges(code), "invalid_grant")
    told = (await app.exchanges(code)).json()
    refused(await thief.exchanges(code), "invalid_grant")
    refused(await thief.refreshes(told["refresh_token"]), "invalid_grant")
    refused(await thief.asks("/oauth/revoke", token=told["refresh_token"]), "invalid_grant")
    after = await app.refreshes(told["refresh_token"])
    assert after.status_code == 200
    refused(await thief.refreshes(told["refresh_token"]), "invalid_grant")
    assert (await app.refreshes(after.json()["refresh_token"])).status_code == 200


async def test_a_code_lives_a_minute(office, app: OAuthApplication, moved_clock: MovableClock) -> None:
    code = await allowed(office, app)
    moved_clock.advance(seconds=60)
    refused(await app.exchanges(code), "invalid_grant")


async def test_a_wrong_verifier(office, app: OAuthApplication) -> None:
    """A stolen code is worth nothing to whoever did not ask for it (RFC 7636)."""
    code = await allowed(office, app)
    for verifier in ("x" * 43, "x" * 42, "x" * 200, "é" * 50, ""):
        answer = await app.exchanges(code, code_verifier=verifier)
        assert answer.status_code == 400, verifier
        assert answer.json()["error"] in ("invalid_grant", "invalid_request"), verifier
    assert (await app.exchanges(code)).status_code == 200  # and is still worth it to the one who did


async def test_no_code_without_a_challenge(office, app: OAuthApplication) -> None:
    tampered: tuple[dict[str, str | None], ...] = (
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
    )
    for changes in tampered:
        way = app.way_in(**changes)
        for answer in (await office.get(way), await office.post(way, {"decision": "allow"})):
            brought = app.comes_back(answer)
            assert (brought["error"], brought["iss"]) == ("invalid_request", "http://localhost:8027"), changes
            assert (brought["state"], "code" in brought) == (app.state, False)


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


async def test_a_wrong_return_address_leads_nowhere(office, visitor, app: OAuthApplication) -> None:
    """Not even with an error (RFC 6749, section 4.1.2.1): the browser stays with us."""
    for address in WRONG_ADDRESSES:
        way = app.way_in(redirect_uri=address)
        for answer in (await office.get(way), await visitor.get(way), await office.post(way, {"decision": "allow"})):
            assert answer.status_code == 400, address
            assert "location" not in answer.headers, address
            assert "Cette demande ne peut pas être suivie" in answer.text


async def test_an_unknown_application_leads_nowhere(office, app: OAuthApplication) -> None:
    for client_id in (str(UUID(int=7)), "x", "' or 1=1", "", None):
        answer = await office.get(app.way_in(client_id=client_id))
        assert (answer.status_code, "location" in answer.headers) == (400, False), client_id
    twice = await office.get(f"{app.way_in()}&redirect_uri=https://voleur.example/retour")
    assert (twice.status_code, "location" in twice.headers) == (400, False)


async def test_what_else_is_wrong_goes_back_to_the_application(office, app: OAuthApplication) -> None:
    for changes, error in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "customers:read"}, "invalid_scope"),
        ({"scope": "requests:write unknown"}, "invalid_scope"),
        ({"resource": AUDIENCE.replace("eure", "seine-maritime")}, "invalid_target"),
    ):
        brought = app.comes_back(await office.get(app.way_in(**changes)))
        assert (brought["error"], brought["iss"], brought["state"]) == (error, "http://localhost:8027", app.state)


# --- access tokens -----------------------------------------------


async def test_a_token_is_for_one_cooperative(
    runtime: Runtime, eure, seine_maritime, sign_in, visitor, app: OAuthApplication
) -> None:
    there = await added_by(await sign_in(Role.MANAGER, seine_maritime), visitor.client, slug="seine-maritime")
    here_token = (await app.token()).json()["access_token"]
    there_token = (await there.token()).json()["access_token"]
    other = AUDIENCE.replace("eure", "seine-maritime")
    assert (await runtime.tokens.verify(here_token, audience=AUDIENCE)).cooperative_id == eure.id
    assert (await runtime.tokens.verify(there_token, audience=other)).cooperative_id == seine_maritime.id
    for token, audience in ((here_token, other), (there_token, AUDIENCE), (here_token, AUDIENCE + "/")):
        with pytest.raises(InvalidToken):
            await runtime.tokens.verify(token, audience=audience)


async def test_a_token_expires(runtime: Runtime, app: OAuthApplication, moved_clock: MovableClock) -> None:
    token = (await app.token()).json()["access_token"]
    moved_clock.advance(seconds=599)
    assert (await runtime.tokens.verify(token, audience=AUDIENCE)).client_id == app.client_id
    moved_clock.advance(seconds=1)
    with pytest.raises(InvalidToken) as caught:
        await runtime.tokens.verify(token, audience=AUDIENCE)
    assert caught.value.status == 401
    assert caught.value.headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    assert (await app.asks("/oauth/introspect", token=token)).json() == {"active": False}


def part(value: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def test_a_token_that_we_did_not_sign_as_it_is(runtime: Runtime, app: OAuthApplication) -> None:
    token = (await app.token()).json()["access_token"]
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

    assert (await runtime.tokens.verify(signed(), audience=AUDIENCE)).client_id == app.client_id
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


async def test_a_verifier_believes_a_revocation_within_seconds(runtime: Runtime, office, app: OAuthApplication) -> None:
    seconds = [0.0]
    verifier = oauth.Verifier(runtime.database, runtime.settings, monotonic=lambda: seconds[0])
    token = (await app.token()).json()["access_token"]
    assert (await verifier.verify(token, audience=AUDIENCE)).client_id == app.client_id
    revoked = await office.post(f"/c/eure/settings/api-clients/{app.client_id}/revoke")
    assert revoked.status_code == 303
    seconds[0] += 4.9
    assert (await verifier.verify(token, audience=AUDIENCE)).client_id == app.client_id
    seconds[0] += 0.1
    with pytest.raises(InvalidToken):
        await verifier.verify(token, audience=AUDIENCE)
    assert (await app.token()).status_code == 401
    gone = await office.get(app.way_in())
    assert (gone.status_code, "location" in gone.headers) == (400, False)


async def test_the_keys_turn_and_the_old_one_serves_its_last_token(
    runtime: Runtime, app: OAuthApplication, visitor, moved_clock: MovableClock
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
    (old,) = [kid((await app.token()).json()["access_token"])]
    assert await listed() == [old]
    moved_clock.advance(days=29, hours=23)
    await hour_passes()
    assert await listed() == [old]
    await oauth.turn_keys_and_forget(runtime.database, cipher=runtime.cipher)
    new, before = await listed()
    assert before == old
    moved_clock.advance(minutes=59)
    last = (await app.token()).json()["access_token"]
    assert kid(last) == old
    assert (await verifier.verify(last, audience=AUDIENCE)).client_id == app.client_id
    moved_clock.advance(minutes=1)
    first = (await app.token()).json()["access_token"]
    assert kid(first) == new
    for token in (last, first):
        assert (await verifier.verify(token, audience=AUDIENCE)).client_id == app.client_id
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


async def test_a_stolen_key_is_erased(runtime: Runtime, app: OAuthApplication) -> None:
    """The emergency of the how-to: its tokens are refused within a minute, new ones are given at once."""
    seconds = [0.0]
    verifier = oauth.Verifier(runtime.database, runtime.settings, monotonic=lambda: seconds[0])
    before = (await app.token()).json()["access_token"]
    assert (await verifier.verify(before, audience=AUDIENCE)).client_id == app.client_id
    async with runtime.database.platform() as session:
        await session.execute(sa.delete(SigningKey))
    after = (await app.token()).json()["access_token"]
    seconds[0] += 61
    assert (await verifier.verify(after, audience=AUDIENCE)).client_id == app.client_id
    with pytest.raises(InvalidToken):
        await verifier.verify(before, audience=AUDIENCE)


# --- secrets and keys of applications ----------------------------


async def test_somebody_elses_secret(office, visitor, app: OAuthApplication) -> None:
    other = await added_by(office, visitor.client, name="Syndic")
    ask = {"grant_type": "client_credentials"}
    for pair in (
        (app.client_id, other.secret),
        (app.client_id, "x"),
        (app.client_id, ""),
        (str(UUID(int=7)), app.secret),
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
    fits = {**ask, "client_id": app.client_id, "client_secret": app.secret}
    assert (await visitor.client.post("/oauth/token", data=fits)).status_code == 200
    both = await visitor.client.post("/oauth/token", data=fits, auth=(app.client_id, app.secret))
    refused(both, "invalid_request")
    two = await visitor.client.post(
        "/oauth/token", data={**ask, "client_id": other.client_id}, auth=(app.client_id, app.secret)
    )
    refused(two, "invalid_request")
    nobody = await visitor.client.post("/oauth/token", data={**ask, "client_id": app.client_id})
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
    office, visitor, app: OAuthApplication, moved_clock: MovableClock
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
        "of an application with a secret": own.assertion(sub=app.client_id, iss=app.client_id),
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


# --- people who leave --------------------------------------------


@pytest.mark.parametrize("how", ["leaves", "closed", "office", "cooperative"])
async def test_a_consent_ends_with_what_it_stands_on(
    runtime: Runtime, eure, sign_in, app: OAuthApplication, office, how: str, moved_clock: MovableClock
) -> None:
    """Somebody who may no longer do a thing has lent it to nobody."""
    person = await sign_in(Role.MANAGER, eure)
    told = await chain(person, app)
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
        page = await office.get(f"/c/eure/settings/api-clients/{app.client_id}")
        assert "Camille Test" in page.text
        taken = {"consent": str(consent.id)}
        address = f"/c/eure/settings/api-clients/{app.client_id}/consents"
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
    answer = await app.refreshes(told["refresh_token"])
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] in ("invalid_grant", "invalid_client")


async def test_a_permission_taken_away_is_lost_at_once(runtime: Runtime, office, app: OAuthApplication) -> None:
    told = await chain(office, app)
    form = {
        "name": "Habitat 27",
        "grants": ["authorization_code", "refresh_token"],
        "redirect_uris": app.redirect_uri,
        "scopes": ["interventions:read"],
    }
    assert (await office.post(f"/c/eure/settings/api-clients/{app.client_id}", form)).status_code == 303
    caller = await runtime.tokens.verify(told["access_token"], audience=AUDIENCE)
    assert caller.scopes == {"interventions:read"}
    assert (await app.refreshes(told["refresh_token"])).json()["scope"] == "interventions:read"
    refused(await app.token(), "unauthorized_client")
