"""Drafts of a semester and their solving: asking, watching, stopping, explaining, comparing, repairing."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import AppError, Invalid
from maillage_kit.pages import MAX_LIMIT, PageRequest, slice_page
from maillage_kit.permissions import Permission
from maillage_kit.semester import Semester
from maillage_kit.web import AnyRequest, base_path, page, page_request, requires, see_other, text
from maillage_tenants import members
from maillage_tenants.rota import queries, queries_planning
from maillage_tenants.rota.balance import CATEGORY_LABELS, SHOWN
from maillage_tenants.rota.models import Rota
from maillage_tenants.rota.models_planning import RunKind, RunState, SolveRun
from maillage_tenants.rota.routes_web.forms import told, whole_number
from maillage_tenants.rota.service import comparing, planning, repairing, solving
from maillage_tenants.rota.service.losing import losing
from maillage_tenants.rota.solver.reports import Ended, Hole

BUDGETS = ((30, "30 secondes"), (60, "1 minute"), (180, "3 minutes"), (600, "10 minutes"), (1800, "30 minutes"))
USUAL_BUDGET = 60
ENDINGS: Mapping[str, str] = {
    Ended.OPTIMAL: "Le meilleur planning possible : c’est prouvé.",
    Ended.TIME: "Le temps donné est écoulé.",
    Ended.STOPPED: "Arrêté à la demande, le meilleur planning trouvé est gardé.",
    Ended.STEPS: "Refait avec autant d’étapes que la première fois.",
}
STATES: Mapping[str, tuple[str, str, str]] = {
    RunState.WAITING: ("En attente", "neutral", "clock"),
    RunState.RUNNING: ("En cours", "info", "clock"),
    RunState.DONE: ("Terminé", "success", "check"),
    RunState.FAILED: ("Sans résultat", "danger", "warning"),
}
KINDS: Mapping[str, str] = {RunKind.DRAFT: "Brouillon", RunKind.REPAIR: "Réparation du planning publié"}


def run_path(cooperative: CooperativeContext, run_id: UUID) -> str:
    return f"{base_path(cooperative)}/rota/runs/{run_id}"


def asked_semester(code: str) -> Semester:
    """The semester of a form or an address; the one that comes when none is given."""
    return Semester.parse(code) if code else Semester.containing(clock.now()).next


def semesters_around(semester: Semester) -> list[tuple[str, str]]:
    current = Semester.containing(clock.now())
    return [(one.code, one.label.capitalize()) for one in sorted({current, current.next, current.next.next, semester})]


@get("/rota/drafts", guards=[requires(Permission.ROTA_READ)])
async def drafts_page(request: AnyRequest, session: TenantSession, trades: TradeRegistry) -> Template:
    """The drafts of a semester beside the published rota, the runs, and the form that asks for a new one."""
    return await _drafts_page(request, session, trades, asked_semester(request.query_params.get("semester", "")))


@post("/rota/runs", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def ask_draft(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, trades: TradeRegistry
) -> Redirect | Template:
    """Ask for a draft in the background."""
    form = await request.form()
    semester = asked_semester(text(form, "semester"))
    try:
        async with session.begin_nested():
            run = await solving.ask_draft(
                session,
                semester=semester,
                trades=trades,
                department=cooperative.department,
                seconds=whole_number(text(form, "seconds")),
                seed=whole_number(text(form, "seed")),
                label=text(form, "label"),
                without=_chosen(form, "without"),
                by=actor.display_name,
            )
    except AppError as wrong:
        return await _drafts_page(request, session, trades, semester, values=form, errors=told(wrong))
    return see_other(run_path(cooperative, run.id), flash="Calcul lancé.")


@post("/rota/repairs", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def ask_repair(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, trades: TradeRegistry
) -> Redirect | Template:
    """Ask how the published rota could hold again with the fewest changes."""
    form = await request.form()
    semester = asked_semester(text(form, "semester"))
    try:
        async with session.begin_nested():
            run = await solving.ask_repair(
                session,
                semester=semester,
                trades=trades,
                department=cooperative.department,
                label=text(form, "label"),
                by=actor.display_name,
            )
    except AppError as wrong:
        return await _drafts_page(request, session, trades, semester, errors=told(wrong))
    return see_other(run_path(cooperative, run.id), flash="Calcul lancé.")


@get("/rota/runs/{run_id:uuid}", guards=[requires(Permission.ROTA_READ)])
async def one_run(request: AnyRequest, session: TenantSession, trades: TradeRegistry, run_id: UUID) -> Template:
    """A run: how far it is, then what it found, why places stay empty, what a repair would change."""
    return await _run_page(request, session, trades, run_id)


@get("/rota/runs/{run_id:uuid}/status", guards=[requires(Permission.ROTA_READ)])
async def run_status(request: AnyRequest, session: TenantSession, trades: TradeRegistry, run_id: UUID) -> Template:
    """The live part of a run's page."""
    return await _run_page(request, session, trades, run_id, template="rota/_run.html")


@post("/rota/runs/{run_id:uuid}/stop", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def stop_run(session: TenantSession, cooperative: CooperativeContext, actor: Actor, run_id: UUID) -> Redirect:
    """Stop a search and keep the best so far."""
    await solving.ask_stop(session, run_id=run_id, by=actor.display_name)
    return see_other(run_path(cooperative, run_id), flash="Arrêt demandé : le meilleur planning est gardé.")


@post("/rota/runs/{run_id:uuid}/again", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def run_again(session: TenantSession, cooperative: CooperativeContext, actor: Actor, run_id: UUID) -> Redirect:
    """The same search once more: same facts, same seed."""
    run = await solving.ask_again(session, run_id=run_id, by=actor.display_name)
    return see_other(run_path(cooperative, run.id), flash="Calcul relancé à l’identique.")


@post("/rota/runs/{run_id:uuid}/apply", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def apply_repair(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    run_id: UUID,
) -> Redirect | Template:
    """Carry a repair out, with a reason."""
    form = await request.form()
    try:
        async with session.begin_nested():
            changed = await repairing.apply_repair(
                session, run_id=run_id, by=actor.display_name, reason=text(form, "reason"), trades=trades
            )
    except AppError as wrong:
        if wrong.status == 404:
            raise
        return await _run_page(request, session, trades, run_id, errors=told(wrong), values=form)
    return see_other(
        run_path(cooperative, run_id),
        flash=f"{changed} changement{'s appliqués' if changed > 1 else ' appliqué'} au planning publié.",
    )


@post("/rota/{rota_id:uuid}/discard", status_code=303, guards=[requires(Permission.ROTA_WRITE)])
async def discard_draft(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, rota_id: UUID
) -> Redirect:
    """Put a draft aside."""
    rota = await queries.get_rota(session, rota_id=rota_id)
    await planning.discard_draft(session, rota_id=rota_id, by=actor.display_name)
    return see_other(f"{base_path(cooperative)}/rota/drafts?semester={rota.semester}", flash="Brouillon écarté.")


@get("/rota/compare", guards=[requires(Permission.ROTA_READ)])
async def compare_page(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry
) -> Template:
    """Two rotas of a semester side by side; without a choice, the form that chooses."""
    asked = request.query_params
    semester = asked_semester(asked.get("semester", ""))
    rotas = await queries_planning.rotas_of(session, semester=semester)
    names = await queries_planning.run_names(session, semester=semester)
    found, errors = None, {}
    try:
        if asked.get("one") and asked.get("other"):
            found = await comparing.compare(
                session,
                one_id=_uuid(asked["one"]),
                other_id=_uuid(asked["other"]),
                trades=trades,
                department=cooperative.department,
            )
    except Invalid as wrong:
        errors = told(wrong)
    which = "people" if asked.get("show") == "people" else "duties"
    window = page_request(request, limit=50)
    return page(
        request,
        "rota/compare.html",
        status_code=422 if errors else 200,
        semester=semester,
        rota_options=[(str(rota.id), _rota_label(rota, names)) for rota in rotas],
        one=asked.get("one", ""),
        other=asked.get("other", ""),
        found=found,
        one_label=_rota_label(found.one, names) if found else "",
        other_label=_rota_label(found.other, names) if found else "",
        which=which,
        people=slice_page(found.shares, window) if found and which == "people" else None,
        changes=slice_page(found.differences, window) if found and which == "duties" else None,
        categories=SHOWN,
        columns=["Personne", *(CATEGORY_LABELS[category].capitalize() for category in SHOWN)],
        labels=CATEGORY_LABELS,
        errors=errors,
    )


def _rota_label(rota: Rota, runs: Mapping[UUID, str]) -> str:
    """« Planning publié », « Brouillon du 01/03/2027 09:00, sans Dupont »."""
    if rota.published_at is not None:
        return "Planning publié"
    by = f", {runs[rota.id]}" if rota.id in runs else ""
    return f"Brouillon du {clock.paris(rota.created_at):%d/%m/%Y %H:%M}{by}"


async def _drafts_page(
    request: AnyRequest,
    session: TenantSession,
    trades: TradeRegistry,
    semester: Semester,
    *,
    values: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Template:
    rotas = await queries_planning.rotas_of(session, semester=semester)
    names = await queries_planning.run_names(session, semester=semester)
    chosen = values or {}
    published = next((rota for rota in rotas if rota.published_at is not None), None)
    which = "runs" if request.query_params.get("show") == "runs" else "rotas"
    return page(
        request,
        "rota/drafts.html",
        status_code=422 if errors else 200,
        semester=semester,
        semester_options=semesters_around(semester),
        rotas=None
        if which == "runs"
        else slice_page([(rota, _rota_label(rota, names)) for rota in rotas], page_request(request)),
        published=published,
        losing=await losing(session, rota=published, trades=trades) if published else (),
        runs=await queries_planning.runs(session, semester=semester, page=page_request(request))
        if which == "runs"
        else None,
        which=which,
        states=STATES,
        kinds=KINDS,
        budgets=BUDGETS,
        usual_budget=USUAL_BUDGET,
        technician_options=[
            (str(row.id), f"{row.name} · {row.member_name}") for row in await members.technicians(session)
        ],
        values=chosen,
        without=[str(one) for one in _chosen(chosen, "without")] if errors else [],
        errors=errors or {},
    )


async def _run_page(
    request: AnyRequest,
    session: TenantSession,
    trades: TradeRegistry,
    run_id: UUID,
    *,
    template: str = "rota/run.html",
    values: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Template:
    run = await queries_planning.get_run(session, run_id=run_id)
    semester = Semester.parse(run.semester)
    steps: tuple[repairing.Step, ...] = ()
    if run.kind == RunKind.REPAIR and run.state == RunState.DONE and run.applied_at is None:
        steps = await repairing.steps(session, run=run, trades=trades)
    first = await queries_planning.get_run(session, run_id=run.replays_id) if run.replays_id else None
    result = run.result or {}
    window = replace(page_request(request, limit=50), base_url=request.url.path.removesuffix("/status"))
    holes = msgspec.convert(result.get("holes", []), type=list[Hole])
    names = {row.id: row.name for row in await members.technicians(session, active_only=False)} if steps else {}
    return page(
        request,
        template,
        status_code=422 if errors else 200,
        run=run,
        semester=semester,
        state=STATES[run.state],
        kind=KINDS[run.kind],
        gap=_gap(run),
        ending=ENDINGS.get(run.ended_why or "", ""),
        result=result,
        holes=slice_page(holes, PageRequest(limit=MAX_LIMIT) if steps else window),
        steps=slice_page(steps, window),
        changes=len(steps),
        names=names,
        same=None if first is None or run.digest is None else run.digest == first.digest,
        values=values or {},
        errors=errors or {},
    )


def _gap(run: SolveRun) -> str | None:
    """« 1,2 % » : how much better a plan could be at most; None while nothing is proven."""
    if run.points is None or run.bound is None:
        return None
    share = max(0, run.points - run.bound) / max(1, run.points)
    return f"{share * 100:.1f}".replace(".", ",") + " %"


def _chosen(form: Mapping[str, Any], name: str) -> list[UUID]:
    """The ids of a group of boxes."""
    sent = form.getall(name, []) if hasattr(form, "getall") else form.get(name, [])
    return [_uuid(value) for value in sent if isinstance(value, str) and value]


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError as wrong:
        raise Invalid("Ce choix n’existe pas.") from wrong
