"""The artisan's own absences, from the phone: asking, a calendar file, taking back."""

from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, base_path, own_technician, page, requires, see_other, text
from maillage_tenants.rota import queries_life, service
from maillage_tenants.rota.errors import AbsenceKnown
from maillage_tenants.rota.models_life import AbsenceState
from maillage_tenants.rota.routes_web.absence_list import absence_list
from maillage_tenants.rota.routes_web.forms import (
    FROM_CALENDAR,
    chosen_periods,
    counted,
    period_options,
    period_required,
    periods_sent,
    told,
)


@get("/field/duties/absences", guards=[requires(Permission.FIELD_WORK)])
async def own_absences(request: AnyRequest, session: TenantSession, actor: Actor) -> Template:
    """What was asked and what was answered, and the form that asks."""
    return await _list(request, session, actor)


@post("/field/duties/absences", status_code=303, guards=[requires(Permission.FIELD_WORK)])
async def ask_absence(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect | Template:
    """Ask for an absence, or say a wish."""
    form = await request.form()
    hard = text(form, "kind") != "soft"
    try:
        period = period_required(form)
        await service.ask_absence(
            session,
            technician_id=own_technician(actor),
            period=period,
            hard=hard,
            by=actor.display_name,
            reason=text(form, "reason"),
        )
    except (Invalid, AbsenceKnown) as wrong:
        return await _list(request, session, actor, values=form, errors=told(wrong))
    return see_other(
        _here(cooperative),
        flash="Demande envoyée : la coopérative vous répond par message." if hard else "Souhait noté.",
    )


@post("/field/duties/absences/file", guards=[requires(Permission.FIELD_WORK)], status_code=200)
async def read_own_file(request: AnyRequest, session: TenantSession, actor: Actor) -> Template:
    """What his calendar says: nothing is asked before he has chosen."""
    form = await request.form()
    own_technician(actor)
    try:
        found = await periods_sent(form)
    except Invalid as wrong:
        return await _list(request, session, actor, file_errors=told(wrong))
    return page(request, "rota/own_absences_found.html", options=period_options(found))


@post("/field/duties/absences/chosen", status_code=303, guards=[requires(Permission.FIELD_WORK)])
async def ask_chosen(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect | Template:
    """Ask for the periods chosen in his calendar; those known already are left out."""
    form = await request.form()
    try:
        periods = chosen_periods(form)
    except Invalid as wrong:
        return await _list(request, session, actor, file_errors=told(wrong))
    asked = await service.for_each_new(
        session,
        periods,
        lambda period: service.ask_absence(
            session,
            technician_id=own_technician(actor),
            period=period,
            hard=True,
            by=actor.display_name,
            reason=FROM_CALENDAR,
        ),
    )
    return see_other(_here(cooperative), flash=counted(asked, "demandée"))


@post("/field/duties/absences/{absence_id:uuid}/remove", status_code=303, guards=[requires(Permission.FIELD_WORK)])
async def remove_own_absence(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, absence_id: UUID
) -> Redirect:
    """Take his own back. Anybody else's does not exist."""
    await queries_life.absence(session, absence_id=absence_id)
    await service.remove_absence(
        session, absence_id=absence_id, by=actor.display_name, technician_id=own_technician(actor)
    )
    return see_other(_here(cooperative), flash="Absence retirée.")


def _here(cooperative: CooperativeContext) -> str:
    return f"{base_path(cooperative)}/field/duties/absences"


async def _list(request: AnyRequest, session: TenantSession, actor: Actor, **typed: Any) -> Template:
    return await absence_list(
        request,
        session,
        "rota/own_absences.html",
        states=tuple(AbsenceState),
        technician_id=own_technician(actor),
        **typed,
    )


ROUTES = [own_absences, ask_absence, read_own_file, ask_chosen, remove_own_absence]
