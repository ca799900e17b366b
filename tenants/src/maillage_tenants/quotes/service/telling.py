"""What leaves the cooperative about a quote, in the transaction that changes it."""

from uuid import UUID

from maillage_kit import clock, outside
from maillage_kit.db import TenantSession
from maillage_tenants.quotes.events import QuoteDecided, QuoteSent
from maillage_tenants.quotes.models import Quote


async def tell_sent(session: TenantSession, row: Quote) -> None:
    """The quote, once numbered, is with the customer."""
    event = QuoteSent(
        quote_id=row.id,
        intervention_id=row.intervention_id,
        customer_id=_customer_id(row),
        number=row.number or "",
        kind=row.kind,
        valid_until=row.valid_until,
    )
    await outside.publish(session, event, occurred_at=clock.now())


async def tell_decided(session: TenantSession, row: Quote, *, decision: str) -> None:
    """`decision`: signed, refused, replaced."""
    event = QuoteDecided(
        quote_id=row.id,
        intervention_id=row.intervention_id,
        customer_id=_customer_id(row),
        number=row.number or "",
        kind=row.kind,
        decision=decision,
    )
    await outside.publish(session, event, occurred_at=clock.now())


def _customer_id(row: Quote) -> UUID | None:
    found = row.parties.get("customer_id")
    return UUID(found) if found else None
