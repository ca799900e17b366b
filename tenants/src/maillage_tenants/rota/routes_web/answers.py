"""Who is on call at any instant; the artisan's own duties."""

from litestar import get
from litestar.response import Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.clock import paris
from maillage_kit.context import Actor
from maillage_kit.db import TenantSession
from maillage_kit.permissions import Permission
from maillage_kit.semester import Semester
from maillage_kit.web import AnyRequest, page, requires
from maillage_tenants import members, territory
from maillage_tenants.rota import queries, queries_swaps
from maillage_tenants.rota.routes_web.forms import asked_instant

DUTIES_SHOWN = 60


@get("/rota/on-call", guards=[requires(Permission.ROTA_READ)])
async def on_call_page(request: AnyRequest, session: TenantSession, trades: TradeRegistry) -> Template:
    """Who is, was or will be on call at an instant, and what was known of it at another (rule 3)."""
    asked = request.query_params
    errors: dict[str, str] = {}
    at = asked_instant(asked.get("at", ""), "at", errors) or clock.now()
    known_at = asked_instant(asked.get("known_at", ""), "known_at", errors)
    trade = asked.get("trade", "")
    chosen = [trade] if trade in trades else list(trades.codes)
    semester = Semester.containing(at)
    tables = []
    for code in chosen:
        sectors = await territory.sectors(session, trade=code, semester=semester)
        wanted = [sector for sector in sectors if asked.get("sector", "") in ("", str(sector.id))]
        found = await queries.on_call(
            session, sector_ids=[sector.id for sector in wanted], trade=code, at=at, known_at=known_at
        )
        held = {(one.sector_id, one.rank): one for one in found}
        tables.append(
            {
                "trade": trades.label(code),
                "rows": [
                    {"sector": sector.name, "rank": rank, "found": held.get((sector.id, rank))}
                    for sector in wanted
                    for rank in (1, 2)
                ],
            }
        )
    return page(
        request,
        "rota/on_call.html",
        status_code=422 if errors else 200,
        at=at,
        known_at=known_at,
        at_value=asked.get("at") or f"{paris(at):%Y-%m-%dT%H:%M}",
        known_value=asked.get("known_at", ""),
        trade=trade,
        sector=asked.get("sector", ""),
        trade_options=[(code, trades.label(code)) for code in trades.codes],
        sector_options=[(str(one.id), f"{one.code} · {one.name}") for one in await territory.all_sectors(session)],
        tables=tables,
        errors=errors,
    )


@get("/field/duties", guards=[requires(Permission.FIELD_WORK)])
async def own_duties(request: AnyRequest, session: TenantSession, actor: Actor, trades: TradeRegistry) -> Template:
    """The coming duties of the person who is signed in."""
    now = clock.now()
    held = (
        await queries.duties_of(session, technician_id=actor.technician_id, since=now, limit=DUTIES_SHOWN)
        if actor.technician_id
        else ()
    )
    person = await members.get_technician(session, technician_id=actor.technician_id) if actor.technician_id else None
    return page(
        request,
        "rota/own_duties.html",
        employed=person is not None and person.employed,
        waiting=len(await queries_swaps.asked_of(session, technician_id=actor.technician_id))
        if actor.technician_id
        else 0,
        duties=[{"row": duty, "trade": trades.label(duty.trade), "current": duty.starts_at <= now} for duty in held],
    )
