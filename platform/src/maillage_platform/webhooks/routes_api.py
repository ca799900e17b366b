"""The addresses that an application chose for itself, under `/webhooks`. It makes its own secrets: none is answered."""

from typing import Any
from uuid import UUID

from msgspec import UNSET

from maillage_kit.api_access import ApiCaller, Scope
from maillage_kit.context import CooperativeContext
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import PlatformSession, TenantSession
from maillage_kit.errors import NotFound
from maillage_kit.guarded_http import GuardedHttp
from maillage_kit.pages import cut_page, read_id, read_text
from maillage_kit.rest import Listing, act, by, change, listed, must_match, page_of, read, remove
from maillage_kit.rest.answering import Listed
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest
from maillage_kit.witness import Witness
from maillage_platform.webhooks import queries
from maillage_platform.webhooks.models import WebhookEndpoint
from maillage_platform.webhooks.schemas import NewWebhook, Webhook, WebhookChange, WebhookQuery
from maillage_platform.webhooks.service import endpoints

TAG = "Webhooks"
NEW: dict[str, Any] = {
    "name": "Habitat de l’Eure",
    "url": "https://habitat.example/maillage",
    "types": ["intervention.state_changed.v1", "quote.sent.v1"],
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}


@read(
    "/webhooks",
    scope=Scope.WEBHOOKS_MANAGE,
    tag=TAG,
    fr="Vos adresses prévenues, par nom.",
    en="Your addresses that are told, by name.",
    answer=Listing[Webhook],
    query=WebhookQuery,
)
async def list_webhooks(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    caller: ApiCaller,
    asked: WebhookQuery,
) -> Listed[Webhook]:
    wanted = page_of(request, caller, asked)
    rows = await queries.endpoints_of(
        platform_session,
        cooperative_id=cooperative.id,
        client_id=caller.client_id,
        after=wanted.position(read_text, read_id),
        limit=wanted.limit + 1,
    )
    return listed(request, caller, asked, cut_page(rows, wanted, lambda row: (row.name, row.id)), Webhook.of)


@act(
    "/webhooks",
    scope=Scope.WEBHOOKS_MANAGE,
    tag=TAG,
    fr="Ajouter une adresse, avec le secret que vous avez tiré.",
    en="Add an address, with the secret that you made.",
    answer=Webhook,
    body=NewWebhook,
    example=NEW,
    status=201,
    key="required",
)
async def create_webhook(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,  # noqa: ARG001 - the answer is kept in it under the Idempotency-Key
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    caller: ApiCaller,
    witness: Witness,
    cipher: FieldCipher,
    settings: Settings,
    sent: NewWebhook,
) -> Webhook:
    endpoint, _ = await endpoints.add_endpoint(
        platform_session,
        witness=witness,
        cipher=cipher,
        http=GuardedHttp.of(settings),
        cooperative=cooperative,
        form=sent.form,
        by=by(caller),
        client_id=caller.client_id,
        secret=sent.secret,
    )
    return Webhook.of(endpoint)


@read(
    "/webhooks/{endpoint_id:uuid}",
    scope=Scope.WEBHOOKS_MANAGE,
    tag=TAG,
    fr="Une adresse.",
    en="One address.",
    answer=Webhook,
)
async def get_webhook(
    request: AnyRequest,  # noqa: ARG001
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    caller: ApiCaller,
    endpoint_id: UUID,
) -> Webhook:
    return Webhook.of(await _found(platform_session, cooperative, caller, endpoint_id))


@change(
    "/webhooks/{endpoint_id:uuid}",
    scope=Scope.WEBHOOKS_MANAGE,
    tag=TAG,
    fr="Changer une adresse, son secret, ou la mettre en pause.",
    en="Change an address, its secret, or pause it.",
    answer=Webhook,
    body=WebhookChange,
    example={"paused": True},
)
async def change_webhook(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    caller: ApiCaller,
    witness: Witness,
    cipher: FieldCipher,
    settings: Settings,
    sent: WebhookChange,
    endpoint_id: UUID,
) -> Webhook:
    endpoint = await _found(platform_session, cooperative, caller, endpoint_id)
    before = Webhook.of(endpoint)
    must_match(request, before)
    act_on: dict[str, Any] = {
        "witness": witness,
        "cooperative": cooperative,
        "endpoint": endpoint,
        "by": by(caller),
    }
    wanted = sent.over(before)
    if wanted != WebhookChange().over(before):
        await endpoints.change_endpoint(platform_session, http=GuardedHttp.of(settings), form=wanted, **act_on)
    if sent.secret is not UNSET:
        await endpoints.rotate_secret(platform_session, cipher=cipher, cut_former=False, secret=sent.secret, **act_on)
    if sent.paused is not UNSET:
        await endpoints.pause_endpoint(platform_session, paused=sent.paused, **act_on)
    return Webhook.of(endpoint)


@remove(
    "/webhooks/{endpoint_id:uuid}",
    scope=Scope.WEBHOOKS_MANAGE,
    tag=TAG,
    fr="Retirer une adresse ; ce qui l’attend est effacé.",
    en="Remove an address; what waits for it is erased.",
)
async def delete_webhook(
    request: AnyRequest,  # noqa: ARG001
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    caller: ApiCaller,
    witness: Witness,
    endpoint_id: UUID,
) -> None:
    endpoint = await _found(platform_session, cooperative, caller, endpoint_id)
    await endpoints.remove_endpoint(
        platform_session, witness=witness, cooperative=cooperative, endpoint=endpoint, by=by(caller)
    )


async def _found(
    session: PlatformSession, cooperative: CooperativeContext, caller: ApiCaller, endpoint_id: UUID
) -> WebhookEndpoint:
    found = await queries.endpoint_of(
        session, endpoint_id=endpoint_id, cooperative_id=cooperative.id, client_id=caller.client_id
    )
    if found is None:
        raise NotFound
    return found


TENANT_API_ROUTES = (list_webhooks, create_webhook, get_webhook, change_webhook, delete_webhook)
