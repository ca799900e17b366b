"""Background entry points: they only say « look now », the rows hold the truth."""

from maillage_kit.db import TenantSession
from maillage_tenants.masking import lending


async def look_for_pairs(session: TenantSession) -> None:
    """Numbers lent, taken back, given back."""
    await lending.look_over(session)
