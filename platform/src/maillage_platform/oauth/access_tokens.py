"""Access tokens as RFC 9068 writes them: signed here, read here, and whatever is not exactly ours is refused.

The claims are checked by Authlib, the signature by joserfc. Only the clock of the house says what has expired.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from authlib.oauth2.rfc9068.claims import JWTAccessTokenClaims
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from maillage_kit import clock
from maillage_kit.api_access import InvalidToken, Scope
from maillage_kit.crypto import new_token
from maillage_platform.oauth.rules import ACCESS_TOKEN_LIFE, in_order, known_scopes
from maillage_platform.oauth.service.keys import ALGORITHM, KeyPair

TYPE = "at+jwt"
CONSENT_CLAIM = "consent_id"
_REGISTRY = JWSRegistry(algorithms=[ALGORITHM])
_CLAIMS = ("iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a genuine, running token says. Whether it was taken back, only the database knows."""

    token_id: str
    client_id: UUID
    subject: str
    audience: str
    scopes: frozenset[Scope]
    consent_id: UUID | None
    issued_at: int
    expires_at: int

    @property
    def until(self) -> datetime:
        return datetime.fromtimestamp(self.expires_at, tz=UTC)


def sign(
    key: KeyPair,
    *,
    issuer: str,
    audience: str,
    client_id: UUID,
    scopes: frozenset[Scope],
    consent_id: UUID | None = None,
    account_id: UUID | None = None,
) -> str:
    """A new access token. Its subject is the person of the consent, or the application itself."""
    now = int(clock.now().timestamp())
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": audience,
        "sub": str(account_id or client_id),
        "client_id": str(client_id),
        "iat": now,
        "exp": now + int(ACCESS_TOKEN_LIFE.total_seconds()),
        "jti": new_token(),
        "scope": " ".join(in_order(scopes)),
    }
    if consent_id is not None:
        claims[CONSENT_CLAIM] = str(consent_id)
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": key.kid}
    return jwt.encode(header, claims, key.private, registry=_REGISTRY)


def read(token: str, *, keys: KeySet, issuer: str, audience: str | None) -> AccessToken:
    """Raises InvalidToken for anything but a running token of ours, meant for `audience` when that is given."""
    try:
        decoded = jwt.decode(token, keys, registry=_REGISTRY)
        if decoded.header.get("typ") != TYPE:
            raise InvalidToken
        options: dict[str, Any] = {name: {"essential": True} for name in _CLAIMS}
        options["iss"]["value"] = issuer
        JWTAccessTokenClaims(decoded.claims, decoded.header, options).validate(now=int(clock.now().timestamp()))
        claims = decoded.claims
        said = claims["aud"]
        if not isinstance(said, str) or (audience is not None and said != audience):
            raise InvalidToken
        consent = claims.get(CONSENT_CLAIM)
        return AccessToken(
            token_id=claims["jti"],
            client_id=UUID(claims["client_id"]),
            subject=claims["sub"],
            audience=said,
            scopes=known_scopes(claims["scope"].split()),
            consent_id=None if consent is None else UUID(consent),
            issued_at=claims["iat"],
            expires_at=claims["exp"],
        )
    except (JoseError, ValueError, TypeError, AttributeError) as exc:
        raise InvalidToken from exc
