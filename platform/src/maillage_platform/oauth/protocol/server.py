"""The authorization server of one request: Authlib's, over one transaction of the control plane."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc9207 import IssuerParameter

from maillage_kit import clock
from maillage_kit.api_access import Scope
from maillage_kit.context import Actor
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import PlatformSession
from maillage_kit.errors import TooManyRequests
from maillage_kit.settings import Settings
from maillage_kit.witness import Witness
from maillage_platform.identity import attempts
from maillage_platform.oauth import access_tokens, queries
from maillage_platform.oauth.errors import AuthorizationRefused
from maillage_platform.oauth.protocol.authentication import ClientAssertion
from maillage_platform.oauth.protocol.endpoints import Introspection, Revocation
from maillage_platform.oauth.protocol.grants import ForAPerson, GoingOn, MandatoryChallenge, OwnName
from maillage_platform.oauth.protocol.messages import Answer, ProtocolRequest
from maillage_platform.oauth.protocol.parties import Grantor, Party
from maillage_platform.oauth.protocol.waiting import calling, wait
from maillage_platform.oauth.rules import ACCESS_TOKEN_LIFE, AuthMethod, in_order, known_scopes
from maillage_platform.oauth.service import consents
from maillage_platform.oauth.service.keys import signing_key

WINDOW = timedelta(minutes=1)
PER_CLIENT = 60
_TOUCH_AFTER = timedelta(minutes=5)  # a token every second is not a write every second


@dataclass(frozen=True, slots=True)
class Asked:
    """An authorization request that is in order: what a person is asked to allow."""

    party: Party
    scopes: tuple[Scope, ...]
    redirect_uri: str


class Server(AuthorizationServer):  # type: ignore[misc] # Authlib is not typed
    """Everything that speaks OAuth: tokens, consents, giving back, asking. Answers are never exceptions, so that what
    a refusal changes (a stolen chain is cut) is kept."""

    def __init__(self, session: PlatformSession, *, witness: Witness, settings: Settings, cipher: FieldCipher) -> None:
        super().__init__(scopes_supported=[scope.value for scope in Scope])
        self.session = session
        self.witness = witness
        self.issuer = settings.web.public_url
        self._cipher = cipher
        self._parties: dict[str, Party | None] = {}
        self.register_grant(OwnName)
        self.register_grant(ForAPerson, [MandatoryChallenge(required=True)])
        self.register_grant(GoingOn)
        self.register_endpoint(Revocation)
        self.register_endpoint(Introspection)
        self.register_extension(_OurIssuer(self.issuer))
        self.register_token_generator("default", _Tokens(self))
        self.register_client_auth_method(AuthMethod.PRIVATE_KEY_JWT.value, ClientAssertion(session, issuer=self.issuer))

    async def token(self, request: ProtocolRequest) -> Answer:
        """The token endpoint (RFC 6749, section 3.2). Raises TooManyRequests."""
        return await self._answered(request, lambda: self.create_token_response(request))

    async def endpoint(self, name: str, request: ProtocolRequest) -> Answer:
        """`revocation` or `introspection`."""
        return await self._answered(request, lambda: self.create_endpoint_response(name, request))

    async def asked(self, request: ProtocolRequest) -> Asked | Answer:
        """Look at an authorization request: what to ask, or the refusal to send back to the application.

        Raises AuthorizationRefused when nothing may be sent anywhere.
        """
        return await calling(self._asked, request)

    async def decided(self, request: ProtocolRequest, *, by: Actor, allowed: bool) -> Answer:
        """The person said yes or no: where to send the browser. Raises AuthorizationRefused as `asked` does."""
        return await calling(self._decided, request, by, allowed)

    # --- called back by Authlib ----------------------------------

    def query_client(self, client_id: str) -> Party | None:
        if client_id not in self._parties:
            self._parties[client_id] = wait(self._party(client_id))
        return self._parties[client_id]

    def save_token(self, token: dict[str, Any], request: ProtocolRequest) -> None:
        """Nothing: access tokens are signed, refresh tokens were kept when they were made."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: ProtocolRequest) -> ProtocolRequest:
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Answer:
        return Answer.of(status, body, headers)

    def count(self, party: Party) -> None:
        """One more request of an application that has proved who it is. Raises TooManyRequests."""
        wait(self._count(party))

    # --- ours ----------------------------------------------------

    async def _answered(self, request: ProtocolRequest, answer: Any) -> Answer:
        try:
            request.check_form()
        except OAuth2Error as error:
            refused: Answer = self.handle_error_response(request, error)
            return refused
        return await calling(answer)

    def _asked(self, request: ProtocolRequest) -> Asked | Answer:
        try:
            request.check_form()
            grant = self.get_consent_grant(request)
        except OAuth2Error as error:
            return self._refused(request, error)
        scopes = in_order(known_scopes(request.scope.split()))
        return Asked(request.client, tuple(scopes), grant.redirect_uri)

    def _decided(self, request: ProtocolRequest, by: Actor, allowed: bool) -> Answer:
        try:
            request.check_form()
            grant = self.get_consent_grant(request, end_user=by)
        except OAuth2Error as error:
            return self._refused(request, error)
        answer: Answer = self.create_authorization_response(request, grant_user=by if allowed else None, grant=grant)
        return answer

    def _refused(self, request: ProtocolRequest, error: OAuth2Error) -> Answer:
        """Back to the application when its address is known to be its own, else nowhere."""
        if not error.redirect_uri:
            party = self.query_client(request.payload.client_id or "")
            if party is None:
                raise AuthorizationRefused("client", error.error)
            registered = party.check_redirect_uri(request.payload.redirect_uri or "")
            raise AuthorizationRefused("request" if registered else "address", error.error)
        answer: Answer = self.handle_error_response(request, error)
        self.execute_hook("after_create_authorization_response", answer)
        return answer

    async def _party(self, client_id: str) -> Party | None:
        try:
            key = UUID(client_id)
        except ValueError:
            return None
        found = await queries.registered(self.session, client_id=key)
        return None if found is None else Party(found, public_url=self.issuer)

    async def _count(self, party: Party) -> None:
        row, now = party.row, clock.now()
        if await attempts(self.session, key=f"oauth:client:{row.id}", window=WINDOW) > PER_CLIENT:
            raise TooManyRequests
        if row.last_used_at is None or now - row.last_used_at > _TOUCH_AFTER:
            row.last_used_at = now

    async def new_access_token(self, party: Party, grantor: Grantor | None, scope: str) -> str:
        consent = grantor.consent if grantor else None
        return access_tokens.sign(
            await signing_key(self.session, cipher=self._cipher),
            issuer=self.issuer,
            audience=party.audience,
            client_id=party.row.id,
            scopes=known_scopes(scope.split()),
            consent_id=consent.id if consent else None,
            account_id=consent.account_id if consent else None,
        )


class _Tokens(BearerTokenGenerator):  # type: ignore[misc] # Authlib is not typed
    """What a token answer holds (RFC 6750), made by us and by the clock of the house."""

    def __init__(self, server: Server) -> None:
        self._server = server
        life = int(ACCESS_TOKEN_LIFE.total_seconds())
        super().__init__(self._access_token, self._refresh_token, life)

    def _access_token(self, client: Party, grant_type: str, user: Grantor | None, scope: str) -> str:  # noqa: ARG002
        return wait(self._server.new_access_token(client, user, scope))

    def _refresh_token(self, client: Party, grant_type: str, user: Grantor, scope: str) -> str:  # noqa: ARG002
        return wait(consents.new_refresh_token(self._server.session, consent=user.consent))


class _OurIssuer(IssuerParameter):  # type: ignore[misc] # Authlib is not typed
    """`iss` in every authorization answer (RFC 9207): an application that knows several servers tells them apart."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def get_issuer(self) -> str:
        return self._issuer
