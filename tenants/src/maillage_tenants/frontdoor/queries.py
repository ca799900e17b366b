"""Counting what came by web."""

from datetime import datetime

import sqlalchemy as sa

from maillage_kit.db import TenantSession
from maillage_tenants.interventions.models import Intervention, Source


async def web_requests(session: TenantSession, *, since: datetime, phone: str | None = None) -> int:
    """Cases opened by web since an instant, from one number when given."""
    statement = sa.select(sa.func.count()).where(Intervention.source == Source.WEB, Intervention.requested_at >= since)
    if phone is not None:
        statement = statement.where(Intervention.caller_phone == phone)
    return int((await session.execute(statement)).scalar_one())
