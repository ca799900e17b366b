"""Reads of the directory."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from maillage_kit.db import PlatformSession
from maillage_platform.cooperatives.models import Cooperative, CooperativeNumber


async def all_cooperatives(session: PlatformSession) -> Sequence[Cooperative]:
    """The whole directory, by département."""
    return (await session.scalars(select(Cooperative).order_by(Cooperative.department, Cooperative.slug))).all()


async def pool_numbers(session: PlatformSession) -> dict[UUID, tuple[str, ...]]:
    """The numbers of each cooperative beside its public one."""
    found: dict[UUID, tuple[str, ...]] = {}
    for owner, number in await session.execute(
        select(CooperativeNumber.cooperative_id, CooperativeNumber.number).order_by(CooperativeNumber.number)
    ):
        found[owner] = (*found.get(owner, ()), number)
    return found


async def by_slug(session: PlatformSession, slug: str) -> Cooperative | None:
    return (await session.scalars(select(Cooperative).where(Cooperative.slug == slug))).one_or_none()


async def by_id(session: PlatformSession, cooperative_id: UUID) -> Cooperative | None:
    return await session.get(Cooperative, cooperative_id)
