"""Reads of the directory."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from maillage_kit.db import PlatformSession
from maillage_platform.cooperatives.models import Cooperative, CooperativeNumber


async def all_cooperatives(session: PlatformSession) -> Sequence[Cooperative]:
    """The whole directory, by département."""
    return (await session.scalars(select(Cooperative).order_by(Cooperative.department, Cooperative.slug))).all()


_POOL = (
    select(func.array_agg(aggregate_order_by(CooperativeNumber.number, CooperativeNumber.number)))
    .where(CooperativeNumber.cooperative_id == Cooperative.id)
    .correlate(Cooperative)
    .scalar_subquery()
)


async def with_numbers(session: PlatformSession) -> Sequence[tuple[Cooperative, tuple[str, ...]]]:
    """The whole directory, by département, with the numbers of each cooperative beside its public one."""
    found = await session.execute(select(Cooperative, _POOL).order_by(Cooperative.department, Cooperative.slug))
    return [(row, tuple(numbers or ())) for row, numbers in found]


async def by_slug(session: PlatformSession, slug: str) -> Cooperative | None:
    return (await session.scalars(select(Cooperative).where(Cooperative.slug == slug))).one_or_none()


async def by_id(session: PlatformSession, cooperative_id: UUID) -> Cooperative | None:
    return await session.get(Cooperative, cooperative_id)
