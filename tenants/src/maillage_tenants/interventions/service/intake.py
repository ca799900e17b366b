"""From answers to a qualified case, and from a case to the artisans: everything looked up where it is decided."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from maillage_hooks import TradePlugin
from maillage_hooks.types import TriageResult
from maillage_kit.clock import paris
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.settings import Settings
from maillage_tenants import dispatch, subscriptions, tariffs, territory
from maillage_tenants.interventions import queries, rules
from maillage_tenants.interventions.models import Intervention
from maillage_tenants.interventions.service.offers import case_url, start_offers
from maillage_tenants.interventions.service.qualifying import qualify_case


async def triage_case(
    session: TenantSession,
    *,
    cooperative: CooperativeContext,
    case_id: UUID,
    trade_plugin: TradePlugin,
    answers: Mapping[str, str],
    at: datetime,
    by: str,
) -> TriageResult:
    """`qualify_case` with the tariff in force, the customer's promise, the size of the commune and the sector.

    Raises what `qualify_case` raises.
    """
    row = await queries.locked_case(session, case_id=case_id)
    trade = trade_plugin.trade.code
    commune = await territory.commune(session, insee=row.insee) if row.insee else None
    if row.trade != trade:
        row.trade, row.sector_id = trade, None
    await _find_sector(session, row, at=at)
    active = (
        await subscriptions.active_promise(session, site_id=row.site_id, trade=trade, on=paris(at).date())
        if row.site_id
        else None
    )
    if active is not None:
        row.subscription_id = active.subscription_id
    return await qualify_case(
        session,
        case_id=case_id,
        trade_plugin=trade_plugin,
        answers=answers,
        at=at,
        by=by,
        tariff=await tariffs.tariff_at(session, trade=trade, at=at),
        promise=active.promise if active else None,
        place=rules.place_of(commune.population if commune else None),
        department=cooperative.department,
    )


async def dispatch_case(
    session: TenantSession,
    *,
    cooperative: CooperativeContext,
    settings: Settings,
    case_id: UUID,
    at: datetime,
    by: str,
) -> None:
    """Offer the case to whom the rota names, in the order of the ladder. Raises StepNotAllowed."""
    row = await queries.locked_case(session, case_id=case_id)
    await _find_sector(session, row, at=at)
    candidates = await dispatch.build_ladder(
        session, cooperative=cooperative, sector_id=row.sector_id, trade=row.trade, at=at
    )
    await start_offers(
        session,
        case_id=case_id,
        candidates=candidates,
        at=at,
        by=by,
        case_url=case_url(settings, cooperative, case_id),
    )


async def _find_sector(session: TenantSession, row: Intervention, *, at: datetime) -> None:
    """The commune decides the sector (R97), as soon as commune and trade are both known."""
    if row.sector_id is None and row.insee and row.trade:
        sector = await territory.sector_of(session, insee=row.insee, trade=row.trade, at=at)
        row.sector_id = sector.id if sector else None
