"""Sign-in and sign-out. A link opens on GET (mail scanners do that too) and is used by POST only."""

import re
from typing import Any
from uuid import UUID

import structlog
from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.crypto import FieldCipher
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Invalid, Unavailable
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, address_of, page, see_other, text
from maillage_kit.witness import Witness
from maillage_platform.identity import sessions
from maillage_platform.identity.cookies import forgotten_session, onwards, session_cookie, session_cookie_name
from maillage_platform.identity.errors import OpenIdRefused
from maillage_platform.identity.links import hats_of_link, mail_link, use_link
from maillage_platform.identity.models import IdentityProvider
from maillage_platform.identity.openid_client import OpenIdClient
from maillage_platform.identity.openid_providers import (
    FEDERATION_PLACE,
    places_with_providers,
    providers_at,
    relying,
)
from maillage_platform.identity.rules import SignInMethod, limits_of
from maillage_platform.identity.witnessing import saw_sign_in

log = structlog.get_logger(__name__)


@get("/signin")
async def ask_email(request: AnyRequest, platform_session: PlatformSession) -> Template:
    """The form that asks for an e-mail address, and the identity providers of the place somebody wants to enter."""
    return page(
        request, "identity/signin.html", email="", error=None, sent=False, **await _providers(request, platform_session)
    )


@post("/signin", status_code=200)
async def send_link(request: AnyRequest, platform_session: PlatformSession, settings: Settings) -> Template:
    """Send a link, or seem to: the answer is the same for a known and an unknown address."""
    form = await request.form()
    email = text(form, "email").lower()
    if "@" not in email or len(email) > 200:
        return page(
            request,
            "identity/signin.html",
            email=email,
            error="Écrivez une adresse e-mail complète, comme nom@exemple.fr.",
            sent=False,
            status_code=422,
            **await _providers(request, platform_session),
        )
    wait = await mail_link(
        platform_session, email=email, public_url=settings.web.public_url, address=address_of(request)
    )
    return page(
        request,
        "identity/signin.html",
        email=email,
        error=None,
        sent=True,
        minutes=-(-int(wait.total_seconds()) // 60),
        mailbox_open=not settings.in_production,
    )


@get("/signin/{token:str}")
async def confirm_link(request: AnyRequest, platform_session: PlatformSession, token: str) -> Template:
    """Show who is about to sign in; nothing is used yet."""
    return await _confirm(request, platform_session, token)


@post("/signin/{token:str}", status_code=303)
async def sign_in(
    request: AnyRequest, platform_session: PlatformSession, settings: Settings, witness: Witness, token: str
) -> Redirect | Template:
    """Use the link: open a session for one hat, with a fresh cookie."""
    form = await request.form()
    chosen = text(form, "membership")
    try:
        membership_id = UUID(chosen) if chosen else None
    except ValueError as exc:
        raise Invalid from exc
    used = await use_link(platform_session, token=token, membership_id=membership_id)
    if used is None:
        return await _confirm(request, platform_session, token)
    membership, hat = used
    secret = await sessions.open_session(
        platform_session,
        membership=membership,
        user_agent=request.headers.get("user-agent", ""),
        address=address_of(request),
        method=SignInMethod.LINK,
        replaces=request.cookies.get(session_cookie_name(settings)),
    )
    await saw_sign_in(witness, platform_session, membership=membership, method=SignInMethod.LINK)
    answer = see_other(onwards(request, settings, hat.home), flash="Vous êtes connecté.")
    answer.cookies.append(session_cookie(settings, secret, life=limits_of(hat.role).life))
    return answer


@post("/signout", status_code=303)
async def sign_out(
    request: AnyRequest,
    platform_session: PlatformSession,
    settings: Settings,
    cipher: FieldCipher,
    openid: OpenIdClient,
) -> Redirect | Template:
    """Close the session and forget the cookie; offer to close the provider's session too when one opened this one."""
    token = request.cookies.get(session_cookie_name(settings), "")
    current = await sessions.live_session(platform_session, token=token)
    await sessions.close_session(platform_session, token=token)
    answer: Redirect | Template = see_other("/signin", flash="Vous êtes déconnecté.")
    if current is not None and current.provider_id is not None and current.id_token is not None:
        provider = await platform_session.get_one(IdentityProvider, current.provider_id)
        url = await _provider_exit(openid, provider, cipher, current.id_token, settings.web.public_url)
        if url is not None:
            answer = page(request, "identity/signed_out.html", provider=provider, url=url)
    answer.cookies.append(forgotten_session(settings))
    return answer


async def _provider_exit(
    openid: OpenIdClient, provider: IdentityProvider, cipher: FieldCipher, id_token: bytes, public_url: str
) -> str | None:
    try:
        return await openid.logout_url(
            relying(provider, cipher=cipher, public_url=public_url),
            id_token=cipher.decrypt(id_token),
            back_to=f"{public_url}/signin",
        )
    except (OpenIdRefused, Unavailable) as refused:  # signing out of here never depends on them
        log.warning("openid_exit_unknown", provider=str(provider.id), reason=refused.code)
        return None


async def _confirm(request: AnyRequest, session: PlatformSession, token: str) -> Template:
    hats = await hats_of_link(session, token=token)
    places = sorted({hat.cooperative_slug or FEDERATION_PLACE for hat in hats})
    providers = [provider for place in places for provider in await providers_at(session, place=place)]
    return page(request, "identity/confirm.html", token=token, hats=hats, providers=providers)


async def _providers(request: AnyRequest, session: PlatformSession) -> dict[str, Any]:
    """What the sign-in page shows of providers: those of one place, or the places that have some."""
    wanted = re.match(r"/(?:c/)?([a-z0-9-]+)", request.query_params.get("next", ""))
    place = request.query_params.get("place") or (wanted[1] if wanted else "")
    places = await places_with_providers(session)
    return {
        "place": next((each for each in places if each[0] == place), None),
        "places": places,
        "providers": await providers_at(session, place=place) if place else (),
    }


ROUTES = [ask_email, send_link, confirm_link, sign_in, sign_out]
