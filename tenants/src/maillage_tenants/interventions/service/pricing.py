"""The price before anybody leaves: shown as it will be frozen, and what the customer says of it (R2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from maillage_hooks import TradePlugin, bands
from maillage_hooks.types import InterventionType, Priority, TimeBand
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_tenants import tariffs
from maillage_tenants.interventions import queries
from maillage_tenants.interventions.service.story import add_event, changed


def announced_price(
    tariff: "tariffs.TariffVersion", *, kind: InterventionType, priority: Priority, at: datetime, department: str
) -> dict[str, Any]:
    """R2's six items for a case qualified now. What waits for the next working day is paid by day."""
    paid_in = frozenset({TimeBand.DAY}) if priority is Priority.P3 else bands.bands_at(at, department)
    return tariffs.announcement(tariff, bands=paid_in, type=kind)


async def present_price(
    session: TenantSession,
    *,
    cooperative: CooperativeContext,
    trade_plugin: TradePlugin,
    answers: Mapping[str, str],
    at: datetime,
) -> dict[str, Any] | None:
    """What would be announced with these answers now. None without a tariff, and where nobody is sent (R87)."""
    result = trade_plugin.triage.assess(answers)
    if result.redirect is not None and result.redirect.blocks_dispatch:
        return None
    tariff = await tariffs.tariff_at(session, trade=trade_plugin.trade.code, at=at)
    if tariff is None:
        return None
    # While answers are missing the priority is a guess: the dearer band is shown, never the cheaper.
    priority = Priority.P2 if result.missing else result.priority
    price = announced_price(
        tariff,
        kind=trade_plugin.types_by_code[result.type_code],
        priority=priority,
        at=at,
        department=cooperative.department,
    )
    return {**price, "key": price_key(price)}


def price_key(announced: Mapping[str, Any]) -> str:
    """What a customer agreed to, in one word: the version of the grid and the band."""
    return f"{announced['tariff']['id']}:{announced['band']['code']}" if announced else ""


async def accept_price(session: TenantSession, *, case_id: UUID, key: str, at: datetime, by: str) -> bool:
    """The customer heard or read the price and agrees: kept on the case and in its story, with the time (R2).

    False when the price announced on the case is not the one that was shown (the hour or the grid changed meanwhile),
    or when he had agreed before. Raises CaseNotFound.
    """
    row = await queries.locked_case(session, case_id=case_id)
    if not key or key != price_key(row.announced) or "accepted_at" in row.announced:
        return False
    row.announced = {**row.announced, "accepted_at": at.isoformat(), "accepted_by": by}
    await add_event(
        session,
        case_id=case_id,
        kind="price_accepted",
        text="Prix annoncé et accepté par le client",
        actor=by,
        at=at,
        detail={"tariff": row.announced["tariff"]["id"], "band": row.announced["band"]["code"]},
    )
    await changed(session, row)
    return True
