"""What the headers of a refused API request say: how to prove who one is, when to come back, what the address knows."""

from maillage_kit.api_access import InvalidToken
from maillage_kit.errors import AppError
from maillage_kit.rest import MethodNotAllowed, MissingScope, RateLimited

REALM = 'Bearer realm="maillage"'


def refusal_headers(error: AppError, reference: str) -> dict[str, str]:
    """RFC 6750 for tokens and scopes, RFC 9110 for the rest."""
    headers = {"X-Request-Id": reference, "Cache-Control": "no-store"}
    if isinstance(error, MissingScope):
        headers["WWW-Authenticate"] = f'{REALM}, error="insufficient_scope", scope="{error.scope}"'
    elif isinstance(error, InvalidToken):
        headers["WWW-Authenticate"] = f'{REALM}, error="invalid_token"'
    elif isinstance(error, RateLimited):
        headers["Retry-After"] = str(error.retry_after)
    elif isinstance(error, MethodNotAllowed) and error.allowed:
        headers["Allow"] = error.allowed
    return headers
