"""Pricing a case: the trade gives the lines, the cooperative's grid the prices, this the surcharge and the VAT."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from maillage_hooks import TradePlugin
from maillage_hooks.bands import bands_at, highest_surcharge
from maillage_hooks.types import LineDraft, PricingRequest, TimeBand
from maillage_kit import clock, outside
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.ids import new_id
from maillage_tenants import interventions, tariffs
from maillage_tenants.customers import PremisesUse
from maillage_tenants.interventions import Clock, State
from maillage_tenants.quotes import queries, rules
from maillage_tenants.quotes.errors import NoTariff, NothingToQuote, NotQuotable
from maillage_tenants.quotes.models import Quote, QuoteKind, QuoteLine, QuoteState
from maillage_tenants.quotes.queries import CaseFacts
from maillage_tenants.quotes.vat import Premises
from maillage_tenants.subscriptions import ContractChannel

IMMEDIATE = "immédiate, pendant cette visite"
LATER = "dans les trente jours qui suivent la fin du délai de rétractation"
_NEVER = frozenset({State.REDIRECTED, State.CLOSED})


@dataclass(frozen=True, slots=True)
class Drafted:
    """The drafts made: what meets the emergency, and what goes beyond it on a quote of its own (R15)."""

    emergency: UUID | None
    complementary: UUID | None


async def draft_quote(
    session: TenantSession,
    *,
    cooperative: CooperativeContext,
    case_id: UUID,
    trade_plugin: TradePlugin,
    by: str,
    labour_minutes: int | None = None,
    parts: Mapping[str, Decimal] | None = None,
    premises_use: PremisesUse | None = None,
    over_two_years: bool | None = None,
    certify: bool = True,
    channel: ContractChannel = ContractChannel.OFF_PREMISES,
    execution: str = "",
) -> Drafted:
    """Price the case as it stands; earlier drafts of the case are replaced, quotes already sent are not touched.

    `labour_minutes` None: the usual time of the type; 0 without parts: nothing could be done, travel alone (R32).
    `premises_use` and `over_two_years` correct what the case says; `certify`: the customer will certify the age of the
    dwelling when signing (R33), else the normal rate applies. The tariff is the one announced on the case (R2), the
    surcharge that of the local start: the arrival, or now (R89). `execution` dates the complementary works.
    Raises NoTariff, NothingToQuote, NotQuotable, and Invalid for a part that the tariff does not have.
    """
    now = clock.now()
    await interventions.locked_case(session, case_id=case_id)
    facts = await queries.case_facts(session, case_id=case_id, on=clock.paris(now).date())
    if facts.type_code is None or facts.trade != trade_plugin.trade.code or facts.state in _NEVER:
        raise NotQuotable
    tariff = await _tariff(session, facts, now)
    starts_at = facts.clocks.get(Clock.ARRIVED, now)
    drafts = _lines(
        trade_plugin,
        PricingRequest(
            type_code=facts.type_code,
            answers=facts.answers,
            tariff=tariff.view,
            starts_at=starts_at,
            labour_minutes=labour_minutes,
            parts=dict(parts or {}),
        ),
    )
    if not drafts:
        raise NothingToQuote
    premises = Premises(
        use=premises_use or facts.premises_use,
        over_two_years=facts.over_two_years if over_two_years is None else over_two_years,
        certified=certify,
    )
    band, basis_points = highest_surcharge(bands_at(starts_at, cooperative.department), tariff.view.surcharges)
    await _discard_drafts(session, case_id)
    made: dict[QuoteKind, UUID] = {}
    for kind in QuoteKind:
        chosen = [line for line in drafts if line.scope is rules.scope_of(kind)]
        if chosen:
            made[kind] = await _write(
                session,
                facts=facts,
                kind=kind,
                tariff=tariff,
                nature=trade_plugin.types_by_code[facts.type_code].label,
                drafts=chosen,
                band=band,
                surcharge_basis_points=basis_points if any(line.surcharged for line in chosen) else 0,
                premises=premises,
                channel=channel,
                execution=IMMEDIATE if kind is QuoteKind.EMERGENCY else execution.strip() or LATER,
                by=by,
            )
    await outside.notify(session, f"case:{case_id}", case_id)
    return Drafted(made.get(QuoteKind.EMERGENCY), made.get(QuoteKind.COMPLEMENTARY))


async def _tariff(session: TenantSession, facts: CaseFacts, now: datetime) -> tariffs.TariffVersion:
    if facts.tariff_id is not None:
        return await tariffs.tariff_version(session, tariff_id=facts.tariff_id)
    found = await tariffs.tariff_at(session, trade=facts.trade or "", at=now)
    if found is None:
        raise NoTariff
    return found


def _lines(trade_plugin: TradePlugin, request: PricingRequest) -> Sequence[LineDraft]:
    if (request.labour_minutes or 0) < 0 or any(quantity < 0 for quantity in request.parts.values()):
        raise Invalid("Une quantité ne peut pas être négative.", fields={"parts": "Quantité négative."})
    try:
        return trade_plugin.pricing.lines(request)
    except LookupError as exc:
        raise Invalid(
            f"Ce barème ne permet pas de chiffrer : {exc.args[0]}.", fields={"parts": str(exc.args[0])}
        ) from exc


async def _discard_drafts(session: TenantSession, case_id: UUID) -> None:
    drafts = [row.id for row in await queries.open_rows(session, case_id=case_id, state=QuoteState.DRAFT)]
    await session.execute(sa.delete(QuoteLine).where(QuoteLine.quote_id.in_(drafts)))
    await session.execute(sa.delete(Quote).where(Quote.id.in_(drafts)))


async def _write(
    session: TenantSession,
    *,
    facts: CaseFacts,
    kind: QuoteKind,
    tariff: tariffs.TariffVersion,
    nature: str,
    drafts: Sequence[LineDraft],
    band: TimeBand,
    surcharge_basis_points: int,
    premises: Premises,
    channel: ContractChannel,
    execution: str,
    by: str,
) -> UUID:
    lines = rules.price_lines(drafts, surcharge_basis_points=surcharge_basis_points, premises=premises)
    sums = rules.line_totals(lines)
    quote = Quote(
        id=new_id(),
        number=None,
        intervention_id=facts.id,
        tariff_id=tariff.id,
        kind=kind,
        state=QuoteState.DRAFT,
        channel=channel,
        parties=_snapshot(facts, tariff=tariff, nature=nature, premises=premises, execution=execution),
        surcharge_band=band if surcharge_basis_points else TimeBand.DAY,
        surcharge_basis_points=surcharge_basis_points,
        net=sums.net,
        vat=sums.vat,
        gross=sums.gross,
        created_by=by,
    )
    session.add(quote)
    await session.flush()
    await session.execute(
        sa.insert(QuoteLine),
        [
            {
                "quote_id": quote.id,
                "position": position,
                "item_code": line.item_code,
                "label": line.label,
                "kind": line.kind.value,
                "scope": line.scope.value,
                "quantity": line.quantity,
                "unit": line.unit,
                "unit_price": line.unit_price,
                "net": line.net,
                "vat_basis_points": line.vat_basis_points,
                "vat_reason": line.vat_reason.value,
            }
            for position, line in enumerate(lines, start=1)
        ],
    )
    return quote.id


def _snapshot(
    facts: CaseFacts, *, tariff: tariffs.TariffVersion, nature: str, premises: Premises, execution: str
) -> dict[str, Any]:
    """What is known at drafting; sending adds the people (`service.sending`)."""
    received = f"{clock.paris(facts.requested_at):%d/%m/%Y à %H:%M}"
    words = f" : « {facts.request_words.strip()} »" if facts.request_words.strip() else ""
    return {
        "case": {
            "number": facts.number,
            "nature": nature,
            "request": f"reçue le {received}{' par téléphone' if facts.by_phone else ''}{words}",
            "call_id": str(facts.call_id) if facts.call_id else None,
        },
        "premises": {
            "use": premises.use.value if premises.use else None,
            "over_two_years": premises.over_two_years,
            "certified": premises.certified,
        },
        "site": [part for part in (facts.site.address, facts.site.commune) if part],
        "execution": execution,
        "tariff": {"version": tariff.version, "valid_from": tariff.valid_from.isoformat()},
        "time_counting": tariff.time_counting,
        "quote_price": tariffs.quote_price_text(tariff.quote_price),
    }
