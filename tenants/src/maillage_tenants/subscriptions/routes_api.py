"""Plans, for machines."""

from uuid import UUID

from maillage_kit import clock
from maillage_kit.api_access import ApiCaller, Scope
from maillage_kit.db import TenantSession
from maillage_kit.pages import slice_page
from maillage_kit.rest import Listing, PageQuery, listed, page_of, read
from maillage_kit.rest.answering import Listed
from maillage_kit.web import AnyRequest
from maillage_tenants.subscriptions import queries
from maillage_tenants.subscriptions.errors import UnknownPlan
from maillage_tenants.subscriptions.models import PlanState
from maillage_tenants.subscriptions.schemas import PlanOut

TAG = "Formules"


@read(
    "/plans",
    scope=Scope.COVERAGE_READ,
    tag=TAG,
    fr="Les formules publiées, de la moins chère à la plus chère.",
    en="The published plans, the cheapest first.",
    answer=Listing[PlanOut],
    query=PageQuery,
)
async def list_plans(
    request: AnyRequest, session: TenantSession, caller: ApiCaller, asked: PageQuery
) -> Listed[PlanOut]:
    page = page_of(request, caller, asked)
    cards = await queries.list_plans(session, on=clock.paris(clock.now()).date(), only_published=True)
    return listed(request, caller, asked, slice_page(cards, page), PlanOut.of)


@read(
    "/plans/{plan_id:uuid}",
    scope=Scope.COVERAGE_READ,
    tag=TAG,
    fr="Une formule publiée.",
    en="One published plan.",
    answer=PlanOut,
)
async def get_plan(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    plan_id: UUID,
) -> PlanOut:
    card = await queries.plan_card(session, plan_id=plan_id, on=clock.paris(clock.now()).date())
    if card.state is not PlanState.PUBLISHED:
        raise UnknownPlan
    return PlanOut.of(card)


API_ROUTES = (list_plans, get_plan)
