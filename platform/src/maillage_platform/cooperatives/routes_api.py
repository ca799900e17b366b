"""The cooperatives that a token opens."""

from maillage_kit.api_access import ApiCaller
from maillage_kit.context import CooperativeContext
from maillage_kit.pages import slice_page
from maillage_kit.rest import Listing, PageQuery, listed, page_of, read
from maillage_kit.rest.answering import Listed
from maillage_kit.web import AnyRequest
from maillage_platform.cooperatives.directory import Directory
from maillage_platform.cooperatives.schemas import Cooperative

TAG = "Coopératives"


@read(
    "/cooperatives",
    scope=None,
    tag=TAG,
    fr="Les coopératives que votre jeton ouvre : un jeton en ouvre une.",
    en="The cooperatives that your token opens: a token opens one.",
    answer=Listing[Cooperative],
    query=PageQuery,
)
async def list_cooperatives(
    request: AnyRequest, caller: ApiCaller, directory: Directory, asked: PageQuery
) -> Listed[Cooperative]:
    mine = [found for found in await directory.all() if found.id == caller.cooperative_id]
    page = slice_page(mine, page_of(request, caller, asked))
    return listed(request, caller, asked, page, Cooperative.of)


@read(
    "/",
    scope=None,
    tag=TAG,
    fr="Cette coopérative : son numéro, ses métiers, son médiateur.",
    en="This cooperative: its number, its trades, its mediator.",
    answer=Cooperative,
)
async def get_cooperative(request: AnyRequest, cooperative: CooperativeContext) -> Cooperative:  # noqa: ARG001
    return Cooperative.of(cooperative)


API_ROUTES = (list_cooperatives,)
TENANT_API_ROUTES = (get_cooperative,)
