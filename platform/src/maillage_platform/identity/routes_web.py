"""Sign-in and sign-out. A link opens on GET (mail scanners do that too) and is used by POST only."""

from datetime import timedelta
from uuid import UUID

from litestar import get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect, Template

from maillage_kit.context import Role
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Invalid
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, page, see_other, text
from maillage_platform import identity
from maillage_platform.identity.links import Hat, hats_of_link, mail_link, use_link
from maillage_platform.identity.rate_limit import count_attempt

SESSION_COOKIE = "maillage_session"
_WINDOW = timedelta(minutes=15)
_PER_ADDRESS = 20
_PER_EMAIL = 5


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
    address = request.client.host if request.client else "unknown"
    await count_attempt(platform_session, key=f"signin:address:{address}", limit=_PER_ADDRESS, window=_WINDOW)
    await count_attempt(platform_session, key=f"signin:email:{email}", limit=_PER_EMAIL, window=_WINDOW)
    await mail_link(platform_session, email=email, public_url=settings.web.public_url)
    return page(
        request, "identity/signin.html", email=email, error=None, sent=True, mailbox_open=not settings.in_production
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
    secret = await identity.open_session(
        platform_session, membership=membership, user_agent=request.headers.get("user-agent", "")
    )
    answer = see_other(home_of(hat), flash="Vous êtes connecté.")
    answer.cookies.append(
        Cookie(
            SESSION_COOKIE,
            value=secret,
            path="/",
            httponly=True,
            secure=settings.in_production,
            samesite="lax",
            max_age=int(identity.SESSION_LIFE.total_seconds()),
        )
    )
    return answer


@post("/signout", status_code=303)
async def sign_out(request: AnyRequest, platform_session: PlatformSession) -> Redirect:
    """Close the session and forget the cookie."""
    token = request.cookies.get(SESSION_COOKIE)
    if token:
        await identity.close_session(platform_session, token=token)
    answer = see_other("/signin", flash="Vous êtes déconnecté.")
    answer.delete_cookie(SESSION_COOKIE, path="/")
    return answer


def home_of(hat: Hat) -> str:
    """Where each role starts."""
    if hat.role is Role.FEDERATION:
        return "/federation"
    return f"/c/{hat.cooperative_slug}/{'desk' if hat.role is Role.OFFICE else 'field'}"
