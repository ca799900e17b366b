"""Wanted and unwanted times: told by the artisans themselves, or by the office for them (R64, R101)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit import clock
from maillage_kit.clock import paris_instant
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Forbidden, Invalid, NotFound
from maillage_kit.pages import slice_page
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, base_path, page, page_request, requires, see_other, text
from maillage_tenants import members
from maillage_tenants.rota import queries_planning
from maillage_tenants.rota.routes_web.forms import chosen_technician, told, whole_number
from maillage_tenants.rota.routes_web.planning import asked_day
from maillage_tenants.rota.rules import Period
from maillage_tenants.rota.service import planning

AHEAD = timedelta(days=550)
HOLIDAYS_SHOWN = 5
"""School holidays to come on the phone: a year of them."""
WEIGHTS = ((1, "un peu"), (2, "nettement"), (3, "beaucoup"))
SCHOOL = ((0, "Peu importe"), (1, "Un peu gênantes"), (2, "Gênantes"), (3, "Très gênantes"))


@get("/field/wishes", guards=[requires(Permission.FIELD_WORK)])
async def own_wishes(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Template:
    """The artisan's own wishes."""
    return await _own_page(request, session, cooperative, _own(actor))


@post("/field/wishes", status_code=303, guards=[requires(Permission.FIELD_WORK)])
async def add_own_wish(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect | Template:
    """Tell a wanted or an unwanted time."""
    form = await request.form()
    try:
        await planning.add_wish(session, technician_id=_own(actor), by=actor.display_name, **_asked(form))
    except Invalid as wrong:
        return await _own_page(request, session, cooperative, _own(actor), values=form, errors=told(wrong))
    return see_other(f"{base_path(cooperative)}/field/wishes", flash="Souhait noté.")


@post("/field/wishes/{wish_id:uuid}/remove", status_code=303, guards=[requires(Permission.FIELD_WORK)])
async def remove_own_wish(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, wish_id: UUID
) -> Redirect:
    """Take an own wish back."""
    if actor.technician_id is None:
        raise NotFound("Ce souhait n’existe pas.")
    await planning.remove_wish(session, wish_id=wish_id, technician_id=actor.technician_id)
    return see_other(f"{base_path(cooperative)}/field/wishes", flash="Souhait retiré.")


@post("/field/preferences", status_code=303, guards=[requires(Permission.FIELD_WORK)])
async def set_own_preference(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect:
    """Say how unwelcome duties in the school holidays are."""
    form = await request.form()
    await planning.set_preference(
        session,
        technician_id=_own(actor),
        spare_school_holidays=whole_number(text(form, "spare_school_holidays")),
        by=actor.display_name,
    )
    return see_other(f"{base_path(cooperative)}/field/wishes", flash="Préférence notée.")


@get("/rota/wishes", guards=[requires(Permission.ROTA_READ)])
async def wishes_page(request: AnyRequest, session: TenantSession) -> Template:
    """Everybody's wishes to come."""
    return await _office_page(request, session)


@post("/rota/wishes", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def add_wish(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect | Template:
    """Note a wish that somebody told the office."""
    form = await request.form()
    try:
        await planning.add_wish(session, technician_id=chosen_technician(form), by=actor.display_name, **_asked(form))
    except Invalid as wrong:
        return await _office_page(request, session, values=form, errors=told(wrong))
    return see_other(f"{base_path(cooperative)}/rota/wishes", flash="Souhait noté.")


@post("/rota/wishes/{wish_id:uuid}/remove", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def remove_wish(session: TenantSession, cooperative: CooperativeContext, wish_id: UUID) -> Redirect:
    """Take a wish back."""
    await planning.remove_wish(session, wish_id=wish_id)
    return see_other(f"{base_path(cooperative)}/rota/wishes", flash="Souhait retiré.")


@post("/rota/preferences", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def set_preference(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect | Template:
    """Rank 2 only for somebody who learns; how unwelcome school holidays are."""
    form = await request.form()
    try:
        await planning.set_preference(
            session,
            technician_id=chosen_technician(form),
            spare_school_holidays=whole_number(text(form, "spare_school_holidays")),
            backup_only=text(form, "backup_only") == "1",
            by=actor.display_name,
        )
    except Invalid as wrong:
        return await _office_page(request, session, preference_errors=told(wrong))
    return see_other(f"{base_path(cooperative)}/rota/wishes", flash="Préférence notée.")


def _own(actor: Actor) -> UUID:
    if actor.technician_id is None:
        raise Forbidden
    return actor.technician_id


def _asked(form: Mapping[str, Any]) -> dict[str, Any]:
    """Whole days in Paris, both included. Raises Invalid."""
    first, last = asked_day(form, "first_day"), asked_day(form, "last_day")
    if last < first:
        raise Invalid(fields={"last_day": "La fin est avant le début."})
    return {
        "period": Period(paris_instant(first), paris_instant(last + timedelta(days=1))),
        "wanted": text(form, "wanted") == "1",
        "weight": whole_number(text(form, "weight")),
    }


async def _own_page(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    technician_id: UUID,
    *,
    values: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Template:
    now = clock.now()
    own = await queries_planning.wishes(session, over=Period(now, now + AHEAD), technician_id=technician_id)
    choice = (await queries_planning.preferences(session, technician_ids=[technician_id])).get(technician_id)
    return page(
        request,
        "rota/own_wishes.html",
        status_code=422 if errors else 200,
        wishes=slice_page(own, page_request(request)),
        weights=WEIGHTS,
        weight_words=dict(WEIGHTS),
        school_options=SCHOOL,
        school=choice.spare_school_holidays if choice else 0,
        holidays=[
            one
            for one in await planning.school_holidays(session, department=cooperative.department)
            if one.last >= clock.paris(now).date()
        ][:HOLIDAYS_SHOWN],
        values=values or {},
        errors=errors or {},
    )


async def _office_page(
    request: AnyRequest,
    session: TenantSession,
    *,
    values: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    preference_errors: Mapping[str, str] | None = None,
) -> Template:
    now = clock.now()
    people = await members.technicians(session)
    choices = await queries_planning.preferences(session)
    return page(
        request,
        "rota/wishes.html",
        status_code=422 if errors or preference_errors else 200,
        wishes=slice_page(await queries_planning.wishes(session, over=Period(now, now + AHEAD)), page_request(request)),
        learning=[
            f"{row.name} ({row.member_name})" for row in people if row.id in choices and choices[row.id].backup_only
        ],
        technician_options=[(str(row.id), f"{row.name} · {row.member_name}") for row in people],
        weights=WEIGHTS,
        weight_words=dict(WEIGHTS),
        school_options=SCHOOL,
        values=values or {},
        errors=errors or {},
        preference_errors=preference_errors or {},
    )
