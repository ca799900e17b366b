"""A request that comes by the API: for a dwelling of a partner, with the partner's own references and limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from maillage_hooks import TradeRegistry
from maillage_hooks.types import Redirect
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid, NotFound
from maillage_kit.rest import Reach
from maillage_kit.settings import Settings
from maillage_tenants import customers, partners
from maillage_tenants.interventions.errors import TriageIncomplete
from maillage_tenants.interventions.models import Source
from maillage_tenants.interventions.service.intake import dispatch_case, triage_case
from maillage_tenants.interventions.service.opening import NewCase, open_case
from maillage_tenants.interventions.service.pricing import accept_price
from maillage_tenants.interventions.service.story import add_event
from maillage_tenants.interventions.service.telling import public_token, tracking_url


@dataclass(frozen=True, slots=True)
class PartnerRequest:
    """What a partner asks for. The dwelling is named by `site_id`, or by the partner's own reference of it."""

    customer_id: UUID
    site_id: UUID | None
    dwelling_reference: str | None
    trade: str
    answers: Mapping[str, str]
    words: str
    order: partners.Order
    price_key: str = ""


@dataclass(frozen=True, slots=True)
class OpenedForPartner:
    """`redirect` says who must be called instead, and then nobody is sent (R87)."""

    case_id: UUID
    redirect: Redirect | None
    tracking_url: str


async def open_partner_request(
    session: TenantSession,
    *,
    cooperative: CooperativeContext,
    settings: Settings,
    trades: TradeRegistry,
    reach: Reach,
    asked: PartnerRequest,
    at: datetime,
    by: str,
) -> OpenedForPartner:
    """Open the case for the occupant to be called, the partner to pay (R94); qualify it, look for an artisan.

    Raises Invalid naming the field: a customer or a dwelling out of reach, a trade that the cooperative has not, an
    answer that is missing. A red situation is kept, redirected, and nobody is sent (R87).
    """
    if asked.trade not in trades:
        raise Invalid(fields={"trade": "La coopérative n’a pas ce métier."})
    site = await _dwelling(session, reach=reach, asked=asked)
    case = await open_case(
        session,
        facts=NewCase(
            source=Source.API,
            requested_at=at,
            by=by,
            caller_name=asked.order.occupant_name,
            caller_phone=asked.order.occupant_phone,
            address=site.one_line,
            insee=site.insee,
            trade=asked.trade,
            request_words=asked.words,
            customer_id=site.customer_id,
            site_id=site.site_id,
            referring_member_id=site.referring_member_id,
            premises_use=site.premises_use,
            over_two_years=site.over_two_years,
        ),
    )
    await partners.write_order(session, case_id=case.id, client_id=reach.client_id, order=asked.order)
    if asked.order.words:
        words = asked.order.words
        await add_event(
            session, case_id=case.id, kind="partner_order", text=f"Commande du partenaire : {words}", actor=by, at=at
        )
    try:
        result = await triage_case(
            session,
            cooperative=cooperative,
            case_id=case.id,
            trade_plugin=trades.get(asked.trade),
            answers=asked.answers,
            at=at,
            by=by,
        )
    except TriageIncomplete as missing:
        fields = {f"answers.{code}": why for code, why in missing.fields.items()}
        raise TriageIncomplete(missing.message, fields=fields) from missing
    url = tracking_url(settings, cooperative, await public_token(session, settings=settings, case_id=case.id))
    if result.redirect is not None and result.redirect.blocks_dispatch:
        return OpenedForPartner(case.id, result.redirect, url)
    await accept_price(session, case_id=case.id, key=asked.price_key, at=at, by=by)
    await dispatch_case(session, cooperative=cooperative, settings=settings, case_id=case.id, at=at, by=by)
    return OpenedForPartner(case.id, None, url)


async def _dwelling(session: TenantSession, *, reach: Reach, asked: PartnerRequest) -> customers.SiteCard:
    if not reach.allows(asked.customer_id):
        raise Invalid(fields={"customer_id": "Ce client n’existe pas."})
    try:
        if asked.site_id is not None:
            site = await customers.site_card(session, site_id=asked.site_id)
        elif asked.dwelling_reference:
            site = await customers.site_by_reference(
                session, customer_id=asked.customer_id, reference=asked.dwelling_reference
            )
        else:
            raise Invalid(fields={"site_id": "Donnez le logement, par son identifiant ou par votre référence."})
    except NotFound as unknown:
        name = "site_id" if asked.site_id is not None else "dwelling_reference"
        raise Invalid(fields={name: "Ce logement n’existe pas."}) from unknown
    if site.customer_id != asked.customer_id:
        raise Invalid(fields={"site_id": "Ce logement n’existe pas."})
    return site
