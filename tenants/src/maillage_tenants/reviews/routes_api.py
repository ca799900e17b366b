"""Reviews, for machines: read by the partners whose customers gave them."""

from uuid import UUID

from maillage_kit.api_access import ApiCaller, Scope
from maillage_kit.db import TenantSession
from maillage_kit.rest import Listing, Reach, listed, page_of, read
from maillage_kit.rest.answering import Listed
from maillage_kit.web import AnyRequest
from maillage_tenants.reviews import queries
from maillage_tenants.reviews.schemas import ReviewOut, ReviewQuery

TAG = "Avis"


@read(
    "/reviews",
    scope=Scope.REVIEWS_READ,
    tag=TAG,
    fr="Les avis de vos clients, le dernier d’abord : un par intervention close, ni trié ni modifié (code de la "
    "consommation, art. L111-7-2).",
    en="The reviews of your customers, the last first: one for each closed intervention, neither sorted out nor "
    "changed (code de la consommation, art. L111-7-2).",
    answer=Listing[ReviewOut],
    query=ReviewQuery,
)
async def list_reviews(
    request: AnyRequest, session: TenantSession, caller: ApiCaller, reach: Reach, asked: ReviewQuery
) -> Listed[ReviewOut]:
    page = await queries.reviews_page(
        session,
        reach=reach,
        page=page_of(request, caller, asked),
        case_id=asked.case_id,
        rating=asked.rating,
        since=asked.since,
        until=asked.until,
    )
    return listed(request, caller, asked, page, ReviewOut.of)


@read(
    "/reviews/{review_id:uuid}",
    scope=Scope.REVIEWS_READ,
    tag=TAG,
    fr="Un avis.",
    en="One review.",
    answer=ReviewOut,
)
async def get_review(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    reach: Reach,
    review_id: UUID,
) -> ReviewOut:
    return ReviewOut.of(await queries.review_within(session, review_id=review_id, reach=reach))


API_ROUTES = (list_reviews, get_review)
