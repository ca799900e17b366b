"""A third party's application as its author writes it: proves who it is, sends people to consent, asks for tokens."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import ECKey

from maillage_kit import clock
from maillage_kit.crypto import new_token

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(slots=True)
class OAuthApplication:
    """`http` reaches the server; with a `key` the application signs its proof, else it sends its `secret`."""

    http: httpx.AsyncClient
    client_id: str
    secret: str | None = None
    key: ECKey | None = None
    redirect_uri: str = "https://partenaire.example/retour"
    issuer: str = "http://localhost:8027"
    verifier: str = field(default_factory=new_token)
    state: str = field(default_factory=new_token)

    def way_in(self, **changes: str | None) -> str:
        """The address to which it sends a person; None leaves a parameter out."""
        wanted: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": self.state,
            "code_challenge": create_s256_code_challenge(self.verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        return f"/oauth/authorize?{urlencode({name: value for name, value in wanted.items() if value is not None})}"

    def comes_back(self, answer: httpx.Response) -> dict[str, str]:
        """What the browser brings to its address of return. Raises AssertionError when it goes elsewhere."""
        place = urlsplit(answer.headers["location"])
        assert f"{place.scheme}://{place.netloc}{place.path}" == self.redirect_uri, answer.headers["location"]
        return {name: values[0] for name, values in parse_qs(place.query).items()}

    async def asks(self, path: str = "/oauth/token", **form: str) -> httpx.Response:
        """A request of its own to the server, with its proof."""
        if self.key is not None:
            form |= {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion()}
            return await self.http.post(path, data=form)
        return await self.http.post(path, data=form, auth=(self.client_id, self.secret or ""))

    async def token(self, **form: str) -> httpx.Response:
        """In its own name."""
        return await self.asks(grant_type="client_credentials", **form)

    async def exchanges(self, code: str, **changes: str) -> httpx.Response:
        form = {"code": code, "redirect_uri": self.redirect_uri, "code_verifier": self.verifier, **changes}
        return await self.asks(grant_type="authorization_code", **form)

    async def refreshes(self, token: str, **form: str) -> httpx.Response:
        return await self.asks(grant_type="refresh_token", refresh_token=token, **form)

    def assertion(self, **changes: Any) -> str:
        """Its signed proof (RFC 7523); `changes` tampers with the claims."""
        assert self.key is not None
        now = int(clock.now().timestamp())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": new_token(),
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": self.key.thumbprint()}, claims, self.key)


async def added_by(office: Any, http: httpx.AsyncClient, *, slug: str = "eure", **changes: Any) -> OAuthApplication:
    """The office of a cooperative adds an application; its author writes it with what the page shows, this once."""
    form = {
        "name": "Habitat 27",
        "auth_method": "secret",
        "grants": ["client_credentials", "authorization_code", "refresh_token"],
        "redirect_uris": "https://partenaire.example/retour",
        "scopes": ["requests:write", "interventions:read"],
        **changes,
    }
    answer = await office.post(f"/c/{slug}/settings/api-clients", form)
    assert answer.status_code == 200, answer.text
    return OAuthApplication(
        http,
        client_id=shown(answer.text, "Identifiant (client ID)"),
        secret=shown(answer.text, "Secret (client secret)"),
    )


def shown(text: str, label: str) -> str:
    """What a page of the console shows beside a label."""
    found = re.search(rf"{re.escape(label)}</dt>\s*<dd[^>]*>(.*?)</dd>", text, re.DOTALL)
    assert found, label
    return re.sub(r"<[^>]+>", "", found[1]).strip()


def refused(answer: httpx.Response, error: str) -> None:
    """The server said no, as RFC 6749 says it."""
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text
