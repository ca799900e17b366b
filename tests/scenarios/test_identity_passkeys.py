"""Passkeys and recovery codes over HTTP, with an authenticator of our own that can also lie.

The same with a real browser: tests/browser/test_identity_browser.py.
"""

import base64
import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
import httpx
import pytest
import sqlalchemy as sa
import structlog
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from maillage_app.runtime import Runtime
from maillage_kit.clock import MovableClock
from maillage_kit.permissions import Role
from maillage_kit.settings import Settings, SignInSettings
from maillage_platform import identity
from maillage_platform.identity.models import Account, Letter, Membership, Passkey, RecoveryCode, WebSession
from maillage_platform.identity.passkeys import CHALLENGE_LIFE

ORIGIN = "http://localhost:8027"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A passkey is required for the office and the federation."""
    required = SignInSettings(passkey_required_for=frozenset({Role.MANAGER, Role.OPERATOR}))
    return settings.model_copy(update={"sign_in": required})


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """A security key: ES256, no attestation, counts its signatures."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    count: int = 0
    origin: str = ORIGIN
    flags: int = PRESENT | VERIFIED
    rp_id: str = "localhost"

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        data = self._data(ATTESTED) + bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id
        attestation = {"fmt": "none", "attStmt": {}, "authData": data + cbor2.dumps(public)}
        return self._answer(
            clientDataJSON=self._client("webauthn.create", options),
            attestationObject=cbor2.dumps(attestation),
        ) | {"type": "public-key"}

    def show(self, options: dict[str, Any]) -> dict[str, Any]:
        self.count += 1
        client, data = self._client("webauthn.get", options), self._data()
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": self.origin}).encode()

    def _data(self, more: int = 0) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([self.flags | more]) + self.count.to_bytes(4, "big")

    def _answer(self, **parts: bytes) -> dict[str, Any]:
        response: dict[str, Any] = {name: b64(value) for name, value in parts.items()}
        return {"id": b64(self.credential_id), "rawId": b64(self.credential_id), "type": "public-key",
                "response": response}  # fmt: skip


async def ask(person: Any, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
    if "maillage_csrf" not in {cookie.name for cookie in person.client.cookies.jar}:
        await person.get("/signin")
    headers = {"x-csrftoken": person.client.cookies["maillage_csrf"], "accept": "application/json"}
    answer: httpx.Response = await person.client.post(path, json=body or {}, headers=headers)
    return answer


async def registered(person: Any, key: Authenticator) -> httpx.Response:
    options = await ask(person, "/signin/second/register/options")
    assert options.status_code == 200, options.text
    return await ask(person, "/signin/second/register", key.make(options.json()))


async def shown(person: Any, key: Authenticator, path: str = "/signin/passkey") -> httpx.Response:
    return await ask(person, path, key.show((await ask(person, f"{path}/options")).json()))


async def entered(runtime: Runtime, person: Any) -> Account:
    """Set the cookie of the last session as the server would; returns whose it is."""
    token = person.client.cookies["maillage_session"]
    person.client.cookies.delete("maillage_session")
    person.client.cookies.set("maillage_session", token, domain="localhost.local")
    async with runtime.database.platform() as session:
        row = (await session.scalars(sa.select(WebSession).order_by(WebSession.id.desc()))).first()
        assert row is not None
        return await session.get_one(Account, row.account_id)


async def test_a_key_is_made_then_opens_by_itself(runtime: Runtime, eure, sign_in, visitor) -> None:
    artisan, key = await sign_in(Role.MEMBER, eure), Authenticator()
    account = await entered(runtime, artisan)
    before = artisan.client.cookies["maillage_session"]
    made = await registered(artisan, key)
    assert (made.status_code, made.json()) == (200, {"location": "/account/passkeys"})
    assert artisan.client.cookies["maillage_session"] != before  # stronger: another secret
    page = (await artisan.get("/account/passkeys")).text
    assert "Cet appareil seulement" in page
    assert "Vous n’en avez pas" in page  # recovery codes

    opened = await shown(visitor, key)
    assert (opened.status_code, opened.json()) == (200, {"location": "/c/eure/field"})
    assert (await visitor.get("/account/sessions")).status_code == 200
    async with runtime.database.platform() as session:
        row = (await session.scalars(sa.select(WebSession).order_by(WebSession.id.desc()))).first()
        stored = (await session.scalars(sa.select(Passkey))).one()
        assert row is not None
        assert (row.account_id, row.method, row.second_factor_at is not None) == (account.id, "passkey", True)
        assert (stored.sign_count, stored.last_used_at is not None) == (1, True)


async def test_what_is_wrong_is_refused_and_logged(
    runtime: Runtime, eure, sign_in, visitor, moved_clock: MovableClock
) -> None:
    artisan, key = await sign_in(Role.MEMBER, eure), Authenticator()
    await entered(runtime, artisan)
    assert (await registered(artisan, key)).status_code == 200
    key.count = 5
    assert (await shown(visitor, key)).status_code == 200

    async def refused(answer: dict[str, Any], person: Any = visitor) -> str:
        with structlog.testing.capture_logs() as lines:
            said = await ask(person, "/signin/passkey", answer)
        assert said.status_code == 400
        assert "n’a pas pu être vérifiée" in said.json()["message"]
        assert "maillage_session" not in said.headers.get("set-cookie", "")
        (line,) = [line for line in lines if line["event"] == "passkey_refused"]
        return str(line["detail"])

    async def options() -> dict[str, Any]:
        found: dict[str, Any] = (await ask(visitor, "/signin/passkey/options")).json()
        return found

    used = key.show(await options())
    assert (await ask(visitor, "/signin/passkey", used)).status_code == 200
    assert "challenge" in await refused(used)  # replayed
    key.origin = "https://maillage.example.attacker.example"
    assert "origin" in await refused(key.show(await options()))
    key.origin, key.rp_id = ORIGIN, "attacker.example"
    assert "RP ID" in await refused(key.show(await options()))
    key.rp_id, key.flags = "localhost", PRESENT
    assert "verif" in await refused(key.show(await options()))  # nobody's finger
    key.flags, key.count = PRESENT | VERIFIED, 2
    assert "sign count" in await refused(key.show(await options()))  # a copy of the key
    key.count = 50
    assert "unknown key" in await refused(Authenticator().show(await options()))
    forged = Authenticator(credential_id=key.credential_id, count=60)
    assert "signature" in await refused(forged.show(await options()))
    answer = key.show(await options())
    assert "challenge" in await refused(answer, await sign_in(Role.MEMBER, eure))  # another browser
    answer = key.show(await options())
    moved_clock.advance(seconds=CHALLENGE_LIFE.total_seconds())
    assert "challenge" in await refused(answer)
    for malformed in ({}, {"id": "é", "response": {}}, {"id": 3, "response": {"clientDataJSON": "e30"}}):
        await refused(malformed)
    made = key.make(await options())
    assert "challenge" not in await refused({**made, "id": key.show(await options())["id"]})  # made, not shown


async def test_the_office_works_only_with_a_key(runtime: Runtime, eure, sign_in) -> None:
    office, key = await sign_in(Role.MANAGER, eure), Authenticator()
    account = await entered(runtime, office)
    for path in ("/c/eure/desk", "/account/sessions", "/account/hats", "/c/eure/settings/people"):
        answer = await office.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/signin/second"), path
    machine = await office.client.get("/c/eure/desk", headers={"accept": "application/json"})
    assert machine.status_code == 401
    invited = {"name": "x", "email": "x@y.fr", "role": "dispatcher"}
    assert (await office.post("/c/eure/settings/people", invited)).status_code == 303
    async with runtime.database.platform() as session:
        assert (await session.scalars(sa.select(Letter))).all() == []
    assert "créez votre clé" in (await office.get("/signin/second")).text
    assert (await registered(office, key)).status_code == 200
    assert (await office.get("/c/eure/desk")).status_code == 200

    # the next day, with a link
    async with runtime.database.platform() as session:
        membership = (await session.scalars(sa.select(Membership).where(Membership.account_id == account.id))).one()
        token = await identity.open_session(session, membership=membership)
    office.client.cookies.clear()
    office.client.cookies.set("maillage_session", token, domain="localhost.local")
    assert "Utiliser ma clé" in (await office.get("/signin/second")).text
    assert (await ask(office, "/signin/second/register/options")).status_code == 403  # a link adds no key
    stranger, other = await sign_in(Role.MEMBER, eure), Authenticator()
    await entered(runtime, stranger)
    await registered(stranger, other)
    assert (await shown(office, other, "/signin/second")).status_code == 400  # somebody else's key
    assert (await office.get("/c/eure/desk")).status_code == 303
    done = await shown(office, key, "/signin/second")
    assert (done.status_code, done.json()) == (200, {"location": "/"})
    assert office.client.cookies["maillage_session"] != token
    assert (await office.get("/c/eure/desk")).status_code == 200


async def test_recovery_codes_serve_once_each(runtime: Runtime, eure, sign_in, moved_clock: MovableClock) -> None:
    office, key = await sign_in(Role.MANAGER, eure), Authenticator()
    account = await entered(runtime, office)
    await registered(office, key)
    codes = re.findall(r"<code>([a-z0-9-]+)</code>", (await office.post("/account/recovery-codes")).text)
    assert len(set(codes)) == 10
    async with runtime.database.platform() as session:
        stored = [*await session.scalars(sa.select(RecoveryCode.code_hash))]
        membership = (await session.scalars(sa.select(Membership).where(Membership.account_id == account.id))).one()
        tokens = [await identity.open_session(session, membership=membership) for _ in range(2)]
    assert not {code.replace("-", "") for code in codes} & set(stored)

    def enter(token: str) -> None:
        office.client.cookies.clear()
        office.client.cookies.set("maillage_session", token, domain="localhost.local")

    enter(tokens[0])
    wrong = await office.post("/signin/second/recovery", {"code": "aaaa-bbbb-cccc-dddd"})
    assert (wrong.status_code, "n’est pas valable" in wrong.text) == (422, True)
    used = await office.post("/signin/second/recovery", {"code": f" {codes[3].upper().replace('-', ' ')} "})
    assert used.headers["location"] == "/account/passkeys"
    page = (await office.get("/account/passkeys")).text
    assert "Il vous en reste 9" in page
    enter(tokens[1])
    assert (await office.post("/signin/second/recovery", {"code": codes[3]})).status_code == 422
    for _ in range(10):
        await office.post("/signin/second/recovery", {"code": "zzzz"})
    tired = await office.post("/signin/second/recovery", {"code": codes[4]})
    assert (tired.status_code, "Trop d’essais" in tired.text) == (422, True)
    assert (await shown(office, key, "/signin/second")).status_code == 200  # the key is never locked out

    # new codes end the old ones
    fresh = re.findall(r"<code>([a-z0-9-]+)</code>", (await office.post("/account/recovery-codes")).text)
    assert not set(fresh) & set(codes)
    moved_clock.advance(minutes=16)
    async with runtime.database.platform() as session:
        token = await identity.open_session(session, membership=membership)
    enter(token)
    assert (await office.post("/signin/second/recovery", {"code": codes[4]})).status_code == 422
    assert (await office.post("/signin/second/recovery", {"code": fresh[0]})).status_code == 303


async def test_a_key_is_removed_only_with_one(runtime: Runtime, eure, sign_in, visitor) -> None:
    artisan, key = await sign_in(Role.MEMBER, eure), Authenticator()
    account = await entered(runtime, artisan)
    await registered(artisan, key)
    async with runtime.database.platform() as session:
        stored = (await session.scalars(sa.select(Passkey))).one()
        membership = (await session.scalars(sa.select(Membership).where(Membership.account_id == account.id))).one()
        weak = await identity.open_session(session, membership=membership)
    visitor.client.cookies.set("maillage_session", weak)
    assert "Montrez d’abord une clé" in (await visitor.get("/account/passkeys")).text
    for path in ("/account/passkeys/remove", "/account/recovery-codes"):
        assert (await visitor.post(path, {"passkey": str(stored.id)})).status_code == 403
    stranger, other = await sign_in(Role.MEMBER, eure), Authenticator()
    await entered(runtime, stranger)
    await registered(stranger, other)
    assert (await stranger.post("/account/passkeys/remove", {"passkey": str(stored.id)})).status_code == 404
    assert (await artisan.post("/account/passkeys/remove", {"passkey": str(stored.id)})).status_code == 303
    assert (await shown(visitor, key)).status_code == 400


async def test_somebody_who_lost_everything_is_reset_by_a_colleague(
    runtime: Runtime, eure, seine_maritime, sign_in
) -> None:
    office, lost = await sign_in(Role.MANAGER, eure), await sign_in(Role.MEMBER, eure)
    account = await entered(runtime, lost)
    await registered(lost, Authenticator())
    token = office.client.cookies["maillage_session"]
    office.client.cookies.delete("maillage_session")
    office.client.cookies.set("maillage_session", token, domain="localhost.local")
    await registered(office, Authenticator())
    async with runtime.database.platform() as session:
        hat = (await session.scalars(sa.select(Membership).where(Membership.account_id == account.id))).one()
        link = await identity.make_link(session, account=account)
        elsewhere = await identity.add_membership(
            session, account=account, role=Role.MEMBER, cooperative_id=seine_maritime.id
        )
    asked = {"membership": str(hat.id)}
    refused = await office.post("/c/eure/settings/people/reset", asked)
    assert (refused.status_code, "adressez-vous à la fédération" in refused.text) == (403, True)
    federation = await sign_in(Role.OPERATOR)
    await entered(runtime, federation)
    await registered(federation, Authenticator())
    nobody = await federation.post("/federation/settings/people/reset", {"email": "inconnu@exemple.fr"})
    assert (nobody.status_code, "Personne n’a de compte" in nobody.text) == (422, True)
    assert (await federation.post("/federation/settings/people/reset", {"email": account.email})).status_code == 303
    assert (await lost.get("/account/sessions")).status_code == 303  # signed out everywhere
    async with runtime.database.platform() as session:
        assert (await session.scalars(sa.select(Passkey).where(Passkey.account_id == account.id))).all() == []
        await session.execute(sa.delete(WebSession).where(WebSession.membership_id == elsewhere.id))
        await session.execute(sa.delete(Membership).where(Membership.id == elsewhere.id))
        await session.execute(sa.delete(Letter))
    assert (await office.post("/c/eure/settings/people/reset", {"membership": str(elsewhere.id)})).status_code == 404
    assert (await office.post("/c/eure/settings/people/reset", {**asked, "email": account.email})).status_code == 303
    assert (await lost.get(f"/signin/{link}")).status_code == 410
    async with runtime.database.platform() as session:
        assert (await session.scalars(sa.select(Passkey).where(Passkey.account_id == account.id))).all() == []
        told = (await session.scalars(sa.select(Letter).where(Letter.recipient == account.email))).one()
        assert "effacées" in told.subject
        own = (
            await session.scalars(
                sa.select(Membership).where(Membership.role == "manager").order_by(Membership.id.desc())
            )
        ).first()
        assert own is not None
    assert (await office.post("/c/eure/settings/people/reset", {"membership": str(own.id)})).status_code == 422


async def test_a_providers_word_makes_no_key(runtime: Runtime, eure, sign_in) -> None:
    artisan = await sign_in(Role.MEMBER, eure)
    await entered(runtime, artisan)
    async with runtime.database.platform() as session:
        await session.execute(
            sa.text(
                "insert into platform.identity_provider (id, cooperative_id, name, issuer, client_id, allowed_domains, "
                "active, created_at, changed_at, changed_by) values (gen_random_uuid(), :place, 'A', 'https://a', 'a', "
                "'{}', true, now(), now(), 'x')"
            ),
            {"place": eure.id},
        )
        await session.execute(
            sa.text("update platform.web_session set provider_id = (select id from platform.identity_provider)")
        )
    assert (await ask(artisan, "/signin/second/register/options")).status_code == 403
    assert "Connectez-vous d’abord par un lien" in (await artisan.get("/account/passkeys")).text
