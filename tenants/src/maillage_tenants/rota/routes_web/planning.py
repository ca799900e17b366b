"""What a semester is planned from: the cooperative's rules, sectors' patterns, school holidays (office)."""

from collections.abc import Mapping
from datetime import date, time
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.pages import slice_page
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, base_path, page, page_request, requires, see_other, text
from maillage_tenants import territory
from maillage_tenants.rota import queries_planning
from maillage_tenants.rota.models_planning import PatternCode
from maillage_tenants.rota.patterns import PATTERN_LABELS, WEEKDAYS
from maillage_tenants.rota.queries_planning import PatternRow
from maillage_tenants.rota.routes_web.forms import points_typed, told
from maillage_tenants.rota.school_calendar import ZONE_LABELS, zone_of
from maillage_tenants.rota.service import planning

FIGURES = (
    ("promised_minutes", "Route au plus jusqu’au secteur", "minutes"),
    ("max_weeks_running", "Semaines de suite au rang 1, au plus", "0 : sans limite"),
    ("max_units_a_week", "Astreintes par semaine, au plus", "0 : sans limite"),
    ("rest_hours", "Repos entre deux astreintes d’un associé", "heures"),
    ("employee_rest_hours", "Repos entre deux astreintes d’un salarié", "heures, 11 au moins"),
    ("employee_weekly_rest_hours", "Repos hebdomadaire d’un salarié", "heures, 35 au moins"),
)


@get("/rota/planning", guards=[requires(Permission.ROTA_READ)])
async def planning_page(request: AnyRequest, session: TenantSession, cooperative: CooperativeContext) -> Template:
    """The rules of the rotas to come."""
    return await _planning_page(request, session, cooperative)


@post("/rota/planning/policy", status_code=303, guards=[requires(Permission.ROTA_PUBLISH)])
async def set_policy(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect | Template:
    """Decide the rules."""
    form = await request.form()
    figures = {name: points_typed(text(form, name)) for name, _, _ in FIGURES}
    try:
        async with session.begin_nested():
            await planning.set_policy(
                session, school_zone=text(form, "school_zone"), figures=figures, by=actor.display_name
            )
    except Invalid as wrong:
        return await _planning_page(request, session, cooperative, values=form, policy_errors=told(wrong))
    return see_other(f"{base_path(cooperative)}/rota/planning", flash="Règles enregistrées pour les prochains calculs.")


@post("/rota/planning/sectors/{sector_id:uuid}", status_code=303, guards=[requires(Permission.ROTA_PUBLISH)])
async def set_pattern(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, sector_id: UUID
) -> Redirect | Template:
    """Choose how a sector cuts its weeks."""
    form = await request.form()
    try:
        async with session.begin_nested():
            await planning.set_pattern(
                session,
                sector_id=sector_id,
                code=text(form, "code"),
                handover_weekday=int(day) if (day := text(form, "handover_weekday")) in set("0123456") else -1,
                handover_at=_hour(form, "handover_at"),
                day_starts=_hour(form, "day_starts"),
                holidays_apart=text(form, "holidays_apart") == "1",
                by=actor.display_name,
            )
    except Invalid as wrong:
        return await _planning_page(request, session, cooperative, pattern_errors=told(wrong), wrong_sector=sector_id)
    return see_other(f"{base_path(cooperative)}/rota/planning", flash="Découpage enregistré.")


@post("/rota/planning/breaks", status_code=303, guards=[requires(Permission.ROTA_PUBLISH)])
async def add_break(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Redirect | Template:
    """Note school holidays."""
    form = await request.form()
    try:
        await planning.add_break(
            session,
            label=text(form, "label"),
            first_day=asked_day(form, "first_day"),
            last_day=asked_day(form, "last_day"),
            by=actor.display_name,
        )
    except Invalid as wrong:
        return await _planning_page(request, session, cooperative, values=form, break_errors=told(wrong))
    return see_other(f"{base_path(cooperative)}/rota/planning", flash="Vacances notées.")


@post("/rota/planning/breaks/{break_id:uuid}/remove", status_code=303, guards=[requires(Permission.ROTA_PUBLISH)])
async def remove_break(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, break_id: UUID
) -> Redirect:
    """Take school holidays back."""
    await planning.remove_break(session, break_id=break_id, by=actor.display_name)
    return see_other(f"{base_path(cooperative)}/rota/planning", flash="Vacances retirées.")


def asked_day(form: Mapping[str, Any], name: str) -> date:
    """Raises Invalid."""
    try:
        return date.fromisoformat(text(form, name))
    except ValueError as wrong:
        raise Invalid(fields={name: "Indiquez un jour."}) from wrong


def _hour(form: Mapping[str, Any], name: str) -> time | None:
    try:
        return time.fromisoformat(text(form, name)).replace(tzinfo=None)
    except ValueError:
        return None


async def _planning_page(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    *,
    values: Mapping[str, Any] | None = None,
    policy_errors: Mapping[str, str] | None = None,
    pattern_errors: Mapping[str, str] | None = None,
    break_errors: Mapping[str, str] | None = None,
    wrong_sector: UUID | None = None,
) -> Template:
    policy = await queries_planning.policy(session)
    chosen = await queries_planning.patterns(session)
    today = clock.paris(clock.now()).date()
    typed = values or {}
    own_zone = zone_of(cooperative.department)
    rules = {name: getattr(policy.rules, name, policy.promised_minutes) for name, _, _ in FIGURES}
    return page(
        request,
        "rota/planning.html",
        status_code=422 if policy_errors or pattern_errors or break_errors else 200,
        policy=policy,
        figures=[
            (name, label, hint, typed.get(name) if policy_errors else rules[name]) for name, label, hint in FIGURES
        ],
        zones=[
            (zone, label + (f" ({cooperative.department_label})" if zone == own_zone and zone else ""))
            for zone, label in ZONE_LABELS.items()
        ],
        zone=typed.get("school_zone")
        if policy_errors
        else own_zone
        if policy.school_zone is None
        else policy.school_zone,
        sectors=slice_page(
            [
                (sector, row, row.pattern.label)
                for sector in await territory.all_sectors(session)
                for row in [chosen.get(sector.id, PatternRow())]
            ],
            page_request(request, limit=50),
        ),
        pattern_options=[(code.value, PATTERN_LABELS[code]) for code in PatternCode],
        weekday_options=[(str(number), name.capitalize()) for number, name in enumerate(WEEKDAYS)],
        weekdays=WEEKDAYS,
        breaks=[
            one
            for one in await planning.school_holidays(session, department=cooperative.department)
            if one.last >= today
        ],
        values=typed if break_errors else {},
        policy_errors=policy_errors or {},
        pattern_errors=pattern_errors or {},
        break_errors=break_errors or {},
        wrong_sector=wrong_sector,
    )
