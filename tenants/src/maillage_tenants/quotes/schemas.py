"""Quotes as machines read them, and the decision that who pays sends back."""

from typing import Annotated, Self
from uuid import UUID

from maillage_hooks.types import LineKind
from maillage_kit.rest import PageQuery
from maillage_kit.rest.shapes import Cents, Instant, Sent, Shown, said
from maillage_tenants import partners
from maillage_tenants.quotes.models import QuoteKind, QuoteState
from maillage_tenants.quotes.queries import QuoteView
from maillage_tenants.quotes.rules import PricedLine

Rate = Annotated[int, said("Taux de TVA en points de base.", "VAT rate in basis points.", 1000)]


class LineOut(Shown):
    """Une ligne ; son prix comprend la majoration. / A line; its price includes the surcharge."""

    label: str
    kind: LineKind
    quantity: Annotated[str, said("Nombre décimal.", "Decimal number.", "1.250")]
    unit: str
    unit_price_cents: Cents
    net_cents: Cents
    vat_basis_points: Rate

    @classmethod
    def of(cls, line: PricedLine) -> Self:
        return cls(
            label=line.label,
            kind=line.kind,
            quantity=str(line.quantity),
            unit=line.unit,
            unit_price_cents=line.unit_price.cents,
            net_cents=line.net.cents,
            vat_basis_points=line.vat_basis_points,
        )


class QuoteQuery(PageQuery):
    state: Annotated[QuoteState | None, said("sent, signed ou refused.", "sent, signed or refused.", "sent")] = None
    case_id: UUID | None = None


class QuoteOut(Shown):
    """Un devis remis, avant tous travaux (R4). / A quote, handed over before any work (R4)."""

    id: UUID
    number: str
    intervention_id: UUID
    kind: QuoteKind
    state: QuoteState
    lines: list[LineOut]
    net_cents: Cents
    vat_cents: Cents
    gross_cents: Cents
    spending_limit_cents: Cents | None
    within_spending_limit: Annotated[
        bool | None,
        said("Nul sans plafond. Un plafond n’est pas un accord.", "Null without limit. A limit is no agreement."),
    ]
    issued_at: Instant
    valid_until: Instant | None
    certification: Annotated[
        str, said("Ce que vous certifiez en approuvant (R33), vide sinon.", "What you certify by approving (R33).")
    ]
    document_sha256: Annotated[str, said("À rendre pour approuver.", "To give back to approve.")]
    signed_at: Instant | None
    signed_by: str | None
    refused_at: Instant | None

    @classmethod
    def of(cls, view: QuoteView, order: partners.PartnerOrder | None) -> Self:
        limit = order.spending_limit if order else None
        assert view.issued_at is not None  # a quote that was sent
        return cls(
            id=view.id,
            number=view.number or "",
            intervention_id=view.case_id,
            kind=view.kind,
            state=view.state,
            lines=[LineOut.of(line) for line in view.lines],
            net_cents=view.totals.net.cents,
            vat_cents=view.totals.vat.cents,
            gross_cents=view.gross.cents,
            spending_limit_cents=limit.cents if limit is not None else None,
            within_spending_limit=None if limit is None else not limit < view.gross,
            issued_at=view.issued_at,
            valid_until=view.valid_until,
            certification=view.certification_text,
            document_sha256=view.document_sha256 or "",
            signed_at=view.signed_at,
            signed_by=view.signed_by,
            refused_at=view.refused_at,
        )


class Approval(Sent):
    """L’accord de qui paie, pour ce document et nul autre. / The agreement of who pays, for this very document."""

    document_sha256: Annotated[
        str, said("Celui du devis lu.", "That of the quote you read.", "9f86d081…", min_length=64, max_length=64,
                  pattern=r"^[0-9a-f]{64}$")
    ]  # fmt: skip
    signed_by: Annotated[
        str, said("La personne qui décide.", "Who decides.", "Claire Martin", min_length=2, max_length=120)
    ]
    vat_certified: Annotated[
        bool, said("Vous certifiez `certification` (R33).", "You certify `certification` (R33).", True)
    ] = False


class Refusal(Sent):
    """Le refus de qui paie. / The refusal of who pays."""

    reason: Annotated[str, said("Pourquoi.", "Why.", "Hors budget.", max_length=300)] = ""
