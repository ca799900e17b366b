"""What can go wrong, as exceptions: one for each kind of refusal, with the problem as the API told it (RFC 9457)."""

import httpx
import msgspec


class ApiError(Exception):
    """The API refused. `code` is stable, `fields` says which field and why, `reference` finds the request in the logs
    of the cooperative."""

    def __init__(self, status: int, code: str, title: str, fields: dict[str, str], reference: str) -> None:
        told = f"{status} {code}: {title}"
        super().__init__(f"{told} {fields}" if fields else told)
        self.status, self.code, self.title, self.fields, self.reference = status, code, title, fields, reference


class Unauthorized(ApiError):
    """401: the token is not good, even a new one."""


class NotAllowed(ApiError):
    """403: the application lacks the scope, which the title names."""


class NotFound(ApiError):
    """404: it does not exist, or belongs to customers that the application does not see."""


class Conflict(ApiError):
    """409: not possible in the present state."""


class ChangedMeanwhile(ApiError):
    """412: somebody changed it since it was read. Read it again, then decide."""


class Invalid(ApiError):
    """422: `fields` says what is wrong."""


class RateLimited(ApiError):
    """429, after as much waiting as was allowed."""


class TokenRefused(Exception):
    """The authorization server gives no token; `error` is the OAuth code, `invalid_client` for a wrong secret."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}" if description else error)
        self.error = error


class NotGenuine(Exception):
    """What came to your address is not a message of the cooperative: refuse it, 400."""


class Unreachable(Exception):
    """No answer, after every attempt. A POST may have been done: send it again with `idempotency_key`, the same."""

    def __init__(self, reason: str, idempotency_key: str | None) -> None:
        super().__init__(reason)
        self.idempotency_key = idempotency_key


class NotUnderstood(Exception):
    """An answer that is not of the published document: a proxy's page, or an address that is not the API's."""


class _Problem(msgspec.Struct):
    title: str
    code: str
    instance: str = ""
    fields: dict[str, str] = {}


class _Refusal(msgspec.Struct):
    error: str
    error_description: str = ""


_KINDS: dict[int, type[ApiError]] = {
    401: Unauthorized,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    412: ChangedMeanwhile,
    422: Invalid,
    429: RateLimited,
}


def refusal(answer: httpx.Response) -> ApiError | NotUnderstood:
    """The exception for an answer that is no success."""
    try:
        problem = msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.MsgspecError:
        return NotUnderstood(f"{answer.status_code} {answer.headers.get('content-type', '')} at {answer.url}")
    kind = _KINDS.get(answer.status_code, ApiError)
    return kind(answer.status_code, problem.code, problem.title, problem.fields, problem.instance)


def token_refusal(answer: httpx.Response) -> TokenRefused | NotUnderstood:
    """The exception for an answer of the authorization server that is no token."""
    try:
        told = msgspec.json.decode(answer.content, type=_Refusal)
    except msgspec.MsgspecError:
        return NotUnderstood(f"{answer.status_code} {answer.headers.get('content-type', '')} at {answer.url}")
    return TokenRefused(told.error, told.error_description)
