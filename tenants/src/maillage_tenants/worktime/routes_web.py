"""The monthly statements of employees (R63): the office's list, the employee's own, the paper."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import paris
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.money import Money
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, base_path, own_technician, page, page_request, requires, see_other, text
from maillage_tenants import members
from maillage_tenants.worktime import queries, rules, service

KEPT_MONTHS = 12


@get("/rota/statements", guards=[requires(Permission.ROTA_READ)])
async def statements(request: AnyRequest, session: TenantSession) -> Template:
    """Employees, their hours of a month, and how their business compensates them."""
    return await _statements(request, session)


@post("/rota/statements/{member_id:uuid}/terms", guards=[requires(Permission.MEMBERS_WRITE)], status_code=303)
async def set_terms(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, member_id: UUID
) -> Redirect | Template:
    """How a business compensates on-call time."""
    await members.get_member(session, member_id=member_id)
    form = await request.form()
    try:
        await service.set_terms(
            session,
            member_id=member_id,
            hourly=_amount(form),
            rest_minutes_a_day=_minutes(form),
            by=actor.display_name,
        )
    except Invalid as wrong:
        return await _statements(request, session, errors=wrong.fields or {"": wrong.message})
    return see_other(f"{base_path(cooperative)}/rota/statements", flash="Compensation enregistrée.")


@get("/rota/statements/{technician_id:uuid}/pdf", guards=[requires(Permission.ROTA_READ)])
async def statement(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    technician_id: UUID,
) -> Response[bytes]:
    """The statement of one employee."""
    return await _statement(request, session, cooperative, actor, trades, technician_id)


@get("/field/duties/statements", guards=[requires(Permission.FIELD_WORK)])
async def own_statements(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Template:
    """His own statements of the last twelve months, and the hours of one of them: this month's unless another is asked
    for."""
    person = await members.get_technician(session, technician_id=own_technician(actor))
    asked = request.query_params.get("month", "")
    shown = service.month_of(asked) if asked else _this_month()
    months, month = [], _this_month()
    for _ in range(KEPT_MONTHS):
        months.append((f"{month:%Y-%m}", service.month_label(month)))
        month = service.month_before(month)
    return page(
        request,
        "worktime/own_statements.html",
        employed=person.employed,
        months=months,
        month=f"{shown:%Y-%m}",
        month_label=service.month_label(shown),
        statement=await service.statement(session, technician_id=person.id, month=shown, cooperative=cooperative)
        if person.employed
        else None,
        hours=service.hours,
    )


@get("/field/duties/statements/pdf", guards=[requires(Permission.FIELD_WORK)])
async def own_statement(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, trades: TradeRegistry
) -> Response[bytes]:
    """One of them."""
    return await _statement(request, session, cooperative, actor, trades, own_technician(actor))


async def _statement(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    technician_id: UUID,
) -> Response[bytes]:
    await members.get_technician(session, technician_id=technician_id)
    month = _asked_month(request)
    content = await service.statement_pdf(
        session,
        technician_id=technician_id,
        month=month,
        cooperative=cooperative,
        trades=trades,
        by=actor.display_name,
    )
    return Response(
        content,
        media_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="releve-{month:%Y-%m}.pdf"',
            "Cache-Control": "no-store",
        },
    )


def _this_month() -> date:
    return paris(clock.now()).date().replace(day=1)


def _asked_month(request: AnyRequest) -> date:
    """The month before this one unless another is asked for: that is the one to hand out."""
    asked = request.query_params.get("month", "")
    return service.month_of(asked) if asked else service.month_before(_this_month())


def _amount(form: Mapping[str, Any]) -> Money:
    try:
        return Money.typed(text(form, "hourly") or "0")
    except ValueError as wrong:
        raise Invalid(fields={"hourly": "Écrivez un montant, par exemple 3,50."}) from wrong


def _minutes(form: Mapping[str, Any]) -> int:
    typed = text(form, "rest") or "0"
    if not (typed.isascii() and typed.isdigit() and len(typed) < 6):
        raise Invalid(fields={"rest": "De 0 à 1440 minutes."})
    return int(typed)


async def _statements(
    request: AnyRequest, session: TenantSession, *, errors: Mapping[str, str] | None = None
) -> Template:
    month = _asked_month(request)
    over = service.month_so_far(month)
    shown = await queries.employees_page(session, page=page_request(request), over=over)
    worked = await service.worked_by(session, technician_ids=[one.id for one in shown.items], over=over)
    return page(
        request,
        "worktime/statements.html",
        status_code=422 if errors else 200,
        shown=shown,
        days={technician_id: rules.by_day(own) for technician_id, own in worked.items()},
        month=f"{month:%Y-%m}",
        month_label=service.month_label(month),
        hours=service.hours,
        errors=errors or {},
    )


ROUTES = [statements, set_terms, statement, own_statements, own_statement]
