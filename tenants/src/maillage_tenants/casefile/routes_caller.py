"""Who asks and where, written by the office or by the artisan when the caller is not on file."""

from uuid import UUID

from litestar import post
from litestar.response import Redirect

from maillage_kit import clock
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, requires, see_other, text
from maillage_tenants import interventions
from maillage_tenants.casefile.access import attempt, case_for, case_page, words_of


@post("/cases/{case_id:uuid}/caller", guards=[requires(Permission.CASES_WRITE, Permission.FIELD_WORK)])
async def write_caller(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, case_id: UUID
) -> Redirect:
    """Keep the name, address and commune that the caller gives."""
    await case_for(session, case_id=case_id, actor=actor)
    form = await request.form()
    facts = interventions.CallerFacts(
        name=text(form, "name"),
        address=text(form, "address"),
        commune=text(form, "commune"),
        phone=text(form, "phone"),
    )
    here = case_page(cooperative, actor, case_id)
    refusal = await attempt(
        session,
        interventions.write_caller(session, case_id=case_id, facts=facts, at=clock.now(), by=actor.display_name),
    )
    if refusal is not None:
        return see_other(here, flash=words_of(refusal), tone="danger")
    return see_other(here, flash="Client et lieu enregistrés.")


ROUTES = (write_caller,)
