"""The office's pages of the watch: the calls of the guard, the findings of its audit, the static forward lists."""

from collections import Counter
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Response, Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Conflict, Invalid
from maillage_kit.permissions import Permission
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest, base_path, page, page_request, requires, see_other, text
from maillage_tenants.watch import labels, queries
from maillage_tenants.watch.models import FindingKind
from maillage_tenants.watch.rules import as_csv
from maillage_tenants.watch.service import choosing, forwarding, running

_TABS = (
    ("/watch", "Appels d’essai", "phone"),
    ("/watch/findings", "Contrôle", "search"),
    ("/watch/forwards", "Renvois de l’opérateur", "file"),
)


def _tabs(cooperative: CooperativeContext, here: str) -> list[dict[str, Any]]:
    return [
        {"href": base_path(cooperative) + path, "label": label, "icon": icon, "current": path == here}
        for path, label, icon in _TABS
    ]


@get("/watch", guards=[requires(Permission.SETTINGS_READ)])
async def watch_calls(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, settings: Settings
) -> Template:
    """How the watch stands, its calls with what each phase took or why it failed, its settings."""
    return await _calls(request, session, cooperative, settings)


async def _calls(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    settings: Settings,
    *,
    form: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Template:
    chosen = await queries.setting(session)
    kept = {
        "enabled": "1" if chosen is None or chosen.enabled else "",
        "keys": chosen.keys if chosen else "",
        "operator_email": chosen.operator_email if chosen else "",
    }
    return page(
        request,
        "watch/calls.html",
        status_code=status,
        tabs=_tabs(cooperative, "/watch"),
        standing=await queries.standing(session, settings=settings, at=clock.now()),
        within_seconds=settings.telephony.watch.within_seconds,
        shown=await queries.runs(session, page=page_request(request)),
        outcomes=labels.OUTCOMES,
        form=kept if form is None else form,
        errors=errors or {},
    )


@post("/watch/settings", guards=[requires(Permission.SETTINGS_WRITE)], status_code=303)
async def choose(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    settings: Settings,
) -> Redirect | Template:
    """On or off, the keys to type, the address of the operator."""
    sent = await request.form()
    form = {name: text(sent, name) for name in ("enabled", "keys", "operator_email")}
    try:
        await choosing.choose(
            session,
            enabled=bool(form["enabled"]),
            keys=form["keys"],
            operator_email=form["operator_email"],
            by=actor.display_name,
        )
    except Invalid as refused:
        return await _calls(request, session, cooperative, settings, form=form, errors=refused.fields, status=422)
    return see_other(f"{base_path(cooperative)}/watch", flash="Réglages de la veille enregistrés.")


@post("/watch/calls", guards=[requires(Permission.CALLS_WRITE)], status_code=303)
async def call_now(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, trades: TradeRegistry, settings: Settings
) -> Redirect:
    """A watch call at once."""
    here = f"{base_path(cooperative)}/watch"
    try:
        await running.plan_run(session, trades=trades, settings=settings, by=actor.display_name)
    except Conflict as refused:
        return see_other(here, flash=refused.message, tone="warning")
    return see_other(here, flash="Appel d’essai demandé : son résultat vient dans une à deux minutes.")


@get("/watch/findings", guards=[requires(Permission.SETTINGS_READ)])
async def findings(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, settings: Settings
) -> Template:
    """What the audit finds late now, counted by kind, and everything it ever found."""
    open_ = Counter(finding.kind for finding in await queries.open_findings(session))
    return page(
        request,
        "watch/findings.html",
        tabs=_tabs(cooperative, "/watch/findings"),
        standing=await queries.standing(session, settings=settings, at=clock.now()),
        counts=[(labels.FINDINGS[kind], open_[kind]) for kind in FindingKind],
        shown=await queries.findings(session, page=page_request(request)),
        words=labels.FINDINGS,
    )


@get("/watch/forwards", guards=[requires(Permission.SETTINGS_READ)])
async def forwards(request: AnyRequest, session: TenantSession, cooperative: CooperativeContext) -> Template:
    """The static forward lists kept (R104): dates only, the numbers are in the files."""
    chosen = await queries.setting(session)
    return page(
        request,
        "watch/forwards.html",
        tabs=_tabs(cooperative, "/watch/forwards"),
        operator_email=chosen.operator_email if chosen else "",
        shown=await queries.forward_lists(session, page=page_request(request)),
    )


@post("/watch/forwards", guards=[requires(Permission.SETTINGS_WRITE)], status_code=303)
async def make_forwards(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, trades: TradeRegistry
) -> Redirect:
    """Another list now, after a change of the rota."""
    await forwarding.make_now(session, cooperative=cooperative, trades=trades, by=actor.display_name)
    return see_other(f"{base_path(cooperative)}/watch/forwards", flash="Liste de renvois faite.")


@get("/watch/forwards/{forward_id:uuid}/csv", guards=[requires(Permission.EXPORTS)])
async def forwards_csv(session: TenantSession, actor: Actor, forward_id: UUID) -> Response[bytes]:
    """The list for a spreadsheet or the operator's import; reading it is written in the audit log."""
    made = await forwarding.read(session, forward_id=forward_id, form="csv", by=actor.display_name)
    content = "\ufeff" + as_csv(made.content["rows"])
    return Response(
        content.encode(),
        media_type="text/csv; charset=utf-8",
        headers=_attached(f"renvois-{made.day.isoformat()}.csv"),
    )


@get("/watch/forwards/{forward_id:uuid}/pdf", guards=[requires(Permission.EXPORTS)])
async def forwards_pdf(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, forward_id: UUID
) -> Response[bytes]:
    """The list on paper; reading it is written in the audit log."""
    made = await forwarding.read(session, forward_id=forward_id, form="pdf", by=actor.display_name)
    return Response(
        await forwarding.as_pdf(made, cooperative=cooperative),
        media_type="application/pdf",
        headers=_attached(f"renvois-{made.day.isoformat()}.pdf"),
    )


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}


ROUTES = (
    watch_calls,
    choose,
    call_now,
    findings,
    forwards,
    make_forwards,
    forwards_csv,
    forwards_pdf,
)
