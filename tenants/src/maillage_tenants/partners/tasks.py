"""Background tasks of partners."""

from maillage_kit.db import TenantSession
from maillage_tenants.partners.service.answers import forget_answers


async def look_for_old_answers(session: TenantSession) -> None:
    """`partners.look_for_old_answers`: each minute, what was answered to a client more than a day ago is forgotten."""
    await forget_answers(session)
