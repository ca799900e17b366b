"""Acts on tariffs: a version is published, replaces the one before from its date, and never changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from maillage_hooks import TradePlugin
from maillage_hooks.types import TimeBand
from maillage_kit import clock
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.ids import new_id
from maillage_kit.money import Money
from maillage_tenants import audit
from maillage_tenants.tariffs import queries, rules
from maillage_tenants.tariffs.errors import TariffDateTaken, TariffInForce
from maillage_tenants.tariffs.models import Tariff, TariffItem, TariffSurcharge
from maillage_tenants.tariffs.rules import PricedItem, TariffVersion


async def install_default_tariff(
    session: TenantSession, *, trade_plugin: TradePlugin, valid_from: datetime, by: str
) -> TariffVersion:
    """The first grid of a new cooperative: the trade's catalogue at its default prices. Keeps what exists already."""
    existing = await queries.versions(session, trade=trade_plugin.trade.code)
    if existing:
        return existing[-1]
    return await _write(
        session,
        trade=trade_plugin.trade.code,
        valid_from=valid_from,
        items=catalogue_items(trade_plugin),
        surcharges=rules.DEFAULT_SURCHARGES,
        time_counting=rules.DEFAULT_TIME_COUNTING,
        quote_price=Money.zero(),
        conditions=rules.DEFAULT_CONDITIONS,
        by=by,
    )


async def publish_tariff(
    session: TenantSession,
    *,
    trade: str,
    valid_from: datetime,
    items: Sequence[PricedItem],
    surcharges: Mapping[TimeBand, int],
    time_counting: str,
    quote_price: Money,
    conditions: str,
    by: str,
) -> TariffVersion:
    """Write the next version, in force from `valid_from`; the version before ends there, without gap or overlap (R2).

    Raises TariffIncomplete when R2's items are not all there, Invalid for a date in the past (what was announced is
    never rewritten), TariffDateTaken when a later version is already planned.
    """
    if valid_from < clock.now():
        raise Invalid(
            "Un barème ne peut pas s’appliquer au passé : les prix déjà annoncés restent.",
            fields={"valid_from": "Choisissez une date à venir."},
        )
    before = await queries.last_in_line(session, trade=trade)
    if before is not None:
        if before.valid_from >= valid_from:
            raise TariffDateTaken(
                f"La version {before.version} commence le {clock.paris(before.valid_from):%d/%m/%Y} ou après : "
                "retirez-la d’abord, ou choisissez une date plus lointaine."
            )
        before.valid_to = valid_from
        await session.flush()
    written = await _write(
        session,
        trade=trade,
        valid_from=valid_from,
        items=items,
        surcharges=surcharges,
        time_counting=time_counting,
        quote_price=quote_price,
        conditions=conditions,
        by=by,
    )
    await audit.record(
        session,
        actor=by,
        action="tariffs.publish",
        subject_type="tariff",
        subject_id=written.id,
        detail={"trade": trade, "version": written.version, "valid_from": valid_from},
    )
    return written


async def withdraw_tariff(session: TenantSession, *, tariff_id: UUID, by: str) -> None:
    """Give up a planned version before its date; the one before goes on. It stays written, with an empty period.

    Raises NotFound; TariffInForce once its date has come or another version has been planned after it.
    """
    planned = await session.get(Tariff, tariff_id, with_for_update=True)
    if planned is None:
        raise NotFound
    if planned.valid_from <= clock.now() or planned.valid_to is not None:
        raise TariffInForce
    before = await queries.replaced_by(session, planned)
    planned.valid_to = planned.valid_from
    await session.flush()
    if before is not None:
        before.valid_to = None
        await session.flush()
    await audit.record(session, actor=by, action="tariffs.withdraw", subject_type="tariff", subject_id=tariff_id)


def catalogue_items(trade_plugin: TradePlugin) -> tuple[PricedItem, ...]:
    """The trade's catalogue at its default prices."""
    return tuple(
        PricedItem(item.code, item.label, item.kind, item.unit, item.default_price)
        for item in trade_plugin.pricing.catalogue
    )


async def _write(
    session: TenantSession,
    *,
    trade: str,
    valid_from: datetime,
    items: Sequence[PricedItem],
    surcharges: Mapping[TimeBand, int],
    time_counting: str,
    quote_price: Money,
    conditions: str,
    by: str,
) -> TariffVersion:
    rules.check_grid(items, surcharges, time_counting=time_counting, quote_price=quote_price, conditions=conditions)
    tariff = Tariff(
        id=new_id(),
        trade=trade,
        version=await queries.highest_version(session, trade=trade) + 1,
        valid_from=valid_from,
        valid_to=None,
        time_counting=time_counting.strip(),
        quote_price=quote_price,
        conditions=conditions.strip(),
        created_by=by,
    )
    session.add(tariff)
    await session.flush()
    await session.execute(
        sa.insert(TariffItem),
        [
            {
                "tariff_id": tariff.id,
                "code": item.code,
                "label": item.label,
                "kind": item.kind.value,
                "unit": item.unit,
                "unit_price": item.unit_price,
            }
            for item in items
        ],
    )
    if surcharges:
        await session.execute(
            sa.insert(TariffSurcharge),
            [
                {"tariff_id": tariff.id, "band": band.value, "basis_points": points}
                for band, points in surcharges.items()
            ],
        )
    return await queries.tariff_version(session, tariff_id=tariff.id)
