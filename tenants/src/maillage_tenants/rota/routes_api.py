"""Who is on call now, for machines."""

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.api_access import ApiCaller, Scope
from maillage_kit.db import TenantSession
from maillage_kit.rest import Listing, listed, page_of, read
from maillage_kit.rest.answering import Listed
from maillage_kit.web import AnyRequest
from maillage_tenants import territory
from maillage_tenants.rota import partner_queries
from maillage_tenants.rota.schemas import OnCallOut, OnCallQuery

TAG = "Astreintes"


@read(
    "/on-call",
    scope=Scope.ONCALL_READ,
    tag=TAG,
    fr="Qui est d’astreinte maintenant, par métier, secteur et rang ; pour une commune, son secteur seul. Un poste que "
    "personne ne tient n’y est pas.",
    en="Who is on call now, by trade, sector and rank; for a commune, its sector only. A post that nobody holds is not "
    "there.",
    answer=Listing[OnCallOut],
    query=OnCallQuery,
)
async def list_on_call(
    request: AnyRequest,
    session: TenantSession,
    trades: TradeRegistry,
    caller: ApiCaller,
    asked: OnCallQuery,
) -> Listed[OnCallOut]:
    now = clock.now()
    wanted = [code for code in trades.codes if asked.trade in (None, code)]
    places = None
    if asked.insee is not None:
        found = [await territory.sector_of(session, insee=asked.insee, trade=code, at=now) for code in wanted]
        places = [sector.id for sector in found if sector is not None]
    page = await partner_queries.on_call_page(
        session, trades=wanted, sector_ids=places, at=now, page=page_of(request, caller, asked)
    )
    return listed(request, caller, asked, page, OnCallOut.of)


API_ROUTES = (list_on_call,)
