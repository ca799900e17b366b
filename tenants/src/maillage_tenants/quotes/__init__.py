"""Quotes: before work, whatever the amount (R4, R6, R15).

Lines come from the trade, prices from the cooperative's grid, surcharge and VAT from here (docs/money.md). What goes
beyond the emergency is a quote of its own. A quote that was sent does not change; the PDF's hash is what is signed.
"""

from . import partner_queries
from .document import printed_lines, printed_totals
from .errors import (
    CertificationNeeded,
    NoTariff,
    NothingToQuote,
    NotQuotable,
    QuoteExpired,
    QuoteIncomplete,
    QuoteNotFound,
    QuoteNotSignable,
    SignatureUnreadable,
    TooManyCodes,
)
from .models import QuoteKind, QuoteState, SignatureMethod
from .parties import (
    cooperative_party,
    customer_lines,
    customer_party,
    footer_lines,
    performer_lines,
    performer_party,
    seller_lines,
)
from .queries import CaseFacts, QuoteView, case_facts, quote_view, quotes_of_case
from .rules import (
    PricedLine,
    Totals,
    VatPart,
    has_works,
    line_totals,
    payment_allowed_from,
    sha256,
    totals,
    vat_notes,
    withdrawal_deadline,
)
from .schemas import LineOut
from .service.drafting import Drafted, draft_quote
from .service.reading import PdfFile, quote_pdf
from .service.sending import send_quote
from .service.signing import (
    SigningOutcome,
    refuse_quote,
    request_signing_code,
    sign_drawn,
    sign_for_partner,
    sign_with_code,
    work_authority,
)
from .vat import VatReason, certification_text, needs_certification

__all__ = [
    "CaseFacts",
    "CertificationNeeded",
    "Drafted",
    "LineOut",
    "NoTariff",
    "NotQuotable",
    "NothingToQuote",
    "PdfFile",
    "PricedLine",
    "QuoteExpired",
    "QuoteIncomplete",
    "QuoteKind",
    "QuoteNotFound",
    "QuoteNotSignable",
    "QuoteState",
    "QuoteView",
    "SignatureMethod",
    "SignatureUnreadable",
    "SigningOutcome",
    "TooManyCodes",
    "Totals",
    "VatPart",
    "VatReason",
    "case_facts",
    "certification_text",
    "cooperative_party",
    "customer_lines",
    "customer_party",
    "draft_quote",
    "footer_lines",
    "has_works",
    "line_totals",
    "needs_certification",
    "partner_queries",
    "payment_allowed_from",
    "performer_lines",
    "performer_party",
    "printed_lines",
    "printed_totals",
    "quote_pdf",
    "quote_view",
    "quotes_of_case",
    "refuse_quote",
    "request_signing_code",
    "seller_lines",
    "send_quote",
    "sha256",
    "sign_drawn",
    "sign_for_partner",
    "sign_with_code",
    "totals",
    "vat_notes",
    "withdrawal_deadline",
    "work_authority",
]
