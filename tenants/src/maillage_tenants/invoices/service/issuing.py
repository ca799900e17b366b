"""Notes and credit notes: numbered without gap in the transaction that writes them, never changed (R7, R39, R40)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from maillage_kit import clock, outside
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.ids import new_id
from maillage_kit.pdf import on_paper, render_pdf
from maillage_tenants import audit, interventions, numbering, quotes
from maillage_tenants.interventions import Clock
from maillage_tenants.invoices import queries, rules
from maillage_tenants.invoices.document import invoice_data
from maillage_tenants.invoices.errors import (
    AlreadyBilled,
    CertificationMissing,
    InvoiceNotFound,
    NotCreditable,
    NoteBeforeWork,
    NothingToBill,
)
from maillage_tenants.invoices.events import NoteIssued
from maillage_tenants.invoices.models import Invoice, InvoiceKind, InvoiceLine
from maillage_tenants.invoices.queries import InvoiceView
from maillage_tenants.invoices.service.copies import ask_for_copy
from maillage_tenants.quotes import CaseFacts, PdfFile, PricedLine, QuoteKind, QuoteState, QuoteView


async def issue_note(
    session: TenantSession,
    *,
    cooperative: CooperativeContext,
    case_id: UUID,
    by: str,
    quote_id: UUID | None = None,
    certified_by: str = "",
) -> InvoiceView:
    """Issue the note of a finished case (« F-2027-000001 ») from its quote, before any payment, and stamp T9 (R7).

    The quote is the last signed one; the last one sent when work started on a written danger (R6); one of travel alone
    (R32). `quote_id` chooses another, for complementary works done. `certified_by` is who certifies R33 on the note
    when it was not on the quote. The cooperative invoices, the member is named with his insurance (R8, R37 mode a).
    Raises NoteBeforeWork, NothingToBill, AlreadyBilled, CertificationMissing.
    """
    await interventions.locked_case(session, case_id=case_id)
    now = clock.now()
    facts = await quotes.case_facts(session, case_id=case_id, on=clock.paris(now).date())
    finished = facts.clocks.get(Clock.FINISHED)
    if finished is None:
        raise NoteBeforeWork
    facts = await quotes.case_facts(session, case_id=case_id, on=clock.paris(finished).date())
    quote = await _quote_to_bill(session, facts, quote_id)
    await _refuse_twice(session, quote)
    later = quote.kind is QuoteKind.COMPLEMENTARY and quote.signed_at is not None and quote.signed_at > finished
    service_date = clock.paris(now if later else finished).date()
    certification = _certification(quote, certified_by)
    parties = _parties(cooperative, facts, quote)
    written = await _write(
        session,
        prefix="F",
        template="note",
        kind=rules.kind_for(facts.customer.status),
        case_id=case_id,
        quote_id=quote.id,
        credit_of=None,
        parties=parties,
        lines=quote.lines,
        at=now,
        service_date=service_date,
        service_place=", ".join(quote.parties["site"]),
        certification=certification,
        by=by,
    )
    await interventions.stamp(session, case_id=case_id, clock=Clock.NOTE_SENT, at=now, by=by)
    await _tell(session, written, text=f"{written.label} {written.number} émise : {written.totals.gross} TTC", by=by)
    return written


async def quotes_to_bill(session: TenantSession, *, case_id: UUID) -> tuple[QuoteView, ...]:
    """The quotes that a note can bill now, the one that `issue_note` would take by itself first (R4, R6, R32).

    Empty before the work is finished, and when everything is billed.
    """
    facts = await quotes.case_facts(session, case_id=case_id, on=clock.paris(clock.now()).date())
    if Clock.FINISHED not in facts.clocks:
        return ()
    billed = await _billed(session, case_id)
    waiting = [quote for quote in await _billable(session, facts) if not _is_billed(quote, billed)]
    return tuple(sorted(waiting, key=_order, reverse=True))


async def issue_credit_note(session: TenantSession, *, invoice_id: UUID, reason: str, by: str) -> InvoiceView:
    """Cancel a note or invoice with an « A-2027-000001 » of opposite lines; the case can then be billed again (R40).

    Raises InvoiceNotFound, Invalid without a reason, NotCreditable when it has one already or is one.
    """
    words = " ".join(reason.split())
    if len(words) < 3:
        raise Invalid("Donnez le motif de l’avoir.", fields={"reason": "Un motif est attendu."})
    original = await queries.invoice_view(session, invoice_id=invoice_id)
    await interventions.locked_case(session, case_id=original.case_id)
    original = await queries.invoice_view(session, invoice_id=invoice_id)
    if not original.live:
        raise NotCreditable
    written = await _write(
        session,
        prefix="A",
        template="credit_note",
        kind=InvoiceKind.CREDIT_NOTE,
        case_id=original.case_id,
        quote_id=original.quote_id,
        credit_of=original.id,
        parties={
            **original.parties,
            "credited": f"{original.label} {original.number} du {clock.paris(original.issued_at):%d/%m/%Y}",
            "reason": words,
        },
        lines=rules.opposite(original.lines),
        at=clock.now(),
        service_date=original.service_date,
        service_place=original.service_place,
        certification=original.vat_certification,
        by=by,
    )
    await _tell(session, written, text=f"Avoir {written.number} sur {original.number} : {words}", by=by)
    return written


async def invoice_pdf(session: TenantSession, *, case_id: UUID, invoice_id: UUID) -> PdfFile:
    """The PDF as issued. Raises InvoiceNotFound, also for another case's."""
    row = await queries.document(session, invoice_id=invoice_id)
    if row.intervention_id != case_id:
        raise InvoiceNotFound
    name = "avoir" if row.kind == InvoiceKind.CREDIT_NOTE else "facture" if row.kind == InvoiceKind.INVOICE else "note"
    return PdfFile(f"{name}-{row.number}.pdf", row.document)


async def sequence_gaps(session: TenantSession) -> tuple[str, ...]:
    """Numbers missing from the series of notes, invoices and credit notes: always empty (R40)."""
    return rules.missing_numbers(await queries.issued_numbers(session))


async def _billable(session: TenantSession, facts: CaseFacts) -> list[QuoteView]:
    return [
        quote
        for quote in await quotes.quotes_of_case(session, case_id=facts.id)
        if quote.state is QuoteState.SIGNED
        or (quote.state is QuoteState.SENT and quote.kind is QuoteKind.EMERGENCY and _without_signature(quote, facts))
    ]


async def _quote_to_bill(session: TenantSession, facts: CaseFacts, quote_id: UUID | None) -> QuoteView:
    billable = [quote for quote in await _billable(session, facts) if quote_id is None or quote.id == quote_id]
    if not billable:
        raise NothingToBill
    return max(billable, key=_order)


def _order(quote: QuoteView) -> tuple[bool, bool, datetime]:
    """The last signed one first, what meets the emergency before what goes beyond it."""
    return (
        quote.kind is QuoteKind.EMERGENCY,
        quote.state is QuoteState.SIGNED,
        quote.signed_at or quote.issued_at or quote.created_at,
    )


def _without_signature(quote: QuoteView, facts: CaseFacts) -> bool:
    """R6: danger written down before the work. R32: nobody to sign when nothing could be done but the journey."""
    return bool(facts.danger_reason) or not quotes.has_works(quote.lines)


async def _billed(session: TenantSession, case_id: UUID) -> list[QuoteView]:
    """The quotes behind the notes that no credit note took back."""
    return [
        await quotes.quote_view(session, quote_id=issued.quote_id)
        for issued in await queries.invoices_of_case(session, case_id=case_id)
        if issued.live and issued.quote_id is not None
    ]


def _is_billed(quote: QuoteView, billed: Sequence[QuoteView]) -> bool:
    """One note for each quote, and one for the emergency."""
    return any(other.id == quote.id or (other.kind is quote.kind is QuoteKind.EMERGENCY) for other in billed)


async def _refuse_twice(session: TenantSession, quote: QuoteView) -> None:
    if _is_billed(quote, await _billed(session, quote.case_id)):
        raise AlreadyBilled


def _certification(quote: QuoteView, certified_by: str) -> str | None:
    if not quote.needs_certification:
        return None
    place = ", ".join(quote.parties["site"])
    if not quote.awaits_certification:
        text = quote.signature_proof.get("vat_certification") or quotes.certification_text(quote.signed_by or "", place)
        return f"{text} Certifié par {quote.signed_by} à la signature du devis {quote.number}."
    name = " ".join(certified_by.split())
    if len(name) < 2:
        raise CertificationMissing(fields={"certified_by": "Nom de la personne qui certifie."})
    return quotes.certification_text(name, place)


def _parties(cooperative: CooperativeContext, facts: CaseFacts, quote: QuoteView) -> dict[str, Any]:
    if facts.performer is None:
        raise NothingToBill("Aucun artisan n’est affecté à ce dossier.")
    signed = f"signé le {clock.paris(quote.signed_at):%d/%m/%Y à %H:%M}" if quote.signed_at else "remis sans signature"
    return {
        "cooperative": quotes.cooperative_party(cooperative),
        "performer": quotes.performer_party(facts.performer),
        "member_id": str(facts.member_id),
        "customer": quotes.customer_party(facts.customer),
        "customer_id": str(facts.customer_id) if facts.customer_id else None,
        "case": dict(quote.parties["case"]),
        "quote": f"n° {quote.number}, {signed}",
        "danger": (
            f"Travaux commencés avant la signature du devis en raison d’un danger immédiat : {facts.danger_reason}"
            if facts.danger_reason
            else None
        ),
    }


async def _write(
    session: TenantSession,
    *,
    prefix: str,
    template: str,
    kind: InvoiceKind,
    case_id: UUID,
    quote_id: UUID | None,
    credit_of: UUID | None,
    parties: Mapping[str, Any],
    lines: Sequence[PricedLine],
    at: datetime,
    service_date: date,
    service_place: str,
    certification: str | None,
    by: str,
) -> InvoiceView:
    number = await numbering.next_number(session, prefix=prefix, at=at)
    content = await render_pdf(
        on_paper("maillage_tenants.invoices", template),
        invoice_data(
            number=number,
            kind=kind,
            parties=parties,
            lines=lines,
            issued_at=at,
            service_date=service_date,
            service_place=service_place,
            certification=certification,
        ),
        at=at,
    )
    sums = quotes.line_totals(lines)
    row = Invoice(
        id=new_id(),
        number=number,
        kind=kind,
        intervention_id=case_id,
        quote_id=quote_id,
        credit_of=credit_of,
        parties=dict(parties),
        issued_at=at,
        issued_by=by,
        service_date=service_date,
        service_place=service_place,
        net=sums.net,
        vat=sums.vat,
        gross=sums.gross,
        vat_certification=certification,
        document_sha256=quotes.sha256(content),
        document=content,
    )
    session.add(row)
    await session.flush()
    await session.execute(
        sa.insert(InvoiceLine),
        [
            {
                "invoice_id": row.id,
                "position": position,
                "item_code": line.item_code,
                "label": line.label,
                "kind": line.kind.value,
                "quantity": line.quantity,
                "unit": line.unit,
                "unit_price": line.unit_price,
                "net": line.net,
                "vat_basis_points": line.vat_basis_points,
                "vat_reason": line.vat_reason.value,
            }
            for position, line in enumerate(lines, start=1)
        ],
    )
    return await queries.invoice_view(session, invoice_id=row.id)


async def _tell(session: TenantSession, written: InvoiceView, *, text: str, by: str) -> None:
    await audit.record(
        session,
        actor=by,
        action=f"invoices.issue_{written.kind}",
        subject_type="invoice",
        subject_id=written.id,
        detail={
            "number": written.number,
            "gross": written.totals.gross,
            "sha256": written.document_sha256,
            "credit_of": written.credit_of,
        },
    )
    await interventions.add_event(
        session,
        case_id=written.case_id,
        kind=f"{written.kind}_issued",
        text=text,
        actor=by,
        at=written.issued_at,
        detail={"invoice_id": str(written.id)},
    )
    customer_id = written.parties.get("customer_id")
    issued = NoteIssued(
        invoice_id=written.id,
        intervention_id=written.case_id,
        customer_id=UUID(customer_id) if customer_id else None,
        number=written.number,
        kind=written.kind,
        credit_of=written.credit_of,
    )
    await outside.publish(session, issued, occurred_at=written.issued_at)
    await ask_for_copy(session, invoice_id=written.id)
    await outside.notify(session, "cases", written.case_id)
    await outside.notify(session, f"case:{written.case_id}", written.case_id)
