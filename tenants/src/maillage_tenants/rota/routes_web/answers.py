"""Who is on call at any instant; absences; the artisan's own duties."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import paris
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.permissions import Permission
from maillage_kit.semester import Semester
from maillage_kit.web import AnyRequest, base_path, page, requires, see_other, text
from maillage_tenants import members, territory
from maillage_tenants.rota import queries, service
from maillage_tenants.rota.routes_web.forms import (
    asked_instant,
    chosen_technician,
    period_of,
    told,
)
from maillage_tenants.rota.rules import Period

DUTIES_SHOWN = 60


@get("/rota/on-call", guards=[requires(Permission.ROTA_READ)])
async def on_call_page(request: AnyRequest, session: TenantSession, trades: TradeRegistry) -> Template:
    """Who is, was or will be on call at an instant, and what was known of it at another (rule 3)."""
    asked = request.query_params
    errors: dict[str, str] = {}
    at = asked_instant(asked.get("at", ""), "at", errors) or clock.now()
    known_at = asked_instant(asked.get("known_at", ""), "known_at", errors)
    trade = asked.get("trade", "")
    chosen = [trade] if trade in trades else list(trades.codes)
    semester = Semester.containing(at)
    tables = []
    for code in chosen:
        sectors = await territory.sectors(session, trade=code, semester=semester)
        wanted = [sector for sector in sectors if asked.get("sector", "") in ("", str(sector.id))]
        found = await queries.on_call(
            session, sector_ids=[sector.id for sector in wanted], trade=code, at=at, known_at=known_at
        )
        held = {(one.sector_id, one.rank): one for one in found}
        tables.append(
            {
                "trade": trades.label(code),
                "rows": [
                    {"sector": sector.name, "rank": rank, "found": held.get((sector.id, rank))}
                    for sector in wanted
                    for rank in (1, 2)
                ],
            }
        )
    return page(
        request,
        "rota/on_call.html",
        status_code=422 if errors else 200,
        at=at,
        known_at=known_at,
        at_value=asked.get("at") or f"{paris(at):%Y-%m-%dT%H:%M}",
        known_value=asked.get("known_at", ""),
        trade=trade,
        sector=asked.get("sector", ""),
        trade_options=[(code, trades.label(code)) for code in trades.codes],
        sector_options=[(str(one.id), f"{one.code} · {one.name}") for one in await territory.all_sectors(session)],
        tables=tables,
        errors=errors,
    )


@get("/rota/absences", guards=[requires(Permission.ROTA_READ)])
async def absences_page(request: AnyRequest, session: TenantSession) -> Template:
    """Absences to come, and the form that records one."""
    return await _absences_page(request, session, values={})


@post("/rota/absences", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def add_absence(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext
) -> Redirect | Template:
    """Record an absence."""
    form = await request.form()
    try:
        period = period_of(form)
        if period is None:
            raise Invalid(fields={"starts_at": "Indiquez le début et la fin."})
        await service.add_absence(
            session,
            technician_id=chosen_technician(form),
            starts_at=period.starts_at,
            ends_at=period.ends_at,
            hard=text(form, "kind") != "soft",
            reason=text(form, "reason"),
        )
    except Invalid as wrong:
        return await _absences_page(request, session, values=form, errors=told(wrong))
    return see_other(f"{base_path(cooperative)}/rota/absences", flash="Absence enregistrée.")


@post("/rota/absences/{absence_id:uuid}/remove", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def remove_absence(session: TenantSession, cooperative: CooperativeContext, absence_id: UUID) -> Redirect:
    """Take an absence back."""
    await service.remove_absence(session, absence_id=absence_id)
    return see_other(f"{base_path(cooperative)}/rota/absences", flash="Absence retirée.")


@get("/field/duties", guards=[requires(Permission.FIELD_WORK)])
async def own_duties(request: AnyRequest, session: TenantSession, actor: Actor, trades: TradeRegistry) -> Template:
    """The coming duties of the person who is signed in."""
    now = clock.now()
    held = (
        await queries.duties_of(session, technician_id=actor.technician_id, since=now, limit=DUTIES_SHOWN)
        if actor.technician_id
        else ()
    )
    return page(
        request,
        "rota/own_duties.html",
        duties=[{"row": duty, "trade": trades.label(duty.trade), "current": duty.starts_at <= now} for duty in held],
    )


async def _absences_page(
    request: AnyRequest,
    session: TenantSession,
    *,
    values: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
) -> Template:
    now = clock.now()
    return page(
        request,
        "rota/absences.html",
        status_code=422 if errors else 200,
        absences=await queries.absences(session, over=Period(now, now + timedelta(days=550))),
        technician_options=[(row.id, f"{row.name} · {row.member_name}") for row in await members.technicians(session)],
        values=values,
        errors=errors or {},
    )
