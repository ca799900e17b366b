"""The list of absences with its two forms, for the office and for the artisan's phone."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar.response import Template

from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.web import AnyRequest, page, page_request
from maillage_tenants.rota import queries_life
from maillage_tenants.rota.models_life import AbsenceState


async def absence_list(
    request: AnyRequest,
    session: TenantSession,
    template: str,
    *,
    states: Sequence[AbsenceState],
    technician_id: UUID | None = None,
    values: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    file_errors: Mapping[str, str] | None = None,
    **more: Any,
) -> Template:
    """Absences to come in some states, of one person or of everybody. `errors`: of the form that records one,
    `file_errors`: of the one that reads a calendar; `values`: what was typed. `more` is for the template alone."""
    return page(
        request,
        template,
        status_code=422 if errors or file_errors else 200,
        shown=await queries_life.absences_page(
            session, page=page_request(request), since=clock.now(), states=states, technician_id=technician_id
        ),
        values=values or {},
        errors=errors or {},
        file_errors=file_errors or {},
        **more,
    )
