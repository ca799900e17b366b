"""Where a cooperative's office, and the federation, set up their identity providers."""

from dataclasses import dataclass
from uuid import UUID

from litestar import Router, get, post
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import SkipValidation
from litestar.response import Redirect, Template

from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Conflict, Invalid
from maillage_kit.ids import new_id, parsed_id
from maillage_kit.permissions import Permission
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, page, requires, see_other, text
from maillage_kit.witness import Witness
from maillage_platform.identity.models import IdentityProvider
from maillage_platform.identity.openid_client import OpenIdClient
from maillage_platform.identity.openid_providers import (
    ProviderForm,
    facts_of,
    logout_address,
    provider_of,
    providers_of,
    return_address,
    save_provider,
    switch_provider,
)
from maillage_platform.identity.places import FEDERATION_PLACE, Place
from maillage_platform.identity.witnessing import saw_provider_saved, saw_provider_switched


@dataclass(frozen=True, slots=True)
class ProviderPages:
    """The same pages wherever the providers are set up."""

    request: AnyRequest
    session: PlatformSession
    actor: Actor
    cipher: FieldCipher
    openid: OpenIdClient
    settings: Settings
    witness: Witness

    async def listed(
        self,
        place: Place,
        form: ProviderForm | None = None,
        errors: dict[str, str] | None = None,
        draft_id: UUID | None = None,
    ) -> Template:
        """All of them; with the form as it was sent, and what is wrong with it."""
        # the addresses that the provider asks for are known before it has given a client
        draft_id = draft_id or new_id()
        return page(
            self.request,
            "identity/providers.html",
            status_code=422 if errors else 200,
            place=place,
            draft_id=draft_id,
            return_address=return_address(draft_id, self.settings.web.public_url),
            logout_address=logout_address(draft_id, self.settings.web.public_url),
            found=await providers_of(self.session, cooperative_id=place.cooperative_id),
            form=form,
            errors=errors or {},
        )

    async def one(self, place: Place, provider_id: UUID) -> Template:
        """Raises NotFound."""
        found = await provider_of(self.session, provider_id=provider_id, cooperative_id=place.cooperative_id)
        return page(
            self.request,
            "identity/provider.html",
            place=place,
            provider=found,
            form=_form_of(found),
            errors={},
            return_address=return_address(found.id, self.settings.web.public_url),
            logout_address=logout_address(found.id, self.settings.web.public_url),
        )

    async def save(self, place: Place, provider_id: UUID | None) -> Redirect | Template:
        """Keep what was sent, as a new one without an id; what is wrong with it is shown."""
        found = None
        if provider_id is not None:
            found = await provider_of(self.session, provider_id=provider_id, cooperative_id=place.cooperative_id)
        sent = await self.request.form()
        form = ProviderForm(
            name=text(sent, "name")[:60],
            issuer=text(sent, "issuer")[:300],
            client_id=text(sent, "client_id")[:300],
            client_secret=text(sent, "client_secret")[:500],
            allowed_domains=text(sent, "allowed_domains")[:2000],
        )
        draft_id = parsed_id(text(sent, "draft")) if found is None else None
        before = facts_of(found) if found is not None else None
        try:
            saved = await save_provider(
                self.session,
                openid=self.openid,
                cipher=self.cipher,
                cooperative_id=place.cooperative_id,
                form=form,
                by=self.actor.display_name,
                provider=found,
                draft_id=draft_id,
            )
        except (Invalid, Conflict) as wrong:
            errors = wrong.fields or {"issuer": wrong.message}
            if found is None:
                return await self.listed(place, form, errors, draft_id)
            context = {"place": place, "provider": found, "form": form, "errors": errors, "return_address": ""}
            return page(self.request, "identity/provider.html", status_code=422, **context)
        await saw_provider_saved(
            self.witness, provider=saved, before=before, new_secret=bool(form.client_secret), by=self.actor
        )
        told = "Fournisseur ajouté. Donnez-lui les deux adresses ci-dessous." if found is None else "C’est enregistré."
        return see_other(f"{place.base}/providers/{saved.id}", flash=told)

    async def switch(self, place: Place, provider_id: UUID) -> Redirect:
        """On or off, as sent. Raises NotFound."""
        found = await provider_of(self.session, provider_id=provider_id, cooperative_id=place.cooperative_id)
        active = bool(text(await self.request.form(), "active"))
        was_active = found.active
        await switch_provider(self.session, provider=found, active=active, by=self.actor.display_name)
        if active != was_active:
            await saw_provider_switched(self.witness, provider=found, by=self.actor)
        told = (
            "Ce fournisseur sert de nouveau." if active else "Ce fournisseur ne sert plus ; ses sessions sont fermées."
        )
        return see_other(f"{place.base}/providers", flash=told)


Pages = SkipValidation[ProviderPages]


def the_pages(
    request: AnyRequest,
    platform_session: PlatformSession,
    actor: Actor,
    cipher: FieldCipher,
    openid: OpenIdClient,
    settings: Settings,
    witness: Witness,
) -> ProviderPages:
    return ProviderPages(request, platform_session, actor, cipher, openid, settings, witness)


def _form_of(found: IdentityProvider) -> ProviderForm:
    return ProviderForm(
        name=found.name,
        issuer=found.issuer,
        client_id=found.client_id,
        client_secret="",
        allowed_domains=" ".join(found.allowed_domains),
    )


@get("/settings/providers", guards=[requires(Permission.PEOPLE_MANAGE)])
async def providers(pages: Pages, cooperative: CooperativeContext) -> Template:
    """The cooperative's identity providers."""
    return await pages.listed(Place.of(cooperative))


@post("/settings/providers", guards=[requires(Permission.PEOPLE_MANAGE)], status_code=303)
async def add_provider(pages: Pages, cooperative: CooperativeContext) -> Redirect | Template:
    """Add one; its metadata are fetched and checked first."""
    return await pages.save(Place.of(cooperative), None)


@get("/settings/providers/{provider_id:uuid}", guards=[requires(Permission.PEOPLE_MANAGE)])
async def provider(pages: Pages, cooperative: CooperativeContext, provider_id: UUID) -> Template:
    """One of them, with the addresses to give to its administrator."""
    return await pages.one(Place.of(cooperative), provider_id)


@post("/settings/providers/{provider_id:uuid}", guards=[requires(Permission.PEOPLE_MANAGE)], status_code=303)
async def change_provider(pages: Pages, cooperative: CooperativeContext, provider_id: UUID) -> Redirect | Template:
    """Change one."""
    return await pages.save(Place.of(cooperative), provider_id)


@post("/settings/providers/{provider_id:uuid}/switch", guards=[requires(Permission.PEOPLE_MANAGE)], status_code=303)
async def switch(pages: Pages, cooperative: CooperativeContext, provider_id: UUID) -> Redirect:
    """Switch one on or off."""
    return await pages.switch(Place.of(cooperative), provider_id)


@get("/federation/settings/providers", guards=[requires(Permission.FEDERATION_PEOPLE)])
async def federation_providers(pages: Pages) -> Template:
    """The federation's identity providers."""
    return await pages.listed(FEDERATION_PLACE)


@post("/federation/settings/providers", guards=[requires(Permission.FEDERATION_PEOPLE)], status_code=303)
async def add_federation_provider(pages: Pages) -> Redirect | Template:
    """Add one for the federation."""
    return await pages.save(FEDERATION_PLACE, None)


@get("/federation/settings/providers/{provider_id:uuid}", guards=[requires(Permission.FEDERATION_PEOPLE)])
async def federation_provider(pages: Pages, provider_id: UUID) -> Template:
    """One of the federation's."""
    return await pages.one(FEDERATION_PLACE, provider_id)


@post(
    "/federation/settings/providers/{provider_id:uuid}",
    guards=[requires(Permission.FEDERATION_PEOPLE)],
    status_code=303,
)
async def change_federation_provider(pages: Pages, provider_id: UUID) -> Redirect | Template:
    """Change one of the federation's."""
    return await pages.save(FEDERATION_PLACE, provider_id)


@post(
    "/federation/settings/providers/{provider_id:uuid}/switch",
    guards=[requires(Permission.FEDERATION_PEOPLE)],
    status_code=303,
)
async def switch_federation(pages: Pages, provider_id: UUID) -> Redirect:
    """Switch one of the federation's on or off."""
    return await pages.switch(FEDERATION_PLACE, provider_id)


def _pages(*handlers: HTTPRouteHandler) -> list[Router]:
    return [Router("/", route_handlers=handlers, dependencies={"pages": Provide(the_pages, sync_to_thread=False)})]


TENANT_ROUTES = _pages(providers, add_provider, provider, change_provider, switch)
FEDERATION_ROUTES = _pages(
    federation_providers,
    add_federation_provider,
    federation_provider,
    change_federation_provider,
    switch_federation,
)
