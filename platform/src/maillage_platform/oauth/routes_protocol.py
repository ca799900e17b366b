"""What machines ask of the authorization server: tokens, giving one back, what one is worth, metadata, keys."""

from typing import Any

import structlog
from litestar import Response, get, post

from maillage_kit.api_access import Scope
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import PlatformSession
from maillage_kit.errors import TooManyRequests
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, address_of
from maillage_kit.witness import Witness
from maillage_platform.identity import attempts
from maillage_platform.oauth.protocol.authentication import ALGORITHMS
from maillage_platform.oauth.protocol.messages import Answer, ProtocolRequest, posted
from maillage_platform.oauth.protocol.parties import AUTH_METHODS
from maillage_platform.oauth.protocol.server import WINDOW, Server
from maillage_platform.oauth.rules import GrantKind
from maillage_platform.oauth.service.keys import public_keys

log = structlog.get_logger(__name__)
PER_ADDRESS = 120
MAX_BODY_BYTES = 32 * 1024
_PUBLISHED = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}


@post("/oauth/token", status_code=200, request_max_body_size=MAX_BODY_BYTES)
async def token(
    request: AnyRequest, platform_session: PlatformSession, witness: Witness, settings: Settings, cipher: FieldCipher
) -> Response[bytes]:
    """An access token, for a proof and a right to it (RFC 6749, section 3.2)."""
    await _count(request, platform_session)
    server = Server(platform_session, witness=witness, settings=settings, cipher=cipher)
    return _answered(request, await server.token(await _posted(request, settings)))


@post("/oauth/revoke", status_code=200, request_max_body_size=MAX_BODY_BYTES)
async def revoke(
    request: AnyRequest, platform_session: PlatformSession, witness: Witness, settings: Settings, cipher: FieldCipher
) -> Response[bytes]:
    """An application gives a token back (RFC 7009)."""
    await _count(request, platform_session)
    server = Server(platform_session, witness=witness, settings=settings, cipher=cipher)
    return _answered(request, await server.endpoint("revocation", await _posted(request, settings)))


@post("/oauth/introspect", status_code=200, request_max_body_size=MAX_BODY_BYTES)
async def introspect(
    request: AnyRequest, platform_session: PlatformSession, witness: Witness, settings: Settings, cipher: FieldCipher
) -> Response[bytes]:
    """What a token of the asker is worth now (RFC 7662)."""
    await _count(request, platform_session)
    server = Server(platform_session, witness=witness, settings=settings, cipher=cipher)
    return _answered(request, await server.endpoint("introspection", await _posted(request, settings)))


@get("/oauth/jwks")
async def jwks(platform_session: PlatformSession) -> Response[dict[str, Any]]:
    """The public keys of access tokens (RFC 7517)."""
    return Response(await public_keys(platform_session), headers=_PUBLISHED)


@get("/.well-known/oauth-authorization-server", sync_to_thread=False)
def metadata(settings: Settings) -> Response[dict[str, Any]]:
    """What this server knows and where (RFC 8414)."""
    return Response(metadata_of(settings.web.public_url), headers=_PUBLISHED)


def metadata_of(issuer: str) -> dict[str, Any]:
    """The metadata of the server at that public URL."""
    signed = {"auth_methods_supported": AUTH_METHODS, "auth_signing_alg_values_supported": list(ALGORITHMS)}
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "scopes_supported": [scope.value for scope in Scope],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [kind.value for kind in GrantKind],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "ui_locales_supported": ["fr"],
        **{f"{place}_endpoint_{name}": value for place in ("token", "revocation", "introspection")
           for name, value in signed.items()},
    }  # fmt: skip


async def _posted(request: AnyRequest, settings: Settings) -> ProtocolRequest:
    return posted(
        f"{settings.web.public_url}{request.url.path}",
        body=await request.body(),
        content_type=request.headers.get("content-type", ""),
        authorization=request.headers.get("authorization"),
    )


async def _count(request: AnyRequest, session: PlatformSession) -> None:
    """Raises TooManyRequests: more than a machine in order ever asks from one address."""
    if await attempts(session, key=f"oauth:address:{address_of(request)}", window=WINDOW) > PER_ADDRESS:
        raise TooManyRequests


def _answered(request: AnyRequest, answer: Answer) -> Response[bytes]:
    if answer.status >= 400:
        log.warning("oauth_refused", path=request.url.path, error=answer.body.get("error"),
                    detail=answer.body.get("error_description"))  # fmt: skip
    headers = {name: value for name, value in answer.headers.items() if name != "Content-Type"}
    return Response(answer.content, status_code=answer.status, headers=headers, media_type="application/json")


ROUTES = [token, revoke, introspect, jwks, metadata]
