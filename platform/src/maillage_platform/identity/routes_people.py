"""Where a cooperative's manager, and the federation, invite colleagues, change their role, take access back."""

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.ids import parsed_id
from maillage_kit.pages import cut_page, read_text
from maillage_kit.permissions import ROLE_HINTS, ROLE_LABELS, Permission, Role
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, page, page_request, requires, see_other, text
from maillage_kit.witness import Witness
from maillage_platform.identity.models import Account
from maillage_platform.identity.passkeys import reset
from maillage_platform.identity.people import (
    TechnicianFinder,
    change_role,
    colleagues,
    hat_here,
    invite,
    roles_here,
    take_access_back,
)
from maillage_platform.identity.places import FEDERATION_PLACE, Place
from maillage_platform.identity.service import account_by_email
from maillage_platform.identity.witnessing import saw_people_change


@get("/settings/people", guards=[requires(Permission.PEOPLE_READ)])
async def people(request: AnyRequest, platform_session: PlatformSession, cooperative: CooperativeContext) -> Template:
    """Who may sign in here."""
    return await _list(request, platform_session, Place.of(cooperative))


@post("/settings/people", guards=[requires(Permission.PEOPLE_MANAGE)], status_code=303)
async def invite_colleague(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    settings: Settings,
    witness: Witness,
    technician: TechnicianFinder,
) -> Redirect | Template:
    """Invite somebody, with a role."""
    place = Place.of(cooperative)
    return await _invite(
        request, platform_session, place, cooperative.name, actor, settings, witness, technician=technician
    )


@post("/settings/people/role", guards=[requires(Permission.PEOPLE_MANAGE)], status_code=303)
async def change_role_of_colleague(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    witness: Witness,
    technician: TechnicianFinder,
) -> Redirect:
    """Give somebody another role."""
    return await _change_role(request, platform_session, Place.of(cooperative), actor, witness, technician=technician)


@post("/settings/people/remove", guards=[requires(Permission.PEOPLE_MANAGE)], status_code=303)
async def remove_colleague(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    witness: Witness,
) -> Redirect:
    """Take an access back."""
    return await _remove(request, platform_session, Place.of(cooperative), actor, witness)


@post("/settings/people/reset", guards=[requires(Permission.PEOPLE_MANAGE)], status_code=303)
async def reset_colleague(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    witness: Witness,
) -> Redirect:
    """Forget the keys of somebody who lost them all."""
    return await _reset(request, platform_session, Place.of(cooperative), actor, witness)


@get("/federation/settings/people", guards=[requires(Permission.FEDERATION_PEOPLE)])
async def federation_people(request: AnyRequest, platform_session: PlatformSession) -> Template:
    """Who may sign in for the federation."""
    return await _list(request, platform_session, FEDERATION_PLACE)


@post("/federation/settings/people", guards=[requires(Permission.FEDERATION_PEOPLE)], status_code=303)
async def invite_to_federation(
    request: AnyRequest, platform_session: PlatformSession, actor: Actor, settings: Settings, witness: Witness
) -> Redirect | Template:
    """Invite somebody to the federation, with a role."""
    return await _invite(request, platform_session, FEDERATION_PLACE, "la fédération", actor, settings, witness)


@post("/federation/settings/people/role", guards=[requires(Permission.FEDERATION_PEOPLE)], status_code=303)
async def change_role_in_federation(
    request: AnyRequest, platform_session: PlatformSession, actor: Actor, witness: Witness
) -> Redirect:
    """Give somebody of the federation another role."""
    return await _change_role(request, platform_session, FEDERATION_PLACE, actor, witness)


@post("/federation/settings/people/remove", guards=[requires(Permission.FEDERATION_PEOPLE)], status_code=303)
async def remove_from_federation(
    request: AnyRequest, platform_session: PlatformSession, actor: Actor, witness: Witness
) -> Redirect:
    """Take a federation access back."""
    return await _remove(request, platform_session, FEDERATION_PLACE, actor, witness)


@post("/federation/settings/people/reset", guards=[requires(Permission.FEDERATION_PEOPLE)], status_code=303)
async def reset_in_federation(
    request: AnyRequest, platform_session: PlatformSession, actor: Actor, witness: Witness
) -> Redirect:
    """Forget the keys of somebody of the federation."""
    return await _reset(request, platform_session, FEDERATION_PLACE, actor, witness)


async def _list(
    request: AnyRequest,
    session: PlatformSession,
    place: Place,
    sent: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Template:
    asked = page_request(request)
    rows = await colleagues(
        session,
        cooperative_id=place.cooperative_id,
        after=asked.position(read_text, read_text),
        limit=asked.limit + 1,
    )
    return page(
        request,
        "identity/people.html",
        status_code=422 if errors else 200,
        place=place,
        shown=cut_page(rows, asked, lambda row: [row.email, row.role_code]),
        sent=sent or {"email": "", "name": "", "role": ""},
        errors=errors or {},
        roles=[(role.value, ROLE_LABELS[role]) for role in roles_here(place.cooperative_id)],
        hints=[
            (ROLE_LABELS[role], ROLE_HINTS[role])
            for role in (*roles_here(place.cooperative_id), *((Role.PARTNER,) if place.cooperative_id else ()))
        ],
    )


async def _invite(
    request: AnyRequest,
    session: PlatformSession,
    place: Place,
    name: str,
    actor: Actor,
    settings: Settings,
    witness: Witness,
    *,
    technician: TechnicianFinder | None = None,
) -> Redirect | Template:
    form = await request.form()
    sent = {"email": text(form, "email"), "name": text(form, "name")[:120], "role": text(form, "role")}
    try:
        hat = await invite(
            session,
            cooperative_id=place.cooperative_id,
            place_name=name,
            email=sent["email"],
            name=sent["name"],
            role=sent["role"],
            by=actor.display_name,
            public_url=settings.web.public_url,
            technician=technician,
        )
    except Invalid as wrong:
        return await _list(request, session, place, sent, wrong.fields)
    await saw_people_change(witness, session, action="identity.invited", membership=hat, by=actor)
    return see_other(f"{place.base}/people", flash=f"L’invitation part à {sent['email']}.")


async def _change_role(
    request: AnyRequest,
    session: PlatformSession,
    place: Place,
    actor: Actor,
    witness: Witness,
    *,
    technician: TechnicianFinder | None = None,
) -> Redirect:
    form = await request.form()
    try:
        changed = await change_role(
            session,
            cooperative_id=place.cooperative_id,
            membership_id=parsed_id(text(form, "membership")),
            role=text(form, "role"),
            by_account=actor.account_id,
            technician=technician,
        )
    except Invalid as wrong:
        words = next(iter(wrong.fields.values()), wrong.message)
        return see_other(f"{place.base}/people", flash=words, tone="danger")
    if changed is None:
        raise NotFound
    before, hat = changed
    await saw_people_change(
        witness, session, action="identity.role_changed", membership=hat, by=actor, before=ROLE_LABELS[before]
    )
    return see_other(f"{place.base}/people", flash=f"Nouveau rôle : {ROLE_LABELS[Role(hat.role)]}.")


async def _remove(
    request: AnyRequest, session: PlatformSession, place: Place, actor: Actor, witness: Witness
) -> Redirect:
    form = await request.form()
    taken = await take_access_back(
        session,
        cooperative_id=place.cooperative_id,
        membership_id=parsed_id(text(form, "membership")),
        by_account=actor.account_id,
    )
    if taken is None:
        raise NotFound
    await saw_people_change(witness, session, action="identity.access_taken_back", membership=taken, by=actor)
    return see_other(f"{place.base}/people", flash="Cet accès est retiré.")


async def _reset(
    request: AnyRequest, session: PlatformSession, place: Place, actor: Actor, witness: Witness
) -> Redirect:
    form = await request.form()
    account = await _whom(session, place, membership=text(form, "membership"), email=text(form, "email"))
    if account.id == actor.account_id:
        raise Invalid("Vos propres clés se changent sous « Mes clés d’accès ».")
    await reset(session, account=account, cooperative_id=place.cooperative_id, by=actor.display_name)
    await witness(
        place.cooperative_id,
        actor=actor.display_name,
        action="identity.keys_reset",
        subject_type="account",
        subject_id=account.id,
        detail={"person": account.display_name},
    )
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


TENANT_ROUTES = [people, invite_colleague, change_role_of_colleague, remove_colleague, reset_colleague]
FEDERATION_ROUTES = [
    federation_people,
    invite_to_federation,
    change_role_in_federation,
    remove_from_federation,
    reset_in_federation,
]
