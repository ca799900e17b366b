"""Duties change hands: the artisan's market, his own duty, taking over; the office's list."""

from collections.abc import Awaitable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import paris
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, base_path, own_technician, page, page_request, requires, see_other, text
from maillage_tenants import members
from maillage_tenants.rota import queries, queries_life, queries_swaps, service
from maillage_tenants.rota.errors import UnknownDuty
from maillage_tenants.rota.queries_life import OpenDuty
from maillage_tenants.rota.queries_swaps import SwapLine
from maillage_tenants.rota.routes_web.forms import AHEAD, period_of, refusal, told
from maillage_tenants.rota.rules import Period

KINDS = {"exchange": "Échange", "gift": "À prendre", "request": "Demandé par la coopérative"}
WITHIN = timedelta(days=120)
"""Duties that may be asked for in an exchange: further ones are for the next rota."""


@get("/rota/swaps", guards=[requires(Permission.ROTA_READ)])
async def swaps_page(request: AnyRequest, session: TenantSession, cooperative: CooperativeContext) -> Template:
    """Everything proposed and answered, the latest first."""
    open_only = request.query_params.get("show") == "open"
    here = f"{base_path(cooperative)}/rota/swaps"
    return page(
        request,
        "rota/swaps.html",
        shown=await queries_swaps.swaps_page(session, page=page_request(request), open_only=open_only),
        tabs=[
            {"href": here, "label": "Tous", "current": not open_only},
            {"href": f"{here}?show=open", "label": "En attente", "current": open_only},
        ],
        kinds=KINDS,
    )


@post("/rota/swaps/{swap_id:uuid}/cancel", guards=[requires(Permission.ROTA_WRITE)], status_code=303)
async def cancel_any(session: TenantSession, cooperative: CooperativeContext, actor: Actor, swap_id: UUID) -> Redirect:
    """Take a proposal back for somebody, or the office's own."""
    here = f"{base_path(cooperative)}/rota/swaps"
    return await _attempt(
        session, service.cancel_swap(session, swap_id=swap_id, by=actor.display_name), here, "Proposition annulée."
    )


@get("/field/duties/{duty_id:uuid}", guards=[requires(Permission.FIELD_WORK)])
async def own_duty(
    request: AnyRequest, session: TenantSession, actor: Actor, trades: TradeRegistry, duty_id: UUID
) -> Template:
    """His own duty: exchange it, give it away. Anybody else's does not exist."""
    return await _own_duty(request, session, actor, trades, duty_id)


@post("/field/duties/{duty_id:uuid}/exchange", guards=[requires(Permission.FIELD_WORK)], status_code=303)
async def ask_exchange(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    duty_id: UUID,
) -> Redirect | Template:
    """Propose it against a colleague's."""
    await queries.duty(session, duty_id=duty_id)
    form = await request.form()

    async def offer() -> None:
        await service.ask_exchange(
            session,
            duty_id=duty_id,
            wanted_duty_id=_wanted(form),
            technician_id=own_technician(actor),
            by=actor.display_name,
            reason=text(form, "reason"),
        )

    if (wrong := await refusal(session, offer())) is not None:
        return await _own_duty(request, session, actor, trades, duty_id, values=form, errors=told(wrong))
    return see_other(_market(cooperative), flash="Proposition envoyée : rien ne change avant la réponse.")


@post("/field/duties/{duty_id:uuid}/give", guards=[requires(Permission.FIELD_WORK)], status_code=303)
async def give_away(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    trades: TradeRegistry,
    duty_id: UUID,
) -> Redirect | Template:
    """Offer it, or a part of it, to the first who may take it."""
    await queries.duty(session, duty_id=duty_id)
    form = await request.form()

    async def offer() -> None:
        await service.give_away(
            session,
            duty_id=duty_id,
            technician_id=own_technician(actor),
            by=actor.display_name,
            over=period_of(form),
            reason=text(form, "reason"),
        )

    if (wrong := await refusal(session, offer())) is not None:
        return await _own_duty(request, session, actor, trades, duty_id, values=form, give_errors=told(wrong))
    return see_other(
        _market(cooperative), flash="Vos collègues sont prévenus. Tant que personne ne la prend, elle reste à vous."
    )


@get("/field/duties/market", guards=[requires(Permission.FIELD_WORK)])
async def market(request: AnyRequest, session: TenantSession, actor: Actor, trades: TradeRegistry) -> Template:
    """What is asked of him, what he may take, what he proposed."""
    technician_id = own_technician(actor)
    return page(
        request,
        "rota/market.html",
        asked=_shown(await queries_swaps.asked_of(session, technician_id=technician_id), trades),
        gifts=_shown(await service.gifts_for(session, technician_id=technician_id), trades),
        mine=_shown(await queries_swaps.asked_by(session, technician_id=technician_id), trades),
        kinds=KINDS,
    )


@post("/field/swaps/{swap_id:uuid}/accept", guards=[requires(Permission.FIELD_WORK)], status_code=303)
async def accept_swap(session: TenantSession, cooperative: CooperativeContext, actor: Actor, swap_id: UUID) -> Redirect:
    """Agree, or take what is given away: the first wins."""
    await queries_swaps.swap(session, swap_id=swap_id)
    act = service.accept_swap(session, swap_id=swap_id, technician_id=own_technician(actor), by=actor.display_name)
    return await _attempt(
        session,
        act,
        _market(cooperative),
        "C’est fait : le planning a changé.",
        f"{base_path(cooperative)}/field/duties",
    )


@post("/field/swaps/{swap_id:uuid}/decline", guards=[requires(Permission.FIELD_WORK)], status_code=303)
async def decline_swap(
    session: TenantSession, cooperative: CooperativeContext, actor: Actor, swap_id: UUID
) -> Redirect:
    """Say no."""
    await queries_swaps.swap(session, swap_id=swap_id)
    act = service.decline_swap(session, swap_id=swap_id, technician_id=own_technician(actor), by=actor.display_name)
    return await _attempt(session, act, _market(cooperative), "C’est noté : rien ne change.")


@post("/field/swaps/{swap_id:uuid}/cancel", guards=[requires(Permission.FIELD_WORK)], status_code=303)
async def cancel_swap(session: TenantSession, cooperative: CooperativeContext, actor: Actor, swap_id: UUID) -> Redirect:
    """Take his own proposal back."""
    await queries_swaps.swap(session, swap_id=swap_id)
    act = service.cancel_swap(session, swap_id=swap_id, by=actor.display_name, technician_id=own_technician(actor))
    return await _attempt(session, act, _market(cooperative), "Proposition annulée.")


@get("/field/duties/takeover", guards=[requires(Permission.FIELD_WORK)])
async def takeover_page(request: AnyRequest, session: TenantSession, actor: Actor, trades: TradeRegistry) -> Template:
    """First tap: what he could take over now."""
    now = clock.now()
    found = await service.to_take_over(session, technician_id=own_technician(actor))
    return page(
        request,
        "rota/takeover.html",
        duties=[{"row": duty, "trade": trades.label(duty.trade), "current": duty.starts_at <= now} for duty in found],
    )


@post("/field/duties/{duty_id:uuid}/takeover", guards=[requires(Permission.FIELD_WORK)], status_code=303)
async def take_over(session: TenantSession, cooperative: CooperativeContext, actor: Actor, duty_id: UUID) -> Redirect:
    """Second tap: from now on the calls are his."""
    await queries.duty(session, duty_id=duty_id)
    act = service.take_over(session, duty_id=duty_id, technician_id=own_technician(actor), by=actor.display_name)
    base = base_path(cooperative)
    return await _attempt(
        session,
        act,
        f"{base}/field/duties/takeover",
        "Vous êtes d’astreinte : les appels sont pour vous.",
        f"{base}/field/duties",
    )


async def _attempt(
    session: TenantSession, act: Awaitable[Any], back: str, done: str, then: str | None = None
) -> Redirect:
    """Act in a savepoint; a refusal is said on the page one came from."""
    if (wrong := await refusal(session, act)) is not None:
        return see_other(back, flash=wrong.message, tone="danger")
    return see_other(then or back, flash=done)


def _market(cooperative: CooperativeContext) -> str:
    return f"{base_path(cooperative)}/field/duties/market"


def _wanted(form: Mapping[str, Any]) -> UUID:
    try:
        return UUID(text(form, "wanted"))
    except ValueError as wrong:
        raise Invalid(fields={"wanted": "Choisissez l’astreinte que vous prendriez."}) from wrong


def _shown(lines: Sequence[SwapLine], trades: TradeRegistry) -> list[dict[str, Any]]:
    return [
        {
            "row": line,
            "trade": trades.label(line.trade),
            "period": str(line.period),
            "wanted": str(line.wanted_period) if line.wanted_period else "",
        }
        for line in lines
    ]


async def _own_duty(
    request: AnyRequest,
    session: TenantSession,
    actor: Actor,
    trades: TradeRegistry,
    duty_id: UUID,
    *,
    values: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    give_errors: Mapping[str, str] | None = None,
) -> Template:
    duty = await queries.duty(session, duty_id=duty_id)
    technician_id = own_technician(actor)
    if duty.technician_id != technician_id or not duty.live or duty.superseded_at is not None:
        raise UnknownDuty
    now = clock.now()
    place = await queries_life.place(session, post_id=duty.post_id)
    person = await members.get_technician(session, technician_id=technician_id)
    known = await members.trades_of(session, member_id=person.member_id)
    others = await queries_life.open_duties(
        session, over=Period(now, min(now + AHEAD, duty.ends_at + WITHIN)), trades=known, besides=technician_id
    )
    return page(
        request,
        "rota/own_duty.html",
        status_code=422 if errors or give_errors else 200,
        duty=duty,
        place=place,
        trade=trades.label(place.trade),
        begun=duty.starts_at <= now,
        proposal=await queries_swaps.open_of_duty(session, duty_id=duty_id),
        wanted_options=_by_person([one for one in others if one.starts_at > now]),
        starts_value=f"{paris(max(now + timedelta(minutes=1), duty.starts_at)):%Y-%m-%dT%H:%M}",
        ends_value=f"{paris(duty.ends_at):%Y-%m-%dT%H:%M}",
        values=values or {},
        errors=errors or {},
        give_errors=give_errors or {},
    )


def _by_person(duties: Sequence[OpenDuty]) -> list[tuple[str, list[tuple[str, str]]]]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for duty in duties:
        start, end = paris(duty.starts_at), paris(duty.ends_at)
        groups.setdefault(duty.name, []).append(
            (str(duty.id), f"{start:%d/%m %H:%M} → {end:%d/%m %H:%M}, {duty.sector_name}, rang {duty.rank}")
        )
    return sorted(groups.items())


ROUTES = [
    swaps_page,
    cancel_any,
    own_duty,
    ask_exchange,
    give_away,
    market,
    accept_swap,
    decline_swap,
    cancel_swap,
    takeover_page,
    take_over,
]
