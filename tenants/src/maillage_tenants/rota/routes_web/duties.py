"""One duty: replacing, taking out, its history; a hole and who may close it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import paris
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import AppError, Invalid
from maillage_kit.permissions import Permission
from maillage_kit.semester import Semester
from maillage_kit.web import AnyRequest, base_path, page, page_request, requires, see_other, text
from maillage_tenants import members
from maillage_tenants.rota import queries, queries_swaps, service
from maillage_tenants.rota.checks import locked
from maillage_tenants.rota.errors import UnknownRota
from maillage_tenants.rota.models import RotaState
from maillage_tenants.rota.routes_web.forms import (
    chosen_technician,
    period_of,
    period_required,
    semester_path,
    told,
    whole_number,
)
from maillage_tenants.rota.routes_web.weighing import weighed
from maillage_tenants.rota.rules import Period, days_of, whole

CANDIDATES_SHOWN = 12


@get("/rota/duties/{duty_id:uuid}", guards=[requires(Permission.ROTA_READ)])
async def one_duty(request: AnyRequest, session: TenantSession, trades: TradeRegistry, duty_id: UUID) -> Template:
    """A duty, who can take it, and everything that was published for its post over its period."""
    return await _duty_page(request, session, trades, duty_id)


@post("/rota/duties/{duty_id:uuid}/change", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def change_duty(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    duty_id: UUID,
) -> Redirect | Template:
    """Give the duty, or a part of it, to somebody else."""
    form = await request.form()
    try:
        over = period_of(form)
        async with session.begin_nested():
            fresh = await service.change_by_office(
                session,
                duty_id=duty_id,
                technician_id=chosen_technician(form),
                by=actor.display_name,
                reason=text(form, "reason"),
                over=over,
                agreement=text(form, "agreement"),
            )
    except AppError as wrong:
        if wrong.status == 404:
            raise
        return await _duty_page(request, session, trades, duty_id, errors=told(wrong), values=form)
    if fresh is None:
        return see_other(
            f"{base_path(cooperative)}/rota/duties/{duty_id}",
            flash="Demande envoyée : l’astreinte change de mains dès que la personne accepte.",
        )
    return see_other(f"{base_path(cooperative)}/rota/duties/{fresh.id}", flash="Remplacement enregistré.")


@post("/rota/duties/{duty_id:uuid}/remove", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def remove_duty(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    duty_id: UUID,
) -> Redirect | Template:
    """Take the duty out, leaving a gap."""
    form = await request.form()
    duty = await queries.duty(session, duty_id=duty_id)
    rota = await queries.get_rota(session, rota_id=duty.rota_id)
    try:
        await service.remove_duty(session, duty_id=duty_id, by=actor.display_name, reason=text(form, "reason"))
    except AppError as wrong:
        return await _duty_page(request, session, trades, duty_id, errors=told(wrong), values=form)
    return see_other(semester_path(cooperative, rota.semester), flash="Astreinte retirée.", tone="warning")


@get("/rota/{rota_id:uuid}/fill", guards=[requires(Permission.ROTA_WRITE)])
async def gap_form(request: AnyRequest, session: TenantSession, trades: TradeRegistry, rota_id: UUID) -> Template:
    """The form that puts somebody on a post nobody holds."""
    return await _gap_page(request, session, trades, rota_id, values=request.query_params)


@post("/rota/{rota_id:uuid}/fill", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def fill_gap(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    rota_id: UUID,
) -> Redirect | Template:
    """Put somebody on a post nobody holds."""
    form = await request.form()
    try:
        period = period_required(form)
        async with session.begin_nested():
            await service.fill_by_office(
                session,
                rota_id=rota_id,
                post_id=whole_number(text(form, "post")),
                technician_id=chosen_technician(form),
                period=period,
                by=actor.display_name,
                reason=text(form, "reason"),
                agreed=text(form, "agreement") == service.GIVEN,
            )
    except AppError as wrong:
        if wrong.status == 404:
            raise
        return await _gap_page(request, session, trades, rota_id, values=form, errors=told(wrong))
    rota = await queries.get_rota(session, rota_id=rota_id)
    return see_other(semester_path(cooperative, rota.semester), flash="Astreinte attribuée.")


async def _duty_page(
    request: AnyRequest,
    session: TenantSession,
    trades: TradeRegistry,
    duty_id: UUID,
    *,
    errors: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Template:
    duty = await queries.duty(session, duty_id=duty_id)
    rota = await queries.get_rota(session, rota_id=duty.rota_id)
    semester = Semester.parse(rota.semester)
    every = await queries.posts(session, semester=semester, trades=trades)
    post = next((post for post in every if post.id == duty.post_id), None)
    asked = values if values is not None else request.query_params
    weights = await weighed(
        session,
        rota=rota,
        duty=duty,
        period=_part(asked, duty),
        page=page_request(request, limit=CANDIDATES_SHOWN),
        chosen=text(asked, "technician"),
    )
    return page(
        request,
        "rota/duty.html",
        **weights,
        status_code=422 if errors else 200,
        duty=duty,
        rota=rota,
        semester=semester,
        post_name=post.name if post else f"Poste {duty.post_id}",
        trade=post.trade if post else "",
        technician_options=await _able(session, post.trade, duty.period) if post else [],
        proposal=await queries_swaps.open_of_duty(session, duty_id=duty_id),
        must_agree=rota.state != RotaState.DRAFT and locked(duty.starts_at, now=clock.now()),
        history=await queries.history(session, post_id=duty.post_id, over=duty.period),
        starts_value=f"{paris(_offered_start(duty)):%Y-%m-%dT%H:%M}",
        ends_value=f"{paris(duty.ends_at):%Y-%m-%dT%H:%M}",
        live=rota.state != RotaState.DRAFT,
        frozen=rota.state == RotaState.FROZEN,
        period=str(duty.period),
        errors=errors or {},
        values=asked,
    )


def _part(asked: Mapping[str, Any], duty: queries.DutyRow) -> Period:
    """The part of the duty that is asked about, the whole when that makes no sense."""
    try:
        part = period_of(asked) or duty.period
    except Invalid:
        return duty.period
    return part if part.within(duty.period) else duty.period


def _offered_start(duty: queries.DutyRow) -> datetime:
    """Of a published duty under way, what is left of it: what was is not to be rewritten."""
    now = clock.now()
    return now if duty.live and duty.starts_at < now < duty.ends_at else duty.starts_at


async def _gap_page(
    request: AnyRequest,
    session: TenantSession,
    trades: TradeRegistry,
    rota_id: UUID,
    *,
    values: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
) -> Template:
    rota = await queries.get_rota(session, rota_id=rota_id)
    semester = Semester.parse(rota.semester)
    post_id = whole_number(text(values, "post"))
    post = next((p for p in await queries.posts(session, semester=semester, trades=trades) if p.id == post_id), None)
    if post is None:
        raise UnknownRota
    try:
        period = period_of(values) or whole(semester)
    except Invalid:
        period = whole(semester)
    return page(
        request,
        "rota/gap.html",
        status_code=422 if errors else 200,
        rota=rota,
        semester=semester,
        post=post,
        technician_options=await _able(session, post.trade, period),
        values=values,
        live=rota.state != RotaState.DRAFT,
        must_agree=rota.state != RotaState.DRAFT and locked(period.starts_at, now=clock.now()),
        errors=errors or {},
    )


async def _able(session: TenantSession, trade: str, period: Period) -> list[tuple[str, list[tuple[str, str]]]]:
    """Who may take a duty, free people first, then those who are on call elsewhere; people who may not are left out."""
    first, last = days_of(period)
    standings = {standing.technician_id: standing for standing in await members.standings(session)}
    able = [
        (str(row.id), f"{row.name} · {row.member_name}")
        for row in await members.technicians(session)
        if members.assignability_over(standings[row.id], trade, first, last).ok
    ]
    busy = {str(technician_id) for technician_id in await queries.busy(session, over=period)}
    groups = [
        ("Libres", [option for option in able if option[0] not in busy]),
        ("Déjà d’astreinte sur une partie de la période", [option for option in able if option[0] in busy]),
    ]
    return [group for group in groups if group[1]]
