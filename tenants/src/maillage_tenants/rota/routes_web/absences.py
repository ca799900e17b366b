"""The office and absences: the list, the form, a calendar file, the answer to what was asked."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, base_path, page, requires, see_other, text
from maillage_tenants import members
from maillage_tenants.rota import queries_life, service
from maillage_tenants.rota.errors import AbsenceKnown
from maillage_tenants.rota.models_life import AbsenceState
from maillage_tenants.rota.routes_web.absence_list import absence_list
from maillage_tenants.rota.routes_web.forms import (
    FROM_CALENDAR,
    chosen_periods,
    chosen_technician,
    counted,
    period_options,
    period_required,
    periods_sent,
    told,
)
from maillage_tenants.rota.rules import Period

SHOWN: dict[str, tuple[str, AbsenceState]] = {
    "": ("Accordées", AbsenceState.APPROVED),
    "asked": ("À décider", AbsenceState.ASKED),
    "refused": ("Refusées", AbsenceState.REFUSED),
}


@get("/rota/absences", guards=[requires(Permission.ROTA_READ)])
async def absences_page(request: AnyRequest, session: TenantSession, cooperative: CooperativeContext) -> Template:
    """Absences to come, those that wait for an answer, and the form that records one."""
    return await _list(request, session, cooperative)


@post("/rota/absences", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def add_absence(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect | Template:
    """Record an absence for somebody: approved from the start."""
    form = await request.form()
    try:
        period = period_required(form)
        await service.add_absence(
            session,
            technician_id=chosen_technician(form),
            starts_at=period.starts_at,
            ends_at=period.ends_at,
            hard=text(form, "kind") != "soft",
            by=actor.display_name,
            reason=text(form, "reason"),
        )
    except (Invalid, AbsenceKnown) as wrong:
        return await _list(request, session, cooperative, values=form, errors=told(wrong))
    return see_other(_here(cooperative), flash="Absence enregistrée.")


@post("/rota/absences/file", guards=[requires(Permission.ROTA_WRITE)], status_code=200)
async def read_file(request: AnyRequest, session: TenantSession, cooperative: CooperativeContext) -> Template:
    """What a calendar file says of somebody: nothing is recorded before the office has chosen."""
    form = await request.form()
    try:
        technician_id = chosen_technician(form)
        found = await periods_sent(form)
    except Invalid as wrong:
        return await _list(request, session, cooperative, values=form, file_errors=told(wrong))
    return await _choose(request, session, technician_id, found)


@post("/rota/absences/chosen", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def add_chosen(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect | Template:
    """Record the periods chosen in a calendar file; those known already are left out."""
    form = await request.form()
    technician_id = chosen_technician(form)
    try:
        periods = chosen_periods(form)
    except Invalid as wrong:
        return await _list(request, session, cooperative, values=form, file_errors=told(wrong))
    added = await service.for_each_new(
        session,
        periods,
        lambda period: service.add_absence(
            session,
            technician_id=technician_id,
            starts_at=period.starts_at,
            ends_at=period.ends_at,
            hard=True,
            by=actor.display_name,
            reason=FROM_CALENDAR,
        ),
    )
    return see_other(_here(cooperative), flash=counted(added, "enregistrée"))


@get("/rota/absences/{absence_id:uuid}", guards=[requires(Permission.ROTA_READ)])
async def one_absence(request: AnyRequest, session: TenantSession, trades: TradeRegistry, absence_id: UUID) -> Template:
    """An absence, the published duties that it meets, and the answer."""
    return await _one(request, session, trades, absence_id)


@post("/rota/absences/{absence_id:uuid}/decide", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def decide_absence(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    absence_id: UUID,
) -> Redirect | Template:
    """Approve, or refuse with a reason; the person is told."""
    form = await request.form()
    approved = text(form, "approved") == "1"
    try:
        await service.decide_absence(
            session, absence_id=absence_id, approved=approved, by=actor.display_name, answer=text(form, "answer")
        )
    except Invalid as wrong:
        return await _one(request, session, trades, absence_id, values=form, errors=told(wrong))
    return see_other(
        f"{_here(cooperative)}/{absence_id}" if approved else f"{_here(cooperative)}?show=asked",
        flash="Absence accordée : la personne est prévenue."
        if approved
        else "Absence refusée : la personne est prévenue.",
    )


@post("/rota/absences/{absence_id:uuid}/remove", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def remove_absence(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, absence_id: UUID
) -> Redirect:
    """Take an absence back."""
    await service.remove_absence(session, absence_id=absence_id, by=actor.display_name)
    return see_other(_here(cooperative), flash="Absence retirée.")


def _here(cooperative: CooperativeContext) -> str:
    return f"{base_path(cooperative)}/rota/absences"


async def _list(request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, **typed: Any) -> Template:
    show = request.query_params.get("show", "")
    show = show if show in SHOWN else ""
    asked = await queries_life.absences_asked(session)
    return await absence_list(
        request,
        session,
        "rota/absences.html",
        states=(SHOWN[show][1],),
        show=show,
        tabs=[
            {
                "href": _here(cooperative) + (f"?show={code}" if code else ""),
                "label": label,
                "current": code == show,
                "badge": asked if code == "asked" else None,
            }
            for code, (label, _) in SHOWN.items()
        ],
        technician_options=[(row.id, f"{row.name} · {row.member_name}") for row in await members.technicians(session)],
        **typed,
    )


async def _choose(
    request: AnyRequest, session: TenantSession, technician_id: UUID, found: Sequence[Period]
) -> Template:
    person = await members.get_technician(session, technician_id=technician_id)
    return page(
        request,
        "rota/absences_found.html",
        technician_id=technician_id,
        name=f"{person.first_name} {person.last_name}",
        options=period_options(found),
    )


async def _one(
    request: AnyRequest,
    session: TenantSession,
    trades: TradeRegistry,
    absence_id: UUID,
    *,
    values: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Template:
    row = await queries_life.absence(session, absence_id=absence_id)
    duties = await queries_life.duties_within(session, technician_id=row.technician_id, over=row.period)
    return page(
        request,
        "rota/absence.html",
        status_code=422 if errors else 200,
        row=row,
        period=str(row.period),
        duties=[(duty, trades.label(duty.trade), str(Period(duty.starts_at, duty.ends_at))) for duty in duties],
        values=values or {},
        errors=errors or {},
    )


ROUTES = [absences_page, add_absence, read_file, add_chosen, one_absence, decide_absence, remove_absence]
