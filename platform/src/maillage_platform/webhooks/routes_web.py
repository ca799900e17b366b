"""Where a cooperative's office chooses the addresses that are told what happens, and sees what became of each event."""

from dataclasses import dataclass
from uuid import UUID

from litestar import Router, get, post
from litestar.di import Provide
from litestar.params import SkipValidation
from litestar.response import Redirect, Template

from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.crypto import FieldCipher
from maillage_kit.db import PlatformSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.guarded_http import GuardedHttp
from maillage_kit.ids import parsed_id
from maillage_kit.pages import Page, cut_page, read_id, read_number, read_text
from maillage_kit.permissions import Permission
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, base_path, page, page_request, requires, see_other, text
from maillage_kit.witness import Witness
from maillage_platform import identity
from maillage_platform.webhooks import queries
from maillage_platform.webhooks.catalogue import CATALOGUE, LABELS
from maillage_platform.webhooks.endpoint_form import MAX_URL, EndpointForm
from maillage_platform.webhooks.models import WebhookDelivery, WebhookEndpoint
from maillage_platform.webhooks.rules import PROBLEM_LABELS, STATE_LABELS, DeliveryState
from maillage_platform.webhooks.service import endpoints, replaying

_NEW = EndpointForm(types=tuple(each.name for each in CATALOGUE))


@dataclass(frozen=True, slots=True)
class EndpointPages:
    """What every page of the addresses needs, and the acts on one of them."""

    request: AnyRequest
    session: PlatformSession
    cooperative: CooperativeContext
    actor: Actor
    witness: Witness
    cipher: FieldCipher
    settings: Settings

    @property
    def http(self) -> GuardedHttp:
        return GuardedHttp.of(self.settings)

    @property
    def list_address(self) -> str:
        return f"{base_path(self.cooperative)}/settings/webhooks"

    def address(self, endpoint: WebhookEndpoint) -> str:
        return f"{self.list_address}/{endpoint.id}"

    async def found(self, endpoint_id: UUID) -> WebhookEndpoint:
        """Raises NotFound."""
        found = await queries.endpoint_of(self.session, endpoint_id=endpoint_id, cooperative_id=self.cooperative.id)
        if found is None:
            raise NotFound
        return found

    async def sent(self) -> EndpointForm:
        form = await self.request.form()
        return EndpointForm(
            name=text(form, "name")[:80],
            url=text(form, "url")[: MAX_URL + 1],
            types=tuple(str(value) for value in form.getall("types", [])),
        )

    def shown(self, template: str, *, errors: dict[str, str] | None = None, **values: object) -> Template:
        return page(
            self.request,
            f"webhooks/{template}.html",
            status_code=422 if errors else 200,
            place=identity.Place.of(self.cooperative),
            errors=errors or {},
            all_types=[(each.name, each.label) for each in CATALOGUE],
            labels=LABELS,
            **values,
        )

    def one(self, endpoint: WebhookEndpoint, form: EndpointForm, errors: dict[str, str] | None = None) -> Template:
        until = endpoint.former_secret_until
        return self.shown(
            "endpoint",
            endpoint=endpoint,
            form=form,
            errors=errors,
            former_signs=until is not None and until > clock.now(),
        )

    def secret(self, endpoint: WebhookEndpoint, secret: str) -> Template:
        shown = self.shown("secret", endpoint=endpoint, secret=secret)
        shown.headers["Cache-Control"] = "no-store"
        return shown


Pages = SkipValidation[EndpointPages]


def the_pages(
    request: AnyRequest,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    witness: Witness,
    cipher: FieldCipher,
    settings: Settings,
) -> EndpointPages:
    return EndpointPages(request, platform_session, cooperative, actor, witness, cipher, settings)


@get("/settings/webhooks", guards=[requires(Permission.API_MANAGE)])
async def webhook_endpoints(pages: Pages) -> Template:
    """The cooperative's addresses, by name."""
    asked = page_request(pages.request)
    rows = await queries.endpoints_of(
        pages.session,
        cooperative_id=pages.cooperative.id,
        after=asked.position(read_text, read_id),
        limit=asked.limit + 1,
    )
    found = await queries.standings(pages.session, endpoints=rows)
    return pages.shown("endpoints", shown=cut_page(found, asked, lambda row: [row.endpoint.name, row.endpoint.id]))


@get("/settings/webhooks/new", guards=[requires(Permission.API_MANAGE)])
async def new_webhook_endpoint(pages: Pages) -> Template:
    """The form of one more."""
    return pages.shown("endpoint_new", form=_NEW)


@post("/settings/webhooks", guards=[requires(Permission.API_MANAGE)], status_code=200)
async def add_webhook_endpoint(pages: Pages) -> Template:
    """Add one; its secret is shown here and never again."""
    form = await pages.sent()
    try:
        endpoint, secret = await endpoints.add_endpoint(
            pages.session,
            witness=pages.witness,
            cipher=pages.cipher,
            http=pages.http,
            cooperative=pages.cooperative,
            form=form,
            by=pages.actor.display_name,
        )
    except Invalid as wrong:
        return pages.shown("endpoint_new", form=form, errors=dict(wrong.fields))
    return pages.secret(endpoint, secret)


@get("/settings/webhooks/{endpoint_id:uuid}", guards=[requires(Permission.API_MANAGE)])
async def webhook_endpoint(pages: Pages, endpoint_id: UUID) -> Template:
    """One of them: its settings, its secret, a test."""
    endpoint = await pages.found(endpoint_id)
    return pages.one(endpoint, EndpointForm.of(endpoint))


@post("/settings/webhooks/{endpoint_id:uuid}", guards=[requires(Permission.API_MANAGE)], status_code=303)
async def change_webhook_endpoint(pages: Pages, endpoint_id: UUID) -> Redirect | Template:
    """Change one."""
    endpoint, form = await pages.found(endpoint_id), await pages.sent()
    try:
        await endpoints.change_endpoint(
            pages.session,
            witness=pages.witness,
            http=pages.http,
            cooperative=pages.cooperative,
            endpoint=endpoint,
            form=form,
            by=pages.actor.display_name,
        )
    except Invalid as wrong:
        return pages.one(endpoint, form, dict(wrong.fields))
    return see_other(pages.address(endpoint), flash="C’est enregistré.")


@post("/settings/webhooks/{endpoint_id:uuid}/secret", guards=[requires(Permission.API_MANAGE)], status_code=200)
async def rotate_webhook_secret(pages: Pages, endpoint_id: UUID) -> Template:
    """A new secret, shown here and never again."""
    endpoint = await pages.found(endpoint_id)
    secret = await endpoints.rotate_secret(
        pages.session,
        witness=pages.witness,
        cipher=pages.cipher,
        cooperative=pages.cooperative,
        endpoint=endpoint,
        by=pages.actor.display_name,
        cut_former=bool(text(await pages.request.form(), "cut")),
    )
    return pages.secret(endpoint, secret)


@post("/settings/webhooks/{endpoint_id:uuid}/pause", guards=[requires(Permission.API_MANAGE)], status_code=303)
async def pause_webhook_endpoint(pages: Pages, endpoint_id: UUID) -> Redirect:
    """Stop telling one, or tell it again."""
    endpoint, paused = await pages.found(endpoint_id), not text(await pages.request.form(), "resume")
    await endpoints.pause_endpoint(
        pages.session,
        witness=pages.witness,
        cooperative=pages.cooperative,
        endpoint=endpoint,
        paused=paused,
        by=pages.actor.display_name,
    )
    return see_other(pages.address(endpoint), flash="Adresse en pause." if paused else "Adresse prévenue à nouveau.")


@post("/settings/webhooks/{endpoint_id:uuid}/test", guards=[requires(Permission.API_MANAGE)], status_code=303)
async def test_webhook_endpoint(pages: Pages, endpoint_id: UUID) -> Redirect:
    """Send a test the way real events go."""
    endpoint = await pages.found(endpoint_id)
    await replaying.send_test(pages.session, endpoint=endpoint)
    return see_other(f"{pages.address(endpoint)}/deliveries", flash="Essai envoyé : son résultat s’affiche ici.")


@post("/settings/webhooks/{endpoint_id:uuid}/remove", guards=[requires(Permission.API_MANAGE)], status_code=303)
async def remove_webhook_endpoint(pages: Pages, endpoint_id: UUID) -> Redirect:
    """Tell one nothing any more."""
    endpoint = await pages.found(endpoint_id)
    await endpoints.remove_endpoint(
        pages.session,
        witness=pages.witness,
        cooperative=pages.cooperative,
        endpoint=endpoint,
        by=pages.actor.display_name,
    )
    return see_other(pages.list_address, flash=f"« {endpoint.name} » n’est plus prévenue.")


@get("/settings/webhooks/{endpoint_id:uuid}/deliveries", guards=[requires(Permission.API_MANAGE)])
async def webhook_deliveries(pages: Pages, endpoint_id: UUID) -> Template:
    """What was told to one, what waits and what was given up, last first."""
    endpoint = await pages.found(endpoint_id)
    asked = page_request(pages.request)
    wanted = pages.request.query_params.get("state", "")
    (before,) = asked.position(read_number) or (None,)
    rows = await queries.deliveries_of(
        pages.session,
        endpoint_id=endpoint.id,
        state=DeliveryState(wanted) if wanted in set(DeliveryState) else None,
        before=before,
        limit=asked.limit + 1,
    )
    shown: Page[WebhookDelivery] = cut_page(rows, asked, lambda row: [row.position])
    return pages.shown(
        "deliveries",
        endpoint=endpoint,
        shown=shown,
        state=wanted,
        states=[(state.value, label) for state, label in STATE_LABELS.items()],
        state_labels=STATE_LABELS,
        problem_labels=PROBLEM_LABELS,
    )


@post(
    "/settings/webhooks/{endpoint_id:uuid}/deliveries/replay",
    guards=[requires(Permission.API_MANAGE)],
    status_code=303,
)
async def replay_webhook_deliveries(pages: Pages, endpoint_id: UUID) -> Redirect:
    """Send again what was given up: one, or all."""
    endpoint = await pages.found(endpoint_id)
    one = text(await pages.request.form(), "delivery")
    again = await replaying.replay(
        pages.session,
        witness=pages.witness,
        cooperative=pages.cooperative,
        endpoint=endpoint,
        delivery_id=parsed_id(one) if one else None,
        by=pages.actor.display_name,
    )
    words = "Rien n’était à renvoyer." if not again else f"À renvoyer : {again}. Le résultat s’affiche ici."
    return see_other(f"{pages.address(endpoint)}/deliveries", flash=words)


TENANT_ROUTES = [
    Router(
        "/",
        route_handlers=[
            webhook_endpoints,
            new_webhook_endpoint,
            add_webhook_endpoint,
            webhook_endpoint,
            change_webhook_endpoint,
            rotate_webhook_secret,
            pause_webhook_endpoint,
            test_webhook_endpoint,
            remove_webhook_endpoint,
            webhook_deliveries,
            replay_webhook_deliveries,
        ],
        dependencies={"pages": Provide(the_pages, sync_to_thread=False)},
    )
]
