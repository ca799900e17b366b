"""The federation's first pages: the cooperatives, their state, their daily aggregates."""

from datetime import timedelta

from litestar import get
from litestar.response import Template

from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.db import PlatformSession
from maillage_kit.errors import NotFound
from maillage_kit.pages import cut_page, read_day, read_text
from maillage_kit.permissions import Permission
from maillage_kit.web import AnyRequest, page, page_request, requires
from maillage_platform import cooperatives, federation

PERIOD_DAYS = 30


@get("/federation", guards=[requires(Permission.FEDERATION_READ)])
async def console(request: AnyRequest, platform_session: PlatformSession) -> Template:
    """Every cooperative with its last thirty days."""
    asked = page_request(request)
    (after,) = asked.position(read_text) or (None,)
    since = clock.paris(clock.now()).date() - timedelta(days=PERIOD_DAYS)
    rows = await federation.totals_by_cooperative(platform_session, since=since, after=after, limit=asked.limit + 1)
    shown = cut_page(rows, asked, lambda row: [row[0].slug])
    states = await federation.watch_states(platform_session, cooperative_ids=[row[0].id for row in shown.items])
    return page(
        request,
        "federation/console.html",
        shown=shown,
        states=states,
        since=since,
    )


@get("/federation/{slug:str}", guards=[requires(Permission.FEDERATION_READ)])
async def one_cooperative(
    request: AnyRequest, platform_session: PlatformSession, all_trades: TradeRegistry, slug: str
) -> Template:
    """One cooperative, day by day."""
    found = await cooperatives.by_slug(platform_session, slug)
    if found is None:
        raise NotFound
    asked = page_request(request, limit=31)
    (before,) = asked.position(read_day) or (None,)
    rows = await federation.days_of(platform_session, cooperative=found, before=before, limit=asked.limit + 1)
    shown = cut_page(rows, asked, lambda row: [row.day.isoformat()])
    return page(
        request,
        "federation/cooperative.html",
        found=found,
        state=(await federation.watch_states(platform_session, cooperative_ids=[found.id])).get(found.id),
        trade_labels=[all_trades.label(code) for code in found.trades],
        shown=shown,
    )
