"""The semester: coverage, grid, draft, import, publishing."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.permissions import Permission
from maillage_kit.semester import Semester
from maillage_kit.web import AnyRequest, base_path, page, requires, see_other, text
from maillage_tenants.rota import queries, queries_planning, service
from maillage_tenants.rota.errors import RotaBroken, RotaHasGaps
from maillage_tenants.rota.files import COLUMN_LABELS
from maillage_tenants.rota.models import Rota, RotaState
from maillage_tenants.rota.routes_web.forms import (
    semester_path,
)
from maillage_tenants.rota.routes_web.grid import gap_link, grid, week
from maillage_tenants.rota.rules import WEEK, weekly_shifts

GAPS_SHOWN = 12


@get("/rota", guards=[requires(Permission.ROTA_READ)])
async def semester_page(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry
) -> Template:
    """The rota of a semester: coverage, grid of posts by weeks for one trade, what can be done next."""
    return await _semester_page(request, session, cooperative, trades)


@post("/rota/drafts", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def create_draft(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, trades: TradeRegistry
) -> Redirect:
    """Open the draft of a semester."""
    form = await request.form()
    semester = Semester.parse(text(form, "semester"))
    await service.create_draft(session, semester=semester, trades=trades, by=actor.display_name)
    return see_other(semester_path(cooperative, semester.code), flash="Brouillon ouvert.")


@post("/rota/{rota_id:uuid}/generate", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def generate(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    rota_id: UUID,
) -> Redirect:
    """Propose a fair rota, from nothing or around what the draft holds."""
    form = await request.form()
    made = await service.generate(
        session, rota_id=rota_id, trades=trades, by=actor.display_name, keep=text(form, "keep") == "1"
    )
    rota = await queries.get_rota(session, rota_id=rota_id)
    holes = len(made.uncovered)
    said = f"{made.duties} astreintes proposées"
    return see_other(
        semester_path(cooperative, rota.semester),
        flash=f"{said}, {holes} période{'s' if holes > 1 else ''} sans personne." if holes else f"{said}, aucun trou.",
        tone="warning" if holes else "success",
    )


@post("/rota/{rota_id:uuid}/import", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def import_file(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    rota_id: UUID,
) -> Redirect | Template:
    """Read a spreadsheet into the draft; wrong rows are shown one by one."""
    rota = await queries.get_rota(session, rota_id=rota_id)
    form = await request.form()
    sent = form.get("file")
    try:
        if not isinstance(sent, UploadFile) or not sent.filename:
            raise Invalid(fields={"file": "Choisissez un fichier."})
        async with session.begin_nested():
            report = await service.import_rows(
                session,
                rota_id=rota_id,
                content=await sent.read(),
                filename=sent.filename,
                trades=trades,
                by=actor.display_name,
                keep_good=text(form, "keep_good") == "1",
                replace=text(form, "replace") == "1",
            )
    except Invalid as wrong:
        return await _semester_page(
            request,
            session,
            cooperative,
            trades,
            semester=Semester.parse(rota.semester),
            import_errors=wrong.fields or {"file": wrong.message},
        )
    if report.errors:
        return await _semester_page(
            request, session, cooperative, trades, semester=Semester.parse(rota.semester), report=report
        )
    return see_other(semester_path(cooperative, rota.semester), flash=f"{report.imported} astreintes importées.")


@post("/rota/{rota_id:uuid}/publish", status_code=303, guards=[requires(Permission.ROTA_PUBLISH)])
async def publish(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    rota_id: UUID,
) -> Redirect | Template:
    """Publish by a recorded decision (R57)."""
    form = await request.form()
    rota = await queries.get_rota(session, rota_id=rota_id)
    try:
        async with session.begin_nested():
            await service.publish(
                session,
                rota_id=rota_id,
                decision=text(form, "decision"),
                despite_gaps=text(form, "despite_gaps"),
                by=actor.display_name,
                trades=trades,
            )
    except (Invalid, RotaHasGaps, RotaBroken) as wrong:
        fields = dict(wrong.fields)
        if isinstance(wrong, RotaHasGaps):
            fields["despite_gaps"] = "Ce planning a des trous : indiquez pourquoi il est publié ainsi."
        return await _semester_page(
            request,
            session,
            cooperative,
            trades,
            semester=Semester.parse(rota.semester),
            decision_errors=fields or {"": wrong.message},
            values=form,
        )
    return see_other(semester_path(cooperative, rota.semester), flash="Planning publié.")


@post("/rota/{rota_id:uuid}/freeze", status_code=303, guards=[requires(Permission.ROTA_PUBLISH)])
async def freeze(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    rota_id: UUID,
) -> Redirect | Template:
    """Close a published rota by a recorded decision."""
    form = await request.form()
    rota = await queries.get_rota(session, rota_id=rota_id)
    try:
        await service.freeze(session, rota_id=rota_id, by=actor.display_name, decision=text(form, "decision"))
    except Invalid as wrong:
        return await _semester_page(
            request,
            session,
            cooperative,
            trades,
            semester=Semester.parse(rota.semester),
            decision_errors=wrong.fields,
            values=form,
        )
    return see_other(semester_path(cooperative, rota.semester), flash="Planning figé.")


async def _semester_page(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    *,
    semester: Semester | None = None,
    report: service.ImportReport | None = None,
    import_errors: Mapping[str, str] | None = None,
    decision_errors: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Template:
    now = clock.now()
    current = Semester.containing(now)
    if semester is None:
        asked = request.query_params.get("semester", "")
        semester = Semester.parse(asked) if asked else current
    trade = request.query_params.get("trade", "")
    trade = trade if trade in trades else next(iter(trades.codes), "")
    rota = await _shown_rota(session, semester, request.query_params.get("rota", ""))
    found = await service.review(session, rota_id=rota.id, trades=trades) if rota else None
    posts = await queries.posts(session, semester=semester, trades=trades, trade=trade) if trade else ()
    sector = request.query_params.get("sector", "")
    sectors = {post.sector_id: post.name.split(",")[0].removeprefix("Secteur ") for post in posts}
    shown = [post for post in posts if sector in ("", str(post.sector_id))]
    every = weekly_shifts(semester)
    shifts = every
    if semester == current and request.query_params.get("whole") != "1":
        shifts = tuple(shift for shift in every if shift.ends_at > now - WEEK)
    duties = await queries.duties(session, rota_id=rota.id, post_ids=[post.id for post in shown]) if rota else ()
    failed = bool(report or import_errors or decision_errors)
    path = semester_path(cooperative, semester.code)
    live = rota is not None and rota.state != RotaState.DRAFT
    return page(
        request,
        "rota/semester.html",
        status_code=422 if failed else 200,
        semester=semester,
        semester_options=[
            (one.code, one.label.capitalize()) for one in sorted({current, current.next, current.next.next, semester})
        ],
        rota=rota,
        review=found,
        gaps=[gap_link(gap, rota, base_path(cooperative)) for gap in found.gaps[:GAPS_SHOWN]] if found and rota else [],
        more_gaps=max(0, len(found.gaps) - GAPS_SHOWN) if found else 0,
        problems=found.problems[:GAPS_SHOWN] if found and not live else (),
        losing=await service.losing(session, rota=rota, trades=trades) if rota is not None and live else (),
        trade=trade,
        trade_label=trades.label(trade) if trade else "",
        trade_tabs=[
            {
                "href": f"{path}&trade={code}",
                "label": trades.label(code),
                "current": code == trade,
                "icon": trades.get(code).trade.icon,
                "badge": sum(gap.post.trade == code for gap in found.gaps) if found else None,
            }
            for code in trades.codes
        ],
        hidden_weeks=len(every) - len(shifts),
        whole_href=f"{path}&trade={trade}&sector={sector}&whole=1",
        sector=sector,
        sector_options=[(str(sector_id), name) for sector_id, name in sectors.items()],
        weeks=[week(shift, now, cooperative.department) for shift in shifts],
        rows=grid(shown, shifts, duties, rota, base_path(cooperative)) if rota else [],
        report=report,
        report_errors=[(error, COLUMN_LABELS.get(error.column, "")) for error in report.errors[:200]] if report else [],
        import_errors=import_errors or {},
        decision_errors=decision_errors or {},
        values=values or {},
        is_draft=rota is not None and rota.state == RotaState.DRAFT,
    )


async def _shown_rota(session: TenantSession, semester: Semester, asked: str) -> Rota | None:
    """The one asked for among those of the semester, else the one in force or the latest draft."""
    rotas = await queries_planning.rotas_of(session, semester=semester)
    return next((rota for rota in rotas if str(rota.id) == asked), rotas[0] if rotas else None)
