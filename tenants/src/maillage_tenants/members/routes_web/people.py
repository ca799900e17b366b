"""The people of a business."""

from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, base_path, page, requires, see_other, text
from maillage_tenants.members import queries, service
from maillage_tenants.members.errors import UnknownTechnician
from maillage_tenants.members.models import Technician
from maillage_tenants.members.routes_web.forms import Form, told


@get("/members/{member_id:uuid}/technicians/new", guards=[requires(Permission.MEMBERS_WRITE)])
async def new_technician(request: AnyRequest, session: TenantSession, member_id: UUID) -> Template:
    """The form that enters a person."""
    member = await queries.get_member(session, member_id=member_id)
    return page(request, "members/technician.html", member=member, technician=None, values={"active": "1"}, errors={})


@post("/members/{member_id:uuid}/technicians", status_code=303, guards=[requires(Permission.MEMBERS_WRITE)])
async def create_technician(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, member_id: UUID
) -> Redirect | Template:
    """Enter a person of the business."""
    form = await request.form()
    member = await queries.get_member(session, member_id=member_id)
    try:
        person = await service.add_technician(session, member_id=member_id, new=_read_technician(form))
    except Invalid as wrong:
        return page(
            request,
            "members/technician.html",
            status_code=422,
            member=member,
            technician=None,
            values=form,
            errors=told(wrong),
        )
    return see_other(
        f"{base_path(cooperative)}/members/{member_id}", flash=f"{person.first_name} {person.last_name} est inscrit."
    )


@get("/members/{member_id:uuid}/technicians/{technician_id:uuid}", guards=[requires(Permission.MEMBERS_READ)])
async def edit_technician(
    request: AnyRequest, session: TenantSession, member_id: UUID, technician_id: UUID
) -> Template:
    """The form that corrects a person."""
    member = await queries.get_member(session, member_id=member_id)
    person = await _person_of(session, member_id, technician_id)
    values = {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "phone": person.phone,
        "email": person.email or "",
        "employed": "1" if person.employed else "",
        "active": "1" if person.active else "",
    }
    return page(request, "members/technician.html", member=member, technician=person, values=values, errors={})


@post(
    "/members/{member_id:uuid}/technicians/{technician_id:uuid}",
    status_code=303,
    guards=[requires(Permission.MEMBERS_WRITE)],
)
async def change_technician(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, member_id: UUID, technician_id: UUID
) -> Redirect | Template:
    """Correct a person."""
    form = await request.form()
    member = await queries.get_member(session, member_id=member_id)
    person = await _person_of(session, member_id, technician_id)
    try:
        await service.change_technician(session, technician_id=technician_id, new=_read_technician(form))
    except Invalid as wrong:
        return page(
            request,
            "members/technician.html",
            status_code=422,
            member=member,
            technician=person,
            values=form,
            errors=told(wrong),
        )
    return see_other(f"{base_path(cooperative)}/members/{member_id}", flash="Fiche corrigée.")


async def _person_of(session: TenantSession, member_id: UUID, technician_id: UUID) -> Technician:
    """That technician, if he belongs to that business. Raises UnknownTechnician."""
    person = await queries.get_technician(session, technician_id=technician_id)
    if person.member_id != member_id:
        raise UnknownTechnician
    return person


def _read_technician(form: Form) -> service.NewTechnician:
    return service.NewTechnician(
        first_name=text(form, "first_name"),
        last_name=text(form, "last_name"),
        phone=text(form, "phone"),
        email=text(form, "email") or None,
        employed=text(form, "employed") == "1",
        active=text(form, "active") == "1",
    )
