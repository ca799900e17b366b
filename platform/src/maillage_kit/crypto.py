"""Field-level encryption and secret comparison. Keys come from the settings, never from the tree."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from maillage_kit.errors import Unavailable


class FieldCipher:
    """Encrypts short sensitive texts: door codes, key locations, absences (R72).

    The first key encrypts; every key decrypts, so that keys can be rotated.
    """

    def __init__(self, keys: tuple[SecretStr, ...]) -> None:
        self._fernet = MultiFernet([Fernet(key.get_secret_value()) for key in keys])

    def encrypt(self, text: str) -> bytes:
        return self._fernet.encrypt(text.encode())

    def decrypt(self, sealed: bytes) -> str:
        """Raises Unavailable when no configured key opens it."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as exc:
            raise Unavailable("Cette information protégée ne peut pas être lue.") from exc


def new_token() -> str:
    """An unguessable URL-safe token of 256 bits."""
    return secrets.token_urlsafe(32)


def derived_token(key: SecretStr, purpose: str) -> str:
    """The same unguessable URL-safe token of 256 bits each time, for a link that is given again and again."""
    digest = hmac.digest(key.get_secret_value().encode(), purpose.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def token_hash(token: str) -> str:
    """What is stored of a token: its SHA-256, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def basic_account(authorization: str, *, user: str, accepted: Iterable[str]) -> bool:
    """Whether a header of HTTP Basic is that of `user` with one of the `accepted` secrets (two during a rotation)."""
    scheme, _, coded = authorization.partition(" ")
    try:
        given_user, _, given = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        given_user, given = "", ""
    right = [same(given, secret) for secret in accepted if secret]
    return scheme.lower() == "basic" and same(given_user, user) and any(right)
