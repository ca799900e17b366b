"""The territory, for machines."""

from maillage_kit.api_access import ApiCaller, Scope
from maillage_kit.db import TenantSession
from maillage_kit.rest import Listing, listed, page_of, read
from maillage_kit.rest.answering import Listed
from maillage_kit.web import AnyRequest
from maillage_tenants.territory import queries
from maillage_tenants.territory.schemas import Commune, CommuneQuery

TAG = "Territoire"


@read(
    "/communes",
    scope=Scope.COVERAGE_READ,
    tag=TAG,
    fr="Les communes du territoire, par code INSEE : c’est lui qui décide du secteur, jamais le code postal.",
    en="The communes of the territory, by INSEE code: it decides the sector, the postcode never does.",
    answer=Listing[Commune],
    query=CommuneQuery,
)
async def list_communes(
    request: AnyRequest, session: TenantSession, caller: ApiCaller, asked: CommuneQuery
) -> Listed[Commune]:
    page = await queries.communes_page(
        session, page=page_of(request, caller, asked), postcode=asked.postcode, name=asked.name
    )
    return listed(request, caller, asked, page, Commune.of)


API_ROUTES = (list_communes,)
