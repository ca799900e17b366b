"""Who does how much: the same table for the office and for the artisans themselves."""

from typing import Any

from litestar import get
from litestar.response import Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.pages import slice_page
from maillage_kit.permissions import Permission
from maillage_kit.semester import Semester
from maillage_kit.web import AnyRequest, page, page_request, requires
from maillage_tenants.rota import queries, queries_planning
from maillage_tenants.rota.balance import CATEGORY_LABELS, FIRST, LOAD, SHOWN, WITH_LOAD
from maillage_tenants.rota.models import Rota
from maillage_tenants.rota.routes_web.drafts import semesters_around
from maillage_tenants.rota.service.fairness import fairness_report

OFFICE_PAGE = "rota/fairness.html"
"""Every kind side by side, or the load alone; on an artisan's phone one kind at a time, without the detail of past
semesters."""


@get("/rota/fairness", guards=[requires(Permission.ROTA_READ)])
async def fairness_page(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry
) -> Template:
    """Units done and planned by kind, against the fair share, of the rota in force or else the latest draft."""
    semester = _semester(request)
    rota = await queries.rota_of(session, semester=semester)
    return await _fairness(request, session, cooperative, trades, semester, rota, OFFICE_PAGE)


@get("/field/fairness", guards=[requires(Permission.FIELD_WORK)])
async def shared_fairness(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry
) -> Template:
    """The same for every member, of published rotas only: what is shared is shown to those who share it."""
    semester = _semester(request)
    rota = await queries_planning.published(session, semester=semester)
    return await _fairness(request, session, cooperative, trades, semester, rota, "rota/shared_fairness.html")


def _semester(request: AnyRequest) -> Semester:
    asked = request.query_params.get("semester", "")
    return Semester.parse(asked) if asked else Semester.containing(clock.now())


async def _fairness(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    semester: Semester,
    rota: Rota | None,
    template: str,
) -> Template:
    report = await fairness_report(
        session, semester=semester, rota=rota, trades=trades, department=cooperative.department
    )
    category = request.query_params.get("kind", FIRST)
    category = category if category in WITH_LOAD else FIRST
    narrow = template != OFFICE_PAGE
    kinds = (category,) if narrow or category == LOAD else SHOWN
    past = () if narrow else report.semesters
    shown: dict[str, Any] = {
        "semester": semester,
        "semester_options": semesters_around(semester),
        "rota": rota,
        "people": slice_page(report.people, page_request(request, limit=50)),
        "past": [(code, Semester.parse(code).label) for code in past],
        "categories": kinds,
        "labels": CATEGORY_LABELS,
        "kind_columns": [{"label": CATEGORY_LABELS[code].capitalize(), "numeric": True} for code in kinds],
        "past_columns": [
            "Personne",
            *(
                {"label": label.capitalize(), "numeric": True}
                for label in (
                    *(Semester.parse(code).label for code in past),
                    "Reporté",
                    "Ce semestre",
                    "Solde",
                )
            ),
        ],
        "kind": category,
        "kind_options": [(code, CATEGORY_LABELS[code].capitalize()) for code in WITH_LOAD],
    }
    return page(request, template, **shown)
