"""Passkeys in the browser: sign in, second factor, one's own keys and codes. `static/passkey.js` is the other end.

Refusals are answered, not raised, so that the challenge they used up stays used up.
"""

from typing import Any

import structlog
from litestar import Response, get, post
from litestar.response import Redirect, Template

from maillage_kit.context import Actor
from maillage_kit.crypto import new_token, token_hash
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Forbidden, NotFound
from maillage_kit.ids import parsed_id
from maillage_kit.permissions import Permission
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, address_of, page, requires, see_other, text
from maillage_kit.witness import Witness
from maillage_platform.identity import passkeys, sessions
from maillage_platform.identity.cookies import (
    browser_cookie,
    browser_secret,
    onwards,
    session_cookie,
    session_cookie_name,
)
from maillage_platform.identity.hats import hats_of, preferred_hat
from maillage_platform.identity.models import Account, Membership, WebSession
from maillage_platform.identity.passkeys import PasskeyRefused, RecoveryRefused, Site
from maillage_platform.identity.routes_account import current_session
from maillage_platform.identity.rules import SignInMethod, device_name, limits_of
from maillage_platform.identity.witnessing import saw_sign_in

log = structlog.get_logger(__name__)
Json = Response[dict[str, Any]]


@post("/signin/passkey/options", status_code=200)
async def sign_in_options(request: AnyRequest, platform_session: PlatformSession, settings: Settings) -> Response[str]:
    """What to sign, with any passkey of this site."""
    browser = browser_secret(request, settings) or new_token()
    options = await passkeys.sign_in_options(platform_session, site=_site(settings), browser_hash=token_hash(browser))
    return _options(settings, browser, options)


@post("/signin/passkey", status_code=200)
async def sign_in(request: AnyRequest, platform_session: PlatformSession, settings: Settings, witness: Witness) -> Json:
    """A passkey alone signs in: it is held and its user was verified."""
    try:
        account = await passkeys.verify(
            platform_session,
            site=_site(settings),
            browser_hash=token_hash(browser_secret(request, settings)),
            credential=await _credential(request),
        )
    except PasskeyRefused as refused:
        return _refused(refused)
    hats = await hats_of(platform_session, account_id=account.id)
    if not hats:
        return _said("Votre compte n’a plus d’accès. Adressez-vous à votre coopérative.", 403)
    hat = await preferred_hat(platform_session, account_id=account.id, hats=hats)
    membership = await platform_session.get_one(Membership, hat.membership_id)
    secret = await sessions.open_session(
        platform_session,
        membership=membership,
        user_agent=request.headers.get("user-agent", ""),
        address=address_of(request),
        method=SignInMethod.PASSKEY,
        replaces=request.cookies.get(session_cookie_name(settings)),
    )
    await saw_sign_in(witness, platform_session, membership=membership, method=SignInMethod.PASSKEY)
    location = onwards(request, settings, hat.home) if len(hats) == 1 else "/account/hats"
    answer: Json = Response({"location": location})
    answer.cookies.append(session_cookie(settings, secret, life=limits_of(hat.role).life))
    return answer


@get("/signin/second")
async def second(request: AnyRequest, platform_session: PlatformSession, settings: Settings) -> Template:
    """Between the first factor and the work: show a key, or make the first one."""
    return await _second_page(request, platform_session, settings)


@post("/signin/second/options", status_code=200)
async def second_options(request: AnyRequest, platform_session: PlatformSession, settings: Settings) -> Response[str]:
    """What to sign, with a key of the person of this session."""
    current = await current_session(request, platform_session, settings)
    browser = browser_secret(request, settings) or new_token()
    options = await passkeys.sign_in_options(
        platform_session, site=_site(settings), browser_hash=token_hash(browser), account_id=current.account_id
    )
    return _options(settings, browser, options)


@post("/signin/second", status_code=200)
async def second_done(request: AnyRequest, platform_session: PlatformSession, settings: Settings) -> Json:
    """The key was shown: the session goes on, under a new secret."""
    current = await current_session(request, platform_session, settings)
    try:
        await passkeys.verify(
            platform_session,
            site=_site(settings),
            browser_hash=token_hash(browser_secret(request, settings)),
            credential=await _credential(request),
            account_id=current.account_id,
        )
    except PasskeyRefused as refused:
        return _refused(refused)
    halfway = request.scope["state"].get("halfway")
    location = onwards(request, settings, "/") if halfway else "/account/passkeys"
    return await _strengthened(platform_session, settings, current, location)


@post("/signin/second/recovery", status_code=303)
async def recover(request: AnyRequest, platform_session: PlatformSession, settings: Settings) -> Redirect | Template:
    """A recovery code stands in for the keys, once."""
    current = await current_session(request, platform_session, settings)
    form = await request.form()
    try:
        await passkeys.use_recovery_code(platform_session, account_id=current.account_id, typed=text(form, "code"))
    except RecoveryRefused as refused:
        return await _second_page(request, platform_session, settings, error=refused.message)
    secret, life = await sessions.add_second_factor(platform_session, current=current)
    answer = see_other("/account/passkeys", flash="Ce code a servi. Si vous avez perdu une clé, effacez-la ici.")
    answer.cookies.append(session_cookie(settings, secret, life=life))
    return answer


@post("/signin/second/register/options", status_code=200)
async def register_options(request: AnyRequest, platform_session: PlatformSession, settings: Settings) -> Response[str]:
    """What to make a new key with."""
    current = await current_session(request, platform_session, settings)
    await _may_add(platform_session, current)
    browser = browser_secret(request, settings) or new_token()
    options = await passkeys.registration_options(
        platform_session,
        site=_site(settings),
        account=await platform_session.get_one(Account, current.account_id),
        browser_hash=token_hash(browser),
    )
    return _options(settings, browser, options)


@post("/signin/second/register", status_code=200)
async def register(request: AnyRequest, platform_session: PlatformSession, settings: Settings) -> Json:
    """Keep the new key; making it is also showing it."""
    current = await current_session(request, platform_session, settings)
    await _may_add(platform_session, current)
    try:
        await passkeys.register(
            platform_session,
            site=_site(settings),
            account=await platform_session.get_one(Account, current.account_id),
            browser_hash=token_hash(browser_secret(request, settings)),
            credential=await _credential(request),
            name=device_name(request.headers.get("user-agent", "")),
        )
    except PasskeyRefused as refused:
        return _refused(refused)
    return await _strengthened(platform_session, settings, current, "/account/passkeys")


@get("/account/passkeys", guards=[requires(Permission.ACCOUNT_OWN)])
async def my_passkeys(
    request: AnyRequest, platform_session: PlatformSession, actor: Actor, settings: Settings
) -> Template:
    """My keys and how many recovery codes are left."""
    current = await current_session(request, platform_session, settings)
    return page(
        request,
        "identity/passkeys.html",
        keys=await passkeys.passkeys_of(platform_session, account_id=actor.account_id),
        codes_left=await passkeys.codes_left(platform_session, account_id=actor.account_id),
        strong=current.second_factor_at is not None,
        confined=current.provider_id is not None,
    )


@post("/account/passkeys/remove", guards=[requires(Permission.ACCOUNT_OWN)], status_code=303)
async def remove_passkey(
    request: AnyRequest, platform_session: PlatformSession, actor: Actor, settings: Settings
) -> Redirect:
    """Forget one of my keys."""
    await _strong(request, platform_session, settings)
    form = await request.form()
    chosen = parsed_id(text(form, "passkey"))
    if not await passkeys.remove(platform_session, account_id=actor.account_id, passkey_id=chosen):
        raise NotFound
    return see_other("/account/passkeys", flash="Cette clé n’ouvre plus votre compte.")


@post("/account/recovery-codes", guards=[requires(Permission.ACCOUNT_OWN)], status_code=200)
async def make_codes(
    request: AnyRequest, platform_session: PlatformSession, actor: Actor, settings: Settings
) -> Template:
    """Ten new recovery codes, shown this once."""
    await _strong(request, platform_session, settings)
    codes = await passkeys.new_recovery_codes(platform_session, account_id=actor.account_id)
    return page(request, "identity/recovery_codes.html", codes=codes)


async def _second_page(
    request: AnyRequest, session: PlatformSession, settings: Settings, error: str | None = None
) -> Template:
    current = await current_session(request, session, settings)
    return page(
        request,
        "identity/second.html",
        status_code=422 if error else 200,
        keys=await passkeys.passkeys_of(session, account_id=current.account_id),
        codes_left=await passkeys.codes_left(session, account_id=current.account_id),
        confined=current.provider_id is not None,
        error=error,
    )


async def _may_add(session: PlatformSession, current: WebSession) -> None:
    """The first key needs the person's own link; the next ones, a key or a code already shown. Raises Forbidden."""
    if current.provider_id is not None:
        raise Forbidden("Pour créer une clé, connectez-vous par un lien reçu par e-mail.")
    if current.second_factor_at is None and await passkeys.passkeys_of(session, account_id=current.account_id):
        raise Forbidden("Montrez d’abord une de vos clés, ou un code de secours.")


async def _strong(request: AnyRequest, session: PlatformSession, settings: Settings) -> None:
    current = await current_session(request, session, settings)
    if current.second_factor_at is None or current.provider_id is not None:
        raise Forbidden("Montrez d’abord une de vos clés, ou un code de secours.")


async def _strengthened(session: PlatformSession, settings: Settings, current: WebSession, location: str) -> Json:
    secret, life = await sessions.add_second_factor(session, current=current)
    answer: Json = Response({"location": location})
    answer.cookies.append(session_cookie(settings, secret, life=life))
    return answer


async def _credential(request: AnyRequest) -> dict[str, Any]:
    try:
        sent = await request.json()
    except Exception as exc:  # whatever the decoder says of what a browser sent
        raise PasskeyRefused("not JSON") from exc
    if not isinstance(sent, dict):
        raise PasskeyRefused("not an object")
    return sent


def _options(settings: Settings, browser: str, options: str) -> Response[str]:
    answer = Response(options, media_type="application/json", headers={"Cache-Control": "no-store"})
    answer.cookies.append(browser_cookie(settings, browser, life=passkeys.CHALLENGE_LIFE))
    return answer


def _refused(refused: PasskeyRefused) -> Json:
    log.warning("passkey_refused", detail=refused.detail)
    return _said(refused.message, refused.status)


def _said(message: str, status: int) -> Json:
    return Response({"message": message}, status_code=status)


def _site(settings: Settings) -> Site:
    return Site.of(settings.web.public_url)


ROUTES = [
    sign_in_options,
    sign_in,
    second,
    second_options,
    second_done,
    recover,
    register_options,
    register,
    my_passkeys,
    remove_passkey,
    make_codes,
]
