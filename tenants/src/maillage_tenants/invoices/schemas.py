"""Notes, invoices and credit notes, as machines read them."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from maillage_kit.rest import PageQuery
from maillage_kit.rest.shapes import AskedInstant, Cents, Instant, Shown, said
from maillage_tenants.invoices.models import InvoiceKind, PaymentMethod
from maillage_tenants.invoices.queries import InvoiceView, PaymentView
from maillage_tenants.quotes import LineOut


class PaymentOut(Shown):
    """Un règlement ; négatif : une correction ou un remboursement. / A payment; negative: correction or refund."""

    id: UUID
    method: PaymentMethod
    amount_cents: Cents
    reference: str
    received_at: Instant

    @classmethod
    def of(cls, payment: PaymentView) -> Self:
        return cls(
            id=payment.id,
            method=payment.method,
            amount_cents=payment.amount.cents,
            reference=payment.reference,
            received_at=payment.received_at,
        )


class InvoiceQuery(PageQuery):
    kind: InvoiceKind | None = None
    case_id: UUID | None = None
    since: AskedInstant | None = None
    until: AskedInstant | None = None


class InvoiceOut(Shown):
    """Une pièce émise, jamais modifiée (R40) ; un avoir la corrige. / An issued document, never changed (R40)."""

    id: UUID
    number: Annotated[str, said("Son numéro.", "Its number.", "F-2027-000042")]
    kind: InvoiceKind
    intervention_id: UUID
    quote_id: UUID | None
    credit_of: UUID | None
    credited_by: UUID | None
    issued_at: Instant
    service_date: date
    service_place: str
    lines: list[LineOut]
    net_cents: Cents
    vat_cents: Cents
    gross_cents: Cents
    paid_cents: Cents
    due_cents: Annotated[int, said("Reste dû ; négatif : à rembourser.", "Still due; negative: to refund.", 0)]
    payments: list[PaymentOut]
    document_sha256: str

    @classmethod
    def of(cls, view: InvoiceView) -> Self:
        return cls(
            id=view.id,
            number=view.number,
            kind=view.kind,
            intervention_id=view.case_id,
            quote_id=view.quote_id,
            credit_of=view.credit_of,
            credited_by=view.credited_by,
            issued_at=view.issued_at,
            service_date=view.service_date,
            service_place=view.service_place,
            lines=[LineOut.of(line) for line in view.lines],
            net_cents=view.totals.net.cents,
            vat_cents=view.totals.vat.cents,
            gross_cents=view.totals.gross.cents,
            paid_cents=view.paid.cents,
            due_cents=view.balance.cents,
            payments=[PaymentOut.of(payment) for payment in view.payments],
            document_sha256=view.document_sha256,
        )
