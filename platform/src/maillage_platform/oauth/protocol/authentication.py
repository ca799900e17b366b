"""`private_key_jwt` (RFC 7523): an application signs a short letter to us with its own key; each letter serves once."""

from typing import Any
from uuid import UUID

from authlib.oauth2.rfc6749.errors import InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from maillage_kit import clock
from maillage_kit.crypto import token_hash
from maillage_kit.db import PlatformSession
from maillage_platform.oauth.protocol.parties import Party
from maillage_platform.oauth.protocol.waiting import wait
from maillage_platform.oauth.rules import ASSERTION_LIFE, CLOCK_SKEW, AuthMethod
from maillage_platform.oauth.service.assertions import first_use
from maillage_platform.oauth.service.keys import key_set

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
_REGISTRY = JWSRegistry(algorithms=list(ALGORITHMS))


class ClientAssertion(JWTBearerClientAssertion):  # type: ignore[misc] # Authlib is not typed
    """The letter is for our issuer alone: one meant for another server, or for several, proves nothing here."""

    CLIENT_AUTH_METHOD = AuthMethod.PRIVATE_KEY_JWT.value

    def __init__(self, session: PlatformSession, *, issuer: str) -> None:
        super().__init__(validate_jti=True, leeway=int(CLOCK_SKEW.total_seconds()))
        self._session = session
        self._issuer = issuer

    def resolve_client_public_key(self, client: Party) -> KeySet:
        if client.row.jwks is None:
            raise InvalidClientError(description="The client has no key.")
        return key_set(client.row.jwks)

    def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> dict[str, Any]:
        try:
            claims = jwt.decode(assertion, resolve_key, registry=_REGISTRY).claims
        except (JoseError, ValueError, TypeError) as exc:
            raise InvalidClientError(description="The assertion is not signed by a key of the client.") from exc
        self.verify_claims(claims)
        return claims

    def verify_claims(self, claims: dict[str, Any]) -> None:
        now = int(clock.now().timestamp())
        options: dict[str, Any] = {name: {"essential": True} for name in ("iss", "sub", "aud", "exp", "jti")}
        try:
            jwt.JWTClaimsRegistry(now=now, leeway=self.leeway, **options).validate(claims)
        except (JoseError, ValueError, TypeError) as exc:
            raise InvalidClientError(description="The assertion is incomplete, or not valid any more.") from exc
        if claims["aud"] != self._issuer:
            raise InvalidClientError(description="The audience of the assertion is the issuer, and nobody else.")
        if claims["sub"] != claims["iss"]:
            raise InvalidClientError(description="Issuer and subject of the assertion are the client.")
        if claims["exp"] > now + ASSERTION_LIFE.total_seconds() + self.leeway:
            raise InvalidClientError(description="The assertion is valid for too long: five minutes at most.")
        if not self.validate_jti(claims, claims["jti"]):
            raise InvalidClientError(description="The assertion was used before.")

    def validate_jti(self, claims: dict[str, Any], jti: str) -> bool:
        return wait(
            first_use(
                self._session,
                client_id=UUID(claims["sub"]),
                assertion_hash=token_hash(jti),
                expires_at=int(claims["exp"]) + self.leeway,
            )
        )
