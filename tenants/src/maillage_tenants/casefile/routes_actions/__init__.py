"""What the office and the artisan both do on a case: go, work, quote, sign, report, photos, note, payment, close.

Each act is wholly done or not at all; the person comes back to the page with the result or the refusal in words.
"""

from .billing import amount_of, close, invoice_document, issue_note, save_report, take_payment
from .quoting import (
    draft_quote,
    quantities_of,
    quote_document,
    refuse_quote,
    send_code,
    send_quote,
    sign_quote,
)
from .visit import advance, attach, danger, hold, lead, partial, resume

ROUTES = (
    advance,
    hold,
    resume,
    partial,
    danger,
    lead,
    attach,
    draft_quote,
    send_quote,
    send_code,
    sign_quote,
    refuse_quote,
    quote_document,
    save_report,
    issue_note,
    invoice_document,
    take_payment,
    close,
)

__all__ = ["ROUTES", "amount_of", "quantities_of"]
