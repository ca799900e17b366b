"""What a signed-in person lets applications do for them, and takes back: « Mes autorisations »."""

from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit import clock
from maillage_kit.context import Actor
from maillage_kit.db import PlatformSession
from maillage_kit.errors import NotFound
from maillage_kit.ids import parsed_id
from maillage_kit.pages import cut_page, read_id
from maillage_kit.permissions import Permission
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, page, page_request, requires, see_other, text
from maillage_kit.witness import Witness
from maillage_platform.identity.models import IdentityProvider
from maillage_platform.identity.routes_account import current_session
from maillage_platform.oauth import queries
from maillage_platform.oauth.rules import sentences
from maillage_platform.oauth.service.consents import withdraw_consent


@get("/account/applications", guards=[requires(Permission.ACCOUNT_OWN)])
async def my_applications(
    request: AnyRequest, platform_session: PlatformSession, actor: Actor, settings: Settings
) -> Template:
    """Every application that may act for this person."""
    asked = page_request(request)
    (before,) = asked.position(read_id) or (None,)
    rows = await queries.consents_given_by(
        platform_session,
        account_id=actor.account_id,
        within=await _within(request, platform_session, settings),
        now=clock.now(),
        before=before,
        limit=asked.limit + 1,
    )
    return page(
        request,
        "oauth/mine.html",
        shown=cut_page(rows, asked, lambda row: [row.id]),
        sentences=sentences,
    )


@post("/account/applications/revoke", guards=[requires(Permission.ACCOUNT_OWN)], status_code=303)
async def take_back(
    request: AnyRequest, platform_session: PlatformSession, actor: Actor, settings: Settings, witness: Witness
) -> Redirect:
    """Take one back: every token that came from it ends. 404 for one that is not this person's, or is over."""
    found = await queries.consent_given_by(
        platform_session,
        account_id=actor.account_id,
        within=await _within(request, platform_session, settings),
        consent_id=parsed_id(text(await request.form(), "consent")),
    )
    if found is None:
        raise NotFound
    consent, client = found
    taken = await withdraw_consent(
        platform_session,
        witness=witness,
        cooperative_id=client.cooperative_id,
        client_id=client.id,
        consent_id=consent.id,
        by=actor.display_name,
    )
    if not taken:
        raise NotFound
    return see_other("/account/applications", flash=f"« {client.name} » n’agit plus pour vous.")


async def _within(request: AnyRequest, session: PlatformSession, settings: Settings) -> frozenset[UUID] | None:
    """The cooperative that this session reaches when a provider opened it (ADR 0013), none for the federation's; None:
    all of them."""
    current = await current_session(request, session, settings)
    if current.provider_id is None:
        return None
    place = (await session.get_one(IdentityProvider, current.provider_id)).cooperative_id
    return frozenset() if place is None else frozenset({place})


ROUTES = [my_applications, take_back]
