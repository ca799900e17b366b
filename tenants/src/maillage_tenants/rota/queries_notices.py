"""What begins soon, and who hands over to whom."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from maillage_kit.db import TenantSession
from maillage_tenants.members.models import Technician
from maillage_tenants.rota.models import Duty, OnCallPost
from maillage_tenants.territory.models import Sector


@dataclass(frozen=True, slots=True)
class Coming:
    """A published duty with its person, and who holds the post until it begins (None: nobody)."""

    id: UUID
    sector_name: str
    rank: int
    starts_at: datetime
    ends_at: datetime
    recorded_at: datetime
    technician_id: UUID
    name: str
    phone: str
    email: str | None
    active: bool
    before_id: UUID | None
    before_name: str | None
    before_phone: str | None
    before_email: str | None

    @property
    def place(self) -> str:
        return f"secteur {self.sector_name}, rang {self.rank}"


_BEFORE, _PERSON_BEFORE = aliased(Duty), aliased(Technician)
_COMING: Any = (
    sa.select(
        Duty.id,
        Sector.name,
        OnCallPost.rank,
        Duty.starts_at,
        Duty.ends_at,
        Duty.recorded_at,
        Technician.id,
        Technician.first_name + " " + Technician.last_name,
        Technician.phone,
        Technician.email,
        Technician.active,
        _PERSON_BEFORE.id,
        _PERSON_BEFORE.first_name + " " + _PERSON_BEFORE.last_name,
        _PERSON_BEFORE.phone,
        _PERSON_BEFORE.email,
    )
    .select_from(OnCallPost)
    .join(Duty, Duty.post_id == OnCallPost.id)
    .join(Sector, Sector.id == OnCallPost.sector_id)
    .join(Technician, Technician.id == Duty.technician_id)
    .outerjoin(
        _BEFORE,
        sa.and_(
            _BEFORE.post_id == Duty.post_id,
            _BEFORE.ends_at == Duty.starts_at,
            _BEFORE.live,
            _BEFORE.superseded_at.is_(None),
        ),
    )
    .outerjoin(_PERSON_BEFORE, _PERSON_BEFORE.id == _BEFORE.technician_id)
    .where(Duty.live, Duty.superseded_at.is_(None))
    .order_by(Duty.starts_at, Duty.id)
)


async def beginning(session: TenantSession, *, since: datetime, until: datetime) -> tuple[Coming, ...]:
    """Duties that begin in `(since, until]`, the first first."""
    rows = await session.execute(_COMING.where(Duty.starts_at > since, Duty.starts_at <= until))
    return tuple(Coming(*row) for row in rows)


async def held_until(session: TenantSession, *, since: datetime, until: datetime) -> tuple[Coming, ...]:
    """Duties under way at `since` or that begin by `until`."""
    rows = await session.execute(_COMING.where(Duty.ends_at > since, Duty.starts_at <= until))
    return tuple(Coming(*row) for row in rows)
