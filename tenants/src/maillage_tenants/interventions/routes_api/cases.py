"""Following cases by machine: the list, one, its story, its photos and documents."""

from uuid import UUID

from maillage_kit import clock
from maillage_kit.api_access import ApiCaller, Scope
from maillage_kit.db import TenantSession
from maillage_kit.rest import File, Listing, PageQuery, Reach, listed, page_of, read
from maillage_kit.rest.answering import Listed
from maillage_kit.web import AnyRequest
from maillage_tenants.interventions import partner_queries, queries
from maillage_tenants.interventions.partner_queries import Filters
from maillage_tenants.interventions.schemas.cases import CaseQuery, FileOut, InterventionOut, TimelineEntry

TAG = "Interventions"
FILES = "Documents"


@read(
    "/interventions",
    scope=Scope.INTERVENTIONS_READ,
    tag=TAG,
    fr="Les interventions de vos clients, la dernière demandée d’abord.",
    en="The interventions of your customers, the last requested first.",
    answer=Listing[InterventionOut],
    query=CaseQuery,
)
async def list_interventions(
    request: AnyRequest, session: TenantSession, caller: ApiCaller, reach: Reach, asked: CaseQuery
) -> Listed[InterventionOut]:
    page = await partner_queries.cases_page(
        session,
        reach=reach,
        filters=Filters(
            status=asked.status,
            customer_id=asked.customer_id,
            site_id=asked.site_id,
            reference=asked.reference,
            since=asked.since,
            until=asked.until,
        ),
        page=page_of(request, caller, asked),
        at=clock.now(),
    )
    return listed(request, caller, asked, page, InterventionOut.of)


@read(
    "/interventions/{case_id:uuid}",
    scope=Scope.INTERVENTIONS_READ,
    tag=TAG,
    fr="Une intervention : son statut, l’artisan, les délais promis et tenus (R88).",
    en="One intervention: its status, the artisan, the delays promised and kept (R88).",
    answer=InterventionOut,
)
async def get_intervention(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    reach: Reach,
    case_id: UUID,
) -> InterventionOut:
    row = await partner_queries.case_within(session, case_id=case_id, reach=reach)
    (found,) = await partner_queries.followed(session, [row], at=clock.now())
    return InterventionOut.of(found)


@read(
    "/interventions/{case_id:uuid}/timeline",
    scope=Scope.INTERVENTIONS_READ,
    tag=TAG,
    fr="Son histoire, du plus ancien au plus récent.",
    en="Its story, oldest first.",
    answer=Listing[TimelineEntry],
    query=PageQuery,
)
async def list_timeline(
    request: AnyRequest, session: TenantSession, caller: ApiCaller, reach: Reach, asked: PageQuery, case_id: UUID
) -> Listed[TimelineEntry]:
    await partner_queries.case_within(session, case_id=case_id, reach=reach)
    page = await partner_queries.story_page(session, case_id=case_id, page=page_of(request, caller, asked))
    return listed(request, caller, asked, page, TimelineEntry.of)


@read(
    "/interventions/{case_id:uuid}/documents",
    scope=Scope.DOCUMENTS_READ,
    tag=FILES,
    fr="Ses photos et documents.",
    en="Its photos and documents.",
    answer=Listing[FileOut],
    query=PageQuery,
)
async def list_documents(
    request: AnyRequest, session: TenantSession, caller: ApiCaller, reach: Reach, asked: PageQuery, case_id: UUID
) -> Listed[FileOut]:
    await partner_queries.case_within(session, case_id=case_id, reach=reach)
    page = await partner_queries.files_page(session, case_id=case_id, page=page_of(request, caller, asked))
    return listed(request, caller, asked, page, FileOut.of)


@read(
    "/interventions/{case_id:uuid}/documents/{attachment_id:uuid}/content",
    scope=Scope.DOCUMENTS_READ,
    tag=FILES,
    fr="Le contenu d’une photo ou d’un document.",
    en="The bytes of a photo or document.",
    media_type="application/octet-stream",
)
async def get_document(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    reach: Reach,
    case_id: UUID,
    attachment_id: UUID,
) -> File:
    await partner_queries.case_within(session, case_id=case_id, reach=reach)
    row, content = await queries.attachment_content(session, case_id=case_id, attachment_id=attachment_id)
    return File(content, row.filename, row.content_type)


API_ROUTES = (list_interventions, get_intervention, list_timeline, list_documents, get_document)
