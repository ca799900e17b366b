"""Sounds and masked calls over the carriers' webhooks: recordings that are ready, uploads of our own voice, prompts."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import Parameter, QueryParameter

from maillage_kit.crypto import same
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.web import AnyRequest
from maillage_tenants import recordings
from maillage_tenants.calls import sounds, words
from maillage_tenants.calls.carriers.twiml import Fields
from maillage_tenants.calls.plan import Hangup, Say
from maillage_tenants.calls.routes_sip import Edge, believe
from maillage_tenants.calls.routes_sip import told_to as sip_told_to
from maillage_tenants.calls.routes_telephony import Board, told_to, xml
from maillage_tenants.calls.service import recorded
from maillage_tenants.calls.switchboard import Switchboard
from maillage_tenants.recordings import RecordingKind

MAX_MESSAGE_BYTES = 4 * 1024 * 1024 + 1024
MAX_CONVERSATION_BYTES = 64 * 1024 * 1024
Name = Annotated[str, Parameter(pattern="^[a-z_]{1,40}$")]
Version = Annotated[str, Parameter(pattern="^[0-9a-f]{16}$")]


# ------------------------------------------------------------------------------------------------- TwiML carriers


@post("/{cooperative_id:uuid}/{call_id:uuid}/recorded", status_code=200)
async def message_over(request: AnyRequest, switchboard: Board, cooperative_id: UUID, call_id: UUID) -> Response[str]:
    """The caller has left a message, and is thanked. The carrier tells here too where it is."""
    told = await told_to(request, switchboard)
    cooperative = await switchboard.known(cooperative_id)
    if isinstance(told, Fields):
        await _announced(switchboard, cooperative_id, call_id, RecordingKind.MESSAGE, told)
    answer = switchboard.carrier.render((Say(words.MESSAGE_KEPT), Hangup()), cooperative=cooperative, call_id=call_id)
    return xml(answer)


@post("/{cooperative_id:uuid}/{call_id:uuid}/recording/{kind:str}", status_code=204)
async def recording_ready(
    request: AnyRequest, switchboard: Board, cooperative_id: UUID, call_id: UUID, kind: RecordingKind
) -> None:
    """A recording is ready at the carrier's."""
    told = await told_to(request, switchboard)
    if isinstance(told, Fields):
        await _announced(switchboard, cooperative_id, call_id, kind, told)


async def _announced(
    switchboard: Switchboard, cooperative_id: UUID, call_id: UUID, kind: RecordingKind, told: Fields
) -> None:
    news = told.recording()
    if news is None:
        return
    cooperative = await switchboard.known(cooperative_id)
    async with switchboard.database.tenant(cooperative.tenant) as session:
        await recorded.announced(session, call_id=call_id, kind=kind, news=news)


@post("/{cooperative_id:uuid}/masked/{masked_call:uuid}/over", status_code=200)
async def masked_over(
    request: AnyRequest, switchboard: Board, cooperative_id: UUID, masked_call: UUID
) -> Response[str]:
    """The two of a masked call have spoken, or the other did not answer."""
    told = await told_to(request, switchboard)
    return xml(await switchboard.masked_over(cooperative_id, masked_call, told.attempt_over()))


TWIML_ROUTES = (message_over, recording_ready, masked_over)


# ----------------------------------------------------------------------------------------------- our own voice


@post("/{cooperative_id:uuid}/{call_id:uuid}/message", status_code=204, request_max_body_size=MAX_MESSAGE_BYTES)
async def upload_message(
    request: AnyRequest, sip_board: Board, sip_edge: Edge, cooperative_id: UUID, call_id: UUID
) -> None:
    """A message left at our own voice: the body is a WAV."""
    believe(request, sip_edge)
    await _uploaded(request, sip_board, cooperative_id, call_id, RecordingKind.MESSAGE)


@post("/{cooperative_id:uuid}/{call_id:uuid}/recording", status_code=204, request_max_body_size=MAX_CONVERSATION_BYTES)
async def upload_conversation(
    request: AnyRequest, sip_board: Board, sip_edge: Edge, cooperative_id: UUID, call_id: UUID
) -> None:
    """A conversation recorded by our own voice: the body is a WAV."""
    believe(request, sip_edge)
    await _uploaded(request, sip_board, cooperative_id, call_id, RecordingKind.CONVERSATION)


async def _uploaded(
    request: AnyRequest, switchboard: Switchboard, cooperative_id: UUID, call_id: UUID, kind: RecordingKind
) -> None:
    cooperative = await switchboard.known(cooperative_id)
    content = await request.body()
    async with switchboard.database.tenant(cooperative.tenant) as session:
        await recorded.brought(session, call_id=call_id, kind=kind, content=content)


@post("/{cooperative_id:uuid}/{call_id:uuid}/masked/{masked_call:uuid}", status_code=200)
async def masked_attempt_over(
    request: AnyRequest, sip_board: Board, sip_edge: Edge, cooperative_id: UUID, call_id: UUID, masked_call: UUID
) -> Response[str]:
    """The voice is back from joining two people."""
    told = await sip_told_to(request, sip_edge)
    try:
        signal = told.attempt_over()
    except Invalid:
        return Response(sip_board.rescue(cooperative_id, call_id), media_type="application/json", status_code=200)
    answer = await sip_board.masked_over(cooperative_id, masked_call, signal)
    return Response(answer, media_type="application/json", status_code=200)


@get("/{cooperative_id:uuid}/prompts/{name:str}")
async def own_prompt(
    request: AnyRequest,
    sip_board: Board,
    sip_edge: Edge,
    cooperative_id: UUID,
    name: Name,
    version: Annotated[str, QueryParameter(name="v", pattern="^[0-9a-f]{16}$")],
) -> Response[bytes]:
    """A sentence in the cooperative's own voice, for ours."""
    believe(request, sip_edge)
    return await _sound(sip_board, cooperative_id, name, version)


SIP_ROUTES = (upload_message, upload_conversation, masked_attempt_over, own_prompt)


# ------------------------------------------------------------------------------------------------------- anybody


@get("/audio/{cooperative_id:uuid}/{name:str}/{version:str}/{token:str}")
async def public_prompt(
    switchboard: Board, cooperative_id: UUID, name: Name, version: Version, token: str
) -> Response[bytes]:
    """A sentence in the cooperative's own voice, for a carrier: whoever has the address may hear it."""
    expected = sounds.token(cooperative_id, name, version, secret=switchboard.settings.web.secret_key)
    if not same(token, expected):
        raise NotFound
    return await _sound(switchboard, cooperative_id, name, version)


async def _sound(switchboard: Switchboard, cooperative_id: UUID, name: str, version: str) -> Response[bytes]:
    cooperative = await switchboard.known(cooperative_id)
    async with switchboard.database.tenant(cooperative.tenant) as session:
        content = await _prompt(session, name, version)
    return Response(content, media_type="audio/wav", headers={"Cache-Control": "public, max-age=31536000, immutable"})


async def _prompt(session: TenantSession, name: str, version: str) -> bytes:
    return await recordings.prompt_sound(session, name=name, version=version)
