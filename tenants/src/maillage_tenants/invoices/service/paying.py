"""The payment journal: append-only, numbered, chained; a mistake is mended by an opposite entry (R7, R16, R42)."""

from datetime import datetime
from uuid import UUID

from maillage_kit import clock, outside
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.ids import new_id
from maillage_kit.money import Money
from maillage_tenants import audit, interventions, quotes
from maillage_tenants.customers import ConsumerStatus
from maillage_tenants.invoices import queries, rules
from maillage_tenants.invoices.errors import (
    AlreadyCorrected,
    InvoiceNotFound,
    PaymentBeforeNote,
    PaymentNotFound,
    PaymentOverBalance,
    PaymentTooEarly,
)
from maillage_tenants.invoices.models import Payment, PaymentMethod
from maillage_tenants.invoices.queries import InvoiceView, PaymentView
from maillage_tenants.invoices.rules import JournalCheck, JournalEntry
from maillage_tenants.quotes import QuoteKind


async def record_payment(
    session: TenantSession,
    *,
    case_id: UUID,
    method: PaymentMethod,
    amount: Money,
    by: str,
    invoice_id: UUID | None = None,
    reference: str = "",
    received_at: datetime | None = None,
) -> PaymentView:
    """Write money received on the case's note (the last one, or `invoice_id`) at the end of the journal.

    Raises PaymentBeforeNote while there is no note (R7), PaymentOverBalance above what is due, PaymentTooEarly within
    seven days of a complementary quote signed off premises (R16), Invalid for no amount or a date to come,
    InvoiceNotFound for another case's note.
    """
    last = await queries.lock_journal(session)
    invoice = await _payable(session, case_id=case_id, invoice_id=invoice_id)
    now = clock.now()
    at = received_at or now
    if amount <= Money.zero():
        raise Invalid("Indiquez un montant.", fields={"amount": "Un montant supérieur à zéro est attendu."})
    if at > now:
        raise Invalid("Un règlement ne se date pas à l’avance.", fields={"received_at": "Date à venir."})
    if method is PaymentMethod.ACCOUNT and invoice.parties["customer"]["status"] == ConsumerStatus.CONSUMER:
        raise Invalid("Un particulier règle sa note, il n’a pas de compte.", fields={"method": "Autre moyen attendu."})
    if amount > invoice.balance:
        raise PaymentOverBalance(fields={"amount": f"Il reste {invoice.balance} à payer."})
    await _refuse_too_early(session, invoice, now)
    entry = await _append(
        session, last, invoice=invoice, method=method, amount=amount, reference=reference, at=at, corrects=None, by=by
    )
    await _tell(
        session, invoice, entry, text=f"Règlement reçu : {amount}, {rules.METHOD_LABELS[method].lower()}", by=by
    )
    return entry


async def correct_payment(session: TenantSession, *, payment_id: UUID, reason: str, by: str) -> PaymentView:
    """Cancel an entry written by mistake with the opposite one; nothing is erased (R42).

    Raises PaymentNotFound, Invalid without a reason, AlreadyCorrected.
    """
    last = await queries.lock_journal(session)
    wrong = await queries.payment_row(session, payment_id=payment_id)
    if wrong is None:
        raise PaymentNotFound
    words = " ".join(reason.split())
    if len(words) < 3:
        raise Invalid("Donnez le motif de la correction.", fields={"reason": "Un motif est attendu."})
    if wrong.corrects_id is not None or await queries.corrected(session, payment_id=payment_id):
        raise AlreadyCorrected
    invoice = await queries.invoice_view(session, invoice_id=wrong.invoice_id)
    entry = await _append(
        session,
        last,
        invoice=invoice,
        method=PaymentMethod(wrong.method),
        amount=-wrong.amount,
        reference=words,
        at=clock.now(),
        corrects=payment_id,
        by=by,
    )
    await _tell(session, invoice, entry, text=f"Règlement de {wrong.amount} annulé : {words}", by=by)
    return entry


async def record_refund(
    session: TenantSession, *, invoice_id: UUID, method: PaymentMethod, amount: Money, by: str, reference: str = ""
) -> PaymentView:
    """Write money given back on a note that was credited or paid too much; never more than that.

    `amount` is positive; the entry is negative. Raises InvoiceNotFound, Invalid, PaymentOverBalance.
    """
    last = await queries.lock_journal(session)
    invoice = await queries.invoice_view(session, invoice_id=invoice_id)
    if amount <= Money.zero():
        raise Invalid("Indiquez un montant.", fields={"amount": "Un montant supérieur à zéro est attendu."})
    if amount > -invoice.balance:
        raise PaymentOverBalance("Ce montant dépasse ce qui est à rembourser.", fields={"amount": "Trop élevé."})
    entry = await _append(
        session,
        last,
        invoice=invoice,
        method=method,
        amount=-amount,
        reference=reference,
        at=clock.now(),
        corrects=None,
        by=by,
    )
    await _tell(session, invoice, entry, text=f"Remboursement : {amount}", by=by)
    return entry


async def verify_journal(session: TenantSession) -> JournalCheck:
    """Recompute the whole chain: `sound`, or the first entry that is missing, moved or changed (R42)."""
    entries = [row async for row in queries.journal(session)]
    return rules.check_journal(entries)


async def _payable(session: TenantSession, *, case_id: UUID, invoice_id: UUID | None) -> InvoiceView:
    if invoice_id is None:
        found = await queries.note_of_case(session, case_id=case_id)
        if found is None:
            raise PaymentBeforeNote
        return found
    found = await queries.invoice_view(session, invoice_id=invoice_id)
    if found.case_id != case_id:
        raise InvoiceNotFound
    return found


async def _refuse_too_early(session: TenantSession, invoice: InvoiceView, now: datetime) -> None:
    if invoice.quote_id is None:
        return
    quote = await quotes.quote_view(session, quote_id=invoice.quote_id)
    if quote.kind is QuoteKind.EMERGENCY or quote.signed_at is None or quote.withdrawal_deadline is None:
        return
    if now < quotes.payment_allowed_from(quote.signed_at, quote.channel):
        raise PaymentTooEarly


async def _append(
    session: TenantSession,
    last: tuple[int, str | None],
    *,
    invoice: InvoiceView,
    method: PaymentMethod,
    amount: Money,
    reference: str,
    at: datetime,
    corrects: UUID | None,
    by: str,
) -> PaymentView:
    sequence, previous = last
    entry = JournalEntry(
        sequence=sequence + 1,
        id=new_id(),
        invoice_id=invoice.id,
        method=method.value,
        amount=amount.cents,
        reference=reference.strip(),
        received_at=at,
        recorded_by=by,
        corrects_id=corrects,
        previous_hash=previous or rules.GENESIS,
    )
    session.add(
        Payment(
            id=entry.id,
            sequence=entry.sequence,
            invoice_id=entry.invoice_id,
            method=entry.method,
            amount=amount,
            reference=entry.reference,
            received_at=entry.received_at,
            recorded_by=entry.recorded_by,
            corrects_id=entry.corrects_id,
            previous_hash=entry.previous_hash,
            entry_hash=rules.entry_hash(entry),
        )
    )
    await session.flush()
    return PaymentView(
        id=entry.id,
        sequence=entry.sequence,
        invoice_id=entry.invoice_id,
        method=method,
        amount=amount,
        reference=entry.reference,
        received_at=at,
        recorded_by=by,
        corrects_id=corrects,
        corrected=False,
    )


async def _tell(session: TenantSession, invoice: InvoiceView, entry: PaymentView, *, text: str, by: str) -> None:
    await audit.record(
        session,
        actor=by,
        action="payments.record",
        subject_type="payment",
        subject_id=entry.id,
        detail={
            "invoice": invoice.number,
            "sequence": entry.sequence,
            "amount": entry.amount,
            "method": entry.method.value,
            "corrects": entry.corrects_id,
        },
    )
    await interventions.add_event(
        session,
        case_id=invoice.case_id,
        kind="payment",
        text=f"{text} (sur {invoice.number})",
        actor=by,
        detail={"payment_id": str(entry.id)},
    )
    await outside.notify(session, f"case:{invoice.case_id}", invoice.case_id)
