"""The selects behind the invoices that partners read: of cases within a client's reach."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_kit.pages import Page, PageRequest, cut_page, read_id, read_instant
from maillage_kit.rest import Reach
from maillage_tenants.interventions.models import Intervention
from maillage_tenants.invoices import queries
from maillage_tenants.invoices.errors import InvoiceNotFound
from maillage_tenants.invoices.models import Invoice, InvoiceKind
from maillage_tenants.invoices.queries import InvoiceView


async def invoice_within(session: TenantSession, *, invoice_id: UUID, reach: Reach) -> InvoiceView:
    """Raises InvoiceNotFound, also for one out of reach."""
    row = await session.scalar(_visible(reach).where(Invoice.id == invoice_id))
    if row is None:
        raise InvoiceNotFound
    return (await queries.invoice_views(session, [row]))[0]


async def invoices_page(
    session: TenantSession,
    *,
    reach: Reach,
    page: PageRequest,
    kind: InvoiceKind | None = None,
    case_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page[InvoiceView]:
    """What was issued over `[since, until)`, the last first, one page."""
    wanted = _visible(reach).order_by(Invoice.issued_at.desc(), Invoice.id.desc()).limit(page.limit + 1)
    if kind is not None:
        wanted = wanted.where(Invoice.kind == kind)
    if case_id is not None:
        wanted = wanted.where(Invoice.intervention_id == case_id)
    if since is not None:
        wanted = wanted.where(Invoice.issued_at >= since)
    if until is not None:
        wanted = wanted.where(Invoice.issued_at < until)
    if (last := page.position(read_instant, read_id)) is not None:
        wanted = wanted.where(sa.tuple_(Invoice.issued_at, Invoice.id) < last)
    rows = list((await session.scalars(wanted)).all())
    views = await queries.invoice_views(session, rows)
    return cut_page(views, page, lambda view: (view.issued_at.isoformat(), view.id))


def _visible(reach: Reach) -> sa.Select[Invoice]:
    return (
        sa.select(Invoice)
        .join(Intervention, Intervention.id == Invoice.intervention_id)
        .where(reach.where(Intervention.customer_id))
    )
