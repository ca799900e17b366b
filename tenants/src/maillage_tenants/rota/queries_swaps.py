"""Questions about exchanges, gifts and changes asked for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from maillage_kit.db import TenantSession
from maillage_kit.pages import Page, PageRequest, cut_page, read_id, read_instant
from maillage_tenants.members.models import Technician
from maillage_tenants.rota.errors import UnknownSwap
from maillage_tenants.rota.models import Duty, OnCallPost
from maillage_tenants.rota.models_swaps import Swap, SwapKind, SwapState
from maillage_tenants.rota.rules import Period
from maillage_tenants.territory.models import Sector


@dataclass(frozen=True, slots=True)
class SwapLine:
    """A proposal with the names that people read. `wanted_…`: what comes back in an exchange, None otherwise."""

    id: UUID
    kind: str
    state: str
    duty_id: UUID
    rota_id: UUID
    post_id: int
    starts_at: datetime
    ends_at: datetime
    sector_name: str
    trade: str
    rank: int
    from_id: UUID
    from_name: str
    to_id: UUID | None
    to_name: str | None
    wanted_duty_id: UUID | None
    wanted_starts_at: datetime | None
    wanted_ends_at: datetime | None
    wanted_sector_name: str | None
    wanted_rank: int | None
    reason: str
    created_at: datetime
    created_by: str
    decided_at: datetime | None
    decided_by: str | None

    @property
    def period(self) -> Period:
        return Period(self.starts_at, self.ends_at)

    @property
    def wanted_period(self) -> Period | None:
        if self.wanted_starts_at is None or self.wanted_ends_at is None:
            return None
        return Period(self.wanted_starts_at, self.wanted_ends_at)


_GIVER, _ASKED, _BACK = aliased(Technician), aliased(Technician), aliased(Duty)
_BACK_POST, _BACK_SECTOR = aliased(OnCallPost), aliased(Sector)
_SWAP: Any = (
    sa.select(
        Swap.id,
        Swap.kind,
        Swap.state,
        Swap.duty_id,
        Duty.rota_id,
        Duty.post_id,
        Swap.starts_at,
        Swap.ends_at,
        Sector.name,
        OnCallPost.trade,
        OnCallPost.rank,
        Swap.from_technician_id,
        _GIVER.first_name + " " + _GIVER.last_name,
        Swap.to_technician_id,
        _ASKED.first_name + " " + _ASKED.last_name,
        Swap.wanted_duty_id,
        _BACK.starts_at,
        _BACK.ends_at,
        _BACK_SECTOR.name,
        _BACK_POST.rank,
        Swap.reason,
        Swap.created_at,
        Swap.created_by,
        Swap.decided_at,
        Swap.decided_by,
    )
    .join(Duty, Duty.id == Swap.duty_id)
    .join(OnCallPost, OnCallPost.id == Duty.post_id)
    .join(Sector, Sector.id == OnCallPost.sector_id)
    .join(_GIVER, _GIVER.id == Swap.from_technician_id)
    .outerjoin(_ASKED, _ASKED.id == Swap.to_technician_id)
    .outerjoin(_BACK, _BACK.id == Swap.wanted_duty_id)
    .outerjoin(_BACK_POST, _BACK_POST.id == _BACK.post_id)
    .outerjoin(_BACK_SECTOR, _BACK_SECTOR.id == _BACK_POST.sector_id)
)


async def swap(session: TenantSession, *, swap_id: UUID) -> SwapLine:
    """Raises UnknownSwap."""
    row = (await session.execute(_SWAP.where(Swap.id == swap_id))).one_or_none()
    if row is None:
        raise UnknownSwap
    return SwapLine(*row)


async def swaps_page(session: TenantSession, *, page: PageRequest, open_only: bool) -> Page[SwapLine]:
    """Every proposal, the latest first, one page."""
    wanted = _SWAP.where(Swap.state == SwapState.PROPOSED) if open_only else _SWAP
    if (last := page.position(read_instant, read_id)) is not None:
        wanted = wanted.where(sa.tuple_(Swap.created_at, Swap.id) < last)
    rows = await session.execute(wanted.order_by(Swap.created_at.desc(), Swap.id.desc()).limit(page.limit + 1))
    return cut_page([SwapLine(*row) for row in rows], page, lambda row: (row.created_at, row.id))


async def asked_of(session: TenantSession, *, technician_id: UUID) -> tuple[SwapLine, ...]:
    """What waits for this person's answer, the first duty first."""
    return await _open(session, Swap.to_technician_id == technician_id)


async def asked_by(session: TenantSession, *, technician_id: UUID) -> tuple[SwapLine, ...]:
    """What this person proposed and nobody has answered yet."""
    return await _open(session, Swap.from_technician_id == technician_id, Swap.kind != SwapKind.REQUEST)


async def gifts(session: TenantSession, *, besides: UUID) -> tuple[SwapLine, ...]:
    """Duties that others give away, the first first."""
    return await _open(
        session, Swap.kind == SwapKind.GIFT, Swap.from_technician_id != besides, Duty.superseded_at.is_(None)
    )


async def open_of_duty(session: TenantSession, *, duty_id: UUID) -> SwapLine | None:
    found = await _open(session, Swap.duty_id == duty_id)
    return found[0] if found else None


async def stale(session: TenantSession, *, at: datetime) -> tuple[Swap, ...]:
    """Open proposals about a duty that is over, or that has changed since."""
    return tuple(
        await session.scalars(
            sa.select(Swap)
            .join(Duty, Duty.id == Swap.duty_id)
            .outerjoin(_BACK, _BACK.id == Swap.wanted_duty_id)
            .where(
                Swap.state == SwapState.PROPOSED,
                sa.or_(Duty.superseded_at.is_not(None), Swap.ends_at <= at, _BACK.superseded_at.is_not(None)),
            )
            .limit(100)
            .with_for_update(of=Swap, skip_locked=True)
        )
    )


async def _open(session: TenantSession, *which: sa.ColumnElement[bool]) -> tuple[SwapLine, ...]:
    rows = await session.execute(
        _SWAP.where(Swap.state == SwapState.PROPOSED, *which).order_by(Swap.starts_at, Swap.id).limit(100)
    )
    return tuple(SwapLine(*row) for row in rows)
