"""What the authorization server decides without a database or a clock: lives, addresses, keys of applications."""

import re
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from maillage_kit.api_access import Scope

ACCESS_TOKEN_LIFE = timedelta(minutes=10)
CODE_LIFE = timedelta(minutes=1)
REFRESH_TOKEN_LIFE = timedelta(days=30)
CONSENT_LIFE = timedelta(days=365)
FORMER_SECRET_LIFE = timedelta(hours=24)
KEY_LIFE = timedelta(days=30)
"""How long a key signs."""
KEY_NOTICE = timedelta(hours=1)
"""How long a key is listed before it signs: whoever remembers the list has read it again by then."""
CLOCK_SKEW = timedelta(seconds=60)
ASSERTION_LIFE = timedelta(minutes=5)
MAX_REDIRECT_URIS = 10
MAX_KEYS = 10
_HTTP_IN_DEVELOPMENT = ("localhost", "127.0.0.1")
_SCOPES = {scope.value: scope for scope in Scope}
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


class AuthMethod(StrEnum):
    """How an application proves who it is; the second is the name that RFC 7591 gives it."""

    SECRET = "secret"  # noqa: S105 - the name of a method
    PRIVATE_KEY_JWT = "private_key_jwt"


class GrantKind(StrEnum):
    """How an application comes to a token, under the names of RFC 6749."""

    CLIENT_CREDENTIALS = "client_credentials"
    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the name of a grant


METHOD_LABELS = {
    AuthMethod.SECRET: "Un secret que nous lui donnons",
    AuthMethod.PRIVATE_KEY_JWT: "Une clé qu’elle garde, dont nous n’avons que la moitié publique (RFC 7523)",
}
GRANT_LABELS = {
    GrantKind.CLIENT_CREDENTIALS: "En son propre nom, de machine à machine",
    GrantKind.AUTHORIZATION_CODE: "Pour une personne de la gérance, qui l’autorise à l’écran",
    GrantKind.REFRESH_TOKEN: "… et reste autorisée sans la redemander, un an au plus",
}


def audience_of(slug: str, *, public_url: str) -> str:
    """Whom a token is for: the API of one cooperative, by its address."""
    return f"{public_url}/api/v1/cooperatives/{slug}"


def known_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Those of these names that are scopes."""
    return frozenset(_SCOPES[name] for name in names if name in _SCOPES)


def in_order(scopes: Iterable[Scope]) -> list[Scope]:
    """Scopes as they are listed everywhere."""
    wanted = frozenset(scopes)
    return [scope for scope in Scope if scope in wanted]


def sentences(names: Iterable[str]) -> list[str]:
    """What these scopes let an application do, in words and in their order."""
    return [scope.sentence for scope in in_order(known_scopes(names))]


def is_return_address(uri: str, *, in_production: bool) -> bool:
    """Whether a browser may be sent there with a code: https and nothing hidden in it (RFC 9700, section 4.1)."""
    if not _PRINTABLE.fullmatch(uri) or len(uri) > 500 or set(uri) & set('"\\<>^`{|}*'):
        return False
    try:
        parts = urlsplit(uri)
        port_is_sane = parts.port is None or parts.port > 0
    except ValueError:
        return False
    if not parts.hostname or not port_is_sane or parts.username is not None or parts.fragment or uri.endswith("#"):
        return False
    return parts.scheme == "https" or (
        not in_production and parts.scheme == "http" and parts.hostname in _HTTP_IN_DEVELOPMENT
    )


def origin_of(uri: str) -> str:
    """Scheme, host and port of an address, as a content security policy names them."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"
