"""The page where a person of the office allows an application to act for them, or does not."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import structlog
from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.context import Actor
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Forbidden
from maillage_kit.permissions import Permission
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, content_security_policy, page, text
from maillage_kit.witness import Witness
from maillage_platform import identity
from maillage_platform.oauth.errors import AuthorizationRefused
from maillage_platform.oauth.protocol.messages import MAX_FIELDS, Answer, ProtocolRequest
from maillage_platform.oauth.protocol.server import Asked, Server
from maillage_platform.oauth.rules import origin_of

log = structlog.get_logger(__name__)
_NO_STORE = "no-store"


@get("/oauth/authorize")
async def ask(
    request: AnyRequest, platform_session: PlatformSession, witness: Witness, settings: Settings, cipher: FieldCipher
) -> Redirect | Template:
    """What the application asks for, once it is in order; somebody unknown signs in first and comes back here."""
    server = Server(platform_session, witness=witness, settings=settings, cipher=cipher)
    try:
        asked = await server.asked(_asked(request, settings))
    except AuthorizationRefused as refused:
        return _refused(request, refused)
    if isinstance(asked, Answer):
        return _sent_back(asked)
    actor: Actor | None = request.scope["state"].get("actor")
    if actor is None:
        return _to_sign_in(request, settings, asked)
    if not _may_decide(actor, asked):
        answer = page(request, "oauth/wrong_hat.html", status_code=403, **_shown(asked))
        answer.cookies.append(identity.onwards_cookie(settings, _address(request)))
        return answer
    answer = page(request, "oauth/consent.html", decide=_address(request), person=actor, **_shown(asked))
    answer.headers["Content-Security-Policy"] = content_security_policy(form_targets=origin_of(asked.redirect_uri))
    answer.headers["Cache-Control"] = _NO_STORE
    answer.cookies.append(identity.onwards_cookie(settings))
    return answer


@post("/oauth/authorize", status_code=303)
async def decide(
    request: AnyRequest, platform_session: PlatformSession, witness: Witness, settings: Settings, cipher: FieldCipher
) -> Redirect | Template:
    """Yes or no: the browser goes back to the application with a code, or with a refusal."""
    server = Server(platform_session, witness=witness, settings=settings, cipher=cipher)
    sent = _asked(request, settings)
    decision = text(await request.form(), "decision")
    try:
        asked = await server.asked(sent)
        if isinstance(asked, Answer):
            return _sent_back(asked)
        actor: Actor | None = request.scope["state"].get("actor")
        if actor is None:
            return _to_sign_in(request, settings, asked)
        if not _may_decide(actor, asked):
            raise Forbidden
        return _sent_back(await server.decided(sent, by=actor, allowed=decision == "allow"))
    except AuthorizationRefused as refused:
        return _refused(request, refused)


def _asked(request: AnyRequest, settings: Settings) -> ProtocolRequest:
    """The parameters are those of the address, for the question and for the answer alike."""
    query = request.scope["query_string"].decode("latin-1")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        pairs = []
    return ProtocolRequest("GET", f"{settings.web.public_url}{request.url.path}", pairs=pairs)


def _address(request: AnyRequest) -> str:
    return f"{request.url.path}?{request.scope['query_string'].decode('latin-1')}"


def _may_decide(actor: Actor, asked: Asked) -> bool:
    """Only somebody who may link applications to that cooperative lends one its rights."""
    return actor.may(Permission.API_MANAGE) and actor.cooperative_id == asked.party.row.cooperative_id


def _shown(asked: Asked) -> dict[str, Any]:
    registered = asked.party.registered
    return {
        "application": registered.client.name,
        "place": registered.cooperative_name,
        "scopes": asked.scopes,
        "site": urlsplit(asked.redirect_uri).hostname,
        "stays": asked.party.check_grant_type("refresh_token"),
    }


def _to_sign_in(request: AnyRequest, settings: Settings, asked: Asked) -> Redirect:
    halfway = request.scope["state"].get("halfway")
    path = "/signin/second" if halfway else f"/signin?place={asked.party.registered.slug}"
    answer = Redirect(path, status_code=303)
    answer.cookies.append(identity.onwards_cookie(settings, _address(request)))
    return answer


def _sent_back(answer: Answer) -> Redirect:
    assert answer.location is not None
    return Redirect(answer.location, status_code=303, headers={"Cache-Control": _NO_STORE})


def _refused(request: AnyRequest, refused: AuthorizationRefused) -> Template:
    log.warning("oauth_authorization_refused", reason=refused.reason, detail=refused.detail)
    return page(request, "oauth/refused.html", refused=refused, status_code=refused.status)


ROUTES = [ask, decide]
