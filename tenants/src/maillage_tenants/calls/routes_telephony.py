"""The TwiML webhooks under `/telephony/twiml`. Closed without a token; 403 for what is not signed by the carrier."""

from typing import Annotated
from uuid import UUID

import structlog
from litestar import Response, Router, post
from litestar.params import Parameter, SkipValidation

from maillage_kit.errors import Forbidden
from maillage_kit.web import AnyRequest
from maillage_tenants.calls.carriers import Heard, Told
from maillage_tenants.calls.plan import Ask
from maillage_tenants.calls.switchboard import Switchboard

log = structlog.get_logger(__name__)
MAX_BODY_BYTES = 64 * 1024
XML = "text/xml; charset=utf-8"

Board = SkipValidation[Switchboard]
Attempt = Annotated[int, Parameter(ge=1, le=9)]
Position = Annotated[int, Parameter(ge=0, le=1000)]


async def told_to(request: AnyRequest, switchboard: Switchboard) -> Told:
    """What a carrier's request tells. Raises what `TelephonyProvider.listen` raises; a refusal is logged."""
    heard = await heard_in(request)
    try:
        return switchboard.carrier.listen(heard)
    except Forbidden:
        log.warning("webhook_refused", path=request.scope["path"], client=heard.client)
        raise


async def heard_in(request: AnyRequest) -> Heard:
    """The request as it came."""
    query = request.scope["query_string"].decode("latin-1")
    client = request.scope.get("client")
    return Heard(
        path=request.scope["path"] + (f"?{query}" if query else ""),
        headers=request.headers,
        body=await request.body(),
        client=client[0] if client else None,
    )


def xml(told: str) -> Response[str]:
    """A document for the carrier."""
    return Response(told, media_type=XML, status_code=200)


@post("/inbound", status_code=200)
async def inbound(request: AnyRequest, switchboard: Board) -> Response[str]:
    """Somebody rings the single number."""
    told = await told_to(request, switchboard)
    return xml(await switchboard.inbound(told.inbound_call()))


@post("/status", status_code=204)
async def line_status(request: AnyRequest, switchboard: Board) -> None:
    """News of the caller's line."""
    told = await told_to(request, switchboard)
    await switchboard.events(told.events())


@post("/{cooperative_id:uuid}/{call_id:uuid}/menu", status_code=200)
async def menu(
    request: AnyRequest, switchboard: Board, cooperative_id: UUID, call_id: UUID, ask: Ask, attempt: Attempt
) -> Response[str]:
    """The caller answered a question, or did not."""
    told = await told_to(request, switchboard)
    return xml(await switchboard.menu(cooperative_id, call_id, ask, attempt, told.keys_typed()))


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
    told = await told_to(request, switchboard)
    signal = told.attempt_over()
    return xml(await switchboard.attempt_over(cooperative_id, call_id, position, direct, signal))


@post("/{cooperative_id:uuid}/{call_id:uuid}/whisper/{position:int}", status_code=200)
async def whisper(
    request: AnyRequest, switchboard: Board, cooperative_id: UUID, call_id: UUID, position: Position
) -> Response[str]:
    """The person rung picked up: what they hear before the key."""
    told = await told_to(request, switchboard)
    return xml(await switchboard.whisper(cooperative_id, call_id, position, told.leg_key("whisper")))


@post("/{cooperative_id:uuid}/{call_id:uuid}/key/{position:int}", status_code=200)
async def key(
    request: AnyRequest, switchboard: Board, cooperative_id: UUID, call_id: UUID, position: Position
) -> Response[str]:
    """The person rung typed a key."""
    told = await told_to(request, switchboard)
    return xml(await switchboard.key_typed(cooperative_id, call_id, position, told.leg_key("key")))


@post("/{cooperative_id:uuid}/{call_id:uuid}/leg/{position:int}", status_code=204)
async def leg_status(
    request: AnyRequest, switchboard: Board, cooperative_id: UUID, call_id: UUID, position: Position
) -> None:
    """News of the line to the person rung."""
    told = await told_to(request, switchboard)
    await switchboard.events(told.events(), cooperative_id=cooperative_id, call_id=call_id, position=position)


@post("/{cooperative_id:uuid}/rescue/step/{position:int}", status_code=200)
async def rescue_step(
    request: AnyRequest, switchboard: Board, cooperative_id: UUID, position: Position
) -> Response[str]:
    """An emergency number was tried."""
    told = await told_to(request, switchboard)
    return xml(await switchboard.rescue_over(cooperative_id, position, told.attempt_over()))


@post("/{cooperative_id:uuid}/rescue/leg/{position:int}", status_code=204)
async def rescue_leg_status(request: AnyRequest, switchboard: Board, cooperative_id: UUID, position: Position) -> None:
    """News of the line to an emergency number."""
    told = await told_to(request, switchboard)
    await switchboard.events(told.events(), cooperative_id=cooperative_id, position=position)


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
