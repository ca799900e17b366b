"""Refusals of the REST API alone; every other refusal of the product is rendered the same way (RFC 9457)."""

from maillage_kit.api_access import Scope
from maillage_kit.errors import AppError


class MissingScope(AppError):
    """The token is good, but not for this."""

    code = "missing_scope"
    status = 403
    message = "Ce jeton ne donne pas ce droit."

    def __init__(self, scope: Scope) -> None:
        super().__init__(
            f"Ce jeton ne donne pas le droit « {scope} ».", fields={"scope": f"Droit nécessaire : {scope}"}
        )
        self.scope = scope


class MalformedBody(AppError):
    code = "malformed_body"
    status = 400
    message = "Le corps de la demande n’est pas du JSON valable."


class NotJson(AppError):
    code = "not_json"
    status = 415
    message = "Envoyez du JSON : Content-Type: application/json."


class MethodNotAllowed(AppError):
    code = "method_not_allowed"
    status = 405
    message = "Cette adresse ne connaît pas cette méthode."

    def __init__(self, allowed: str = "") -> None:
        super().__init__()
        self.allowed = allowed


class ChangedMeanwhile(AppError):
    """`If-Match` names a version that is no longer the present one."""

    code = "changed_meanwhile"
    status = 412
    message = "Cet objet a changé entre-temps : relisez-le avant de le modifier."


class VersionRequired(AppError):
    """A change must say which version it changes (RFC 6585)."""

    code = "version_required"
    status = 428
    message = "Donnez dans If-Match l’ETag de la version que vous modifiez."


class KeyRequired(AppError):
    code = "idempotency_key_required"
    status = 400
    message = (
        "Donnez une clé Idempotency-Key, de 1 à 128 caractères : elle permet de réessayer sans rien faire deux fois."
    )


class KeyReused(AppError):
    code = "idempotency_key_reused"
    status = 422
    message = "Cette clé Idempotency-Key a déjà servi pour une autre demande."


class RateLimited(AppError):
    """More requests than the client may make; `retry_after` in seconds."""

    code = "rate_limited"
    status = 429
    message = "Trop de demandes en peu de temps. Patientez avant de réessayer."

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after
