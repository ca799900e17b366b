"""Invoices: note before payment, gapless, immutable; the payment journal (R7, R40, R42).

The cooperative invoices what its members perform (docs/adr/0009-the-cooperative-invoices.md). A mistake on a note is
mended by a credit note, a mistake on a payment by an opposite entry: nothing issued is ever changed.
"""

from . import partner_queries
from .errors import (
    AlreadyBilled,
    CertificationMissing,
    InvoiceNotFound,
    NoteBeforeWork,
    NothingToBill,
    PaymentBeforeNote,
    PaymentOverBalance,
    PaymentTooEarly,
)
from .models import InvoiceKind, PaymentMethod
from .queries import InvoiceView, PaymentView, RegisterRow, invoice_view, invoices_of_case, note_of_case, register
from .rules import METHOD_LABELS, JournalCheck
from .service.issuing import invoice_pdf, issue_credit_note, issue_note, quotes_to_bill, sequence_gaps
from .service.paying import correct_payment, record_payment, record_refund, verify_journal

__all__ = [
    "METHOD_LABELS",
    "AlreadyBilled",
    "CertificationMissing",
    "InvoiceKind",
    "InvoiceNotFound",
    "InvoiceView",
    "JournalCheck",
    "NoteBeforeWork",
    "NothingToBill",
    "PaymentBeforeNote",
    "PaymentMethod",
    "PaymentOverBalance",
    "PaymentTooEarly",
    "PaymentView",
    "RegisterRow",
    "correct_payment",
    "invoice_pdf",
    "invoice_view",
    "invoices_of_case",
    "issue_credit_note",
    "issue_note",
    "note_of_case",
    "partner_queries",
    "quotes_to_bill",
    "record_payment",
    "record_refund",
    "register",
    "sequence_gaps",
    "verify_journal",
]
