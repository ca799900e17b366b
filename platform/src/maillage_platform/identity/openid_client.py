"""OpenID Connect as a relying party: discovery, authorization request, code, tokens. No database, no session.

Written over Authlib's framework-free parts (requests, PKCE, claims) and joserfc (signatures). Everything that
comes from a provider is untrusted until `identity_of` or `logout_of` has returned. Raises OpenIdRefused everywhere.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from authlib.common.errors import AuthlibBaseError
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, InvalidClaimError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from maillage_kit import clock
from maillage_kit.guarded_http import Answer, CallFailed, CallRefused, GuardedHttp
from maillage_platform.identity.errors import OpenIdRefused

# asymmetric only: a shared secret or `none` never signs who somebody is
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
CLOCK_SKEW = timedelta(seconds=120)
METADATA_LIFE = timedelta(hours=1)
KEYS_REFETCH = timedelta(seconds=30)
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
SCOPE = "openid email profile"
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint")
_REASON_OF_CLAIM = {"nonce": "nonce", "aud": "audience", "azp": "audience", "iss": "issuer", "exp": "expired",
                    "iat": "expired", "nbf": "expired"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Relying:
    """Us, at one provider: what its administrator gave the cooperative."""

    provider_id: UUID
    issuer: str
    client_id: str
    client_secret: str | None
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who the provider says signed in, verified. `email` is there only when the provider verified it."""

    issuer: str
    subject: str
    email: str | None
    email_seen: bool
    name: str | None
    sid: str | None
    id_token: str


@dataclass(frozen=True, slots=True)
class Logout:
    """A verified back-channel logout: of one session (`sid`) or of everything of a `subject`."""

    jti: str
    subject: str | None
    sid: str | None
    expires_at: datetime


@dataclass(slots=True)
class _Known:
    """What this process remembers of one issuer."""

    metadata: dict[str, Any]
    fetched_at: datetime
    keys: KeySet | None = None
    keys_fetched_at: datetime | None = None


@dataclass(slots=True)
class OpenIdClient:
    """The protocol, for every provider of every cooperative. One per process: it remembers metadata and keys."""

    http: GuardedHttp
    _known: dict[str, _Known] = field(default_factory=dict)

    async def discover(self, issuer: str, *, fresh: bool = False) -> dict[str, Any]:
        """The provider's metadata, checked (OpenID Connect Discovery 1.0, section 4.3), remembered for an hour."""
        known = self._known.get(issuer)
        if known is None or fresh or clock.now() - known.fetched_at > METADATA_LIFE:
            answer = await self._get(issuer.rstrip("/") + "/.well-known/openid-configuration")
            metadata = _json(answer, "metadata")
            self._check_metadata(issuer, metadata)
            known = self._known[issuer] = _Known(metadata, clock.now())
        return known.metadata

    async def authorization_url(self, relying: Relying, *, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser: authorization code with PKCE S256, state and nonce."""
        metadata = await self.discover(relying.issuer)
        return str(
            prepare_grant_uri(
                metadata["authorization_endpoint"],
                client_id=relying.client_id,
                response_type="code",
                redirect_uri=relying.redirect_uri,
                scope=SCOPE,
                state=state,
                nonce=nonce,
                code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
            )
        )

    async def check_answer(self, relying: Relying, query: dict[str, str]) -> str:
        """The code of an authorization response, once it comes from the right issuer (RFC 9207)."""
        metadata = await self.discover(relying.issuer)
        said = query.get("iss")
        if said is None and metadata.get("authorization_response_iss_parameter_supported"):
            raise OpenIdRefused("issuer", "no iss in the answer, though the provider always sends it")
        if said is not None and said != relying.issuer:
            raise OpenIdRefused("issuer", "another issuer in the answer")
        if query.get("error"):
            raise OpenIdRefused("denied", query["error"][:80])
        if not query.get("code"):
            raise OpenIdRefused("denied", "neither code nor error")
        return query["code"]

    async def person(self, relying: Relying, *, code: str, verifier: str, nonce: str, want_email: bool) -> Person:
        """Exchange the code and verify the identity token. `want_email` asks the userinfo endpoint when needed."""
        metadata = await self.discover(relying.issuer)
        tokens = await self._exchange(relying, metadata, code=code, verifier=verifier)
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str):
            raise OpenIdRefused("claims", "no id_token")
        decoded = await self._decode(relying, metadata, id_token)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": relying.issuer},
                "aud": {"essential": True, "value": relying.client_id},
            },
            {"nonce": nonce, "client_id": relying.client_id, "access_token": access_token},
        )
        _validate(claims)
        if claims.get("nonce") != nonce:
            raise OpenIdRefused("nonce")
        told: dict[str, Any] = dict(claims)
        if want_email and "email" not in told and isinstance(access_token, str):
            told |= await self._userinfo(relying, metadata, access_token, subject=told["sub"])
        verified = told.get("email_verified") in (True, "true")
        email = told.get("email")
        sid = told.get("sid")
        name = told.get("name")
        return Person(
            issuer=relying.issuer,
            subject=_subject(told),
            email=email.strip().lower() if verified and isinstance(email, str) else None,
            email_seen=isinstance(email, str),
            name=name.strip()[:120] if isinstance(name, str) and name.strip() else None,
            sid=sid if isinstance(sid, str) else None,
            id_token=id_token,
        )

    async def logout_of(self, relying: Relying, logout_token: str) -> Logout:
        """Verify a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.6)."""
        metadata = await self.discover(relying.issuer)
        decoded = await self._decode(relying, metadata, logout_token)
        claims = decoded.claims
        registry = jwt.JWTClaimsRegistry(
            now=_now(),
            leeway=int(CLOCK_SKEW.total_seconds()),
            iss={"essential": True, "value": relying.issuer},
            aud={"essential": True, "value": relying.client_id},
            iat={"essential": True},
            exp={"essential": True},
            jti={"essential": True},
        )
        try:
            registry.validate(claims)
        except JoseError as exc:
            raise _refusal(exc) from exc
        events = claims.get("events")
        if "nonce" in claims or not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
            raise OpenIdRefused("claims", "not a logout token")
        if decoded.header.get("typ", "logout+jwt").lower() not in ("logout+jwt", "jwt"):
            raise OpenIdRefused("claims", "another type of token")
        subject, sid = claims.get("sub"), claims.get("sid")
        if not isinstance(subject or sid, str) or not isinstance(claims["jti"], str):
            raise OpenIdRefused("claims", "neither sub nor sid")
        return Logout(
            jti=claims["jti"],
            subject=subject if isinstance(subject, str) else None,
            sid=sid if isinstance(sid, str) else None,
            expires_at=clock.now() + CLOCK_SKEW + timedelta(seconds=min(max(int(claims["exp"]) - _now(), 0), 86400)),
        )

    async def logout_url(self, relying: Relying, *, id_token: str, back_to: str) -> str | None:
        """Where a person ends the session at the provider too (RP-Initiated Logout 1.0); None without such a page."""
        metadata = await self.discover(relying.issuer)
        endpoint = metadata.get("end_session_endpoint")
        if not endpoint:
            return None
        asked = {"id_token_hint": id_token, "client_id": relying.client_id, "post_logout_redirect_uri": back_to}
        return str(add_params_to_uri(endpoint, asked))

    # --- inside ------------------------------------------------------

    def _check_metadata(self, issuer: str, metadata: dict[str, Any]) -> None:
        if metadata.get("issuer") != issuer:
            raise OpenIdRefused("issuer", "the metadata name another issuer")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(metadata.get(name), str):
                raise OpenIdRefused("metadata", f"no {name}")
        try:
            for name in _ENDPOINTS:
                if metadata.get(name) is not None:
                    self.http.check_form(metadata[name])
        except CallRefused as exc:
            raise OpenIdRefused("metadata", str(exc)) from exc
        if "S256" not in metadata.get("code_challenge_methods_supported", ["S256"]):
            raise OpenIdRefused("metadata", "no PKCE S256")
        if "code" not in metadata.get("response_types_supported", ["code"]):
            raise OpenIdRefused("metadata", "no authorization code")

    async def _exchange(
        self, relying: Relying, metadata: dict[str, Any], *, code: str, verifier: str
    ) -> dict[str, Any]:
        headers: dict[str, str] = {}
        extra: dict[str, str] = {"code": code, "code_verifier": verifier}
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if relying.client_secret is None:
            extra["client_id"] = relying.client_id
        elif "client_secret_basic" in methods or "client_secret_post" not in methods:
            # RFC 6749, section 2.3.1: both halves are form-encoded first
            pair = f"{quote(relying.client_id, safe='')}:{quote(relying.client_secret, safe='')}"
            headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            extra |= {"client_id": relying.client_id, "client_secret": relying.client_secret}
        form = prepare_token_request("authorization_code", redirect_uri=relying.redirect_uri, **extra)
        answer = await self._post(metadata["token_endpoint"], str(form), headers)
        if answer.status != 200:
            said = _json(answer, "code").get("error", "")
            raise OpenIdRefused("code", f"{answer.status} {str(said)[:80]}")
        return _json(answer, "code")

    async def _decode(self, relying: Relying, metadata: dict[str, Any], token: str) -> jwt.Token:
        """The token once its signature is verified. A key we do not know makes us fetch the keys again, seldom."""
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        registry = JWSRegistry(algorithms=[name for name in ALGORITHMS if name in offered], strict_check_header=False)
        keys = await self._keys(relying.issuer, metadata)
        try:
            try:
                return jwt.decode(token, key=keys, registry=registry)
            except (InvalidKeyIdError, BadSignatureError):
                again = await self._keys(relying.issuer, metadata, again=True)
                if again is keys:
                    raise
                return jwt.decode(token, key=again, registry=registry)
        except (JoseError, ValueError, UnicodeError) as exc:
            raise OpenIdRefused("signature", type(exc).__name__) from exc

    async def _keys(self, issuer: str, metadata: dict[str, Any], *, again: bool = False) -> KeySet:
        known = self._known[issuer]
        age = None if known.keys_fetched_at is None else clock.now() - known.keys_fetched_at
        stale = age is None or age > METADATA_LIFE or (again and age > KEYS_REFETCH)
        if known.keys is None or stale:
            found = _json(await self._get(metadata["jwks_uri"]), "signature")
            try:
                signing = [key for key in found["keys"] if key.get("use", "sig") == "sig" and key["kty"] != "oct"]
                known.keys = KeySet.import_key_set({"keys": signing})
            except (KeyError, TypeError, AttributeError, ValueError, JoseError) as exc:
                raise OpenIdRefused("signature", "unreadable keys") from exc
            known.keys_fetched_at = clock.now()
        return known.keys

    async def _userinfo(
        self, relying: Relying, metadata: dict[str, Any], access_token: str, *, subject: str
    ) -> dict[str, Any]:
        """What the provider says of the person beside the token, as JSON or, as ProConnect does, signed."""
        endpoint = metadata.get("userinfo_endpoint")
        if not endpoint:
            return {}
        answer = await self._get(endpoint, {"authorization": f"Bearer {access_token}"})
        if answer.status != 200:
            return {}
        if answer.headers.get("content-type", "").startswith("application/jwt"):
            told = (await self._decode(relying, metadata, answer.body.decode("ascii", "replace"))).claims
            audience = told.get("aud")
            meant = audience if isinstance(audience, list) else [audience]
            if told.get("iss") != relying.issuer or relying.client_id not in meant:
                raise OpenIdRefused("claims", "userinfo signed for somebody else")
        else:
            told = _json(answer, "claims")
        if told.get("sub") != subject:  # OpenID Connect Core 1.0, section 5.3.2
            raise OpenIdRefused("claims", "userinfo speaks of somebody else")
        return {name: told[name] for name in ("email", "email_verified", "name") if name in told}

    async def _get(self, url: str, headers: dict[str, str] | None = None) -> Answer:
        try:
            return await self.http.get(url, headers=headers)
        except CallRefused as exc:
            raise OpenIdRefused("metadata", str(exc)) from exc
        except CallFailed as exc:
            raise OpenIdRefused("unreachable", str(exc)) from exc

    async def _post(self, url: str, form: str, headers: dict[str, str]) -> Answer:
        try:
            return await self.http.post(url, form=form, headers=headers)
        except CallRefused as exc:
            raise OpenIdRefused("metadata", str(exc)) from exc
        except CallFailed as exc:
            raise OpenIdRefused("unreachable", str(exc)) from exc


def browser_hash(secret: str) -> str:
    """What an attempt keeps of the browser that started it."""
    return hashlib.sha256(b"openid browser" + secret.encode()).hexdigest()


def _validate(claims: Any) -> None:
    try:
        claims.validate(now=_now(), leeway=int(CLOCK_SKEW.total_seconds()))
    except (JoseError, AuthlibBaseError) as exc:
        raise _refusal(exc) from exc
    except (TypeError, ValueError) as exc:
        raise OpenIdRefused("claims", type(exc).__name__) from exc


def _refusal(error: Exception) -> OpenIdRefused:
    if isinstance(error, ExpiredTokenError):
        return OpenIdRefused("expired", "exp")
    claim = getattr(error, "claim", "") or ""
    if isinstance(error, InvalidClaimError) and claim in _REASON_OF_CLAIM:
        return OpenIdRefused(_REASON_OF_CLAIM[claim], claim)
    return OpenIdRefused(_REASON_OF_CLAIM.get(claim, "claims"), f"{type(error).__name__} {claim}")


def _subject(claims: dict[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise OpenIdRefused("claims", "sub")
    return subject


def _json(answer: Answer, reason: str) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except ValueError as exc:
        raise OpenIdRefused("unreachable" if answer.status >= 500 else reason, f"{answer.status}, not JSON") from exc
    if not isinstance(found, dict):
        raise OpenIdRefused(reason, "not a JSON object")
    return found


def _now() -> int:
    return int(clock.now().timestamp())
