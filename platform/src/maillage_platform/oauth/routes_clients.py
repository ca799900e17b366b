"""Where a cooperative's office adds the applications of third parties, gives them a new secret, revokes them."""

from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit import clock
from maillage_kit.api_access import Scope
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.ids import parsed_id
from maillage_kit.pages import cut_page, read_id, read_text
from maillage_kit.permissions import Permission
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, base_path, page, page_request, requires, see_other, text
from maillage_kit.witness import Witness
from maillage_platform import identity
from maillage_platform.oauth import queries
from maillage_platform.oauth.client_form import ClientForm
from maillage_platform.oauth.models import ApiClient
from maillage_platform.oauth.rules import GRANT_LABELS, METHOD_LABELS, AuthMethod, GrantKind, audience_of, sentences
from maillage_platform.oauth.service import clients
from maillage_platform.oauth.service.consents import withdraw_consent

_NEW = ClientForm(grants=(GrantKind.CLIENT_CREDENTIALS,))


@get("/settings/api-clients", guards=[requires(Permission.API_MANAGE)])
async def api_clients(
    request: AnyRequest, platform_session: PlatformSession, cooperative: CooperativeContext
) -> Template:
    """The cooperative's applications, by name."""
    asked = page_request(request)
    rows = await queries.clients_of(
        platform_session,
        cooperative_id=cooperative.id,
        after=asked.position(read_text, read_id),
        limit=asked.limit + 1,
    )
    return page(
        request,
        "oauth/clients.html",
        place=identity.Place.of(cooperative),
        shown=cut_page(rows, asked, lambda row: [row.name, row.id]),
    )


@get("/settings/api-clients/new", guards=[requires(Permission.API_MANAGE)])
async def new_api_client(request: AnyRequest, cooperative: CooperativeContext) -> Template:
    """The form of one more."""
    return _form_page(request, cooperative, _NEW)


@post("/settings/api-clients", guards=[requires(Permission.API_MANAGE)], status_code=303)
async def add_api_client(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    witness: Witness,
    settings: Settings,
) -> Redirect | Template:
    """Add one; its secret is shown here and never again."""
    form = await _sent(request)
    try:
        client, secret = await clients.add_client(
            platform_session,
            witness=witness,
            cooperative=cooperative,
            form=form,
            by=actor.display_name,
            in_production=settings.in_production,
        )
    except Invalid as wrong:
        return _form_page(request, cooperative, form, errors=wrong.fields)
    if secret is None:
        return see_other(_address(cooperative, client), flash="Application ajoutée.")
    return _secret_page(request, cooperative, client, settings, secret)


@get("/settings/api-clients/{client_id:uuid}", guards=[requires(Permission.API_MANAGE)])
async def api_client(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    settings: Settings,
    client_id: UUID,
) -> Template:
    """One of them: what its author must know, who allowed it, its settings."""
    client = await _found(platform_session, cooperative, client_id)
    return await _one(request, platform_session, cooperative, settings, client, ClientForm.of(client))


@post("/settings/api-clients/{client_id:uuid}", guards=[requires(Permission.API_MANAGE)], status_code=303)
async def change_api_client(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    witness: Witness,
    settings: Settings,
    client_id: UUID,
) -> Redirect | Template:
    """Change one."""
    client = await _found(platform_session, cooperative, client_id)
    form = await _sent(request, method=client.auth_method)
    try:
        await clients.change_client(
            platform_session,
            witness=witness,
            cooperative=cooperative,
            client=client,
            form=form,
            by=actor.display_name,
            in_production=settings.in_production,
        )
    except Invalid as wrong:
        return await _one(request, platform_session, cooperative, settings, client, form, errors=wrong.fields)
    return see_other(_address(cooperative, client), flash="C’est enregistré.")


@post("/settings/api-clients/{client_id:uuid}/secret", guards=[requires(Permission.API_MANAGE)], status_code=200)
async def rotate(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    witness: Witness,
    settings: Settings,
    client_id: UUID,
) -> Template:
    """A new secret, shown here and never again."""
    client = await _found(platform_session, cooperative, client_id)
    secret = await clients.rotate_secret(
        platform_session,
        witness=witness,
        cooperative=cooperative,
        client=client,
        by=actor.display_name,
        cut_former=bool(text(await request.form(), "cut")),
    )
    return _secret_page(request, cooperative, client, settings, secret)


@post("/settings/api-clients/{client_id:uuid}/revoke", guards=[requires(Permission.API_MANAGE)], status_code=303)
async def revoke(
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    witness: Witness,
    client_id: UUID,
) -> Redirect:
    """Shut one out, for good."""
    client = await _found(platform_session, cooperative, client_id)
    await clients.revoke_client(
        platform_session, witness=witness, cooperative=cooperative, client=client, by=actor.display_name
    )
    return see_other(
        f"{base_path(cooperative)}/settings/api-clients", flash=f"« {client.name} » n’a plus accès à rien."
    )


@post("/settings/api-clients/{client_id:uuid}/consents", guards=[requires(Permission.API_MANAGE)], status_code=303)
async def withdraw(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    witness: Witness,
    client_id: UUID,
) -> Redirect:
    """Take back what a colleague allowed one."""
    client = await _found(platform_session, cooperative, client_id)
    taken = await withdraw_consent(
        platform_session,
        witness=witness,
        cooperative_id=cooperative.id,
        client_id=client.id,
        consent_id=parsed_id(text(await request.form(), "consent")),
        by=actor.display_name,
    )
    if not taken:
        raise NotFound
    return see_other(_address(cooperative, client), flash="Cette autorisation est retirée.")


async def _found(session: PlatformSession, cooperative: CooperativeContext, client_id: UUID) -> ApiClient:
    found = await queries.client_of(session, client_id=client_id, cooperative_id=cooperative.id)
    if found is None:
        raise NotFound
    return found


async def _sent(request: AnyRequest, *, method: str | None = None) -> ClientForm:
    form = await request.form()
    return ClientForm(
        name=text(form, "name")[:80],
        auth_method=method or text(form, "auth_method"),
        grants=tuple(str(value) for value in form.getall("grants", [])),
        redirect_uris=text(form, "redirect_uris")[:6000],
        scopes=tuple(str(value) for value in form.getall("scopes", [])),
        jwks=text(form, "jwks")[:20_000],
    )


def _form_page(
    request: AnyRequest, cooperative: CooperativeContext, form: ClientForm, errors: dict[str, str] | None = None
) -> Template:
    return page(
        request,
        "oauth/client_new.html",
        status_code=422 if errors else 200,
        place=identity.Place.of(cooperative),
        form=form,
        errors=errors or {},
        **_choices(),
    )


async def _one(
    request: AnyRequest,
    session: PlatformSession,
    cooperative: CooperativeContext,
    settings: Settings,
    client: ApiClient,
    form: ClientForm,
    errors: dict[str, str] | None = None,
) -> Template:
    asked = page_request(request)
    (before,) = asked.position(read_id) or (None,)
    rows = await queries.consents_of(
        session,
        client_id=client.id,
        now=clock.now(),
        before=before,
        limit=asked.limit + 1,
    )
    return page(
        request,
        "oauth/client.html",
        status_code=422 if errors else 200,
        place=identity.Place.of(cooperative),
        client=client,
        consents=cut_page(rows, asked, lambda row: [row.id]),
        has_secret=client.auth_method == AuthMethod.SECRET,
        former_serves=client.former_secret_until is not None and client.former_secret_until > clock.now(),
        asks_people=GrantKind.AUTHORIZATION_CODE in client.grants,
        addresses=_addresses(cooperative, client, settings),
        sentences=sentences,
        form=form,
        errors=errors or {},
        **_choices(),
    )


def _secret_page(
    request: AnyRequest, cooperative: CooperativeContext, client: ApiClient, settings: Settings, secret: str
) -> Template:
    shown = page(
        request,
        "oauth/secret.html",
        place=identity.Place.of(cooperative),
        client=client,
        secret=secret,
        addresses=_addresses(cooperative, client, settings),
    )
    shown.headers["Cache-Control"] = "no-store"
    return shown


def _addresses(cooperative: CooperativeContext, client: ApiClient, settings: Settings) -> list[tuple[str, str]]:
    """What the author of an application needs, beside its secret."""
    public_url = settings.web.public_url
    return [
        ("Identifiant (client ID)", str(client.id)),
        ("Serveur d’autorisation", public_url),
        ("Adresse des jetons", f"{public_url}/oauth/token"),
        ("API de la coopérative", audience_of(cooperative.slug, public_url=public_url)),
    ]


def _choices() -> dict[str, Any]:
    return {
        "methods": list(METHOD_LABELS.items()),
        "grant_kinds": list(GRANT_LABELS.items()),
        "all_scopes": [(scope.value, scope.sentence) for scope in Scope],
    }


def _address(cooperative: CooperativeContext, client: ApiClient) -> str:
    return f"{base_path(cooperative)}/settings/api-clients/{client.id}"


TENANT_ROUTES = [
    api_clients,
    new_api_client,
    add_api_client,
    api_client,
    change_api_client,
    rotate,
    revoke,
    withdraw,
]
