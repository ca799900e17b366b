"""The worker process: deferred tasks of every cooperative, sweeps, the outbox, the platform's letters."""

import asyncio
import contextlib
import importlib
import inspect
import pkgutil
from typing import Any

import structlog

import maillage_tenants
from maillage_app import auditing
from maillage_app.logs import configure_logs
from maillage_app.messaging import carriers_of, kept_links
from maillage_app.runtime import Runtime
from maillage_app.telling import guarded_http, tell_webhooks
from maillage_kit.context import CooperativeContext
from maillage_platform import federation, identity, oauth, outbox, webhooks
from maillage_platform.tasks import Handler, TaskRunner
from maillage_tenants.messages import Carriers

log = structlog.get_logger(__name__)
EVERY_HOUR = "23 * * * * 0"
EVERY_MINUTE = "* * * * * 0"
HALF_PAST_EVERY_MINUTE = "* * * * * 30"
EVERY_TWO_SECONDS = "* * * * * */2"
SWEEPS = "sweep"


def tenant_handlers() -> dict[str, Handler]:
    """Every public coroutine of `maillage_tenants.<domain>.tasks`, by `<domain>.<name>`."""
    found: dict[str, Handler] = {}
    for domain in pkgutil.iter_modules(maillage_tenants.__path__):
        name = f"maillage_tenants.{domain.name}.tasks"
        if not domain.ispkg or importlib.util.find_spec(name) is None:
            continue
        module = importlib.import_module(name)
        for attribute, value in vars(module).items():
            if inspect.iscoroutinefunction(value) and value.__module__ == name and not attribute.startswith("_"):
                found[f"{domain.name}.{attribute}"] = value
    return found


def build_worker(runtime: Runtime, carriers: Carriers | None = None) -> TaskRunner:
    """The worker over a started runtime; `carriers`: those of the settings unless given."""
    handlers = tenant_handlers()
    given = carriers or carriers_of(runtime.settings)

    async def run_for_tenant(handler: Handler, role: str, args: dict[str, Any]) -> None:
        cooperative = await runtime.directory.by_role(role)
        if cooperative is None:
            log.warning("task_of_unknown_cooperative", role=role, task=handler.__name__)
            return
        await run_handler(runtime, cooperative, handler, args, carriers=given)

    runner = TaskRunner(runtime.database.url, handlers=handlers, run_for_tenant=run_for_tenant)
    sweeps = [handler for name, handler in handlers.items() if is_sweep(name)]

    async def sweep() -> None:
        for cooperative in await runtime.directory.all():
            for handler in sweeps:
                try:
                    await run_handler(runtime, cooperative, handler, {}, carriers=given)
                except Exception:
                    log.exception("sweep_failed", cooperative=cooperative.slug, sweep=handler.__name__)

    async def relay() -> None:
        await outbox.consume(runtime.database, consumer=federation.CONSUMER, handle=federation.count_event)

    async def letters() -> None:
        await identity.send_waiting_letters(runtime.database, runtime.settings.mail)

    http = guarded_http(runtime)

    async def tell() -> None:
        await tell_webhooks(runtime, http)

    async def forget() -> None:
        await identity.forget_old(runtime.database)
        await webhooks.forget_old(runtime.database)

    async def keep_oauth() -> None:
        await oauth.turn_keys_and_forget(runtime.database, cipher=runtime.cipher)

    async def audit() -> None:
        await auditing.audit_everything(runtime)

    runner.every(EVERY_MINUTE, "platform.sweep", sweep)
    runner.every(HALF_PAST_EVERY_MINUTE, "platform.audit", audit)
    runner.every(EVERY_HOUR, "platform.forget", forget)
    runner.every(EVERY_HOUR, "platform.oauth", keep_oauth)
    runner.every(EVERY_TWO_SECONDS, "platform.relay", relay)
    runner.every(EVERY_TWO_SECONDS, "platform.letters", letters)
    runner.every(EVERY_TWO_SECONDS, "platform.webhooks", tell)
    return runner


def is_sweep(name: str) -> bool:
    """Tasks named `<domain>.look_for_…` are run for every cooperative each minute."""
    return name.split(".")[1].startswith("look_for_")


async def run_handler(
    runtime: Runtime,
    cooperative: CooperativeContext,
    handler: Handler,
    args: dict[str, Any],
    *,
    carriers: Carriers | None = None,
) -> None:
    """Call a handler in one transaction of its cooperative; it receives by name what it asks for.

    One that does not ask for `session` but for `database` opens its own transactions: it waits for the outside between
    two of them.
    """
    wanted = inspect.signature(handler).parameters
    async with contextlib.AsyncExitStack() as stack:
        available: dict[str, Any] = {
            "database": runtime.database,
            "cooperative": cooperative,
            "trades": runtime.trades.enabled(cooperative.trades),
            "cipher": runtime.cipher,
            "settings": runtime.settings,
            "carriers": carriers,
            **args,
        }
        if "session" in wanted:
            available["session"] = await stack.enter_async_context(runtime.database.tenant(cooperative.tenant))
        structlog.contextvars.bind_contextvars(cooperative=cooperative.slug)
        await handler(**{name: available[name] for name in wanted if name in available})


def main(runtime: Runtime) -> None:
    """Run until a signal stops it."""

    configure_logs(runtime.settings)

    async def run() -> None:
        carriers = carriers_of(runtime.settings)
        try:
            async with kept_links(runtime, carriers):
                await build_worker(runtime, carriers).run()
        finally:
            await runtime.close()

    asyncio.run(run())
