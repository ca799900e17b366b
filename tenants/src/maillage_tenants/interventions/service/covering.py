"""Whether a place is served now: by whom, how fast, at what price; the same rules as for a real request."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from maillage_hooks import TradePlugin, TradeRegistry, bands
from maillage_hooks.types import InterventionType, Priority, SlaRequest, SlaTargets
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_tenants import dispatch, tariffs, territory
from maillage_tenants.dispatch import StepKind
from maillage_tenants.interventions import rules
from maillage_tenants.interventions.service.pricing import announced_price


class Answering(StrEnum):
    """Who would answer a request now."""

    SECTOR = "sector"
    BACKUP = "backup"
    OFFICE = "office"


_ANSWERS = {
    StepKind.RANK1: Answering.SECTOR,
    StepKind.RANK2: Answering.SECTOR,
    StepKind.NEIGHBOUR: Answering.BACKUP,
}


@dataclass(frozen=True, slots=True)
class Covered:
    """`commune` is None outside the territory, `sector` where the trade is not served; then nothing else is said.

    `announced` is None without a published tariff.
    """

    trade: str
    commune: territory.CommuneRow | None
    sector: territory.SectorRef | None
    answers: Answering | None
    type: InterventionType | None
    targets: SlaTargets | None
    announced: dict[str, Any] | None
    at: datetime


async def coverage_of(
    session: TenantSession,
    *,
    cooperative: CooperativeContext,
    trades: TradeRegistry,
    trade: str,
    insee: str | None,
    postcode: str | None,
    type_code: str | None,
    at: datetime,
) -> Covered:
    """The answer for a commune, given by INSEE code or by a postcode that serves one commune only (R97).

    Delays and price are those of the type asked for; without one, of the most urgent type of the trade.
    Raises Invalid: neither code nor postcode, several communes (they are named), an unknown type.
    """
    commune = await _commune(session, insee=insee, postcode=postcode)
    nothing = Covered(trade, commune, None, None, None, None, None, at)
    if commune is None or trade not in trades:
        return nothing
    plugin = trades.get(trade)
    kind = _kind(plugin, type_code)
    sector = await territory.sector_of(session, insee=commune.insee, trade=trade, at=at)
    if sector is None:
        return nothing
    ladder = await dispatch.build_ladder(session, cooperative=cooperative, sector_id=sector.id, trade=trade, at=at)
    first = next(step for step in ladder if step.skipped is None)
    tariff = await tariffs.tariff_at(session, trade=trade, at=at)
    priority = kind.default_priority
    targets = plugin.sla.targets(
        SlaRequest(
            type_code=kind.code,
            priority=priority,
            bands=bands.bands_at(at, cooperative.department),
            place=rules.place_of(commune.population),
            plan=None,
        )
    )
    return Covered(
        trade=trade,
        commune=commune,
        sector=sector,
        answers=_ANSWERS.get(first.kind, Answering.OFFICE),
        type=kind,
        targets=targets,
        announced=announced_price(tariff, kind=kind, priority=priority, at=at, department=cooperative.department)
        if tariff
        else None,
        at=at,
    )


async def _commune(session: TenantSession, *, insee: str | None, postcode: str | None) -> territory.CommuneRow | None:
    if insee is not None:
        return await territory.commune(session, insee=insee)
    if postcode is None:
        raise Invalid(fields={"insee": "Donnez le code INSEE de la commune, ou un code postal."})
    found = await territory.communes_of_postcode(session, postcode=postcode)
    if len(found) > 1:
        names = ", ".join(f"{commune.name} ({commune.insee})" for commune in found)
        raise Invalid(
            "Ce code postal couvre plusieurs communes : donnez le code INSEE.", fields={"insee": f"Au choix : {names}."}
        )
    return found[0] if found else None


def _kind(plugin: TradePlugin, type_code: str | None) -> InterventionType:
    if type_code is None:
        dispatched = [kind for kind in plugin.types if kind.default_priority is not Priority.P0] or list(plugin.types)
        return min(dispatched, key=lambda kind: kind.default_priority)
    if type_code not in plugin.types_by_code:
        raise Invalid(fields={"type": "Type inconnu de ce métier."})
    return plugin.types_by_code[type_code]
