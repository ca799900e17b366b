"""Every select on tariffs."""

import unicodedata
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_hooks.types import LineKind, TariffView, TimeBand
from maillage_kit.db import TenantSession
from maillage_kit.errors import NotFound
from maillage_tenants.tariffs.models import Tariff, TariffItem, TariffSurcharge
from maillage_tenants.tariffs.rules import PricedItem, TariffVersion


async def tariff_at(session: TenantSession, *, trade: str, at: datetime) -> TariffVersion | None:
    """The version in force at that instant, or None."""
    found = await session.scalar(
        sa.select(Tariff).where(
            Tariff.trade == trade, Tariff.valid_from <= at, sa.or_(Tariff.valid_to.is_(None), Tariff.valid_to > at)
        )
    )
    return (await _complete(session, [found]))[0] if found else None


async def tariff_version(session: TenantSession, *, tariff_id: UUID) -> TariffVersion:
    """One version, whenever it applied. Raises NotFound."""
    found = await session.get(Tariff, tariff_id)
    if found is None:
        raise NotFound
    return (await _complete(session, [found]))[0]


async def versions(session: TenantSession, *, trade: str | None = None) -> tuple[TariffVersion, ...]:
    """Every version ever written, by trade, latest first."""
    query = sa.select(Tariff).order_by(Tariff.trade, Tariff.version.desc())
    if trade is not None:
        query = query.where(Tariff.trade == trade)
    return tuple(await _complete(session, list(await session.scalars(query))))


async def last_in_line(session: TenantSession, *, trade: str) -> Tariff | None:
    """The version without end, locked until the transaction ends: what the next one replaces."""
    row: Tariff | None = await session.scalar(
        sa.select(Tariff).where(Tariff.trade == trade, Tariff.valid_to.is_(None)).with_for_update()
    )
    return row


async def replaced_by(session: TenantSession, tariff: Tariff) -> Tariff | None:
    """The version that ended when `tariff` was to begin, locked."""
    row: Tariff | None = await session.scalar(
        sa.select(Tariff)
        .where(
            Tariff.trade == tariff.trade, Tariff.valid_to == tariff.valid_from, Tariff.valid_from < tariff.valid_from
        )
        .with_for_update()
    )
    return row


async def highest_version(session: TenantSession, *, trade: str) -> int:
    return await session.scalar(sa.select(sa.func.max(Tariff.version)).where(Tariff.trade == trade)) or 0


async def _complete(session: TenantSession, rows: list[Tariff]) -> list[TariffVersion]:
    ids = [row.id for row in rows]
    items: dict[UUID, list[PricedItem]] = {key: [] for key in ids}
    surcharges: dict[UUID, dict[TimeBand, int]] = {key: {} for key in ids}
    for item in await session.scalars(sa.select(TariffItem).where(TariffItem.tariff_id.in_(ids))):
        items[item.tariff_id].append(PricedItem(item.code, item.label, LineKind(item.kind), item.unit, item.unit_price))
    for surcharge in await session.scalars(sa.select(TariffSurcharge).where(TariffSurcharge.tariff_id.in_(ids))):
        surcharges[surcharge.tariff_id][TimeBand(surcharge.band)] = surcharge.basis_points
    order = {kind: index for index, kind in enumerate((LineKind.TRAVEL, *LineKind))}
    return [
        TariffVersion(
            id=row.id,
            trade=row.trade,
            version=row.version,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            view=TariffView(
                prices={item.code: item.unit_price for item in items[row.id]}, surcharges=surcharges[row.id]
            ),
            items=tuple(sorted(items[row.id], key=lambda item: (order[item.kind], _alphabetical(item.label)))),
            time_counting=row.time_counting,
            quote_price=row.quote_price,
            conditions=row.conditions,
        )
        for row in rows
    ]


def _alphabetical(label: str) -> str:
    """« Mécanisme » before « Mitigeur », as in a French dictionary."""
    return unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().casefold()
