"""The office's list of reviews; one is answered on the page of its case."""

from litestar import get
from litestar.response import Template

from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, base_path, page, page_request, requires, url_with
from maillage_tenants.reviews import queries
from maillage_tenants.reviews.rules import RATINGS


@get("/cases/reviews", guards=[requires(Permission.CASES_READ)])
async def list_of_reviews(request: AnyRequest, session: TenantSession, cooperative: CooperativeContext) -> Template:
    """Reviews, the last first; all of them, or those that wait for an answer."""
    to_answer = request.query_params.get("state") == "to_answer"
    shown = await queries.reviews_page(session, page=page_request(request), unanswered=to_answer)
    return page(
        request,
        "reviews/list.html",
        shown=shown,
        to_answer=to_answer,
        here=f"{base_path(cooperative)}/cases",
        base_url=url_with(request, after=None, limit=None),
        rating_labels=RATINGS,
    )


ROUTES = (list_of_reviews,)
