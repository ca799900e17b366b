"""Where a cooperative's office, and the federation, invite their colleagues and take access back."""

from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.ids import parsed_id
from maillage_kit.pages import cut_page
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, page, page_request, see_other, text
from maillage_platform.identity.models import Account
from maillage_platform.identity.passkeys import reset
from maillage_platform.identity.people import colleagues, hat_here, invite, take_access_back
from maillage_platform.identity.places import FEDERATION_PLACE, Place
from maillage_platform.identity.routes_providers import FEDERATION, OFFICE
from maillage_platform.identity.service import account_by_email


@get("/settings/people", guards=[OFFICE])
async def people(request: AnyRequest, platform_session: PlatformSession, cooperative: CooperativeContext) -> Template:
    """Who may sign in here."""
    return await _list(request, platform_session, Place.of(cooperative))


@post("/settings/people", guards=[OFFICE], status_code=303)
async def invite_colleague(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    settings: Settings,
) -> Redirect | Template:
    """Invite somebody to the office."""
    return await _invite(request, platform_session, Place.of(cooperative), cooperative.name, actor, settings)


@post("/settings/people/remove", guards=[OFFICE], status_code=303)
async def remove_colleague(
    request: AnyRequest, platform_session: PlatformSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect:
    """Take an access back."""
    return await _remove(request, platform_session, Place.of(cooperative), actor)


@post("/settings/people/reset", guards=[OFFICE], status_code=303)
async def reset_colleague(
    request: AnyRequest, platform_session: PlatformSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect:
    """Forget the keys of somebody who lost them all."""
    return await _reset(request, platform_session, Place.of(cooperative), actor)


@post("/federation/settings/people/reset", guards=[FEDERATION], status_code=303)
async def reset_in_federation(request: AnyRequest, platform_session: PlatformSession, actor: Actor) -> Redirect:
    """Forget the keys of somebody of the federation."""
    return await _reset(request, platform_session, FEDERATION_PLACE, actor)


@get("/federation/settings/people", guards=[FEDERATION])
async def federation_people(request: AnyRequest, platform_session: PlatformSession) -> Template:
    """Who may sign in for the federation."""
    return await _list(request, platform_session, FEDERATION_PLACE)


@post("/federation/settings/people", guards=[FEDERATION], status_code=303)
async def invite_to_federation(
    request: AnyRequest, platform_session: PlatformSession, actor: Actor, settings: Settings
) -> Redirect | Template:
    """Invite somebody to the federation."""
    return await _invite(request, platform_session, FEDERATION_PLACE, "la fédération", actor, settings)


@post("/federation/settings/people/remove", guards=[FEDERATION], status_code=303)
async def remove_from_federation(request: AnyRequest, platform_session: PlatformSession, actor: Actor) -> Redirect:
    """Take a federation access back."""
    return await _remove(request, platform_session, FEDERATION_PLACE, actor)


async def _list(
    request: AnyRequest,
    session: PlatformSession,
    place: Place,
    sent: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Template:
    asked = page_request(request)
    position = asked.position()
    if position is not None and (len(position) != 2 or not all(isinstance(part, str) for part in position)):
        raise Invalid("Ce marque-page n’est pas valable.")
    rows = await colleagues(
        session,
        cooperative_id=place.cooperative_id,
        after=(position[0], position[1]) if position else None,
        limit=asked.limit + 1,
    )
    return page(
        request,
        "identity/people.html",
        status_code=422 if errors else 200,
        place=place,
        shown=cut_page(rows, asked, lambda row: [row.email, row.role_code]),
        sent=sent or {"email": "", "name": ""},
        errors=errors or {},
    )


async def _invite(
    request: AnyRequest, session: PlatformSession, place: Place, name: str, actor: Actor, settings: Settings
) -> Redirect | Template:
    form = await request.form()
    sent = {"email": text(form, "email"), "name": text(form, "name")[:120]}
    try:
        await invite(
            session,
            cooperative_id=place.cooperative_id,
            place_name=name,
            email=sent["email"],
            name=sent["name"],
            by=actor.display_name,
            public_url=settings.web.public_url,
        )
    except Invalid as wrong:
        return await _list(request, session, place, sent, wrong.fields)
    return see_other(f"{place.base}/people", flash=f"L’invitation part à {sent['email']}.")


async def _remove(request: AnyRequest, session: PlatformSession, place: Place, actor: Actor) -> Redirect:
    form = await request.form()
    try:
        chosen = UUID(text(form, "membership"))
    except ValueError as exc:
        raise Invalid from exc
    taken = await take_access_back(
        session, cooperative_id=place.cooperative_id, membership_id=chosen, by_account=actor.account_id
    )
    if not taken:
        raise NotFound
    return see_other(f"{place.base}/people", flash="Cet accès est retiré.")


async def _reset(request: AnyRequest, session: PlatformSession, place: Place, actor: Actor) -> Redirect:
    form = await request.form()
    account = await _whom(session, place, membership=text(form, "membership"), email=text(form, "email"))
    if account.id == actor.account_id:
        raise Invalid("Vos propres clés se changent sous « Mes clés d’accès ».")
    await reset(session, account=account, cooperative_id=place.cooperative_id, by=actor.display_name)
    return see_other(f"{place.base}/people", flash="Ses clés sont effacées ; cette personne est déconnectée partout.")


async def _whom(session: PlatformSession, place: Place, *, membership: str, email: str) -> Account:
    """Somebody of this place; for the federation, anybody by their e-mail address. Raises NotFound, Invalid."""
    if email and place.cooperative_id is None:
        found = await account_by_email(session, email=email)
        if found is None:
            raise Invalid("Personne n’a de compte à cette adresse.")
        return found
    held = await hat_here(session, cooperative_id=place.cooperative_id, membership_id=parsed_id(membership))
    if held is None:
        raise NotFound
    return await session.get_one(Account, held.account_id)


TENANT_ROUTES = [people, invite_colleague, remove_colleague, reset_colleague]
FEDERATION_ROUTES = [federation_people, invite_to_federation, remove_from_federation, reset_in_federation]
