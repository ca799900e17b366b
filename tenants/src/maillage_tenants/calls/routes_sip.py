"""The switchboard of our own, under `/telephony/sip`: what its edge and its voice ask and tell.

Closed without a secret; 403, logged, for a wrong one, before the body is read. Whoever has a caller on the line gets a
document that rings a human, whatever happens here.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar
from uuid import UUID

import structlog
from litestar import Response, Router, get, post
from litestar.params import Parameter, SkipValidation

from maillage_kit.errors import Forbidden, Invalid
from maillage_kit.web import AnyRequest
from maillage_tenants.calls.carriers import Told
from maillage_tenants.calls.carriers.sip import SipCarrier
from maillage_tenants.calls.plan import Ask
from maillage_tenants.calls.routes_telephony import heard_in
from maillage_tenants.calls.switchboard import Switchboard

log = structlog.get_logger(__name__)
MAX_BODY_BYTES = 1024 * 1024
JSON = "application/json"

Signal = TypeVar("Signal")
Edge = SkipValidation[SipCarrier]
Board = SkipValidation[Switchboard]
Attempt = Annotated[int, Parameter(ge=1, le=9)]
Position = Annotated[int, Parameter(ge=0, le=1000)]


def believe(request: AnyRequest, edge: SipCarrier) -> None:
    """Raises NotFound while the switchboard is off, Forbidden, logged, for a wrong secret."""
    try:
        edge.check(request.headers)
    except Forbidden:
        client = request.scope.get("client")
        log.warning("switchboard_refused", path=request.scope["path"], client=client[0] if client else None)
        raise


async def told_to(request: AnyRequest, edge: SipCarrier) -> Told:
    """What is told by somebody who has the secret. Raises as `believe`."""
    believe(request, edge)
    return edge.listen(await heard_in(request))


def _json(told: str) -> Response[str]:
    return Response(told, media_type=JSON, status_code=200)


async def _next(
    board: Switchboard,
    cooperative_id: UUID,
    call_id: UUID,
    *,
    read: Callable[[], Signal],
    go_on: Callable[[Signal], Awaitable[str]],
) -> Response[str]:
    """What follows on the caller's line; a human, when what was told of it makes no sense."""
    try:
        signal = read()
    except Invalid:
        return _json(board.rescue(cooperative_id, call_id))
    return _json(await go_on(signal))


@post("/route", status_code=200)
async def route(request: AnyRequest, sip_board: Board, sip_edge: Edge) -> Response[str]:
    """Somebody rings a number: the list that the edge goes down."""
    told = await told_to(request, sip_edge)
    return _json(await sip_board.inbound(told.inbound_call()))


@get("/plan")
async def plan(request: AnyRequest, sip_board: Board, sip_edge: Edge) -> Response[str]:
    """What the edge keeps, for every number, to go on without us."""
    believe(request, sip_edge)
    return _json(sip_edge.plans(await sip_board.cooperatives()))


@post("/events", status_code=204)
async def events(request: AnyRequest, sip_board: Board, sip_edge: Edge) -> None:
    """A batch of what happened; 204 once all of it is written."""
    told = await told_to(request, sip_edge)
    await sip_board.events(told.events())


@post("/{cooperative_id:uuid}/{call_id:uuid}/start", status_code=200)
async def start(
    request: AnyRequest, sip_board: Board, sip_edge: Edge, cooperative_id: UUID, call_id: UUID
) -> Response[str]:
    """The voice has answered: the first words."""
    told = await told_to(request, sip_edge)
    return await _next(
        sip_board,
        cooperative_id,
        call_id,
        read=told.keys_typed,
        go_on=lambda signal: sip_board.start(cooperative_id, call_id, signal),
    )


@post("/{cooperative_id:uuid}/{call_id:uuid}/menu", status_code=200)
async def menu(
    request: AnyRequest,
    sip_board: Board,
    sip_edge: Edge,
    cooperative_id: UUID,
    call_id: UUID,
    ask: Ask,
    attempt: Attempt,
) -> Response[str]:
    """The caller answered a question, or did not."""
    told = await told_to(request, sip_edge)
    return await _next(
        sip_board,
        cooperative_id,
        call_id,
        read=told.keys_typed,
        go_on=lambda signal: sip_board.menu(cooperative_id, call_id, ask, attempt, signal),
    )


@post("/{cooperative_id:uuid}/{call_id:uuid}/step/{position:int}", status_code=200)
async def step(
    request: AnyRequest,
    sip_board: Board,
    sip_edge: Edge,
    cooperative_id: UUID,
    call_id: UUID,
    position: Position,
    direct: bool = False,
) -> Response[str]:
    """The voice is back from the ladder, at that step."""
    told = await told_to(request, sip_edge)
    return await _next(
        sip_board,
        cooperative_id,
        call_id,
        read=told.attempt_over,
        go_on=lambda signal: sip_board.attempt_over(cooperative_id, call_id, position, direct, signal),
    )


@post("/{cooperative_id:uuid}/{call_id:uuid}/whisper/{position:int}", status_code=200)
async def whisper(
    request: AnyRequest, sip_board: Board, sip_edge: Edge, cooperative_id: UUID, call_id: UUID, position: Position
) -> Response[str]:
    """The person rung picked up: what they hear before the key."""
    told = await told_to(request, sip_edge)
    return _json(await sip_board.whisper(cooperative_id, call_id, position, told.leg_key("whisper")))


@post("/{cooperative_id:uuid}/{call_id:uuid}/key/{position:int}", status_code=200)
async def key(
    request: AnyRequest, sip_board: Board, sip_edge: Edge, cooperative_id: UUID, call_id: UUID, position: Position
) -> Response[str]:
    """The person rung typed a key."""
    told = await told_to(request, sip_edge)
    return _json(await sip_board.key_typed(cooperative_id, call_id, position, told.leg_key("key")))


def sip_router() -> Router:
    """What the edge and the voice ask. `sip_board` and `sip_edge` are provided by whoever mounts it."""
    return Router(
        path="/sip",
        route_handlers=[route, plan, events, start, menu, step, whisper, key],
        request_max_body_size=MAX_BODY_BYTES,
    )
