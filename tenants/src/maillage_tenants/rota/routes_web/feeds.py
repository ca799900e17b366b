"""Calendar feeds: the artisan's own, those of the sectors, and the secret address itself."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.response import Redirect, Template

from maillage_hooks import TradeRegistry
from maillage_kit.context import Actor, CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import NotFound
from maillage_kit.permissions import Permission
from maillage_kit.settings import Settings
from maillage_kit.web import (
    AnyRequest,
    base_path,
    own_technician,
    page,
    page_request,
    public_path,
    requires,
    see_other,
)
from maillage_tenants import territory
from maillage_tenants.rota import queries_feeds, service

ENDING = ".ics"


@get("/field/duties/calendar", guards=[requires(Permission.FIELD_WORK)])
async def own_calendar(request: AnyRequest, session: TenantSession, actor: Actor) -> Template:
    """Whether an address is in force, and how to get one."""
    return await _own(request, session, actor)


@post("/field/duties/calendar", guards=[requires(Permission.FIELD_WORK)], status_code=200)
async def make_own(
    request: AnyRequest, session: TenantSession, cooperative: CooperativeContext, actor: Actor, settings: Settings
) -> Template:
    """A new address, shown this once; the one before stops."""
    token = await service.make_feed(session, technician_id=own_technician(actor), by=actor.display_name)
    return await _own(request, session, actor, address=_address(settings, cooperative, token))


@post("/field/duties/calendar/revoke", guards=[requires(Permission.FIELD_WORK)], status_code=303)
async def revoke_own(session: TenantSession, cooperative: CooperativeContext, actor: Actor) -> Redirect:
    """His address answers no more."""
    technician_id = own_technician(actor)
    feed = await queries_feeds.feed_in_force(session, technician_id=technician_id)
    if feed is None:
        raise NotFound("Aucun agenda n’est partagé.")
    await service.revoke_feed(session, feed_id=feed.id, by=actor.display_name, technician_id=technician_id)
    return see_other(f"{base_path(cooperative)}/field/duties/calendar", flash="L’adresse ne répond plus.")


@get("/rota/calendars", guards=[requires(Permission.ROTA_READ)])
async def calendars(request: AnyRequest, session: TenantSession) -> Template:
    """The addresses in force, of people and of sectors."""
    return await _all(request, session)


@post("/rota/calendars/{sector_id:uuid}", guards=[requires(Permission.ROTA_WRITE)], status_code=200)
async def make_of_sector(
    request: AnyRequest,
    session: TenantSession,
    cooperative: CooperativeContext,
    actor: Actor,
    settings: Settings,
    sector_id: UUID,
) -> Template:
    """A new address for a sector, shown this once."""
    token = await service.make_feed(session, sector_id=sector_id, by=actor.display_name)
    return await _all(request, session, address=_address(settings, cooperative, token))


@post("/rota/calendars/feeds/{feed_id:uuid}/revoke", guards=[requires(Permission.ROTA_WRITE)], status_code=303)
async def revoke_feed(session: TenantSession, cooperative: CooperativeContext, actor: Actor, feed_id: UUID) -> Redirect:
    """An address answers no more: a phone was lost, a link went too far."""
    await service.revoke_feed(session, feed_id=feed_id, by=actor.display_name)
    return see_other(f"{base_path(cooperative)}/rota/calendars", flash="L’adresse ne répond plus.")


@get("/agenda/{name:str}")
async def feed(
    session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry, name: str
) -> Response[bytes]:
    """The calendar behind a secret address, for whoever knows it."""
    if not name.endswith(ENDING):
        raise NotFound
    content = await service.read_feed(session, token=name.removesuffix(ENDING), cooperative=cooperative, trades=trades)
    return Response(
        content,
        media_type="text/calendar",
        headers={"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex"},
    )


def _address(settings: Settings, cooperative: CooperativeContext, token: str) -> str:
    return f"{settings.web.public_url}{public_path(cooperative)}/agenda/{token}{ENDING}"


async def _own(request: AnyRequest, session: TenantSession, actor: Actor, *, address: str = "") -> Template:
    in_force = await queries_feeds.feed_in_force(session, technician_id=own_technician(actor))
    return page(request, "rota/own_calendar.html", feed=in_force, address=address)


async def _all(request: AnyRequest, session: TenantSession, *, address: str = "") -> Template:
    sectors: list[dict[str, Any]] = [
        {"id": one.id, "name": f"{one.code} · {one.name}"} for one in await territory.all_sectors(session)
    ]
    return page(
        request,
        "rota/calendars.html",
        shown=await queries_feeds.feeds_page(session, page=page_request(request)),
        sectors=sectors,
        address=address,
    )


ROUTES = [own_calendar, make_own, revoke_own, calendars, make_of_sector, revoke_feed]
PUBLIC_ROUTES = [feed]
