"""Whose things somebody signed in sees here, and under which name they act."""

from maillage_kit.context import Actor
from maillage_kit.db import TenantSession
from maillage_kit.rest import Reach
from maillage_kit.web import own_customer
from maillage_tenants import customers


def own_reach(actor: Actor) -> Reach:
    """The one customer of this person. Raises Forbidden for an account that is tied to none."""
    return Reach(f"account:{actor.account_id}", everything=False, customers=frozenset({own_customer(actor)}))


async def acting_as(session: TenantSession, actor: Actor) -> str:
    """« Claire Martin (Habitat de l’Eure) »: who did it, as the case and the audit log say. Raises UnknownCustomer."""
    organisation = await customers.customer_name(session, customer_id=own_customer(actor))
    return f"{actor.display_name} ({organisation})"
