"""Every route of the product, by who meets it. A new domain adds its handlers here."""

from typing import Any

from litestar import Router
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler

from maillage_app import application_reach, customer_people, development_phone, partner_applications, support_visits
from maillage_app.development import mailbox
from maillage_app.events import events
from maillage_app.health import health, health_of_watch
from maillage_app.home import front_page
from maillage_app.messaging import inbox_of
from maillage_app.runtime import Runtime
from maillage_kit.settings import Settings
from maillage_kit.turns import Turns
from maillage_platform.federation import routes_web as federation
from maillage_platform.identity import routes_account as account
from maillage_platform.identity import routes_openid as openid
from maillage_platform.identity import routes_passkeys as passkeys
from maillage_platform.identity import routes_people as people
from maillage_platform.identity import routes_providers as providers
from maillage_platform.identity import routes_web as identity
from maillage_platform.oauth import routes_account as my_applications
from maillage_platform.oauth import routes_clients as api_clients
from maillage_platform.oauth import routes_protocol as oauth
from maillage_platform.oauth import routes_web as oauth_consent
from maillage_platform.webhooks import routes_web as webhooks
from maillage_tenants.audit import routes_web as audit
from maillage_tenants.calls import routes_recordings as sounds
from maillage_tenants.calls import routes_settings as telephony_settings
from maillage_tenants.calls import routes_telephony as telephony
from maillage_tenants.calls import routes_web as calls
from maillage_tenants.calls.carriers.sip import SipCarrier
from maillage_tenants.calls.carriers.twiml import TwimlCarrier
from maillage_tenants.calls.routes_sip import sip_router
from maillage_tenants.calls.switchboard import Switchboard
from maillage_tenants.casefile import routes_actions as case_actions
from maillage_tenants.casefile import routes_caller as case_caller
from maillage_tenants.casefile import routes_web as cases
from maillage_tenants.customerfile import routes_web as customerfile
from maillage_tenants.customers import routes_web as customers
from maillage_tenants.desk import routes_web as desk
from maillage_tenants.field import routes_notifications as field_notifications
from maillage_tenants.field import routes_web as field
from maillage_tenants.frontdoor import routes_web as frontdoor
from maillage_tenants.ledger import routes_web as ledger
from maillage_tenants.members import routes_web as members
from maillage_tenants.messages import Inbox
from maillage_tenants.messages import routes_web as messages_pages
from maillage_tenants.messages.routes_receipts import messages_router
from maillage_tenants.partnerdesk import routes_cases as partner_cases
from maillage_tenants.partnerdesk import routes_papers as partner_papers
from maillage_tenants.reviews import routes_web as reviews
from maillage_tenants.rota import routes_web as rota
from maillage_tenants.subscriptions import routes_web as subscriptions
from maillage_tenants.tariffs import routes_web as tariffs
from maillage_tenants.territory import routes_web as territory
from maillage_tenants.watch import routes_web as watch
from maillage_tenants.worktime import routes_web as worktime

Handlers = list[type[Any] | BaseRouteHandler | Router]

CALLERS_AT_ONCE = 3
"""Callers whose answer a process works at, at a time: the slowest answers come a third sooner than when it works at all
of them (bench/README.md)."""
CALLERS_PATIENCE_SECONDS = 0.1
"""A caller that waited so long is served beside the others, whatever holds those up."""


def platform_routes(settings: Settings) -> Handlers:
    """The front page, sign-in, the federation's console, health; outside production the mailbox too."""
    handlers: Handlers = [
        front_page,
        health,
        health_of_watch,
        *identity.ROUTES,
        *account.ROUTES,
        *openid.ROUTES,
        *passkeys.ROUTES,
        *providers.FEDERATION_ROUTES,
        *people.FEDERATION_ROUTES,
        *oauth.ROUTES,
        *oauth_consent.ROUTES,
        *my_applications.ROUTES,
        federation.console,
        federation.one_cooperative,
        *support_visits.FEDERATION_ROUTES,
    ]
    if not settings.in_production:
        handlers += [mailbox, *development_phone.ROUTES]
    return handlers


def tenant_routes() -> Handlers:
    """A cooperative's signed-in pages, under `/c/<slug>`."""
    return [
        events,
        *people.TENANT_ROUTES,
        *providers.TENANT_ROUTES,
        *api_clients.TENANT_ROUTES,
        *application_reach.ROUTES,
        partner_applications.own_applications,
        *webhooks.TENANT_ROUTES,
        *support_visits.TENANT_ROUTES,
        *desk.ROUTES,
        *cases.ROUTES,
        *reviews.ROUTES,
        *case_actions.ROUTES,
        *case_caller.ROUTES,
        *field.ROUTES,
        *field_notifications.ROUTES,
        *calls.ROUTES,
        *telephony_settings.ROUTES,
        *territory.ROUTES,
        *members.ROUTES,
        *rota.ROUTES,
        *worktime.ROUTES,
        *customers.ROUTES,
        *customerfile.ROUTES,
        *customer_people.ROUTES,
        *partner_cases.ROUTES,
        *partner_papers.ROUTES,
        *subscriptions.ROUTES,
        *tariffs.ROUTES,
        *ledger.ROUTES,
        *messages_pages.ROUTES,
        *watch.ROUTES,
        *audit.ROUTES,
    ]


def public_routes() -> Handlers:
    """A cooperative's public pages, under `/p/<slug>`."""
    return [*frontdoor.ROUTES, *tariffs.PUBLIC_ROUTES, *rota.PUBLIC_ROUTES]


def telephony_routes() -> Router:
    """Webhooks of the phone carriers, under `/telephony`."""
    turns = Turns(CALLERS_AT_ONCE, patience_seconds=CALLERS_PATIENCE_SECONDS)

    def inbox(runtime: Runtime) -> Inbox:
        return inbox_of(runtime)

    def switchboard(runtime: Runtime) -> Switchboard:
        settings = runtime.settings
        return Switchboard(
            database=runtime.database,
            directory=runtime.directory,
            trades=runtime.trades,
            settings=settings,
            carrier=TwimlCarrier.of(settings),
            turns=turns,
        )

    def sip_edge(runtime: Runtime) -> SipCarrier:
        return SipCarrier.of(runtime.settings)

    def sip_board(runtime: Runtime, sip_edge: SipCarrier) -> Switchboard:
        return Switchboard(
            database=runtime.database,
            directory=runtime.directory,
            trades=runtime.trades,
            settings=runtime.settings,
            carrier=sip_edge,
            turns=turns,
        )

    return Router(
        path="/telephony",
        route_handlers=[
            telephony.twiml_router(),
            sip_router(),
            messages_router(),
            Router("/twiml", route_handlers=sounds.TWIML_ROUTES, request_max_body_size=telephony.MAX_BODY_BYTES),
            Router("/sip", route_handlers=sounds.SIP_ROUTES),
            sounds.public_prompt,
        ],
        dependencies={
            "switchboard": Provide(switchboard, sync_to_thread=False),
            "sip_edge": Provide(sip_edge, sync_to_thread=False),
            "sip_board": Provide(sip_board, sync_to_thread=False),
            "inbox": Provide(inbox, sync_to_thread=False),
        },
    )
