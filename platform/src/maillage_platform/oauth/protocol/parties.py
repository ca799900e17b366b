"""Our rows in the shapes that Authlib asks for: the application, the person, codes and tokens."""

from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin

from maillage_kit import clock
from maillage_kit.api_access import Scope
from maillage_kit.crypto import same, token_hash
from maillage_platform.oauth.access_tokens import AccessToken
from maillage_platform.oauth.models import AuthorizationCode, Consent, RefreshToken
from maillage_platform.oauth.queries import Registered
from maillage_platform.oauth.rules import AuthMethod, GrantKind, audience_of, in_order, known_scopes

SECRET_METHODS = ("client_secret_basic", "client_secret_post")
AUTH_METHODS = [*SECRET_METHODS, AuthMethod.PRIVATE_KEY_JWT.value]


class Party(ClientMixin):  # type: ignore[misc] # Authlib is not typed
    """An application at the endpoints. Every one is confidential: it always proves who it is."""

    def __init__(self, registered: Registered, *, public_url: str) -> None:
        self.registered = registered
        self.row = registered.client
        self.audience = audience_of(registered.slug, public_url=public_url)

    @property
    def scopes(self) -> frozenset[Scope]:
        return known_scopes(self.row.scopes)

    def get_client_id(self) -> str:
        return str(self.row.id)

    def get_default_redirect_uri(self) -> None:
        """None: the address of return is always said (OAuth 2.1, section 4.1.1)."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Everything it has when nothing is asked; None, which refuses, for anything it has not."""
        if scope is None:
            return " ".join(in_order(self.scopes))
        asked = set(scope.split())
        has_all = bool(asked) and asked <= {name.value for name in self.scopes}
        return " ".join(in_order(known_scopes(asked))) if has_all else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """The whole address, to the letter (RFC 9700, section 2.1)."""
        return redirect_uri in self.row.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        told = token_hash(client_secret)
        former = self.row.former_secret_hash
        until = self.row.former_secret_until
        current_fits = self.row.secret_hash is not None and same(told, self.row.secret_hash)
        former_fits = former is not None and until is not None and clock.now() < until and same(told, former)
        return current_fits or former_fits

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002 - the same everywhere
        if self.row.auth_method == AuthMethod.SECRET:
            return method in SECRET_METHODS
        return method == AuthMethod.PRIVATE_KEY_JWT

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and GrantKind.AUTHORIZATION_CODE in self.row.grants

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.row.grants


@dataclass(frozen=True, slots=True)
class Grantor:
    """The person of a consent: in Authlib's words, the user of a code or of a refresh token."""

    consent: Consent

    def get_user_id(self) -> str:
        return str(self.consent.account_id)


class UsableCode(AuthorizationCodeMixin):  # type: ignore[misc] # Authlib is not typed
    """A code that may be exchanged now."""

    code_challenge_method = "S256"

    def __init__(self, row: AuthorizationCode, consent: Consent, party: Party) -> None:
        self.row = row
        self.consent = consent
        self.code_challenge = row.code_challenge
        self._party = party

    def get_redirect_uri(self) -> str:
        return self.row.redirect_uri

    def get_scope(self) -> str:
        return still_allowed(self.consent, self._party)


@dataclass(frozen=True, slots=True)
class UsableRefreshToken:
    """A refresh token that may be exchanged now."""

    row: RefreshToken
    consent: Consent
    party: Party

    def check_client(self, client: Party) -> bool:
        return bool(self.consent.client_id == client.row.id)

    def get_scope(self) -> str:
        return still_allowed(self.consent, self.party)


def still_allowed(consent: Consent, party: Party) -> str:
    """What the person allowed, less what the office has taken from the application since."""
    return " ".join(in_order(known_scopes(consent.scopes) & party.scopes))


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A token that an application asks about, or gives back: an access token that we signed, or a refresh token."""

    client_id: str
    claims: dict[str, Any]
    lives: bool
    access: AccessToken | None = None
    consent: Consent | None = None

    def check_client(self, client: Party) -> bool:
        return self.client_id == client.get_client_id()

    def is_expired(self) -> bool:
        return not self.lives

    def is_revoked(self) -> bool:
        return not self.lives
