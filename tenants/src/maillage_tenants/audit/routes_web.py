"""The cooperative's audit log: looked through by kind, person and period, verified, taken out as a file."""

from datetime import date, datetime, timedelta

from litestar import get
from litestar.response import Response, Template

from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.permissions import Permission
from maillage_kit.sheets import as_csv
from maillage_kit.web import AnyRequest, base_path, page, page_request, requires, url_with
from maillage_tenants.audit import labels, queries, service
from maillage_tenants.audit.queries import Search

MOST_IN_A_FILE = 100_000
_COLUMNS = ("Position", "Quand (Paris)", "Qui", "Acte", "Code", "Objet", "Identifiant", "Détail", "Empreinte")


@get("/audit", guards=[requires(Permission.AUDIT_READ)])
async def audit_log(request: AnyRequest, session: TenantSession, cooperative: CooperativeContext) -> Template:
    """Sensitive acts, newest first, by kind, person and period."""
    wanted, errors = _asked(request)
    here = f"{base_path(cooperative)}/audit"
    sent = {name: request.query_params.get(name, "") for name in ("kind", "person", "from", "to")}
    shown = await queries.entries(session, search=wanted, page=page_request(request))
    return page(
        request,
        "audit/log.html",
        status_code=422 if errors else 200,
        shown=shown,
        sent=sent,
        errors=errors,
        here=here,
        csv_href=url_with(request, after=None, limit=None).replace(here, f"{here}/csv", 1),
        kinds=[(kind.code, kind.label) for kind in labels.KINDS],
        words_of=labels.words_of,
        detail_words=labels.detail_words,
    )


@get("/audit/check", guards=[requires(Permission.AUDIT_READ)])
async def audit_check(request: AnyRequest, session: TenantSession) -> Template:
    """Every digest computed again: does the whole log hold?"""
    return page(request, "audit/check.html", verdict=await service.verify(session))


@get("/audit/csv", guards=[requires(Permission.AUDIT_READ)])
async def audit_csv(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor
) -> Response[bytes]:
    """What was looked for, as a file; taking it is written in the log. Raises Invalid for more than can be opened."""
    wanted, errors = _asked(request)
    if errors:
        raise Invalid(fields=errors)
    found = await queries.all_entries(session, search=wanted, limit=MOST_IN_A_FILE + 1)
    if len(found) > MOST_IN_A_FILE:
        raise Invalid("Trop d’entrées pour un seul fichier : choisissez une période plus courte.")
    sent = {name: value for name in ("kind", "person", "from", "to") if (value := request.query_params.get(name))}
    await service.record(
        session,
        actor=actor.display_name,
        action="audit.exported",
        subject_type="audit",
        subject_id="csv",
        detail={"entries": len(found), **sent},
    )
    rows = [
        (
            str(row.position), f"{clock.paris(row.at):%d/%m/%Y %H:%M:%S}", row.actor, labels.words_of(row.action),
            row.action, row.subject_type, row.subject_id, labels.detail_words(row.detail), row.hash or "",
        )
        for row in found
    ]  # fmt: skip
    today = clock.paris(clock.now()).date().isoformat()
    return Response(
        ("\ufeff" + as_csv(_COLUMNS, rows)).encode(),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="journal-{cooperative.slug}-{today}.csv"',
            "Cache-Control": "no-store",
        },
    )


def _asked(request: AnyRequest) -> tuple[Search, dict[str, str]]:
    """What the address asks for, and what of it makes no sense."""
    asked, errors = request.query_params, dict[str, str]()
    kind = next((kind for kind in labels.KINDS if kind.code == asked.get("kind")), None)

    def instant(name: str, *, after: int) -> datetime | None:
        written = asked.get(name, "")
        if not written:
            return None
        try:
            return clock.paris_instant(date.fromisoformat(written) + timedelta(days=after))
        except (ValueError, OverflowError):
            errors[name] = "Écrivez une date comme 28/02/2027."
            return None

    search = Search(
        actions=kind.actions if kind else (),
        person=asked.get("person", "").strip()[:120],
        since=instant("from", after=0),
        until=instant("to", after=1),
    )
    return search, errors


ROUTES = (audit_log, audit_check, audit_csv)
