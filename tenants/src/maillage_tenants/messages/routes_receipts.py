"""What carriers and browsers tell about messages, under `/telephony/messages`. Each proves who it is; each may say it
twice; what is off is not there (404)."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
import structlog
from litestar import Response, Router, get, post
from litestar.params import SkipValidation

from maillage_kit import clock
from maillage_kit.crypto import basic_account, same
from maillage_kit.errors import Forbidden, Invalid, NotFound
from maillage_kit.phone import caller_number
from maillage_kit.signed_forms import HEADERS, MalformedForm, genuine, read_form
from maillage_kit.web import AnyRequest
from maillage_tenants.messages.carriers import ovh, rest_sms
from maillage_tenants.messages.carriers.ports import Receipt, Reply
from maillage_tenants.messages.gifts import push_token
from maillage_tenants.messages.inbox import Inbox, UnknownReference
from maillage_tenants.messages.models import Failure

log = structlog.get_logger(__name__)
MAX_BODY_BYTES = 64 * 1024
Ear = SkipValidation[Inbox]
_CALL_OVER = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})


class VoiceNews(msgspec.Struct, frozen=True):
    """What the voice tells of a message it read."""

    id: Annotated[str, msgspec.Meta(max_length=64)]
    ended: Literal["completed", "cut", "busy", "no_answer", "failed"]


async def _signed(request: AnyRequest, inbox: Inbox) -> dict[str, str]:
    """The fields of a form that the text-message carrier signed, over the public address of the settings. Raises
    NotFound while that carrier is off, Forbidden for a wrong signature, Invalid for what is no form."""
    settings = inbox.settings
    if not settings.sms.is_set or settings.sms.auth_token is None:
        raise NotFound
    try:
        form = read_form(await request.body())
    except MalformedForm as exc:
        raise Invalid("Ce n’est pas un formulaire.") from exc
    query = request.scope["query_string"].decode("latin-1")
    url = settings.web.public_url.rstrip("/") + request.scope["path"] + (f"?{query}" if query else "")
    given = next((value for name in HEADERS if (value := request.headers.get(name))), "")
    if not genuine(given, url=url, form=form, tokens=(settings.sms.auth_token,)):
        _refused(request)
    return {name: value.replace("\x00", "") for name, value in form}


def _refused(request: AnyRequest) -> None:
    client = request.scope.get("client")
    log.warning("message_webhook_refused", path=request.scope["path"], client=client[0] if client else None)
    raise Forbidden("Signature non valable.")


@post("/twilio/{cooperative_id:uuid}/{attempt_id:uuid}", status_code=204)
async def text_receipt(request: AnyRequest, inbox: Ear, cooperative_id: UUID, attempt_id: UUID) -> None:
    """What became of a text message."""
    receipt = rest_sms.receipt(await _signed(request, inbox))
    if receipt is not None:
        await _note(inbox, cooperative_id, attempt_id, receipt)


@post("/call/{cooperative_id:uuid}/{attempt_id:uuid}", status_code=204)
async def call_receipt(request: AnyRequest, inbox: Ear, cooperative_id: UUID, attempt_id: UUID) -> None:
    """What became of a call that reads a message aloud."""
    form = await _signed(request, inbox)
    status = form.get("CallStatus", "")
    if status in _CALL_OVER:
        receipt = Receipt(
            rest_sms.NAME,
            form.get("CallSid", ""),
            status,
            delivered=status == "completed",
            failure=None if status == "completed" else Failure.UNDELIVERED,
        )
        await _note(inbox, cooperative_id, attempt_id, receipt)


@post("/voice/{cooperative_id:uuid}/{attempt_id:uuid}", status_code=204)
async def voice_receipt(request: AnyRequest, inbox: Ear, cooperative_id: UUID, attempt_id: UUID) -> None:
    """What became of a call that our own switchboard read aloud: it knows the secret of edge and voice."""
    secrets = [secret.get_secret_value() for secret in inbox.settings.telephony.sip.secrets]
    if not secrets:
        raise NotFound
    if not basic_account(request.headers.get("authorization", ""), user="edge", accepted=secrets):
        _refused(request)
    try:
        news = msgspec.json.decode(await request.body(), type=VoiceNews)
    except msgspec.MsgspecError as exc:
        raise Invalid("Ce n’est pas une nouvelle d’appel.") from exc
    heard = news.ended == "completed"
    receipt = Receipt("voice", news.id, news.ended, delivered=heard, failure=None if heard else Failure.UNDELIVERED)
    await _note(inbox, cooperative_id, attempt_id, receipt)


@post("/twilio/inbound", status_code=200)
async def text_received(request: AnyRequest, inbox: Ear) -> Response[str]:
    """Somebody answered a text message: heard, nothing is said on the spot."""
    form = await _signed(request, inbox)
    reference = form.get("MessageSid") or form.get("SmsSid") or ""
    if not reference:
        raise Invalid("Ce n’est pas un message.")
    sender = caller_number(form.get("From")) or form.get("From", "")
    await inbox.reply(Reply(rest_sms.NAME, reference, sender, form.get("Body", ""), clock.now()))
    return Response("<Response/>", media_type="text/xml; charset=utf-8", status_code=200)


@get("/ovh/{secret:str}/receipt", status_code=204)
async def ovh_receipt(request: AnyRequest, inbox: Ear, secret: str) -> None:
    """OVHcloud says what became of a text message: its address holds a secret, it signs nothing."""
    expected = inbox.settings.ovh.callback_secret
    if expected is None or not inbox.settings.ovh.is_set:
        raise NotFound
    if not same(secret, expected.get_secret_value()):
        client = request.scope.get("client")
        log.warning("message_webhook_refused", path="/ovh/…/receipt", client=client[0] if client else None)
        raise Forbidden("Secret non valable.")
    receipt = ovh.receipt(request.query_params.get("id", "")[:64], request.query_params.get("dlr", ""))
    if receipt is not None:
        try:
            await inbox.receipt(receipt)
        except UnknownReference as exc:
            raise NotFound from exc


@post("/push/{cooperative_id:uuid}/{attempt_id:uuid}/{token:str}", status_code=204)
async def push_receipt(inbox: Ear, cooperative_id: UUID, attempt_id: UUID, token: str) -> None:
    """A browser showed a notification: it knows the token that came sealed with it."""
    if inbox.settings.push.vapid_private_key is None:
        raise NotFound
    if not same(token, push_token(inbox.settings, attempt_id)):
        log.warning("message_webhook_refused", path="/push", client=None)
        raise Forbidden("Jeton non valable.")
    await _note(inbox, cooperative_id, attempt_id, Receipt("webpush", "", "affichée", delivered=True))


async def _note(inbox: Inbox, cooperative_id: UUID, attempt_id: UUID, receipt: Receipt) -> None:
    try:
        await inbox.receipt_for(cooperative_id, attempt_id, receipt)
    except UnknownReference as exc:
        raise NotFound from exc


def messages_router() -> Router:
    """Receipts and replies. `inbox` is provided by whoever mounts it."""
    return Router(
        path="/messages",
        route_handlers=[text_receipt, call_receipt, voice_receipt, text_received, ovh_receipt, push_receipt],
        request_max_body_size=MAX_BODY_BYTES,
    )
