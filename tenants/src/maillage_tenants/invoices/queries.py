"""Every select on notes, invoices, credit notes and payments."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased, undefer

from maillage_hooks.types import LineKind, UrgencyScope
from maillage_kit.db import TenantSession
from maillage_kit.money import Money
from maillage_kit.pages import Page, PageRequest, cut_page, read_id, read_instant
from maillage_tenants.invoices.errors import InvoiceNotFound
from maillage_tenants.invoices.models import Invoice, InvoiceKind, InvoiceLine, Payment, PaymentMethod
from maillage_tenants.invoices.rules import JournalEntry
from maillage_tenants.quotes import PricedLine, Totals, VatReason, line_totals


@dataclass(frozen=True, slots=True)
class PaymentView:
    """One entry of the journal about one note."""

    id: UUID
    sequence: int
    invoice_id: UUID
    method: PaymentMethod
    amount: Money
    reference: str
    received_at: datetime
    recorded_by: str
    corrects_id: UUID | None
    corrected: bool


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """One issued document with its lines and what was paid on it. `balance`: still due; negative, to refund."""

    id: UUID
    number: str
    kind: InvoiceKind
    case_id: UUID
    quote_id: UUID | None
    credit_of: UUID | None
    credited_by: UUID | None
    parties: Mapping[str, Any]
    issued_at: datetime
    issued_by: str
    service_date: date
    service_place: str
    lines: tuple[PricedLine, ...]
    totals: Totals
    vat_certification: str | None
    document_sha256: str
    payments: tuple[PaymentView, ...]
    credited: Money

    @property
    def paid(self) -> Money:
        return Money.sum(payment.amount for payment in self.payments)

    @property
    def balance(self) -> Money:
        if self.kind is InvoiceKind.CREDIT_NOTE:
            return Money.zero()
        return self.totals.gross + self.credited - self.paid

    @property
    def live(self) -> bool:
        """A note or invoice that no credit note cancels."""
        return self.kind is not InvoiceKind.CREDIT_NOTE and self.credited_by is None

    @property
    def label(self) -> str:
        return {
            InvoiceKind.NOTE: "Note",
            InvoiceKind.INVOICE: "Facture",
            InvoiceKind.CREDIT_NOTE: "Avoir",
        }[self.kind]


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One line of the register. `credited_by`: the number of the credit note that cancels it."""

    id: UUID
    number: str
    kind: InvoiceKind
    case_id: UUID
    issued_at: datetime
    customer: str
    gross: Money
    paid: Money
    credited_by: str | None

    @property
    def due(self) -> Money:
        if self.kind is InvoiceKind.CREDIT_NOTE:
            return Money.zero()
        return -self.paid if self.credited_by else self.gross - self.paid


async def invoice_view(session: TenantSession, *, invoice_id: UUID) -> InvoiceView:
    """One document. Raises InvoiceNotFound."""
    row = await session.get(Invoice, invoice_id)
    if row is None:
        raise InvoiceNotFound
    return (await invoice_views(session, [row]))[0]


async def invoices_of_case(session: TenantSession, *, case_id: UUID) -> tuple[InvoiceView, ...]:
    """What was issued for a case, in order."""
    rows = await session.scalars(
        sa.select(Invoice).where(Invoice.intervention_id == case_id).order_by(Invoice.issued_at, Invoice.number)
    )
    return tuple(await invoice_views(session, list(rows)))


async def note_of_case(session: TenantSession, *, case_id: UUID) -> InvoiceView | None:
    """The last note or invoice of the case that no credit note cancels, or None."""
    live = [invoice for invoice in await invoices_of_case(session, case_id=case_id) if invoice.live]
    return live[-1] if live else None


async def register(session: TenantSession, *, request: PageRequest) -> Page[RegisterRow]:
    """Everything issued, latest first, by page."""
    credit = aliased(Invoice)
    paid = sa.select(sa.func.sum(Payment.amount)).where(Payment.invoice_id == Invoice.id).scalar_subquery()
    query = (
        sa.select(
            Invoice.id,
            Invoice.number,
            Invoice.kind,
            Invoice.intervention_id,
            Invoice.issued_at,
            Invoice.parties["customer"]["name"].astext,
            Invoice.gross,
            sa.cast(sa.func.coalesce(paid, 0), sa.BigInteger),
            credit.number,
        )
        .outerjoin(credit, credit.credit_of == Invoice.id)
        .order_by(Invoice.issued_at.desc(), Invoice.id.desc())
        .limit(request.limit + 1)
    )
    if (last := request.position(read_instant, read_id)) is not None:
        query = query.where(sa.tuple_(Invoice.issued_at, Invoice.id) < last)
    rows = [
        RegisterRow(
            id=found_id,
            number=number,
            kind=InvoiceKind(kind),
            case_id=case_id,
            issued_at=issued_at,
            customer=customer or "",
            gross=gross,
            paid=Money(received),
            credited_by=credited_by,
        )
        for found_id, number, kind, case_id, issued_at, customer, gross, received, credited_by in await session.execute(
            query
        )
    ]
    return cut_page(rows, request, lambda row: (row.issued_at.isoformat(), row.id))


async def document(session: TenantSession, *, invoice_id: UUID) -> Invoice:
    """The row with its PDF. Raises InvoiceNotFound."""
    found: Invoice | None = await session.scalar(
        sa.select(Invoice)
        .where(Invoice.id == invoice_id)
        .options(undefer(Invoice.document))
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise InvoiceNotFound
    return found


async def payment_row(session: TenantSession, *, payment_id: UUID) -> Payment | None:
    return await session.get(Payment, payment_id)


async def corrected(session: TenantSession, *, payment_id: UUID) -> bool:
    return bool(await session.scalar(sa.select(sa.exists().where(Payment.corrects_id == payment_id))))


async def lock_journal(session: TenantSession) -> tuple[int, str | None]:
    """Take the cooperative's journal until the transaction ends: its last sequence number and hash."""
    await session.execute(sa.select(sa.func.pg_advisory_xact_lock(_JOURNAL_KEY)))
    last = (
        await session.execute(
            sa.select(Payment.sequence, Payment.entry_hash).order_by(Payment.sequence.desc()).limit(1)
        )
    ).one_or_none()
    return (last.sequence, last.entry_hash) if last else (0, None)


_JOURNAL_KEY = sa.func.hashtextextended(sa.func.concat(sa.func.current_schema(), ".payment"), 0)


async def journal(session: TenantSession) -> AsyncIterator[tuple[JournalEntry, str]]:
    """The whole journal in order, streamed: (entry, stored hash)."""
    rows = await session.stream(
        sa.select(
            Payment.sequence,
            Payment.id,
            Payment.invoice_id,
            Payment.method,
            Payment.amount,
            Payment.reference,
            Payment.received_at,
            Payment.recorded_by,
            Payment.corrects_id,
            Payment.previous_hash,
            Payment.entry_hash,
        ).order_by(Payment.sequence)
    )
    async for row in rows:
        yield (
            JournalEntry(
                sequence=row.sequence,
                id=row.id,
                invoice_id=row.invoice_id,
                method=row.method,
                amount=row.amount.cents,
                reference=row.reference,
                received_at=row.received_at,
                recorded_by=row.recorded_by,
                corrects_id=row.corrects_id,
                previous_hash=row.previous_hash,
            ),
            row.entry_hash,
        )


async def issued_numbers(session: TenantSession) -> Sequence[str]:
    return (await session.scalars(sa.select(Invoice.number))).all()


async def invoice_views(session: TenantSession, rows: Sequence[Invoice]) -> list[InvoiceView]:
    """The documents with their lines and payments, in the order given: three queries."""
    ids = [row.id for row in rows]
    lines: dict[UUID, list[PricedLine]] = {key: [] for key in ids}
    for line in await session.scalars(
        sa.select(InvoiceLine).where(InvoiceLine.invoice_id.in_(ids)).order_by(InvoiceLine.position)
    ):
        lines[line.invoice_id].append(
            PricedLine(
                item_code=line.item_code,
                label=line.label,
                kind=LineKind(line.kind),
                scope=UrgencyScope.STRICTLY_NECESSARY,
                quantity=line.quantity,
                unit=line.unit,
                unit_price=line.unit_price,
                net=line.net,
                vat_basis_points=line.vat_basis_points,
                vat_reason=VatReason(line.vat_reason),
            )
        )
    payments: dict[UUID, list[Payment]] = {key: [] for key in ids}
    for payment in await session.scalars(
        sa.select(Payment).where(Payment.invoice_id.in_(ids)).order_by(Payment.sequence)
    ):
        payments[payment.invoice_id].append(payment)
    credits = {
        row.credit_of: (row.id, row.gross)
        for row in await session.execute(
            sa.select(Invoice.credit_of, Invoice.id, Invoice.gross).where(Invoice.credit_of.in_(ids))
        )
    }
    views = []
    for row in rows:
        mended = {payment.corrects_id for payment in payments[row.id]}
        credited_by, credited = credits.get(row.id, (None, Money.zero()))
        views.append(
            InvoiceView(
                id=row.id,
                number=row.number,
                kind=InvoiceKind(row.kind),
                case_id=row.intervention_id,
                quote_id=row.quote_id,
                credit_of=row.credit_of,
                credited_by=credited_by,
                parties=row.parties,
                issued_at=row.issued_at,
                issued_by=row.issued_by,
                service_date=row.service_date,
                service_place=row.service_place,
                lines=tuple(lines[row.id]),
                totals=line_totals(lines[row.id]),
                vat_certification=row.vat_certification,
                document_sha256=row.document_sha256,
                payments=tuple(
                    PaymentView(
                        id=payment.id,
                        sequence=payment.sequence,
                        invoice_id=payment.invoice_id,
                        method=PaymentMethod(payment.method),
                        amount=payment.amount,
                        reference=payment.reference,
                        received_at=payment.received_at,
                        recorded_by=payment.recorded_by,
                        corrects_id=payment.corrects_id,
                        corrected=payment.id in mended,
                    )
                    for payment in payments[row.id]
                ),
                credited=credited,
            )
        )
    return views
