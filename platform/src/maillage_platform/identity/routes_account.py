"""What a signed-in person sees of their own account, whatever the hat: « Mes connexions »."""

from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.context import Role
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Invalid, NotFound, SignInRequired
from maillage_kit.pages import cut_page
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, page, page_request, requires, see_other, text
from maillage_platform.identity import sessions
from maillage_platform.identity.cookies import forgotten_session, session_cookie_name
from maillage_platform.identity.models import WebSession

EVERYBODY = requires(*Role)


@get("/account/sessions", guards=[EVERYBODY])
async def my_sessions(request: AnyRequest, platform_session: PlatformSession, settings: Settings) -> Template:
    """Every browser where this person is signed in."""
    current = await current_session(request, platform_session, settings)
    asked = page_request(request)
    position = asked.position()
    try:
        before = UUID(position[0]) if position else None
    except (ValueError, IndexError) as exc:
        raise Invalid("Ce marque-page n’est pas valable.") from exc
    rows = await sessions.sessions_of(platform_session, seen_from=current, before=before, limit=asked.limit + 1)
    shown = cut_page(rows, asked, lambda row: [row.id])
    return page(request, "identity/sessions.html", shown=shown, current_id=current.id)


@post("/account/sessions/revoke", guards=[EVERYBODY], status_code=303)
async def revoke_one(request: AnyRequest, platform_session: PlatformSession, settings: Settings) -> Redirect:
    """End one of my sessions. 404 for a session that is not mine or has ended."""
    current = await current_session(request, platform_session, settings)
    form = await request.form()
    try:
        chosen = UUID(text(form, "session"))
    except ValueError as exc:
        raise Invalid from exc
    if not await sessions.revoke_session(platform_session, seen_from=current, session_id=chosen):
        raise NotFound
    if chosen == current.id:
        return _signed_out(settings)
    return see_other("/account/sessions", flash="Cet appareil est déconnecté.")


@post("/account/sessions/revoke-all", guards=[EVERYBODY], status_code=303)
async def revoke_all(request: AnyRequest, platform_session: PlatformSession, settings: Settings) -> Redirect:
    """End all my other sessions; with `here`, this one too."""
    current = await current_session(request, platform_session, settings)
    form = await request.form()
    here_too = bool(text(form, "here"))
    ended = await sessions.revoke_sessions(platform_session, seen_from=current, here_too=here_too)
    if here_too:
        return _signed_out(settings)
    told = "Aucun autre appareil n’était connecté." if not ended else "Tous vos autres appareils sont déconnectés."
    return see_other("/account/sessions", flash=told)


async def current_session(request: AnyRequest, session: PlatformSession, settings: Settings) -> WebSession:
    """The session of this request. Raises SignInRequired when it has just ended."""
    found = await sessions.live_session(session, token=request.cookies.get(session_cookie_name(settings), ""))
    if found is None:
        raise SignInRequired
    return found


def _signed_out(settings: Settings) -> Redirect:
    answer = see_other("/signin", flash="Vous êtes déconnecté.")
    answer.cookies.append(forgotten_session(settings))
    return answer


ROUTES = [my_sessions, revoke_one, revoke_all]
