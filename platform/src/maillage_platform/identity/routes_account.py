"""What a signed-in person sees of their own account, whatever the hat: « Mes connexions »."""

from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.context import Actor
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Invalid, NotFound, SignInRequired
from maillage_kit.ids import parsed_id
from maillage_kit.pages import cut_page, read_id
from maillage_kit.permissions import Permission
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, page, page_request, requires, see_other, text
from maillage_kit.witness import Witness
from maillage_platform.identity import sessions
from maillage_platform.identity.cookies import forgotten_session, onwards, session_cookie, session_cookie_name
from maillage_platform.identity.hats import hats_of
from maillage_platform.identity.models import IdentityProvider, Membership, WebSession
from maillage_platform.identity.witnessing import saw_sign_in


@get("/account/sessions", guards=[requires(Permission.ACCOUNT_OWN)])
async def my_sessions(request: AnyRequest, platform_session: PlatformSession, settings: Settings) -> Template:
    """Every browser where this person is signed in."""
    current = await current_session(request, platform_session, settings)
    asked = page_request(request)
    (before,) = asked.position(read_id) or (None,)
    rows = await sessions.sessions_of(platform_session, seen_from=current, before=before, limit=asked.limit + 1)
    shown = cut_page(rows, asked, lambda row: [row.id])
    return page(request, "identity/sessions.html", shown=shown, current_id=current.id)


@post("/account/sessions/revoke", guards=[requires(Permission.ACCOUNT_OWN)], status_code=303)
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


@post("/account/sessions/revoke-all", guards=[requires(Permission.ACCOUNT_OWN)], status_code=303)
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


@get("/account/hats", guards=[requires(Permission.ACCOUNT_OWN)])
async def my_hats(request: AnyRequest, platform_session: PlatformSession, actor: Actor, settings: Settings) -> Template:
    """The roles this person may work in, one at a time."""
    current = await current_session(request, platform_session, settings)
    provider = None
    if current.provider_id is not None:
        provider = await platform_session.get_one(IdentityProvider, current.provider_id)
    hats = await hats_of(platform_session, account_id=actor.account_id)
    reachable = hats
    if provider is not None:
        reachable = await hats_of(platform_session, account_id=actor.account_id, vouched_by=provider)
    return page(
        request,
        "identity/hats.html",
        hats=hats,
        reachable={hat.membership_id for hat in reachable},
        worn=current.membership_id,
        provider=provider,
    )


@post("/account/hats", guards=[requires(Permission.ACCOUNT_OWN)], status_code=303)
async def switch_hat(
    request: AnyRequest, platform_session: PlatformSession, actor: Actor, settings: Settings, witness: Witness
) -> Redirect:
    """Work with another of my roles: the session here now reaches that place, and no other."""
    current = await current_session(request, platform_session, settings)
    form = await request.form()
    chosen = parsed_id(text(form, "membership"))
    hat = next(
        (hat for hat in await hats_of(platform_session, account_id=actor.account_id) if hat.membership_id == chosen),
        None,
    )
    if hat is None:
        raise NotFound
    membership = await platform_session.get_one(Membership, hat.membership_id)
    secret, life = await sessions.switch_hat(platform_session, current=current, membership=membership)
    await saw_sign_in(witness, platform_session, membership=membership, method=None)
    answer = see_other(onwards(request, settings, hat.home), flash=f"Vous travaillez maintenant comme {hat.label}.")
    answer.cookies.append(session_cookie(settings, secret, life=life))
    return answer


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


ROUTES = [my_sessions, revoke_one, revoke_all, my_hats, switch_hat]
