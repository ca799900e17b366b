"""The three ways to a token: in one's own name, for a person who consents, and going on from there."""

from typing import Any

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc7636 import CodeChallenge

from maillage_kit import clock
from maillage_kit.api_access import Scope
from maillage_kit.crypto import new_token
from maillage_platform.oauth.protocol.messages import ProtocolRequest
from maillage_platform.oauth.protocol.parties import AUTH_METHODS, Grantor, Party, UsableCode, UsableRefreshToken
from maillage_platform.oauth.protocol.waiting import wait
from maillage_platform.oauth.service import consents


class InvalidTarget(OAuth2Error):  # type: ignore[misc] # Authlib is not typed
    """The token is asked for another API than the one of the application's cooperative (RFC 8707)."""

    error = "invalid_target"


class _OfACooperative:
    """What every grant shares: applications prove who they are, are counted, and reach one cooperative only."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    request: ProtocolRequest
    server: Any

    def authenticate_token_endpoint_client(self) -> Party:
        party: Party = super().authenticate_token_endpoint_client()  # type: ignore[misc]
        if (self.request.payload.client_id or party.get_client_id()) != party.get_client_id():
            raise InvalidRequestError("The proof and the client_id are of two clients.")
        self.request.client = party
        self.server.count(party)
        self._check_target()
        return party

    def validate_requested_scope(self) -> None:
        super().validate_requested_scope()  # type: ignore[misc]
        self._check_target()

    def _check_target(self) -> None:
        if any(resource != self.request.client.audience for resource in self.request.resources):
            raise InvalidTarget("The resource is not the API of the cooperative of this client.")


class OwnName(_OfACooperative, grants.ClientCredentialsGrant):  # type: ignore[misc] # Authlib is not typed
    """Client credentials: from machine to machine."""


class ForAPerson(_OfACooperative, grants.AuthorizationCodeGrant):  # type: ignore[misc] # Authlib is not typed
    """Authorization code: a person of the office says yes on our page."""

    def generate_authorization_code(self) -> str:
        return new_token()

    def save_authorization_code(self, code: str, request: ProtocolRequest) -> None:
        wait(
            consents.give_consent(
                self.server.session,
                witness=self.server.witness,
                registered=request.client.registered,
                person=request.user,
                scopes=frozenset(Scope(name) for name in request.scope.split()),
                code=code,
                redirect_uri=request.payload.redirect_uri,
                code_challenge=request.payload.data["code_challenge"],
            )
        )

    def query_authorization_code(self, code: str, client: Party) -> UsableCode | None:
        found = wait(
            consents.usable_code(
                self.server.session, witness=self.server.witness, registered=client.registered, code=code
            )
        )
        return None if found is None else UsableCode(*found, client)

    def authenticate_user(self, authorization_code: UsableCode) -> Grantor:
        return Grantor(authorization_code.consent)

    def delete_authorization_code(self, authorization_code: UsableCode) -> None:
        authorization_code.row.used_at = clock.now()


class GoingOn(_OfACooperative, grants.RefreshTokenGrant):  # type: ignore[misc] # Authlib is not typed
    """Refresh token: each one serves once and gives the next."""

    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> UsableRefreshToken | None:
        party: Party = self.request.client
        found = wait(
            consents.usable_refresh_token(
                self.server.session, witness=self.server.witness, registered=party.registered, token=refresh_token
            )
        )
        return None if found is None else UsableRefreshToken(*found, party)

    def authenticate_user(self, refresh_token: UsableRefreshToken) -> Grantor:
        return Grantor(refresh_token.consent)

    def revoke_old_credential(self, refresh_token: UsableRefreshToken) -> None:
        refresh_token.row.used_at = clock.now()


class MandatoryChallenge(CodeChallenge):  # type: ignore[misc] # Authlib is not typed
    """PKCE with S256, always, whoever asks (OAuth 2.1, section 4.1.1)."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012 - as Authlib declares it

    def validate_code_challenge(self, grant: ForAPerson, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE is mandatory: code_challenge, and code_challenge_method=S256.")
        super().validate_code_challenge(grant, redirect_uri)
