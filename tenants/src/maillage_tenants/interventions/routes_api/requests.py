"""Opening a case by machine, and calling it off."""

from typing import Any
from uuid import UUID

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.api_access import ApiCaller, Scope
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.money import Money
from maillage_kit.phone import parse_phone
from maillage_kit.rest import Reach, act, by
from maillage_kit.settings import Settings
from maillage_kit.web import AnyRequest
from maillage_tenants import partners
from maillage_tenants.interventions import partner_queries
from maillage_tenants.interventions.schemas.cases import Cancellation, InterventionOut, NewRequest, Opened, RedirectOut
from maillage_tenants.interventions.schemas.coverage import Announcement
from maillage_tenants.interventions.service.partnering import PartnerRequest, open_partner_request
from maillage_tenants.interventions.service.progress import cancel_case

TAG = "Demandes"
EXAMPLE: dict[str, Any] = {
    "customer_id": "019536a1-7c00-7000-8000-000000000001",
    "dwelling_reference": "RES-12-A-304",
    "trade": "plumbing",
    "answers": {"danger": "none", "problem": "leak", "flow": "burst", "shut_off": "no"},
    "occupant": {"name": "Monsieur Diallo", "phone": "+33612345678"},
    "words": "L’eau jaillit sous l’évier.",
    "reference": "DI-2027-0042",
    "purchase_order": "BC-9917",
    "spending_limit_cents": 30000,
}


@act(
    "/requests",
    scope=Scope.REQUESTS_WRITE,
    tag=TAG,
    fr="Ouvrir une intervention : un artisan est cherché aussitôt. Danger : personne n’est envoyé, `redirect` dit qui "
    "appeler (R87).",
    en="Open an intervention: an artisan is looked for at once. Danger: nobody is sent, `redirect` says whom to call "
    "(R87).",
    answer=Opened,
    body=NewRequest,
    example=EXAMPLE,
    status=201,
    key="required",
)
async def open_request(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    cooperative: CooperativeContext,
    settings: Settings,
    trades: TradeRegistry,
    caller: ApiCaller,
    reach: Reach,
    sent: NewRequest,
) -> Opened:
    now = clock.now()
    limit = sent.spending_limit_cents
    opened = await open_partner_request(
        session,
        cooperative=cooperative,
        settings=settings,
        trades=trades,
        reach=reach,
        asked=PartnerRequest(
            customer_id=sent.customer_id,
            site_id=sent.site_id,
            dwelling_reference=sent.dwelling_reference,
            trade=sent.trade,
            answers=sent.answers,
            words=sent.words.strip(),
            order=partners.Order(
                reference=sent.reference.strip(),
                purchase_order=sent.purchase_order.strip(),
                spending_limit=None if limit is None else Money(limit),
                occupant_name=" ".join(sent.occupant.name.split()),
                occupant_phone=parse_phone(sent.occupant.phone, field="occupant.phone"),
            ),
            price_key=sent.price_key,
        ),
        at=now,
        by=by(caller),
    )
    row = await partner_queries.case_within(session, case_id=opened.case_id, reach=reach)
    (found,) = await partner_queries.followed(session, [row], at=now)
    return Opened(
        intervention=InterventionOut.of(found),
        redirect=RedirectOut.of(opened.redirect) if opened.redirect else None,
        price=Announcement.of(row.announced) if row.announced else None,
        tracking_url=opened.tracking_url,
    )


@act(
    "/interventions/{case_id:uuid}/cancel",
    scope=Scope.REQUESTS_WRITE,
    tag=TAG,
    fr="Annuler : possible tant qu’aucun travail n’est fait.",
    en="Call it off: possible as long as no work was done.",
    answer=InterventionOut,
    body=Cancellation,
    example={"reason": "Le locataire a réparé."},
)
async def cancel_request(
    request: AnyRequest,  # noqa: ARG001
    session: TenantSession,
    caller: ApiCaller,
    reach: Reach,
    sent: Cancellation,
    case_id: UUID,
) -> InterventionOut:
    row = await partner_queries.case_within(session, case_id=case_id, reach=reach)
    await cancel_case(session, case_id=case_id, reason=sent.reason, at=clock.now(), by=by(caller))
    (found,) = await partner_queries.followed(session, [row], at=clock.now())
    return InterventionOut.of(found)


API_ROUTES = (open_request, cancel_request)
