"""What the authorization server says to people; machines are answered as RFC 6749 says."""

from maillage_kit.errors import AppError

_MESSAGES = {
    "client": "Cette application n’est pas connue ici, ou ne l’est plus. Rien ne lui a été envoyé.",
    "address": "L’adresse de retour n’est pas de celles que cette application a déclarées. Rien n’y a été envoyé.",
    "request": "Cette application a envoyé une demande incomplète ou mal formée. Rien ne lui a été envoyé.",
}


class AuthorizationRefused(AppError):
    """An authorization request that must not send the browser anywhere (RFC 6749, section 4.1.2.1).

    `reason` is stable; `detail` goes to the log only.
    """

    code = "authorization_refused"
    status = 400

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(_MESSAGES[reason])
