"""The one error shape. Every refusal a person or a machine can meet is an `AppError` with a stable code."""

from collections.abc import Mapping


class AppError(Exception):
    """A refusal with a stable `code`, an HTTP `status` and a message in French fit to be shown.

    Rendered as `application/problem+json` (RFC 9457) or as an HTML page or fragment. Nothing of the database and no
    traceback is ever part of it.
    """

    code = "error"
    status = 400
    message = "La demande n’a pas pu être traitée."
    headers: Mapping[str, str] = {}  # sent with the answer, whatever its form

    def __init__(self, message: str | None = None, *, fields: Mapping[str, str] | None = None) -> None:
        self.message = message or type(self).message
        self.fields: dict[str, str] = dict(fields or {})
        super().__init__(self.message)


class NotFound(AppError):
    """The thing does not exist, or not for this cooperative: the two are never told apart."""

    code = "not_found"
    status = 404
    message = "Cette page ou ce dossier n’existe pas."


class Forbidden(AppError):
    code = "forbidden"
    status = 403
    message = "Vous n’avez pas le droit de faire cela."


class SignInRequired(AppError):
    code = "sign_in_required"
    status = 401
    message = "Connectez-vous pour continuer."


class Invalid(AppError):
    """What was sent cannot be accepted; `fields` says which field and why."""

    code = "invalid"
    status = 422
    message = "Certaines informations sont à corriger."


class Conflict(AppError):
    """The state of the thing does not allow it (any more)."""

    code = "conflict"
    status = 409
    message = "Ce n’est plus possible : la situation a changé entre-temps."


class TooLarge(AppError):
    code = "too_large"
    status = 413
    message = "L’envoi est trop volumineux."


class TooManyRequests(AppError):
    code = "too_many_requests"
    status = 429
    message = "Trop de demandes en peu de temps. Patientez un instant."


class Unavailable(AppError):
    code = "unavailable"
    status = 503
    message = "Le service est momentanément indisponible."
