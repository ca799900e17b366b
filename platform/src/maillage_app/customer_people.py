"""The office lets people of a customer in, to follow that customer's things and nothing else; and shows them out.

Here, because it joins who may sign in (the control plane) and whose things they see (the cooperative's customers).
"""

from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import PlatformSession, TenantSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.ids import parsed_id
from maillage_kit.pages import cut_page, read_text
from maillage_kit.permissions import Permission
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, Sent, base_path, page, page_request, requires, see_other, text
from maillage_kit.witness import Witness
from maillage_platform.identity.people import colleagues, hat_here, invite_partner, take_access_back
from maillage_platform.identity.witnessing import saw_people_change
from maillage_tenants import customers


@get("/customers/{customer_id:uuid}/people", guards=[requires(Permission.PEOPLE_READ)])
async def people_of_customer(
    request: AnyRequest,
    session: TenantSession,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    customer_id: UUID,
) -> Template:
    """Who follows this customer's things online."""
    name = await customers.customer_name(session, customer_id=customer_id)
    return await _page(request, platform_session, cooperative, customer_id, name)


@post("/customers/{customer_id:uuid}/people", guards=[requires(Permission.PEOPLE_MANAGE)], status_code=303)
async def invite_person(
    request: AnyRequest,
    session: TenantSession,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    settings: Settings,
    witness: Witness,
    customer_id: UUID,
) -> Redirect | Template:
    """Invite one of its people."""
    name = await customers.customer_name(session, customer_id=customer_id)
    form = await request.form()
    sent = Sent(email=text(form, "email"), name=text(form, "name")[:120])
    try:
        hat = await invite_partner(
            platform_session,
            cooperative_id=cooperative.id,
            place_name=cooperative.name,
            customer_id=customer_id,
            customer_name=name,
            email=sent["email"],
            name=sent["name"],
            by=actor.display_name,
            public_url=settings.web.public_url,
        )
    except Invalid as wrong:
        return await _page(request, platform_session, cooperative, customer_id, name, sent, wrong.fields)
    await saw_people_change(
        witness, platform_session, action="identity.invited", membership=hat, by=actor, customer=name
    )
    return see_other(_address(cooperative, customer_id), flash=f"L’invitation part à {sent['email']}.")


@post("/customers/{customer_id:uuid}/people/remove", guards=[requires(Permission.PEOPLE_MANAGE)], status_code=303)
async def remove_person(
    request: AnyRequest,
    session: TenantSession,
    platform_session: PlatformSession,
    cooperative: CooperativeContext,
    actor: Actor,
    witness: Witness,
    customer_id: UUID,
) -> Redirect:
    """Take the access of one of them back: signed out at once."""
    name = await customers.customer_name(session, customer_id=customer_id)
    membership_id = parsed_id(text(await request.form(), "membership"))
    hat = await hat_here(platform_session, cooperative_id=cooperative.id, membership_id=membership_id)
    if hat is None or hat.customer_id != customer_id:
        raise NotFound
    taken = await take_access_back(
        platform_session, cooperative_id=cooperative.id, membership_id=hat.id, by_account=actor.account_id
    )
    if taken is None:
        raise NotFound
    await saw_people_change(
        witness, platform_session, action="identity.access_taken_back", membership=taken, by=actor, customer=name
    )
    return see_other(_address(cooperative, customer_id), flash="Cet accès est retiré.")


async def _page(
    request: AnyRequest,
    session: PlatformSession,
    cooperative: CooperativeContext,
    customer_id: UUID,
    name: str,
    sent: Sent | None = None,
    errors: dict[str, str] | None = None,
) -> Template:
    asked = page_request(request)
    rows = await colleagues(
        session,
        cooperative_id=cooperative.id,
        customer_id=customer_id,
        after=asked.position(read_text, read_text),
        limit=asked.limit + 1,
    )
    return page(
        request,
        "partners/people.html",
        status_code=422 if errors else 200,
        name=name,
        here=_address(cooperative, customer_id),
        back=f"{base_path(cooperative)}/customers/{customer_id}",
        shown=cut_page(rows, asked, lambda row: [row.email, row.role_code]),
        sent=sent or Sent(),
        errors=errors or {},
    )


def _address(cooperative: CooperativeContext, customer_id: UUID) -> str:
    return f"{base_path(cooperative)}/customers/{customer_id}/people"


ROUTES = (people_of_customer, invite_person, remove_person)
