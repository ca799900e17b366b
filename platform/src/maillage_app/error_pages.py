"""Every refusal becomes problem+json for machines, a page or fragment in French for people; nothing inside is shown."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Redirect, Template
from sqlalchemy.exc import DBAPIError, OperationalError

from maillage_app.api.refusals import refusal_headers
from maillage_app.request_context import page_context
from maillage_kit.errors import (
    AppError,
    Forbidden,
    Invalid,
    NotFound,
    SignInRequired,
    TooLarge,
    TooManyRequests,
    Unavailable,
)
from maillage_kit.rest import MethodNotAllowed

log = structlog.get_logger(__name__)
_BY_STATUS: dict[int, type[AppError]] = {
    403: Forbidden,
    404: NotFound,
    405: NotFound,
    413: TooLarge,
    429: TooManyRequests,
    503: Unavailable,
}


class Broken(AppError):
    """Something failed on our side; the reference lets us find it in the log."""

    code = "broken"
    status = 500
    message = "Un incident est survenu de notre côté. Il est enregistré."


def on_app_error(request: Request[Any, Any, Any], exc: AppError) -> Response[Any]:
    return render(request, exc)


def on_http_exception(request: Request[Any, Any, Any], exc: HTTPException) -> Response[Any]:
    if isinstance(exc, ValidationException):
        return render(request, Invalid())
    if exc.status_code == 405 and not wants_html(request):
        return render(request, MethodNotAllowed((exc.headers or {}).get("allow", "")))
    kind = _BY_STATUS.get(exc.status_code)
    if kind is not None:
        return render(request, kind())
    return render(request, Invalid() if exc.status_code < 500 else Broken())


def on_any_exception(request: Request[Any, Any, Any], exc: Exception) -> Response[Any]:
    reference = request.scope["state"].get("request_id", "")
    if isinstance(exc, OperationalError | OSError) or (isinstance(exc, DBAPIError) and exc.connection_invalidated):
        log.error("database_unavailable", error=type(exc).__name__, reference=reference)
        return render(request, Unavailable())
    log.exception("unhandled", exc_info=exc, reference=reference)
    return render(request, Broken())


def render(request: Request[Any, Any, Any], error: AppError) -> Response[Any]:
    """The answer to a refusal, in the form the client asked for."""
    if isinstance(error, SignInRequired) and wants_html(request):
        if request.scope["state"].get("halfway"):
            return Redirect("/signin/second", status_code=303)
        return Redirect(f"/signin?next={request.url.path}", status_code=303)
    state = request.scope["state"]
    reference = state.setdefault("request_id", uuid4().hex[:12])
    if not wants_html(request):
        more = refusal_headers(error, reference) if request.url.path.startswith("/api/") else {}
        return problem(error, reference, {**error.headers, **more})
    shared = page_context(request)
    context = {**shared, "status": error.status, "message": error.message, "reference": reference}
    return Template(
        template_name=error_template(error.status),
        context=context,
        status_code=error.status,
        headers=dict(error.headers),
    )


def problem(error: AppError, reference: str, headers: Mapping[str, str]) -> Response[Any]:
    """The refusal for a machine (RFC 9457); `reference` finds it in the log."""
    told: dict[str, Any] = {
        "type": f"urn:maillage:error:{error.code}",
        "title": error.message,
        "status": error.status,
        "code": error.code,
        "instance": reference,
    }
    if error.fields:
        told["fields"] = error.fields
    return Response(
        json.dumps(told, ensure_ascii=False).encode(),
        status_code=error.status,
        media_type="application/problem+json",
        headers=headers,
    )


def error_template(status: int) -> str:
    """The page of that status when there is one, the general one otherwise."""
    return f"errors/{status}.html" if status in (403, 404, 413, 429, 500, 503) else "errors/error.html"


def wants_html(request: Request[Any, Any, Any]) -> bool:
    """Never for the API, whatever it is asked for: it speaks to machines only."""
    if request.url.path.startswith("/api/"):
        return False
    return "text/html" in request.headers.get("accept", "") or "hx-request" in request.headers
