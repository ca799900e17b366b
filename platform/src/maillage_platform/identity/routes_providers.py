"""Where a cooperative's office, and the federation, set up their identity providers."""

from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Conflict, Invalid
from maillage_kit.ids import new_id, parsed_id
from maillage_kit.permissions import Permission
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, page, requires, see_other, text
from maillage_platform.identity.models import IdentityProvider
from maillage_platform.identity.openid_client import OpenIdClient
from maillage_platform.identity.openid_providers import (
    ProviderForm,
    logout_address,
    provider_of,
    providers_of,
    return_address,
    save_provider,
    switch_provider,
)
from maillage_platform.identity.places import FEDERATION_PLACE, Place


@get("/settings/providers", guards=[requires(Permission.PEOPLE_MANAGE)])
async def providers(
    request: AnyRequest, platform_session: PlatformSession, cooperative: CooperativeContext, settings: Settings
) -> Template:
    """The cooperative's identity providers."""
    return await _list(request, platform_session, Place.of(cooperative), settings)


@post("/settings/providers", guards=[requires(Permission.PEOPLE_MANAGE)], status_code=303)
async def add_provider(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    cipher: FieldCipher,
    openid: OpenIdClient,
    settings: Settings,
) -> Redirect | Template:
    """Add one; its metadata are fetched and checked first."""
    return await _save(request, platform_session, Place.of(cooperative), actor, cipher, openid, settings, None)


@get("/settings/providers/{provider_id:uuid}", guards=[requires(Permission.PEOPLE_MANAGE)])
async def provider(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    settings: Settings,
    provider_id: UUID,
) -> Template:
    """One of them, with the addresses to give to its administrator."""
    return await _one(request, platform_session, Place.of(cooperative), settings, provider_id)


@post("/settings/providers/{provider_id:uuid}", guards=[requires(Permission.PEOPLE_MANAGE)], status_code=303)
async def change_provider(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    cipher: FieldCipher,
    openid: OpenIdClient,
    settings: Settings,
    provider_id: UUID,
) -> Redirect | Template:
    """Change one."""
    return await _save(request, platform_session, Place.of(cooperative), actor, cipher, openid, settings, provider_id)


@post("/settings/providers/{provider_id:uuid}/switch", guards=[requires(Permission.PEOPLE_MANAGE)], status_code=303)
async def switch(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    provider_id: UUID,
) -> Redirect:
    """Switch one on or off."""
    return await _switch(request, platform_session, Place.of(cooperative), actor, provider_id)


@get("/federation/settings/providers", guards=[requires(Permission.FEDERATION_PEOPLE)])
async def federation_providers(request: AnyRequest, platform_session: PlatformSession, settings: Settings) -> Template:
    """The federation's identity providers."""
    return await _list(request, platform_session, FEDERATION_PLACE, settings)


@post("/federation/settings/providers", guards=[requires(Permission.FEDERATION_PEOPLE)], status_code=303)
async def add_federation_provider(
    request: AnyRequest,
    platform_session: PlatformSession,
    actor: Actor,
    cipher: FieldCipher,
    openid: OpenIdClient,
    settings: Settings,
) -> Redirect | Template:
    """Add one for the federation."""
    return await _save(request, platform_session, FEDERATION_PLACE, actor, cipher, openid, settings, None)


@get("/federation/settings/providers/{provider_id:uuid}", guards=[requires(Permission.FEDERATION_PEOPLE)])
async def federation_provider(
    request: AnyRequest, platform_session: PlatformSession, settings: Settings, provider_id: UUID
) -> Template:
    """One of the federation's."""
    return await _one(request, platform_session, FEDERATION_PLACE, settings, provider_id)


@post(
    "/federation/settings/providers/{provider_id:uuid}",
    guards=[requires(Permission.FEDERATION_PEOPLE)],
    status_code=303,
)
async def change_federation_provider(
    request: AnyRequest,
    platform_session: PlatformSession,
    actor: Actor,
    cipher: FieldCipher,
    openid: OpenIdClient,
    settings: Settings,
    provider_id: UUID,
) -> Redirect | Template:
    """Change one of the federation's."""
    return await _save(request, platform_session, FEDERATION_PLACE, actor, cipher, openid, settings, provider_id)


@post(
    "/federation/settings/providers/{provider_id:uuid}/switch",
    guards=[requires(Permission.FEDERATION_PEOPLE)],
    status_code=303,
)
async def switch_federation(
    request: AnyRequest, platform_session: PlatformSession, actor: Actor, provider_id: UUID
) -> Redirect:
    """Switch one of the federation's on or off."""
    return await _switch(request, platform_session, FEDERATION_PLACE, actor, provider_id)


async def _list(
    request: AnyRequest,
    session: PlatformSession,
    place: Place,
    settings: Settings,
    form: ProviderForm | None = None,
    errors: dict[str, str] | None = None,
    draft_id: UUID | None = None,
) -> Template:
    # the addresses that the provider asks for are known before it has given a client
    draft_id = draft_id or new_id()
    return page(
        request,
        "identity/providers.html",
        status_code=422 if errors else 200,
        place=place,
        draft_id=draft_id,
        return_address=return_address(draft_id, settings.web.public_url),
        logout_address=logout_address(draft_id, settings.web.public_url),
        found=await providers_of(session, cooperative_id=place.cooperative_id),
        form=form,
        errors=errors or {},
    )


async def _one(
    request: AnyRequest,
    session: PlatformSession,
    place: Place,
    settings: Settings,
    provider_id: UUID,
) -> Template:
    found = await provider_of(session, provider_id=provider_id, cooperative_id=place.cooperative_id)
    return page(
        request,
        "identity/provider.html",
        place=place,
        provider=found,
        form=_form_of(found),
        errors={},
        return_address=return_address(found.id, settings.web.public_url),
        logout_address=logout_address(found.id, settings.web.public_url),
    )


async def _save(
    request: AnyRequest,
    session: PlatformSession,
    place: Place,
    actor: Actor,
    cipher: FieldCipher,
    openid: OpenIdClient,
    settings: Settings,
    provider_id: UUID | None,
) -> Redirect | Template:
    found = None
    if provider_id is not None:
        found = await provider_of(session, provider_id=provider_id, cooperative_id=place.cooperative_id)
    sent = await request.form()
    form = ProviderForm(
        name=text(sent, "name")[:60],
        issuer=text(sent, "issuer")[:300],
        client_id=text(sent, "client_id")[:300],
        client_secret=text(sent, "client_secret")[:500],
        allowed_domains=text(sent, "allowed_domains")[:2000],
    )
    draft_id = parsed_id(text(sent, "draft")) if found is None else None
    try:
        saved = await save_provider(
            session,
            openid=openid,
            cipher=cipher,
            cooperative_id=place.cooperative_id,
            form=form,
            by=actor.display_name,
            provider=found,
            draft_id=draft_id,
        )
    except (Invalid, Conflict) as wrong:
        errors = wrong.fields or {"issuer": wrong.message}
        if found is None:
            return await _list(request, session, place, settings, form, errors, draft_id)
        context = {"place": place, "provider": found, "form": form, "errors": errors, "return_address": ""}
        return page(request, "identity/provider.html", status_code=422, **context)
    told = "Fournisseur ajouté. Donnez-lui les deux adresses ci-dessous." if found is None else "C’est enregistré."
    return see_other(f"{place.base}/providers/{saved.id}", flash=told)


async def _switch(
    request: AnyRequest, session: PlatformSession, place: Place, actor: Actor, provider_id: UUID
) -> Redirect:
    found = await provider_of(session, provider_id=provider_id, cooperative_id=place.cooperative_id)
    active = bool(text(await request.form(), "active"))
    await switch_provider(session, provider=found, active=active, by=actor.display_name)
    told = "Ce fournisseur sert de nouveau." if active else "Ce fournisseur ne sert plus ; ses sessions sont fermées."
    return see_other(f"{place.base}/providers", flash=told)


def _form_of(found: IdentityProvider) -> ProviderForm:
    return ProviderForm(
        name=found.name,
        issuer=found.issuer,
        client_id=found.client_id,
        client_secret="",
        allowed_domains=" ".join(found.allowed_domains),
    )


TENANT_ROUTES = [providers, add_provider, provider, change_provider, switch]
FEDERATION_ROUTES = [
    federation_providers,
    add_federation_provider,
    federation_provider,
    change_federation_provider,
    switch_federation,
]
