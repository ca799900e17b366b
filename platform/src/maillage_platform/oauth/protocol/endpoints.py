"""Giving a token back (RFC 7009) and asking what one is worth (RFC 7662). An application sees its own tokens only."""

from typing import Any

from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from maillage_kit import clock
from maillage_kit.api_access import InvalidToken
from maillage_kit.crypto import token_hash
from maillage_kit.db import PlatformSession
from maillage_platform.oauth import access_tokens, queries
from maillage_platform.oauth.protocol.messages import ProtocolRequest
from maillage_platform.oauth.protocol.parties import AUTH_METHODS, Party, PresentedToken
from maillage_platform.oauth.protocol.waiting import wait
from maillage_platform.oauth.rules import in_order, known_scopes
from maillage_platform.oauth.service import consents
from maillage_platform.oauth.service.keys import key_set, public_keys


class Revocation(RevocationEndpoint):  # type: ignore[misc] # Authlib is not typed
    """A refresh token takes its whole consent along; an access token goes alone."""

    CLIENT_AUTH_METHODS = AUTH_METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> PresentedToken | None:  # noqa: ARG002
        return wait(presented(self.server.session, token=token_string, issuer=self.server.issuer))

    def revoke_token(self, token: PresentedToken, request: ProtocolRequest) -> None:
        if token.access is not None:
            wait(consents.revoke_access_token(self.server.session, token=token.access))
        elif token.consent is not None:
            wait(
                consents.revoke_consent(
                    self.server.session, client_id=request.client.row.id, consent_id=token.consent.id
                )
            )


class Introspection(IntrospectionEndpoint):  # type: ignore[misc] # Authlib is not typed
    """Says of a token of the asker whether it is worth something now, and what."""

    CLIENT_AUTH_METHODS = AUTH_METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> PresentedToken | None:  # noqa: ARG002
        return wait(presented(self.server.session, token=token_string, issuer=self.server.issuer))

    def check_permission(self, token: PresentedToken, client: Party, request: ProtocolRequest) -> bool:  # noqa: ARG002
        return token.check_client(client)

    def introspect_token(self, token: PresentedToken) -> dict[str, Any]:
        return token.claims


async def presented(session: PlatformSession, *, token: str, issuer: str) -> PresentedToken | None:
    """A token of ours by what it is: no hint is needed to tell a signed one from an opaque one. None for a stranger."""
    keys = key_set(await public_keys(session))
    try:
        said = access_tokens.read(token, keys=keys, issuer=issuer, audience=None)
    except InvalidToken:
        return await _refresh_token(session, token=token, issuer=issuer)
    standing = await queries.standing_of(
        session, client_id=said.client_id, consent_id=said.consent_id, token_id=said.token_id, now=clock.now()
    )
    scopes = said.scopes & known_scopes(standing.scopes if standing else ())
    claims = {
        "active": True,
        "token_type": "Bearer",
        "client_id": str(said.client_id),
        "scope": " ".join(in_order(scopes)),
        "sub": said.subject,
        "aud": said.audience,
        "iss": issuer,
        "exp": said.expires_at,
        "iat": said.issued_at,
        "jti": said.token_id,
    }
    return PresentedToken(str(said.client_id), claims, standing is not None, access=said)


async def _refresh_token(session: PlatformSession, *, token: str, issuer: str) -> PresentedToken | None:
    found = await queries.refresh_token_for_use(session, token_hash=token_hash(token))
    if found is None:
        return None
    row, client_id = found
    now = clock.now()
    registered = await queries.registered(session, client_id=client_id)
    consent = await queries.live_consent(session, consent_id=row.consent_id, now=now)
    if registered is None or consent is None:
        return None
    scopes = known_scopes(consent.scopes) & known_scopes(registered.client.scopes)
    claims = {
        "active": True,
        "client_id": str(client_id),
        "scope": " ".join(in_order(scopes)),
        "sub": str(consent.account_id),
        "iss": issuer,
        "exp": int(row.expires_at.timestamp()),
        "iat": int(row.created_at.timestamp()),
    }
    lives = row.used_at is None and row.expires_at > now
    return PresentedToken(str(client_id), claims, lives, consent=consent)
