"""The customer's copy of a quote, on a durable medium: handed over, then signed (R4, R17)."""

from uuid import UUID

from maillage_kit import outside
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.settings import Settings
from maillage_tenants import interventions
from maillage_tenants.quotes import queries

COPY = "quotes.send_copy"


async def ask_for_copy(session: TenantSession, *, quote_id: UUID, signed: bool) -> None:
    """Have the copy sent once this transaction commits."""
    await outside.defer(session, COPY, {"quote_id": quote_id, "signed": signed})


async def send_customer_copy(
    session: TenantSession, *, cooperative: CooperativeContext, settings: Settings, quote_id: UUID, signed: bool
) -> None:
    """Tell the customer where the PDF is, once for the quote and once for its signed copy. Raises QuoteNotFound."""
    quote = await queries.quote_view(session, quote_id=quote_id)
    if signed:
        subject, text = f"Votre devis signé {quote.number}", f"Votre exemplaire signé du devis {quote.number} est ici :"
    else:
        subject = f"Votre devis {quote.number}"
        text = f"Votre devis {quote.number}, {quote.gross} TTC, est à lire ici :"
    await interventions.tell_customer(
        session,
        cooperative=cooperative,
        settings=settings,
        case_id=quote.case_id,
        subject=subject,
        text=text,
        purpose="signed_quote_copy" if signed else "quote_copy",
        dedupe_key=f"quote-copy:{quote.id}:{'signed' if signed else 'sent'}",
    )
