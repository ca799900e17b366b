"""From a written message to its carriers, one transaction before each request and one after.

Before: the attempt is committed as `giving`. After: what the carrier said. Between the two no transaction is open. A
worker killed in between leaves the attempt as `giving`; who finds it half a minute later asks the carrier whether it
has it, and gives it again only if not, or if the carrier cannot tell: rather twice than never.
"""

import asyncio
from uuid import UUID

from maillage_kit.context import CooperativeContext
from maillage_kit.db import Database
from maillage_kit.settings import Settings
from maillage_tenants.messages.carriers.ports import Carriers
from maillage_tenants.messages.chain import advance, note
from maillage_tenants.messages.gifts import give


async def deliver(
    database: Database,
    *,
    cooperative: CooperativeContext,
    settings: Settings,
    carriers: Carriers,
    message_id: UUID,
) -> None:
    """Do everything that is due now for this message, and ask to be called again for the rest.

    Harmless at any moment and from several workers at once: the message's row is locked while it is decided what to do.
    """
    while True:
        async with database.tenant(cooperative.tenant) as session:
            gifts = await advance(
                session, message_id=message_id, carriers=carriers, cooperative=cooperative, settings=settings
            )
        if not gifts:
            return
        outcomes = await asyncio.gather(*(give(gift, carriers, cooperative, settings) for gift in gifts))
        async with database.tenant(cooperative.tenant) as session:
            await note(session, outcomes)
