"""Whose things an application sees, said by the office customer by customer.

Here, because it joins the applications (the control plane) and the customers that they were given (the cooperative's).
"""

from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import PlatformSession, TenantSession
from maillage_kit.errors import Conflict, NotFound
from maillage_kit.ids import parsed_id
from maillage_kit.pages import PageRequest
from maillage_kit.permissions import Permission
from maillage_kit.rest import Reach
from maillage_kit.web import AnyRequest, base_path, page, page_request, requires, see_other, text
from maillage_platform.oauth import queries
from maillage_platform.oauth.models import ApiClient
from maillage_tenants import customers, partners

_FOUND_AT_MOST = 10


@get("/settings/api-clients/{client_id:uuid}/customers", guards=[requires(Permission.API_MANAGE)])
async def customers_reached(
    request: AnyRequest,
    session: TenantSession,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    client_id: UUID,
) -> Template:
    """The customers whose things the application sees, by name; and those found by name, to give it one more."""
    client = await _client(platform_session, cooperative, client_id)
    reach = await partners.reach_of(session, client_id=str(client.id))
    given = Reach(reach.client_id, everything=False, customers=reach.customers)
    wanted = request.query_params.get("q", "").strip()[:80]
    found = None
    if wanted:
        found = await customers.customers_within(
            session,
            reach=Reach(reach.client_id, everything=True, customers=frozenset()),
            page=PageRequest(limit=_FOUND_AT_MOST),
            text=wanted,
        )
    return page(
        request,
        "partners/reach.html",
        client=client,
        here=_address(cooperative, client.id),
        back=f"{base_path(cooperative)}/settings/api-clients/{client.id}",
        everything=reach.everything,
        given=reach.customers,
        shown=await customers.customers_within(session, reach=given, page=page_request(request)),
        q=wanted,
        found=found,
    )


@post("/settings/api-clients/{client_id:uuid}/customers", guards=[requires(Permission.API_MANAGE)], status_code=303)
async def give_customer(
    request: AnyRequest,
    session: TenantSession,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    client_id: UUID,
) -> Redirect:
    """Let it see one customer more."""
    client = _living(await _client(platform_session, cooperative, client_id))
    customer_id = parsed_id(text(await request.form(), "customer"))
    name = await customers.customer_name(session, customer_id=customer_id)
    await partners.show_customer(
        session,
        client_id=str(client.id),
        name=client.name,
        customer_id=customer_id,
        customer_name=name,
        by=actor.display_name,
    )
    return see_other(_address(cooperative, client.id), flash=f"« {client.name} » voit {name}.")


@post(
    "/settings/api-clients/{client_id:uuid}/customers/remove",
    guards=[requires(Permission.API_MANAGE)],
    status_code=303,
)
async def take_customer(
    request: AnyRequest,
    session: TenantSession,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    client_id: UUID,
) -> Redirect:
    """It sees this customer no more. 404 for one that it was not given."""
    client = await _client(platform_session, cooperative, client_id)
    customer_id = parsed_id(text(await request.form(), "customer"))
    name = await customers.customer_name(session, customer_id=customer_id)
    taken = await partners.hide_customer(
        session,
        client_id=str(client.id),
        name=client.name,
        customer_id=customer_id,
        customer_name=name,
        by=actor.display_name,
    )
    if not taken:
        raise NotFound
    return see_other(_address(cooperative, client.id), flash=f"« {client.name} » ne voit plus {name}.")


@post(
    "/settings/api-clients/{client_id:uuid}/customers/everything",
    guards=[requires(Permission.API_MANAGE)],
    status_code=303,
)
async def give_everything(
    request: AnyRequest,
    session: TenantSession,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    client_id: UUID,
) -> Redirect:
    """Let it see every customer, or (without `everything`) only those that it was given."""
    client = await _client(platform_session, cooperative, client_id)
    everything = bool(text(await request.form(), "everything"))
    if everything:
        _living(client)
    await partners.show_everything(
        session, client_id=str(client.id), name=client.name, everything=everything, by=actor.display_name
    )
    told = "voit tous les clients." if everything else "ne voit plus que les clients ci-dessous."
    return see_other(_address(cooperative, client.id), flash=f"« {client.name} » {told}")


async def _client(session: PlatformSession, cooperative: CooperativeContext, client_id: UUID) -> ApiClient:
    found = await queries.client_of(session, client_id=client_id, cooperative_id=cooperative.id)
    if found is None:
        raise NotFound
    return found


def _living(client: ApiClient) -> ApiClient:
    if client.revoked_at is not None:
        raise Conflict("Cette application est révoquée : elle ne voit plus rien.")
    return client


def _address(cooperative: CooperativeContext, client_id: UUID) -> str:
    return f"{base_path(cooperative)}/settings/api-clients/{client_id}/customers"


ROUTES = (customers_reached, give_customer, take_customer, give_everything)
