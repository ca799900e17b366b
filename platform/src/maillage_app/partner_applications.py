"""Which applications see the things of a customer, read by the people of that customer.

Here for the same reason as `application_reach`: it joins the applications and the customers that they were given.
"""

from litestar import get
from litestar.response import Template

from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import PlatformSession, TenantSession
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, own_customer, page, page_request, requires
from maillage_platform.oauth import queries
from maillage_platform.oauth.rules import sentences
from maillage_tenants import partners


@get("/partner/applications", guards=[requires(Permission.PARTNER_OWN)])
async def own_applications(
    request: AnyRequest,
    session: TenantSession,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
) -> Template:
    """The applications that see the things of this person's organisation, and what each may do."""
    shown = await partners.clients_reaching(session, customer_id=own_customer(actor), page=page_request(request))
    return page(
        request,
        "partners/applications.html",
        shown=shown,
        clients=await queries.clients_named(
            platform_session, cooperative_id=cooperative.id, names=[row.client_id for row in shown.items]
        ),
        sentences=sentences,
    )
