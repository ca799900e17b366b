"""A request that comes by web: limited, opened, qualified, offered; or redirected with the words that save (R87)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from maillage_hooks import TradePlugin
from maillage_hooks.types import Redirect
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.settings import Settings
from maillage_tenants import interventions
from maillage_tenants.frontdoor import queries, rules
from maillage_tenants.frontdoor.errors import TooManyWebRequests
from maillage_tenants.interventions import NewCase, Source

BY_WEB = "Client (site web)"


@dataclass(frozen=True, slots=True)
class WebRequest:
    """What the public form says, checked. `phone` is E.164, None only for a red situation.

    `price_accepted` is the key of the price that the page showed, "" when it could not show any.
    """

    name: str
    phone: str | None
    address: str
    insee: str | None
    words: str
    price_accepted: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """`token` opens the tracking page; `redirect` says who must be called instead, and then nobody is sent."""

    case_id: UUID
    number: str
    token: str
    redirect: Redirect | None


async def open_web_request(
    session: TenantSession,
    *,
    cooperative: CooperativeContext,
    settings: Settings,
    plugin: TradePlugin,
    answers: Mapping[str, str],
    asked: WebRequest,
    at: datetime,
) -> Opened:
    """Open the case, freeze price and promises, offer it along the ladder and send the tracking link.

    Raises TooManyWebRequests above three requests an hour from one number or forty in ten minutes for the cooperative
    (a red situation is never refused), TriageIncomplete while answers are missing.
    """
    form = interventions.triage_form(plugin, answers, public=True)
    if not form.blocked:
        await _limit(session, phone=asked.phone, at=at)
    case = await interventions.open_case(
        session,
        facts=NewCase(
            source=Source.WEB,
            requested_at=at,
            by=BY_WEB,
            caller_name=asked.name,
            caller_phone=asked.phone,
            address=asked.address,
            insee=asked.insee,
            trade=plugin.trade.code,
            request_words=asked.words,
        ),
    )
    result = await interventions.triage_case(
        session, cooperative=cooperative, case_id=case.id, trade_plugin=plugin, answers=answers, at=at, by=BY_WEB
    )
    token = await interventions.public_token(session, settings=settings, case_id=case.id)
    if result.redirect is not None and result.redirect.blocks_dispatch:
        return Opened(case.id, case.number, token, result.redirect)
    await interventions.accept_price(session, case_id=case.id, key=asked.price_accepted, at=at, by=BY_WEB)
    await interventions.dispatch_case(
        session, cooperative=cooperative, settings=settings, case_id=case.id, at=at, by=BY_WEB
    )
    await interventions.tell_customer(
        session,
        cooperative=cooperative,
        settings=settings,
        case_id=case.id,
        subject=f"Votre demande {case.number}",
        text=f"Demande {case.number} reçue. Prix annoncé et suivi de l’artisan :",
        purpose="case_tracking",
        dedupe_key=f"case-tracking:{case.id}",
    )
    return Opened(case.id, case.number, token, None)


async def _limit(session: TenantSession, *, phone: str | None, at: datetime) -> None:
    hour, minutes = at - timedelta(hours=1), at - timedelta(minutes=10)
    if phone and await queries.web_requests(session, since=hour, phone=phone) >= rules.FROM_ONE_PHONE:
        raise TooManyWebRequests
    if await queries.web_requests(session, since=minutes) >= rules.FROM_EVERYBODY:
        raise TooManyWebRequests
