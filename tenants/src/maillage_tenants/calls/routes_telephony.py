"""The TwiML webhooks under `/telephony/twiml`. Closed without a token; 403 for what is not signed by the carrier."""

from typing import Annotated
from uuid import UUID

import structlog
from litestar import Response, Router, post
from litestar.params import Parameter, SkipValidation

from maillage_kit.errors import Forbidden, Invalid, NotFound
from maillage_kit.web import AnyRequest
from maillage_tenants.calls.carriers import twiml
from maillage_tenants.calls.carriers.twiml import Fields
from maillage_tenants.calls.plan import Ask
from maillage_tenants.calls.switchboard import Switchboard

log = structlog.get_logger(__name__)
MAX_BODY_BYTES = 64 * 1024
XML = "text/xml; charset=utf-8"

Board = SkipValidation[Switchboard]
Attempt = Annotated[int, Parameter(ge=1, le=9)]
Position = Annotated[int, Parameter(ge=0, le=1000)]


async def genuine_fields(request: AnyRequest, switchboard: Switchboard) -> Fields:
    """The fields of a webhook that the carrier signed.

    The signed address is the public one of the settings: a Host header is not believed. Raises NotFound while no token
    is configured, Forbidden for a wrong or missing signature, Invalid for a body that is not a form.
    """
    tokens = switchboard.settings.telephony.auth_tokens
    if not tokens:
        raise NotFound
    query = request.scope["query_string"].decode("latin-1")
    path = request.scope["path"] + (f"?{query}" if query else "")
    try:
        form = twiml.read_form(await request.body())
    except twiml.MalformedForm as exc:
        raise Invalid("Ce n’est pas un formulaire.") from exc
    given = request.headers.get("x-twilio-signature", "")
    url = switchboard.settings.web.public_url.rstrip("/") + path
    if not twiml.genuine(given, url=url, form=form, tokens=tokens):
        client = request.scope.get("client")
        log.warning(
            "webhook_refused", path=request.scope["path"], signed=bool(given), client=client[0] if client else None
        )
        raise Forbidden("Signature non valable.")
    return Fields.of(path, form)


def _xml(told: str) -> Response[str]:
    return Response(told, media_type=XML, status_code=200)


@post("/inbound", status_code=200)
async def inbound(request: AnyRequest, switchboard: Board) -> Response[str]:
    """Somebody rings the single number."""
    fields = await genuine_fields(request, switchboard)
    return _xml(await switchboard.inbound(twiml.inbound_call(fields)))


@post("/status", status_code=204)
async def line_status(request: AnyRequest, switchboard: Board) -> None:
    """News of the caller's line."""
    fields = await genuine_fields(request, switchboard)
    await switchboard.line_progress(twiml.line_progress(fields))


@post("/{cooperative_id:uuid}/{call_id:uuid}/menu", status_code=200)
async def menu(
    request: AnyRequest, switchboard: Board, cooperative_id: UUID, call_id: UUID, ask: Ask, attempt: Attempt
) -> Response[str]:
    """The caller answered a question, or did not."""
    fields = await genuine_fields(request, switchboard)
    return _xml(await switchboard.menu(cooperative_id, call_id, ask, attempt, twiml.keys_typed(fields)))


@post("/{cooperative_id:uuid}/{call_id:uuid}/step/{position:int}", status_code=200)
async def step(
    request: AnyRequest,
    switchboard: Board,
    cooperative_id: UUID,
    call_id: UUID,
    position: Position,
    direct: bool = False,
) -> Response[str]:
    """The attempt on a ladder step is over."""
    fields = await genuine_fields(request, switchboard)
    signal = twiml.attempt_over(fields)
    return _xml(await switchboard.attempt_over(cooperative_id, call_id, position, direct, signal))


@post("/{cooperative_id:uuid}/{call_id:uuid}/whisper/{position:int}", status_code=200)
async def whisper(
    request: AnyRequest, switchboard: Board, cooperative_id: UUID, call_id: UUID, position: Position
) -> Response[str]:
    """The person rung picked up: what they hear before the key."""
    fields = await genuine_fields(request, switchboard)
    return _xml(await switchboard.whisper(cooperative_id, call_id, position, twiml.leg_key(fields, "whisper")))


@post("/{cooperative_id:uuid}/{call_id:uuid}/key/{position:int}", status_code=200)
async def key(
    request: AnyRequest, switchboard: Board, cooperative_id: UUID, call_id: UUID, position: Position
) -> Response[str]:
    """The person rung typed a key."""
    fields = await genuine_fields(request, switchboard)
    return _xml(await switchboard.key_typed(cooperative_id, call_id, position, twiml.leg_key(fields, "key")))


@post("/{cooperative_id:uuid}/{call_id:uuid}/leg/{position:int}", status_code=204)
async def leg_status(
    request: AnyRequest, switchboard: Board, cooperative_id: UUID, call_id: UUID, position: Position
) -> None:
    """News of the line to the person rung."""
    fields = await genuine_fields(request, switchboard)
    await switchboard.leg_progress(cooperative_id, call_id, position, twiml.leg_progress(fields))


@post("/{cooperative_id:uuid}/rescue/step/{position:int}", status_code=200)
async def rescue_step(
    request: AnyRequest, switchboard: Board, cooperative_id: UUID, position: Position
) -> Response[str]:
    """An emergency number was tried."""
    fields = await genuine_fields(request, switchboard)
    return _xml(await switchboard.rescue_over(cooperative_id, position, twiml.attempt_over(fields)))


@post("/{cooperative_id:uuid}/rescue/leg/{position:int}", status_code=204)
async def rescue_leg_status(request: AnyRequest, switchboard: Board, cooperative_id: UUID, position: Position) -> None:
    """News of the line to an emergency number."""
    fields = await genuine_fields(request, switchboard)
    await switchboard.rescue_leg(cooperative_id, position, twiml.leg_progress(fields))


def twiml_router() -> Router:
    """The webhooks of the TwiML carriers. `switchboard` is provided by whoever mounts it."""
    return Router(
        path="/twiml",
        route_handlers=[
            inbound,
            line_status,
            menu,
            step,
            whisper,
            key,
            leg_status,
            rescue_step,
            rescue_leg_status,
        ],
        request_max_body_size=MAX_BODY_BYTES,
    )
