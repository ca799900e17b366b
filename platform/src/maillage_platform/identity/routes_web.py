"""Sign-in and sign-out. A link opens on GET (mail scanners do that too) and is used by POST only."""

from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.db import PlatformSession
from maillage_kit.errors import Invalid
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, page, see_other, text
from maillage_platform.identity import sessions
from maillage_platform.identity.cookies import forgotten_session, session_cookie, session_cookie_name
from maillage_platform.identity.links import hats_of_link, mail_link, use_link
from maillage_platform.identity.rules import SignInMethod, limits_of


@get("/signin")
async def ask_email(request: AnyRequest) -> Template:
    """The form that asks for an e-mail address."""
    return page(request, "identity/signin.html", email="", error=None, sent=False)


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
    hats = await hats_of_link(platform_session, token=token)
    return page(request, "identity/confirm.html", token=token, hats=hats)


@post("/signin/{token:str}", status_code=303)
async def sign_in(
    request: AnyRequest, platform_session: PlatformSession, settings: Settings, token: str
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
        hats = await hats_of_link(platform_session, token=token)
        return page(request, "identity/confirm.html", token=token, hats=hats)
    membership, hat = used
    secret = await sessions.open_session(
        platform_session,
        membership=membership,
        user_agent=request.headers.get("user-agent", ""),
        address=address_of(request),
        method=SignInMethod.LINK,
        replaces=request.cookies.get(session_cookie_name(settings)),
    )
    answer = see_other(hat.home, flash="Vous êtes connecté.")
    answer.cookies.append(session_cookie(settings, secret, life=limits_of(hat.role).life))
    return answer


@post("/signout", status_code=303)
async def sign_out(request: AnyRequest, platform_session: PlatformSession, settings: Settings) -> Redirect:
    """Close the session and forget the cookie."""
    token = request.cookies.get(session_cookie_name(settings))
    if token:
        await sessions.close_session(platform_session, token=token)
    answer = see_other("/signin", flash="Vous êtes déconnecté.")
    answer.cookies.append(forgotten_session(settings))
    return answer


def address_of(request: AnyRequest) -> str:
    """The network address that asks, as the server or its proxy says (MAILLAGE_WEB__TRUSTED_PROXIES)."""
    found: str | None = request.scope["state"].get("client_address")
    return found or (request.client.host if request.client else "")


ROUTES = [ask_email, send_link, confirm_link, sign_in, sign_out]
