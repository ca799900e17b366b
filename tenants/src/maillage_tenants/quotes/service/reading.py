"""The PDF of a quote, for who may see it."""

from dataclasses import dataclass
from uuid import UUID

from maillage_kit.db import TenantSession
from maillage_tenants.quotes import queries
from maillage_tenants.quotes.errors import QuoteNotFound


@dataclass(frozen=True, slots=True)
class PdfFile:
    filename: str
    content: bytes


async def quote_pdf(session: TenantSession, *, case_id: UUID, quote_id: UUID) -> PdfFile:
    """The customer's copy once signed, before that what was sent. Raises QuoteNotFound: a draft, another case's."""
    row = await queries.documents(session, quote_id=quote_id)
    content = row.signed_document or row.document
    if row.intervention_id != case_id or row.number is None or content is None:
        raise QuoteNotFound
    return PdfFile(f"devis-{row.number}.pdf", content)
