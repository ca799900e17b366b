"""What the cooperative repairs, and whether it serves a place now."""

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.api_access import ApiCaller, Scope
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.pages import slice_page
from maillage_kit.rest import Listing, PageQuery, listed, page_of, read
from maillage_kit.rest.answering import Listed
from maillage_kit.web import AnyRequest
from maillage_tenants.interventions.schemas.coverage import Coverage, CoverageQuery, TradeOut
from maillage_tenants.interventions.service.covering import coverage_of

TAG = "Territoire"


@read(
    "/trades",
    scope=Scope.COVERAGE_READ,
    tag=TAG,
    fr="Les métiers de la coopérative et les questions qui précisent une demande (R84, R85).",
    en="The cooperative's trades and the questions that make a request precise (R84, R85).",
    answer=Listing[TradeOut],
    query=PageQuery,
)
async def list_trades(
    request: AnyRequest, caller: ApiCaller, trades: TradeRegistry, asked: PageQuery
) -> Listed[TradeOut]:
    page = page_of(request, caller, asked)
    return listed(request, caller, asked, slice_page([trades.get(code) for code in trades.codes], page), TradeOut.of)


@read(
    "/coverage",
    scope=Scope.COVERAGE_READ,
    tag=TAG,
    fr="Servez-vous cette commune, pour ce métier, maintenant, en combien de temps, à quel prix (R2, R88) ?",
    en="Do you serve this commune, for this trade, now, within which delay, at which price (R2, R88)?",
    answer=Coverage,
    query=CoverageQuery,
)
async def get_coverage(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    asked: CoverageQuery,
) -> Coverage:
    found = await coverage_of(
        session,
        cooperative=cooperative,
        trades=trades,
        trade=asked.trade,
        insee=asked.insee,
        postcode=asked.postcode,
        type_code=asked.type,
        at=clock.now(),
    )
    return Coverage.of(found)


API_ROUTES = (list_trades, get_coverage)
