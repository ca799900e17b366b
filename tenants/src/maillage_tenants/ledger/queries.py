"""Every select on the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_kit.money import Money
from maillage_kit.pages import Page, PageRequest, cut_page, read_id, read_instant
from maillage_tenants.interventions.models import Intervention
from maillage_tenants.invoices.models import Invoice
from maillage_tenants.ledger.models import LedgerEntry

_TOTAL = sa.cast(sa.func.sum(LedgerEntry.amount), sa.BigInteger)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One operation of a member; a negative amount is the reversal by a credit note."""

    id: UUID
    occurred_at: datetime
    trade: str
    amount: Money
    case_id: UUID
    case_number: str
    invoice_id: UUID
    invoice_number: str


async def entry_of(session: TenantSession, *, invoice_id: UUID) -> LedgerEntry | None:
    found: LedgerEntry | None = await session.scalar(sa.select(LedgerEntry).where(LedgerEntry.invoice_id == invoice_id))
    return found


async def statement(
    session: TenantSession,
    *,
    member_id: UUID,
    request: PageRequest,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page[StatementLine]:
    """A member's operations over `[since, until)`, latest first, by page."""
    query = (
        sa.select(
            LedgerEntry.id,
            LedgerEntry.occurred_at,
            LedgerEntry.trade,
            LedgerEntry.amount,
            LedgerEntry.intervention_id,
            Intervention.number,
            LedgerEntry.invoice_id,
            Invoice.number,
        )
        .join(Intervention, Intervention.id == LedgerEntry.intervention_id)
        .join(Invoice, Invoice.id == LedgerEntry.invoice_id)
        .where(LedgerEntry.member_id == member_id, *_between(since, until))
        .order_by(LedgerEntry.occurred_at.desc(), LedgerEntry.id.desc())
        .limit(request.limit + 1)
    )
    if (last := request.position(read_instant, read_id)) is not None:
        query = query.where(sa.tuple_(LedgerEntry.occurred_at, LedgerEntry.id) < last)
    rows = [StatementLine(*row) for row in await session.execute(query)]
    return cut_page(rows, request, lambda line: (line.occurred_at.isoformat(), line.id))


async def sums_by_trade(
    session: TenantSession,
    *,
    member_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Mapping[str, Money]:
    """Operations excluding VAT per trade over `[since, until)`, of one member or of all (R56: distinct accounts)."""
    query = (
        sa.select(LedgerEntry.trade, _TOTAL)
        .where(*_between(since, until))
        .group_by(LedgerEntry.trade)
        .order_by(LedgerEntry.trade)
    )
    if member_id is not None:
        query = query.where(LedgerEntry.member_id == member_id)
    return {trade: Money(amount) for trade, amount in await session.execute(query)}


async def sums_by_member(
    session: TenantSession, *, since: datetime | None = None, until: datetime | None = None
) -> Mapping[tuple[UUID, str], Money]:
    """Operations excluding VAT per member and trade: the base of the patronage refund (R56)."""
    query = (
        sa.select(LedgerEntry.member_id, LedgerEntry.trade, _TOTAL)
        .where(*_between(since, until))
        .group_by(LedgerEntry.member_id, LedgerEntry.trade)
    )
    return {(member_id, trade): Money(amount) for member_id, trade, amount in await session.execute(query)}


def _between(since: datetime | None, until: datetime | None) -> list[sa.ColumnElement[bool]]:
    bounds: list[sa.ColumnElement[bool]] = []
    if since is not None:
        bounds.append(LedgerEntry.occurred_at >= since)
    if until is not None:
        bounds.append(LedgerEntry.occurred_at < until)
    return bounds
