"""Every select on quotes, and the facts of a case that a document needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import undefer

from maillage_hooks.types import LineKind, TimeBand, UrgencyScope
from maillage_kit.db import TenantSession
from maillage_kit.money import Money
from maillage_tenants import interventions, territory
from maillage_tenants.customers import ConsumerStatus, PremisesUse
from maillage_tenants.customers.models import Customer, Site
from maillage_tenants.interventions import Clock
from maillage_tenants.members.models import DocumentKind, Member, MemberDocument
from maillage_tenants.quotes import vat
from maillage_tenants.quotes.errors import QuoteNotFound
from maillage_tenants.quotes.models import Quote, QuoteKind, QuoteLine, QuoteState, SignatureMethod, SigningCode
from maillage_tenants.quotes.parties import CustomerFacts, InsuranceFacts, PerformerFacts, SiteFacts
from maillage_tenants.quotes.rules import PricedLine, Totals, line_totals
from maillage_tenants.quotes.vat import VatReason
from maillage_tenants.subscriptions import ContractChannel

_INSURANCE_LABELS = {
    DocumentKind.DECENNIAL: "Assurance décennale",
    DocumentKind.LIABILITY: "Responsabilité civile professionnelle",
}


@dataclass(frozen=True, slots=True)
class QuoteView:
    """One quote with its lines, as other domains and pages see it."""

    id: UUID
    number: str | None
    case_id: UUID
    kind: QuoteKind
    state: QuoteState
    channel: ContractChannel
    tariff_id: UUID
    band: TimeBand
    surcharge_basis_points: int
    parties: Mapping[str, Any]
    lines: tuple[PricedLine, ...]
    totals: Totals
    created_at: datetime
    created_by: str
    issued_at: datetime | None
    valid_until: datetime | None
    signed_at: datetime | None
    signed_by: str | None
    signature_method: SignatureMethod | None
    signature_proof: Mapping[str, Any]
    vat_certified: bool
    refused_at: datetime | None
    withdrawal_deadline: datetime | None
    document_sha256: str | None

    @property
    def gross(self) -> Money:
        return self.totals.gross

    @property
    def needs_certification(self) -> bool:
        """The customer must certify R33 when signing: a line is at the reduced rate by age of the dwelling alone."""
        return vat.needs_certification([line.vat_reason for line in self.lines])

    @property
    def awaits_certification(self) -> bool:
        """R33 is still to be certified: on the note, when nobody did it by signing this quote."""
        return self.needs_certification and not (self.vat_certified and self.signed_by)

    @property
    def certification_text(self) -> str:
        """What the customer certifies (R33); "" when nothing needs it."""
        if not self.needs_certification or not self.parties.get("customer"):
            return ""
        return vat.certification_text(self.parties["customer"]["name"], ", ".join(self.parties["site"]))

    @property
    def label(self) -> str:
        return "Devis d’urgence" if self.kind is QuoteKind.EMERGENCY else "Devis complémentaire"


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What is known of a case when a document is made."""

    id: UUID
    number: str
    state: interventions.State
    trade: str | None
    type_code: str | None
    answers: Mapping[str, str]
    announced: Mapping[str, Any]
    tariff_id: UUID | None
    premises_use: PremisesUse | None
    over_two_years: bool | None
    request_words: str
    requested_at: datetime
    by_phone: bool
    call_id: UUID | None
    danger_reason: str | None
    member_id: UUID | None
    customer_id: UUID | None
    caller_phone: str | None
    clocks: Mapping[Clock, datetime]
    customer: CustomerFacts
    site: SiteFacts
    performer: PerformerFacts | None

    @property
    def work_started_at(self) -> datetime | None:
        """The first written trace of work: made safe or finished."""
        return min((self.clocks[code] for code in (Clock.SAFE, Clock.FINISHED) if code in self.clocks), default=None)


async def case_facts(session: TenantSession, *, case_id: UUID, on: date) -> CaseFacts:
    """The case with its people and place; insurances are those in force `on` that day. Raises CaseNotFound."""
    row = await interventions.case(session, case_id=case_id)
    customer = await session.get(Customer, row.customer_id) if row.customer_id else None
    site = await session.get(Site, row.site_id) if row.site_id else None
    insee = site.insee if site else row.insee
    commune = await territory.commune(session, insee=insee) if insee else None
    place = SiteFacts(
        address=", ".join(part for part in (site.address, site.complement) if part) if site else row.address,
        commune=f"{site.postcode if site else ''} {commune.name if commune else ''}".strip(),
    )
    use = row.premises_use or (site.premises_use if site else None)
    return CaseFacts(
        id=row.id,
        number=row.number,
        state=interventions.State(row.state),
        trade=row.trade,
        type_code=row.type_code,
        answers={str(code): str(answer) for code, answer in dict(row.triage.get("answers", {})).items()},
        announced=row.announced,
        tariff_id=row.tariff_id,
        premises_use=PremisesUse(use) if use else None,
        over_two_years=row.over_two_years if row.over_two_years is not None or site is None else site.over_two_years,
        request_words=row.request_words,
        requested_at=row.requested_at,
        by_phone=row.source == interventions.Source.PHONE,
        call_id=row.call_id,
        danger_reason=row.danger_reason,
        member_id=row.member_id,
        customer_id=row.customer_id,
        caller_phone=row.caller_phone,
        clocks=await interventions.clocks(session, case_id=case_id),
        customer=_customer(customer, name=row.caller_name, place=place),
        site=place,
        performer=await _performer(session, member_id=row.member_id, trade=row.trade, on=on),
    )


def _customer(customer: Customer | None, *, name: str, place: SiteFacts) -> CustomerFacts:
    if customer is None:
        return CustomerFacts(name, ConsumerStatus.CONSUMER, None, None, (place.address, place.commune))
    return CustomerFacts(
        name=customer.name,
        status=ConsumerStatus(customer.consumer_status),
        siren=customer.siren,
        email=customer.email,
        address=(customer.billing_address, f"{customer.billing_postcode} {customer.billing_city}"),
    )


async def _performer(
    session: TenantSession, *, member_id: UUID | None, trade: str | None, on: date
) -> PerformerFacts | None:
    member = await session.get(Member, member_id) if member_id else None
    if member is None:
        return None
    proofs = await session.scalars(
        sa.select(MemberDocument)
        .where(
            MemberDocument.member_id == member.id,
            MemberDocument.kind.in_([kind.value for kind in _INSURANCE_LABELS]),
            MemberDocument.valid_from <= on,
            MemberDocument.valid_to >= on,
            sa.or_(MemberDocument.trade.is_(None), MemberDocument.trade == trade),
        )
        .order_by(MemberDocument.kind, MemberDocument.valid_to.desc())
    )
    return PerformerFacts(
        name=member.name,
        legal_form=member.legal_form,
        siret=member.siret,
        address=member.address,
        postcode=member.postcode,
        city=member.city,
        insurances=tuple(
            InsuranceFacts(
                label=_INSURANCE_LABELS[DocumentKind(proof.kind)],
                issuer=proof.issuer,
                issuer_contact=proof.issuer_contact,
                reference=proof.reference,
                coverage=proof.coverage,
                valid_to=proof.valid_to,
            )
            for proof in proofs
        ),
    )


async def quote_row(session: TenantSession, *, quote_id: UUID, lock: bool = False) -> Quote:
    """Raises QuoteNotFound. `lock`: until the transaction ends, read afresh."""
    query = sa.select(Quote).where(Quote.id == quote_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = await session.scalar(query)
    if found is None:
        raise QuoteNotFound
    return found


async def quote_view(session: TenantSession, *, quote_id: UUID) -> QuoteView:
    """One quote. Raises QuoteNotFound."""
    return (await quote_views(session, [await quote_row(session, quote_id=quote_id)]))[0]


async def quotes_of_case(session: TenantSession, *, case_id: UUID) -> tuple[QuoteView, ...]:
    """The quotes of a case, in the order they were written."""
    rows = await session.scalars(
        sa.select(Quote).where(Quote.intervention_id == case_id).order_by(Quote.created_at, Quote.id)
    )
    return tuple(await quote_views(session, list(rows)))


async def open_rows(session: TenantSession, *, case_id: UUID, state: QuoteState) -> tuple[Quote, ...]:
    """The quotes of a case in that state, locked."""
    rows = await session.scalars(
        sa.select(Quote).where(Quote.intervention_id == case_id, Quote.state == state).with_for_update()
    )
    return tuple(rows)


async def has_signed(session: TenantSession, *, case_id: UUID) -> bool:
    query = sa.select(sa.exists().where(Quote.intervention_id == case_id, Quote.state == QuoteState.SIGNED))
    return bool(await session.scalar(query))


async def documents(session: TenantSession, *, quote_id: UUID) -> Quote:
    """The quote with its PDF contents. Raises QuoteNotFound."""
    found = await session.scalar(
        sa.select(Quote)
        .where(Quote.id == quote_id)
        .options(undefer(Quote.document), undefer(Quote.signed_document))
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise QuoteNotFound
    return found


async def codes_since(session: TenantSession, *, quote_id: UUID, since: datetime) -> Sequence[SigningCode]:
    """Signing codes asked for a quote since an instant, latest first."""
    rows = await session.scalars(
        sa.select(SigningCode)
        .where(SigningCode.quote_id == quote_id, SigningCode.created_at > since)
        .order_by(SigningCode.created_at.desc(), SigningCode.id.desc())
    )
    return rows.all()


async def latest_code(session: TenantSession, *, quote_id: UUID) -> SigningCode | None:
    """The last code sent for the quote, locked: the only one that can sign."""
    found: SigningCode | None = await session.scalar(
        sa.select(SigningCode)
        .where(SigningCode.quote_id == quote_id)
        .order_by(SigningCode.created_at.desc(), SigningCode.id.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found


async def quote_views(session: TenantSession, rows: Sequence[Quote]) -> list[QuoteView]:
    """The quotes with their lines, in the order given: one query."""
    lines: dict[UUID, list[PricedLine]] = {row.id: [] for row in rows}
    found = await session.scalars(
        sa.select(QuoteLine).where(QuoteLine.quote_id.in_(lines)).order_by(QuoteLine.quote_id, QuoteLine.position)
    )
    for line in found:
        lines[line.quote_id].append(
            PricedLine(
                item_code=line.item_code,
                label=line.label,
                kind=LineKind(line.kind),
                scope=UrgencyScope(line.scope),
                quantity=line.quantity,
                unit=line.unit,
                unit_price=line.unit_price,
                net=line.net,
                vat_basis_points=line.vat_basis_points,
                vat_reason=VatReason(line.vat_reason),
            )
        )
    return [
        QuoteView(
            id=row.id,
            number=row.number,
            case_id=row.intervention_id,
            kind=QuoteKind(row.kind),
            state=QuoteState(row.state),
            channel=ContractChannel(row.channel),
            tariff_id=row.tariff_id,
            band=TimeBand(row.surcharge_band),
            surcharge_basis_points=row.surcharge_basis_points,
            parties=row.parties,
            lines=tuple(lines[row.id]),
            totals=line_totals(lines[row.id]),
            created_at=row.created_at,
            created_by=row.created_by,
            issued_at=row.issued_at,
            valid_until=row.valid_until,
            signed_at=row.signed_at,
            signed_by=row.signed_by,
            signature_method=SignatureMethod(row.signature_method) if row.signature_method else None,
            signature_proof=row.signature_proof or {},
            vat_certified=row.vat_certified,
            refused_at=row.refused_at,
            withdrawal_deadline=row.withdrawal_deadline,
            document_sha256=row.document_sha256,
        )
        for row in rows
    ]
