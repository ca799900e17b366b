"""The selects behind the quotes that partners read and decide on: sent ones, of cases within a client's reach."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_kit.pages import Page, PageRequest, cut_page, read_id, read_instant
from maillage_kit.rest import Reach
from maillage_tenants.interventions.models import Intervention
from maillage_tenants.quotes import queries
from maillage_tenants.quotes.errors import QuoteNotFound
from maillage_tenants.quotes.models import Quote, QuoteState
from maillage_tenants.quotes.queries import QuoteView


async def quote_within(session: TenantSession, *, quote_id: UUID, reach: Reach) -> QuoteView:
    """Raises QuoteNotFound, also for a draft and for a quote out of reach."""
    found = await session.scalar(_visible(reach).where(Quote.id == quote_id))
    if found is None:
        raise QuoteNotFound
    return await queries.quote_view(session, quote_id=quote_id)


async def quotes_page(
    session: TenantSession,
    *,
    reach: Reach,
    page: PageRequest,
    state: QuoteState | None = None,
    case_id: UUID | None = None,
) -> Page[QuoteView]:
    """Quotes that were sent, the last first, one page."""
    wanted = _visible(reach).order_by(Quote.issued_at.desc(), Quote.id.desc()).limit(page.limit + 1)
    if state is not None:
        wanted = wanted.where(Quote.state == state)
    if case_id is not None:
        wanted = wanted.where(Quote.intervention_id == case_id)
    if (last := page.position(read_instant, read_id)) is not None:
        wanted = wanted.where(sa.tuple_(Quote.issued_at, Quote.id) < last)
    rows = list((await session.scalars(wanted)).all())
    views = await queries.quote_views(session, rows)
    return cut_page(views, page, lambda view: (view.issued_at.isoformat() if view.issued_at else "", view.id))


async def quotes_to_decide(session: TenantSession, *, reach: Reach, at: datetime) -> int:
    """How many quotes wait for a decision that can still be given."""
    waiting = _visible(reach).where(Quote.state == QuoteState.SENT, Quote.valid_until > at).subquery()
    return await session.scalar(sa.select(sa.func.count()).select_from(waiting)) or 0


def _visible(reach: Reach) -> sa.Select[Quote]:
    return (
        sa.select(Quote)
        .join(Intervention, Intervention.id == Quote.intervention_id)
        .where(reach.where(Intervention.customer_id), Quote.state != QuoteState.DRAFT, Quote.issued_at.is_not(None))
    )
