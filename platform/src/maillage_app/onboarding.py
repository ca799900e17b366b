"""Opening a cooperative: directory, schema and role, communes and sectors, first tariffs and plans."""

import asyncio

from maillage_app.runtime import Runtime
from maillage_hooks import TradeRegistry
from maillage_kit import clock
from maillage_kit.context import CooperativeContext
from maillage_kit.db import TenantSession
from maillage_kit.errors import Invalid
from maillage_kit.semester import Semester
from maillage_platform import provisioning
from maillage_platform.cooperatives import (
    NewCooperative,
    activate,
    by_slug,
    change_trades,
    register_cooperative,
)
from maillage_tenants import subscriptions, tariffs, territory


async def open_cooperative(runtime: Runtime, new: NewCooperative, *, actor: str) -> CooperativeContext:
    """Register, provision and fill a new cooperative. Raises what `register_cooperative` raises.

    A crash in between leaves it `provisioning`, invisible; calling again with the same slug is refused, and
    `./maillage migrate` finishes schemas that exist.
    """
    unknown = [code for code in new.trades if code not in runtime.trades]
    if unknown:
        raise Invalid(f"Métier inconnu : {', '.join(unknown)}.", fields={"trades": "Métier inconnu."})
    async with runtime.database.platform() as session:
        role_prefix = await provisioning.role_prefix(session)
        row = await register_cooperative(session, new=new, role_prefix=role_prefix, actor=actor)
        context = row.context()
    revision = await asyncio.to_thread(
        provisioning.provision_tenant, runtime.owner_url, schema=context.tenant.schema, role=context.tenant.role
    )
    async with runtime.database.tenant(context.tenant) as tenant:
        await fill_new_tenant(tenant, context, runtime.trades.enabled(context.trades))
    async with runtime.database.platform() as session:
        stored = await by_slug(session, context.slug)
        if stored is None:
            raise Invalid("La coopérative a disparu pendant son ouverture.")
        await activate(session, stored, revision=revision, actor=actor)
    runtime.directory.forget()
    return context


async def open_trade(runtime: Runtime, *, slug: str, trade: str, actor: str) -> CooperativeContext:
    """Switch a trade on for a cooperative, with sectors and a first tariff where it has none. Raises Invalid."""
    if trade not in runtime.trades:
        raise Invalid(f"Métier inconnu : {trade}. Installés : {', '.join(runtime.trades.codes)}.")
    async with runtime.database.platform() as session:
        context = await change_trades(session, slug=slug, enable=trade, actor=actor)
    async with runtime.database.tenant(context.tenant) as tenant:
        await fill_trade(tenant, context, runtime.trades.enabled([trade]))
    runtime.directory.forget()
    return context


async def fill_trade(session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry) -> None:
    """Sectors for this semester and the next and a first tariff, where a trade has none yet."""
    current = Semester.containing(clock.now())
    for plugin in trades:
        missing = [
            semester
            for semester in (current, current.next)
            if not await territory.has_sectors(session, semester=semester, trade=plugin.trade.code)
        ]
        if missing:
            await territory.draw_default_sectors(
                session, department=cooperative.department, semesters=missing, trades=[plugin.trade.code]
            )
    await _first_tariffs(session, trades)


async def fill_new_tenant(session: TenantSession, cooperative: CooperativeContext, trades: TradeRegistry) -> None:
    """What every new cooperative starts with: communes, sectors for two semesters, first tariffs, plans."""
    current = Semester.containing(clock.now())
    await territory.install_territory(
        session, department=cooperative.department, semesters=(current, current.next), trades=trades.codes
    )
    await _first_tariffs(session, trades)
    await subscriptions.install_default_plans(session, trades=trades, by="ouverture")


async def _first_tariffs(session: TenantSession, trades: TradeRegistry) -> None:
    for plugin in trades:
        await tariffs.install_default_tariff(session, trade_plugin=plugin, valid_from=clock.now(), by="ouverture")
