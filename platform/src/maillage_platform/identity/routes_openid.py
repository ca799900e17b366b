"""Sign-in with an identity provider, as the browser and the provider meet it.

Refusals are answered, not raised, so that the attempt they used up stays used up.
"""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
import structlog
from litestar import Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.di import Provide
from litestar.params import SkipValidation
from litestar.response import Redirect, Template
from sqlalchemy.dialects.postgresql import insert

from maillage_kit.context import Actor
from maillage_kit.crypto import FieldCipher, new_token
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Forbidden
from maillage_kit.ids import parsed_id
from maillage_kit.permissions import Permission
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, address_of, page, requires, see_other, text
from maillage_kit.witness import Witness
from maillage_platform.identity import openid_signin, sessions
from maillage_platform.identity.cookies import (
    browser_cookie,
    browser_secret,
    onwards,
    session_cookie,
    session_cookie_name,
)
from maillage_platform.identity.errors import OpenIdRefused
from maillage_platform.identity.hats import hats_of
from maillage_platform.identity.models import ExternalIdentity, IdentityProvider, Membership, OpenIdLogout
from maillage_platform.identity.openid_client import OpenIdClient, Relying
from maillage_platform.identity.openid_providers import active_provider, relying
from maillage_platform.identity.routes_account import current_session
from maillage_platform.identity.rules import SignInMethod, limits_of
from maillage_platform.identity.witnessing import saw_sign_in

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ProvidersDoor:
    """The way to identity providers and back, for one request."""

    request: AnyRequest
    session: PlatformSession
    settings: Settings
    cipher: FieldCipher
    openid: OpenIdClient

    def relying(self, provider: IdentityProvider) -> Relying:
        """Us at that provider."""
        return relying(provider, cipher=self.cipher, public_url=self.settings.web.public_url)

    async def way_to(
        self, provider: IdentityProvider, *, account_id: UUID | None = None, link_token: str | None = None
    ) -> tuple[str, Cookie]:
        """Where the browser goes, and the cookie by which it is known when it comes back. Raises OpenIdRefused."""
        browser = browser_secret(self.request, self.settings) or new_token()
        url = await openid_signin.start(
            self.session,
            openid=self.openid,
            relying=self.relying(provider),
            cipher=self.cipher,
            browser=browser,
            link_account_id=account_id,
            link_token=link_token,
        )
        return url, browser_cookie(self.settings, browser, life=openid_signin.ATTEMPT_LIFE)

    async def ready(
        self, provider: IdentityProvider, *, account_id: UUID | None = None, link_token: str | None = None
    ) -> Template:
        """A page with the way to the provider: a form may not lead to another site (content security policy)."""
        try:
            url, cookie = await self.way_to(provider, account_id=account_id, link_token=link_token)
        except OpenIdRefused as refused:
            return self.refused(provider, refused)
        answer = page(self.request, "identity/openid_ready.html", provider=provider, url=url)
        answer.cookies.append(cookie)
        return answer

    def refused(self, provider: IdentityProvider, refused: OpenIdRefused) -> Template:
        """A page that says why not; logged."""
        log.warning("openid_refused", provider=str(provider.id), reason=refused.reason, detail=refused.detail)
        return page(
            self.request, "identity/openid_refused.html", provider=provider, refused=refused, status_code=refused.status
        )


Door = SkipValidation[ProvidersDoor]


def the_door(
    request: AnyRequest,
    platform_session: PlatformSession,
    settings: Settings,
    cipher: FieldCipher,
    openid: OpenIdClient,
) -> ProvidersDoor:
    return ProvidersDoor(request, platform_session, settings, cipher, openid)


@get("/signin/openid/{provider_id:uuid}")
async def start(door: Door, provider_id: UUID) -> Redirect | Template:
    """Send the browser to the provider."""
    provider = await active_provider(door.session, provider_id)
    try:
        url, cookie = await door.way_to(provider)
    except OpenIdRefused as refused:
        return door.refused(provider, refused)
    answer = Redirect(url, status_code=303)
    answer.cookies.append(cookie)
    return answer


@post("/signin/openid/{provider_id:uuid}", status_code=200)
async def start_invited(door: Door, provider_id: UUID) -> Template:
    """The person of a one-time link, or of an invitation, goes on with this provider and will be linked to it."""
    form = await door.request.form()
    provider = await active_provider(door.session, provider_id)
    return await door.ready(provider, link_token=text(form, "link"))


@get("/signin/openid/{provider_id:uuid}/callback", status_code=200)
async def callback(door: Door, witness: Witness, provider_id: UUID) -> Redirect | Template:
    """The provider's answer: a session, or a page that says why not."""
    provider = await active_provider(door.session, provider_id)
    try:
        found = await openid_signin.finish(
            door.session,
            openid=door.openid,
            provider=provider,
            relying=door.relying(provider),
            cipher=door.cipher,
            browser=browser_secret(door.request, door.settings),
            query=dict(door.request.query_params.items()),
        )
    except OpenIdRefused as refused:
        return door.refused(provider, refused)
    secret = await sessions.open_session(
        door.session,
        membership=found.membership,
        user_agent=door.request.headers.get("user-agent", ""),
        address=address_of(door.request),
        method=SignInMethod.OPENID,
        replaces=door.request.cookies.get(session_cookie_name(door.settings)),
        openid=found.proof,
    )
    await saw_sign_in(witness, door.session, membership=found.membership, method=SignInMethod.OPENID)
    flash = f"Votre compte est relié à {provider.name}." if found.linked_now else "Vous êtes connecté."
    answer = see_other(onwards(door.request, door.settings, found.hat.home), flash=flash)
    answer.cookies.append(session_cookie(door.settings, secret, life=limits_of(found.hat.role).life))
    return answer


@post("/signin/openid/{provider_id:uuid}/logout", status_code=200, exclude_from_csrf=True)
async def provider_logout(door: Door, provider_id: UUID) -> Response[dict[str, str]]:
    """The provider says that somebody signed out there (back-channel): their sessions end here."""
    provider = await active_provider(door.session, provider_id)
    form = await door.request.form()
    headers = {"Cache-Control": "no-store"}
    try:
        said = await door.openid.logout_of(door.relying(provider), text(form, "logout_token"))
    except OpenIdRefused as refused:
        log.warning("openid_logout_refused", provider=str(provider.id), reason=refused.reason, detail=refused.detail)
        told = {"error": "invalid_request", "error_description": refused.reason}
        return Response(told, status_code=400, headers=headers)
    fresh = await door.session.execute(
        insert(OpenIdLogout)
        .values(provider_id=provider.id, jti=said.jti, expires_at=said.expires_at)
        .on_conflict_do_nothing()
        .returning(OpenIdLogout.jti)
    )
    if fresh.first() is None:
        log.warning("openid_logout_refused", provider=str(provider.id), reason="replayed", detail="")
        return Response({"error": "invalid_request", "error_description": "replayed"}, status_code=400, headers=headers)
    await sessions.revoke_of_provider(door.session, provider_id=provider.id, subject=said.subject, sid=said.sid)
    return Response({}, status_code=200, headers=headers)


@get("/account/providers", guards=[requires(Permission.ACCOUNT_OWN)])
async def my_providers(
    request: AnyRequest, platform_session: PlatformSession, actor: Actor, settings: Settings
) -> Template:
    """My accounts at identity providers, and those I could link."""
    current = await current_session(request, platform_session, settings)
    linked = await openid_signin.linked_identities(platform_session, account_id=actor.account_id)
    known = {identity.provider_id for identity, _ in linked}
    offered = await platform_session.scalars(
        sa.select(IdentityProvider)
        .join(Membership, Membership.cooperative_id.is_not_distinct_from(IdentityProvider.cooperative_id))
        .where(Membership.account_id == actor.account_id, IdentityProvider.active)
        .distinct()
        .order_by(IdentityProvider.name)
    )
    return page(
        request,
        "identity/providers_mine.html",
        linked=linked,
        offered=[provider for provider in offered if provider.id not in known],
        confined=current.provider_id is not None,
    )


@post("/account/providers/link", guards=[requires(Permission.ACCOUNT_OWN)], status_code=200)
async def link_mine(door: Door, actor: Actor) -> Template:
    """Link one more provider to my account."""
    await _own_proof(door.request, door.session, door.settings)
    form = await door.request.form()
    provider = await active_provider(door.session, parsed_id(text(form, "provider")))
    if not await hats_of(door.session, account_id=actor.account_id, vouched_by=provider):
        raise Forbidden
    return await door.ready(provider, account_id=actor.account_id)


@post("/account/providers/unlink", guards=[requires(Permission.ACCOUNT_OWN)], status_code=303)
async def unlink_mine(
    request: AnyRequest, platform_session: PlatformSession, actor: Actor, settings: Settings
) -> Redirect:
    """Forget one of my accounts at a provider, and end what it opened."""
    await _own_proof(request, platform_session, settings)
    form = await request.form()
    gone = await platform_session.scalar(
        sa.delete(ExternalIdentity)
        .where(
            ExternalIdentity.id == parsed_id(text(form, "identity")), ExternalIdentity.account_id == actor.account_id
        )
        .returning(ExternalIdentity.provider_id)
    )
    if gone is not None:
        await sessions.revoke_of_account_at(platform_session, account_id=actor.account_id, provider_id=gone)
        log.info("openid_unlinked", account=str(actor.account_id), provider=str(gone))
    return see_other("/account/providers", flash="Ce compte n’est plus relié.")


async def _own_proof(request: AnyRequest, session: PlatformSession, settings: Settings) -> None:
    """What touches the whole account needs the person's own proof, not a provider's word. Raises Forbidden."""
    current = await current_session(request, session, settings)
    if current.provider_id is not None:
        raise Forbidden("Pour cela, connectez-vous par un lien reçu par e-mail.")


ROUTES = [
    Router(
        "/",
        route_handlers=[start, start_invited, callback, provider_logout, my_providers, link_mine, unlink_mine],
        dependencies={"door": Provide(the_door, sync_to_thread=False)},
    )
]
