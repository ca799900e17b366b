"""The page of one customer."""

from uuid import UUID

from litestar import get
from litestar.response import Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, page, requires
from maillage_tenants import customers, subscriptions
from maillage_tenants.customerfile import queries
from maillage_tenants.customers import labels as customer_labels
from maillage_tenants.subscriptions import labels as subscription_labels


@get("/customers/{customer_id:uuid}", guards=[requires(Permission.CUSTOMERS_READ)])
async def show_customer(
    request: AnyRequest, session: TenantSession, trades: TradeRegistry, customer_id: UUID
) -> Template:
    """Identity, places, numbers with consent, contracts, last cases. Access notes stay sealed until asked for (R72)."""
    return page(
        request,
        "customerfile/customer.html",
        card=await customers.customer_card(session, customer_id=customer_id),
        contracts=await subscriptions.subscriptions_of(
            session, customer_id=customer_id, on=clock.paris(clock.now()).date()
        ),
        cases=await queries.cases_of(session, customer_id=customer_id),
        trade_labels={plugin.trade.code: plugin.trade.label for plugin in trades},
        labels=customer_labels,
        standings=subscription_labels.STANDINGS,
        channels=subscription_labels.CHANNELS,
    )


ROUTES = [show_customer]
